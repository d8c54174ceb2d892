from __future__ import annotations

import dataclasses
import json
import re

import pytest

from gateway.audit.commit import commit
from gateway.audit.event import (
    MAX_FACTS,
    MAX_OBJECTS,
    MAX_PARTIES,
    MAX_ROLES,
    MAX_RULES,
    OUTCOME_CODES,
    Actor,
    AuditEvent,
    Client,
    Contract,
    Decision,
    Demands,
    Legal,
    Object,
    Reason,
    Request,
    Result,
    Retention,
    Source,
    Subject,
    retain_until,
)
from gateway.audit.event import finish as written
from gateway.audit.event_types import TYPES
from gateway.audit.tiles import MAX_ENTRY_BYTES
from gateway.crypto.canonical import canonical_json
from gateway.ids import handle

NOW = 1795421730.412
SOURCE = Source("gateway.example", site="park-1")
ACTOR = Actor(handle(), "did:web:tenant-m.example", "pharma", ("researcher",), foreign_party=True)
LONG = "a" * 255
REFUSALS = r"event|outcome|decision|reason|handle|roles|date|fact"


def finish(made, commitments):
    """The entry, as it is read."""
    return json.loads(written(made, commitments))


def event(type="access.decision", outcome="deny", **members) -> AuditEvent:
    return AuditEvent(type, NOW, outcome, members.pop("actor", ACTOR), members.pop("source", SOURCE), **members)


def full(result="deny") -> AuditEvent:
    return event(
        outcome=result,
        reasons=(Reason("HGR-07", "exome data on more than 500 people, foreign party, no security review on file"),),
        client=Client("cli-portal", "hmac-sha256:" + "0" * 64),
        request=Request("req-9f3c1b", None, "access.read", "M3", "P05", "BIORCH", "CN-BJ", False, None),
        contract=Contract("urn:uuid:0193593f-6c2a-7d10-9a3e-5f0c7f1b2a44", "ab" * 32),
        decision=Decision(
            result, ("HGR-07",), Demands([{"kind": "drop", "column": "姓名"}], {"mode": "M3"}), "sha256:aa"
        ),
        objects=(Object("dataset", "urn:uuid:1", "sha256:b", "GB/T 39725-2020:4", True, "1000-9999"),),
        subject=Subject("cohort"),
        legal=Legal(ethics_ref="EC-2026-044"),
        result=Result(rows=0),
        facts={"attempt": 1},
    )


def test_the_types_of_the_profile_are_all_there():
    named = """
        participant.registered participant.verified participant.suspended dataset.registered dataset.version_added
        dataset.withdrawn dataset.reclassified contract.offered contract.signed contract.activated contract.amended
        contract.revoked contract.expired approval.recorded approval.expired approval.withdrawn access.requested
        access.returned access.resubmitted access.withdrawn access.decision review.vote review.decision data.query
        data.compute data.view data.transfer.started data.transfer.completed data.transfer.broken_off output.release
        output.checked output.blocked access.revoked access.expired optout.applied consent.withdrawn obligation.due
        obligation.met obligation.missed auth.login auth.failure policy.published policy.rolled_back role.changed
        breakglass.start breakglass.end audit.read audit.exported audit.checkpoint audit.verify_failed audit.stopped
        audit.started
        gateway.initialised key.enrolled agent.enrolled agent.suspended participant.admitted access.exhausted
    """
    assert set(named.split()) <= TYPES.keys()
    categories = {"authorization", "disclosure", "query", "authentication", "administration", "audit_access"}
    assert {t.category for t in TYPES.values()} == categories
    assert {t.action for t in TYPES.values()} <= set("CRUDE")


@pytest.mark.parametrize("type", TYPES)
def test_every_type_has_the_same_members_and_a_canonical_form(type):
    entry = finish(event(type, "success"), [])
    assert entry.keys() == finish(full(), []).keys()
    assert entry["event"]["category"] == TYPES[type].category


@pytest.mark.parametrize("made", ["full", "largest"])
def test_what_is_written_is_the_canonical_form_of_what_is_read(made):
    entry = written(full() if made == "full" else largest(), ["b" * 64, "a" * 64])
    assert entry == canonical_json(json.loads(entry))


def test_permit_and_deny_have_one_shape():
    def shape(value):
        return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else None

    assert shape(finish(full("permit"), [])) == shape(finish(full("deny"), []))


