from __future__ import annotations

import io
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.export import (
    ENTRY_PREFIX,
    MAX_LINE_BYTES,
    Row,
    entry_tail,
    export_selection,
    seal_line,
    seal_text,
)
from gateway.audit.merkle import leaf_hash
from gateway.audit.report import PartyHead, Word
from gateway.audit.verify import MAX_FINDINGS, verify_export
from tests.audit.small_log import HOSPITAL, LOG, MADE_AT, OTHER_KEY, PHARMA, WITNESS, small_log

LOG_9 = small_log(9)
OTHER_9 = small_log(9, "other")
RANGE = LOG_9.range(2, 6)
PARTY = LOG_9.party(HOSPITAL)
SELECTION = LOG_9.selection([1, 4, 5])


def found(data, **held):
    report = verify_export(data, LOG.verifier, **held)
    assert not report.valid
    return report.findings


def words(data, **held):
    return {finding.word for finding in found(data, **held)}


def lines_of(data):
    return data.splitlines(keepends=True)


def event_id(index):
    return f"0193593f-6c2a-7d10-9a3e-{index:012x}"


CHANGES = {
    "lowest bit": lambda data, at: data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :],
    "case": lambda data, at: data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :],
    "highest bit": lambda data, at: data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :],
    "left out": lambda data, at: data[:at] + data[at + 1 :],
    "doubled": lambda data, at: data[:at] + data[at : at + 1] + data[at:],
    "newline before": lambda data, at: data[:at] + b"\n" + data[at:],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("data", [RANGE, PARTY, SELECTION], ids=["range", "party", "selection"])
def test_every_change_of_a_byte_is_found(data, change):
    missed = []
    for at in range(len(data)):
        changed = CHANGES[change](data, at)
        if changed != data and verify_export(changed, LOG.verifier).valid:
            missed.append(at)
    assert missed == []


@given(st.sampled_from([RANGE, PARTY, SELECTION]), st.data())
def test_any_other_byte_anywhere_is_found(data, draw):
    at, value = draw.draw(st.integers(0, len(data) - 1)), draw.draw(st.integers(0, 255))
    changed = data[:at] + bytes([value]) + data[at + 1 :]
    assert verify_export(changed, LOG.verifier).valid == (changed == data)


@pytest.mark.parametrize("data", [RANGE, PARTY, SELECTION], ids=["range", "party", "selection"])
def test_an_export_cut_off_anywhere_is_found(data):
    for length in range(len(data)):
        assert not verify_export(data[:length], LOG.verifier).valid


@given(st.binary(max_size=400))
def test_anything_else_is_no_export_and_no_crash(data):
    assert [f.line for f in found(data)] == [1]
    assert not verify_export(lines_of(RANGE)[0] + data, LOG.verifier).valid


def test_a_changed_entry_is_found_at_its_line_and_nowhere_else():
    changed = RANGE.replace(b'"n":4', b'"n":5')
    (finding,) = found(changed)
    assert (finding.word, finding.line, finding.index, finding.event_id) == (Word.INVALID, 4, 4, event_id(4))


def test_a_changed_entry_of_a_selection_is_found_at_its_line():
    findings = found(SELECTION.replace(b'"n":4', b'"n":5'))
    assert {(f.word, f.line, f.index) for f in findings} == {(Word.INVALID, 3, 4)}


def test_a_flipped_bit_inside_an_entry_that_is_no_json_any_more_is_found_there():
    findings = found(
        RANGE.replace(b'{"id":"0193593f-6c2a-7d10-9a3e-000000000003', b'{"id"z"0193593f-6c2a-7d10-9a3e-000000000003')
    )
    assert {(f.word, f.line, f.index) for f in findings} == {(Word.INVALID, 3, 3)}


