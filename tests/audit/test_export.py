from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import ExportMalformed, LogDamaged, NoteMalformed, ProofInvalid, SignatureUnverified
from gateway.audit.export import Header, Row, export_range, export_selection, parse_header
from gateway.audit.verify import verify_export
from gateway.crypto.canonical import canonical_json, strict_json
from tests.audit.small_log import HOSPITAL, LOG, MADE_AT, ORIGIN, OTHER_KEY, PHARMA, WITNESS, small_log

ONE = small_log(23)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 23])
def test_every_range_of_a_log_verifies(size):
    log = small_log(size)
    for first in range(size + 1):
        for end in {first, min(first + 1, size), min(first + 5, size), size}:
            report = verify_export(log.range(first, end), LOG.verifier)
            assert report.valid, report.findings
            assert (report.entries, report.checkpoint) == (end - first, log.checkpoint())


def test_a_range_across_tiles_verifies():
    log = small_log(600)
    assert verify_export(log.range(250, 520), LOG.verifier).valid


def test_an_export_of_an_empty_log_verifies():
    assert verify_export(small_log(0).range(0, 0), LOG.verifier).valid


def test_selections_and_party_views_verify():
    for data in (ONE.selection([0, 3, 4, 22]), ONE.selection([]), ONE.party(HOSPITAL), ONE.party(PHARMA)):
        report = verify_export(data, LOG.verifier)
        assert report.valid, report.findings


def test_every_line_is_canonical_json_and_entries_stand_there_as_stored():
    for data in (ONE.range(3, 9), ONE.selection([3, 5]), ONE.party(HOSPITAL)):
        lines = data.splitlines(keepends=True)
        for line in lines:
            assert canonical_json(json.loads(line)) + b"\n" == line
        for line in lines[1:-1]:
            shown = json.loads(line)
            assert canonical_json(shown["entry"]) == ONE.bodies[shown["index"]]


def test_a_party_view_does_not_name_the_other_parties():
    assert PHARMA.encode() not in ONE.party(HOSPITAL)


def test_an_export_is_written_line_by_line():
    taken = []

    def bodies():
        for index in range(20):
            taken.append(index)
            yield ONE.bodies[index]

    lines = export_range(bodies(), 0, 20, checkpoint=ONE.note(), tree=ONE.tree(), signer=LOG, made_at=MADE_AT)
    next(lines), next(lines)
    assert taken == [0]


def ranged(bodies, first=3, end=9, note=None, tree=None, signer=LOG):
    return list(
        export_range(
            bodies, first, end, checkpoint=note or ONE.note(), tree=tree or ONE.tree(), signer=signer, made_at=MADE_AT
        )
    )


@pytest.mark.parametrize(
    "bodies",
    [
        pytest.param(ONE.bodies[3:8], id="one too few"),
        pytest.param(ONE.bodies[3:10], id="one too many"),
        pytest.param([*ONE.bodies[3:8], ONE.bodies[9]], id="another entry"),
        pytest.param([*ONE.bodies[3:8], ONE.bodies[8] + b" "], id="a changed entry"),
        pytest.param(ONE.bodies[8:2:-1], id="another order"),
    ],
)
def test_a_damaged_log_is_never_sealed(bodies):
    with pytest.raises(LogDamaged):
        ranged(bodies)


def test_tiles_that_do_not_lead_to_the_checkpoint_are_found_before_the_first_line():
    with pytest.raises(LogDamaged):
        ranged(ONE.bodies[3:9], tree=small_log(23, "other").tree())
    with pytest.raises(LogDamaged):
        ranged(ONE.bodies[3:9], tree=ONE.tree(20))


@pytest.mark.parametrize(("first", "end"), [(-1, 3), (5, 3), (20, 24), (24, 24)])
def test_a_range_that_the_log_does_not_have_is_refused(first, end):
    with pytest.raises(ProofInvalid):
        ranged([], first, end)


def test_only_the_log_exports_itself():
    with pytest.raises(SignatureUnverified):
        ranged(ONE.bodies[3:9], signer=OTHER_KEY)
    with pytest.raises(NoteMalformed):
        ranged(ONE.bodies[3:9], signer=WITNESS)


def selected(rows, party=None):
    return list(
        export_selection(rows, checkpoint=ONE.note(), tree=ONE.tree(), signer=LOG, made_at=MADE_AT, party=party)
    )


@pytest.mark.parametrize(
    ("rows", "party", "why"),
    [
        pytest.param([Row(3, ONE.bodies[4])], None, LogDamaged, id="another entry"),
        pytest.param([Row(3, ONE.bodies[3])], HOSPITAL, LogDamaged, id="no opening"),
        pytest.param([Row(0, ONE.bodies[0], ONE.openings[HOSPITAL][0][1])], None, LogDamaged, id="nobody's opening"),
        pytest.param([Row(23, b"{}")], None, ProofInvalid, id="an index beyond"),
        pytest.param([Row(4, ONE.bodies[4]), Row(3, ONE.bodies[3])], None, ProofInvalid, id="falling"),
        pytest.param([Row(3, ONE.bodies[3])] * 2, None, ProofInvalid, id="twice"),
    ],
)
def test_a_selection_that_would_not_verify_is_not_sealed(rows, party, why):
    with pytest.raises(why):
        selected(rows, party)


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(texts, texts, st.dictionaries(texts, texts, max_size=3), st.none() | texts)
def test_a_header_is_read_as_it_is_written(made_at, checkpoint, kept, party):
    header = Header("selection", ORIGIN, checkpoint, made_at, filter=kept, party=party)
    assert parse_header(header.line()) == header


HEADER = Header("range", ORIGIN, "note", MADE_AT, 3, 9, (bytes(32),), (bytes(32),)).line()
MEMBERS = strict_json(HEADER, max_bytes=10_000)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]\n", id="a list"),
        pytest.param(HEADER[:-1], id="no newline"),
        pytest.param(HEADER.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(HEADER.replace(b",", b", ", 1), id="a space"),
        *(
            pytest.param(canonical_json({**MEMBERS, **change}) + b"\n", id=str(change))
            for change in (
                {"format": "corridor-export/2"},
                {"kind": "all"},
                {"extra": 1},
                {"first": "3"},
                {"first": 10},
                {"first": -1},
                {"first": True},
                {"left": ["AAAA"]},
                {"left": "AAAA"},
                {"right": [7]},
                {"filter": []},
                {"filter": {"a": 1}},
                {"party": 7},
                {"origin": None},
                {"made_at": 1},
            )
        ),
        pytest.param(HEADER.replace(b'"party":null,', b""), id="a member is missing"),
    ],
)
def test_another_first_line_is_no_header(line):
    with pytest.raises(ExportMalformed):
        parse_header(line)