def test_the_record_is_the_profiles():
    made = full()
    entry = finish(made, ["b" * 64, "a" * 64])
    assert entry["schema"] == "gateway.audit/1"
    assert (entry["id"], entry["ts"]) == (made.id, "2026-11-23T08:15:30.412Z")
    assert re.fullmatch("[0-9a-f]{32}", entry["nonce"])
    assert entry["event"] == {
        "category": "authorization",
        "type": "access.decision",
        "action": "E",
        "outcome": "deny",
        "outcome_code": "8",
        "reason": "HGR-07: exome data on more than 500 people, foreign party, no security review on file",
    }
    assert entry["actor"]["user_id"] == ACTOR.user_id
    assert entry["actor"]["roles"] == ["researcher"]
    assert entry["decision"]["obligations"] == [{"kind": "drop", "column": "姓名"}]
    assert entry["retention"] == {"class": "regulated", "not_before_delete": "2032-11-23"}
    assert entry["parties"] == ["a" * 64, "b" * 64]


def test_two_entries_of_one_event_differ_by_their_nonce_only():
    made = full()
    one, other = finish(made, []), finish(made, [])
    assert one.pop("nonce") != other.pop("nonce")
    assert one == other


def test_each_outcome_has_its_code():
    codes = {o: finish(event(outcome=o), [])["event"]["outcome_code"] for o in OUTCOME_CODES}
    assert codes == {"success": "0", "permit": "0", "refer": "4", "deny": "8", "failure": "8", "error": "12"}
    broken_off = finish(event("data.transfer.broken_off", "failure"), [])
    assert broken_off["event"]["outcome_code"] == "4"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: event("access.granted"), id="a type not in the list"),
        pytest.param(lambda: event(outcome="allowed"), id="an outcome not in the list"),
        pytest.param(lambda: event("dataset.registered", "permit"), id="a permit of what decides nothing"),
        pytest.param(lambda: event(id="no id, but a sentence"), id="a sentence for an id"),
        pytest.param(lambda: event(prior="x\n"), id="a newline"),
        pytest.param(lambda: event(facts={"name": "Li Wei"}), id="a person's name as a fact"),
        pytest.param(lambda: event(facts={"name": "李伟"}), id="the same in its script"),
        pytest.param(lambda: event(facts={"a name": "x"}), id="a sentence for a fact's name"),
        pytest.param(lambda: event(facts={"share": 0.5}), id="a float as a fact"),
        pytest.param(lambda: event(facts={"list": ("a",)}), id="a list as a fact"),
        pytest.param(lambda: event(facts={"n": 2**53}), id="a number beyond JSON"),
        pytest.param(lambda: event(facts={"n": -1}), id="a negative number"),
        pytest.param(lambda: event(facts={f"f{i}": 1 for i in range(MAX_FACTS + 1)}), id="too many facts"),
        pytest.param(lambda: event(objects=(Object("dataset", "x"),) * (MAX_OBJECTS + 1)), id="too many objects"),
        pytest.param(lambda: Actor("dr.li@hospital-a.example", "did:web:x.example"), id="a person for a handle"),
        pytest.param(lambda: Actor("a-1", "did:web:x.example"), id="a guessable handle"),
        pytest.param(lambda: Actor(handle(), "org with spaces"), id="a sentence for an organisation"),
        pytest.param(lambda: Actor(handle(), "x", roles=("a",) * (MAX_ROLES + 1)), id="too many roles"),
        pytest.param(lambda: Decision("deny", ("a",) * (MAX_RULES + 1)), id="too many rules"),
        pytest.param(lambda: Actor(handle(), "x", roles=("a b",)), id="a sentence for a role"),
        pytest.param(lambda: Actor(handle(), "x", roles=(1,)), id="a number for a role"),
        pytest.param(lambda: Result(rows=1.5), id="a float"),
        pytest.param(lambda: Result(rows=-1), id="a negative count"),
        pytest.param(lambda: Request(query_digest="SELECT * FROM patients"), id="a query for its digest"),
        pytest.param(lambda: Request(operation=["read"]), id="a list for a name"),
        pytest.param(lambda: Demands(limits={"share": 0.5}), id="a float among the limits"),
        pytest.param(lambda: Demands([{"column": "x" * 17_000}]), id="endless obligations"),
        pytest.param(lambda: Object("dataset", "x", classification="four"), id="a classification without a level"),
        pytest.param(lambda: Reason("HGR-07", "line\nbreak"), id="a control character in a reason"),
        pytest.param(lambda: Reason("HGR-07", "a \u202e turn"), id="a turn of direction in a reason"),
        pytest.param(lambda: Reason("not a code", "text"), id="a sentence for a code"),
        pytest.param(lambda: Retention(not_before_delete="soon"), id="a word for a date"),
    ],
)
def test_what_must_not_be_in_the_log_is_refused_when_the_event_is_made(make):
    with pytest.raises(ValueError, match=REFUSALS):
        make()