def with_new_leaf(data, index):
    """One entry changed and its leaf hash made to fit."""
    lines = lines_of(data)
    at = next(i for i, line in enumerate(lines) if b'"index":%d,' % index in line)
    body = LOG_9.bodies[index].replace(b'"label":"one"', b'"label":"two"')
    lines[at] = lines[at].replace(LOG_9.bodies[index], body)
    lines[at] = lines[at].replace(leaf_hash(LOG_9.bodies[index]).hex().encode(), leaf_hash(body).hex().encode())
    return lines


def resealed(lines, by):
    """The lines, sealed anew by whoever has `by`."""
    tails = sha256()
    for line in lines[1:-1]:
        tails.update(line[line.rfind(b',"index":') :])
    note = by.sign(seal_text(by.name, len(lines) - 2, lines[0], tails))
    return b"".join([*lines[:-1], seal_line(note)])


@pytest.mark.parametrize("data", [RANGE, SELECTION], ids=["range", "selection"])
def test_an_entry_changed_together_with_its_leaf_hash_is_found(data):
    sentences = " ".join(f.sentence for f in found(b"".join(with_new_leaf(data, 4))))
    assert "leaf hash" in sentences or "not proved" in sentences
    assert "leaf hashes" in sentences


@pytest.mark.parametrize("data", [RANGE, SELECTION], ids=["range", "selection"])
def test_even_the_log_cannot_seal_what_its_checkpoint_does_not_cover(data):
    assert words(resealed(with_new_leaf(data, 4), LOG)) == {Word.INVALID}


def test_an_export_by_another_key_of_the_same_name_is_not_this_logs():
    sentences = [f.sentence for f in found(LOG_9.range(2, 6, by=OTHER_KEY))]
    assert any("checkpoint" in s for s in sentences)
    assert any("seal" in s for s in sentences)


def test_a_checkpoint_signed_again_by_another_key_is_found():
    theirs = lines_of(LOG_9.range(2, 6, by=OTHER_KEY))
    ours = lines_of(RANGE)
    assert any("checkpoint" in f.sentence for f in found(theirs[0] + b"".join(ours[1:])))
    assert any("seal" in f.sentence for f in found(b"".join(ours[:-1]) + theirs[-1]))


def test_a_seal_by_another_key_is_found():
    assert any("seal" in f.sentence for f in found(resealed(lines_of(RANGE), OTHER_KEY)))


def test_a_witness_key_checks_nothing():
    assert not verify_export(RANGE, WITNESS.verifier).valid


def test_a_missing_line_is_a_gap():
    lines = lines_of(RANGE)
    finding = found(b"".join(lines[:3] + lines[4:]))[0]
    assert (finding.word, finding.line, finding.index) == (Word.GAP, 4, 5)


def test_a_missing_line_of_a_selection_is_found_by_its_seal():
    lines = lines_of(SELECTION)
    assert "number of entries" in found(b"".join(lines[:2] + lines[3:]))[0].sentence


def test_missing_lines_at_the_end_of_a_range_are_missing():
    lines = lines_of(RANGE)
    finding = found(b"".join(lines[:-3] + lines[-1:]))[0]
    assert (finding.word, finding.index) == (Word.MISSING, 4)


def test_a_missing_seal_is_missing():
    (finding,) = found(b"".join(lines_of(RANGE)[:-1]))
    assert finding.word is Word.MISSING


def test_swapped_lines_are_moved():
    lines = lines_of(RANGE)
    lines[2], lines[3] = lines[3], lines[2]
    assert Word.MOVED in words(b"".join(lines))
    lines = lines_of(SELECTION)
    lines[2], lines[3] = lines[3], lines[2]
    assert Word.MOVED in words(b"".join(lines))


@pytest.mark.parametrize("data", [RANGE, PARTY, SELECTION], ids=["range", "party", "selection"])
def test_a_doubled_line_is_moved(data):
    lines = lines_of(data)
    assert Word.MOVED in words(b"".join([*lines[:3], *lines[2:]]))


def test_a_line_of_another_log_is_found():
    lines, others = lines_of(RANGE), lines_of(OTHER_9.range(2, 6))
    lines[3] = others[3]
    assert words(b"".join(lines)) == {Word.INVALID}
    lines, others = lines_of(SELECTION), lines_of(OTHER_9.selection([1, 4, 5]))
    lines[2] = others[2]
    assert any(f.line == 3 for f in found(b"".join(lines)))


def test_two_valid_exports_do_not_splice():
    head, tail = lines_of(LOG_9.range(2, 4)), lines_of(LOG_9.range(4, 6))
    assert not verify_export(b"".join([*head[:-1], *tail[1:]]), LOG.verifier).valid
    assert not verify_export(b"".join([*head, *tail]), LOG.verifier).valid
    assert not verify_export(b"".join([lines_of(OTHER_9.range(2, 6))[0], *lines_of(RANGE)[1:]]), LOG.verifier).valid


@pytest.mark.parametrize("extra", [b"\n", b" ", b"{}\n", b"\0", lines_of(RANGE)[2], lines_of(RANGE)[-1]])
def test_anything_after_the_seal_is_found(extra):
    (finding,) = found(RANGE + extra)
    assert "after the seal" in finding.sentence


@pytest.mark.parametrize("data", [RANGE, PARTY], ids=["range", "party"])
def test_other_line_ends_are_found(data):
    assert not verify_export(data.replace(b"\n", b"\r\n"), LOG.verifier).valid
    assert not verify_export(b"\xef\xbb\xbf" + data, LOG.verifier).valid
    head, *rest = lines_of(data)
    assert not verify_export(head + b"".join(rest).replace(b"\n", b"\r\n"), LOG.verifier).valid


def test_a_changed_header_is_named():
    changed = RANGE.replace(MADE_AT.encode(), MADE_AT.replace("2026", "2025").encode())
    (finding,) = found(changed)
    assert finding.sentence.endswith("What differs: header.")


def test_entries_that_are_no_json_are_found_even_when_the_log_holds_them():
    log = small_log(3)
    log.bodies[1] = b'{"a":1},"entry":{"a":2}'  # a reader of JSON would see another entry than was hashed
    for data in (log.range(0, 3), log.selection([1])):
        assert any("not a JSON object" in f.sentence and f.index == 1 for f in found(data))


def test_a_line_without_end_is_a_fault_and_takes_no_memory():
    endless = lines_of(RANGE)[0] + b'{"entry":' + b"x" * (3 * MAX_LINE_BYTES)
    assert not verify_export(io.BytesIO(endless), LOG.verifier).valid


def test_findings_are_counted_beyond_what_is_shown():
    body = b"".join(b"stray %d\n" % i for i in range(MAX_FINDINGS + 50))
    report = verify_export(lines_of(RANGE)[0] + body, LOG.verifier)
    assert len(report.findings) == MAX_FINDINGS
    assert report.more_findings >= 50


def test_nothing_but_an_id_goes_from_the_file_into_the_report():
    log = small_log(3)
    log.bodies[1] = b'{"id":"<script>alert(1)</script>"}'
    report = verify_export(log.range(0, 3).replace(b"alert(1)", b"alert(2)"), LOG.verifier)
    assert not report.valid
    assert "script" not in json.dumps([(f.sentence, f.event_id) for f in report.findings])