def largest() -> AuditEvent:
    actor = Actor(handle(), LONG, LONG, ("a" * 64,) * MAX_ROLES, LONG, True, LONG, LONG)
    # Four bytes a character is the most that UTF-8 takes; escapes take two.
    return event(
        actor=actor,
        on_behalf_of=actor,
        source=Source(LONG, LONG, LONG, LONG),
        reasons=tuple(Reason("X" * 64, "\U00020000" * 300) for _ in range(9)),
        client=Client(LONG, LONG),
        request=Request(LONG, LONG, LONG, LONG, LONG, LONG, LONG, True, LONG),
        contract=Contract(LONG, LONG, 2**53 - 1),
        decision=Decision(LONG, ("a" * 64,) * MAX_RULES, Demands([{"k": "x" * 16_300}]), LONG, LONG, LONG, LONG),
        objects=(Object(LONG, LONG, LONG, "a" * 64 + ":10", True, LONG),) * MAX_OBJECTS,
        subject=Subject(LONG, LONG),
        legal=Legal(LONG, LONG, LONG, LONG, LONG),
        result=Result(*[2**53 - 1] * 5, LONG),
        retention=Retention(LONG),
        facts={f"{i:064d}": LONG for i in range(MAX_FACTS)},
        prior=LONG,
        id=LONG,
    )


def test_the_largest_event_that_can_be_made_fits_into_an_entry():
    entry = written(largest(), ["a" * 64] * MAX_PARTIES)
    assert 55_000 < len(entry) <= MAX_ENTRY_BYTES


def test_more_parties_than_an_entry_holds_are_refused():
    with pytest.raises(ValueError, match="parties"):
        finish(full(), ["a" * 64] * (MAX_PARTIES + 1))


def test_reasons_that_do_not_fit_are_counted():
    reason = finish(event(reasons=tuple(Reason(f"R-{i}", "x" * 400) for i in range(9))), [])["event"]["reason"]
    assert reason.endswith("; and 6 more")
    assert finish(event(), [])["event"]["reason"] is None


def test_an_event_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        full().outcome = "permit"


def test_what_officers_ask_by_is_in_the_entry():
    made = full()
    entry = finish(made, [])
    assert made.index_columns() == (
        entry["id"],
        entry["ts"],
        entry["event"]["type"],
        entry["event"]["outcome"],
        entry["actor"]["org_id"],
        entry["actor"]["user_id"],
        entry["objects"][0]["id"],
        entry["contract"]["id"],
    )
    assert event().index_columns()[-2:] == (None, None)


def test_a_gap_says_from_when_to_when():
    gap = AuditEvent.gap(
        since="2026-11-23T08:15:30.412Z", until="2026-11-23T08:16:00.000Z", observer="gateway.example", at=NOW
    )
    entry = finish(gap, [])
    assert entry["facts"] == {"since": "2026-11-23T08:15:30.412Z", "until": "2026-11-23T08:16:00.000Z"}
    assert entry["actor"]["user_id"] == "gateway"


def test_no_party_can_be_read_from_an_entry():
    entry = finish(event(), [commit(bytes(32), "did:web:hospital-a.example", 1, None)])
    assert "hospital-a" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("date", "until"),
    [
        ("2026-11-23", "2032-11-23"),
        ("2024-02-29", "2030-03-01"),
        ("2094-02-29", "2100-03-01"),
        ("2026-02-28", "2032-02-28"),
    ],
)
def test_nothing_is_deleted_a_day_early(date, until):
    assert retain_until(date) == until


def test_a_stated_retention_is_kept():
    entry = finish(event(retention=Retention("contract", "2040-01-01")), [])
    assert entry["retention"] == {"class": "contract", "not_before_delete": "2040-01-01"}