def test_a_file_is_checked_like_bytes(tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_bytes(RANGE)
    assert verify_export(path, LOG.verifier).valid


# -- a checkpoint held before ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 6, 9])
def test_a_log_that_only_grew_agrees_with_the_checkpoint_held(size):
    report = verify_export(RANGE, LOG.verifier, pinned=LOG_9.checkpoint(size))
    assert report.valid
    assert report.pinned_agrees is True


@pytest.mark.parametrize("size", [2, 3, 6, 9])
def test_a_log_that_was_rewritten_does_not_agree(size):
    data = LOG_9.range(0, 9)
    finding = found(data, pinned=OTHER_9.checkpoint(size))[0]
    assert "rewritten" in finding.sentence


def test_a_checkpoint_that_the_file_says_nothing_of_is_said_so():
    assert verify_export(LOG_9.range(4, 6), LOG.verifier, pinned=LOG_9.checkpoint(3)).pinned_agrees is None
    assert verify_export(RANGE, LOG.verifier).pinned_agrees is None


def test_a_log_shorter_than_the_checkpoint_held_is_found():
    assert words(RANGE, pinned=small_log(12).checkpoint()) == {Word.MISSING}


# -- a party's own view ------------------------------------------------------------------------------------------------


def head(party, number):
    index, opening = LOG_9.openings[party][number - 1]
    return PartyHead(opening.seq, leaf_hash(LOG_9.bodies[index]))


def test_a_complete_view_says_where_it_ends():
    report = verify_export(LOG_9.party(PHARMA), LOG.verifier)
    assert report.valid
    assert report.party_head == head(PHARMA, 5)


@pytest.mark.parametrize("left_out", [1, 2, 3, 4])
def test_an_entry_kept_from_its_party_is_a_gap(left_out):
    data = LOG_9.party(PHARMA, [n for n in range(1, 6) if n != left_out])
    assert words(data) == {Word.GAP}


def test_a_view_goes_on_from_where_it_ended():
    data = LOG_9.party(PHARMA, [3, 4, 5])
    assert verify_export(data, LOG.verifier, after=head(PHARMA, 2)).valid
    assert words(data) == {Word.GAP}
    assert words(LOG_9.party(PHARMA, [4, 5]), after=head(PHARMA, 2)) == {Word.GAP}
    assert words(data, after=PartyHead(2, bytes(32))) == {Word.INVALID}


def test_a_whole_view_agrees_with_where_it_ended():
    assert verify_export(LOG_9.party(PHARMA), LOG.verifier, after=head(PHARMA, 2)).valid
    assert words(LOG_9.party(PHARMA), after=PartyHead(2, bytes(32))) == {Word.INVALID}
    assert words(LOG_9.party(PHARMA, [1, 2, 3]), after=head(PHARMA, 5)) == {Word.MISSING}


def test_a_tail_kept_back_shows_only_against_what_is_held():
    assert verify_export(LOG_9.party(PHARMA, [1, 2, 3]), LOG.verifier).valid


def test_openings_of_one_party_say_nothing_of_another():
    assert any("another number" in f.sentence for f in found(LOG_9.party(PHARMA, opened=HOSPITAL)))


def test_a_view_by_a_filter_is_judged_entry_by_entry():
    own = [(i, o) for i, o in LOG_9.openings[PHARMA] if o.seq in (2, 4)]
    rows = [Row(i, LOG_9.bodies[i], o) for i, o in own]
    export = {"checkpoint": LOG_9.note(), "tree": LOG_9.tree(), "signer": LOG, "made_at": MADE_AT}
    data = b"".join(export_selection(rows, filter={"contract": "c"}, party=PHARMA, **export))
    assert verify_export(data, LOG.verifier).valid


def test_a_range_takes_no_proofs():
    lines = lines_of(RANGE)
    body = LOG_9.bodies[3]
    lines[2] = ENTRY_PREFIX + body + entry_tail(3, leaf_hash(body), None, [bytes(32)])
    assert any("of its own" in f.sentence for f in found(resealed(lines, LOG)))


def test_a_header_that_names_another_log_is_found_even_when_sealed():
    lines = lines_of(RANGE)
    lines[0] = lines[0].replace(b'"origin":"gateway.example', b'"origin":"elsewhere.example')
    assert any("another log" in f.sentence for f in found(resealed(lines, LOG)))


def test_more_entries_than_the_range_are_found_even_when_sealed():
    lines = lines_of(RANGE)
    lines[0] = lines[0].replace(b'"end":6', b'"end":5')
    assert any("more entries" in f.sentence for f in found(resealed(lines, LOG)))
