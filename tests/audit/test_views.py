"""Entries as others read them: FHIR AuditEvent by HL7's own models, CSV, NDJSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as Resource

from gateway.audit.event import TYPES, Reason, finish
from gateway.audit.fhir import audit_event
from gateway.audit.flat import COLUMNS, csv_lines, json_lines
from gateway.audit.merkle import leaf_hash
from gateway.audit.reader import Stored
from tests.audit.test_event import event, full

GATEWAY, ORIGIN = "https://gateway.example", "gateway.example/audit/1"


def stored(made: Any = None, index: int = 7) -> Stored:
    body = finish(full() if made is None else made, [])
    return Stored(index, json.loads(body)["id"], leaf_hash(body), body)


def resource(entry: Stored) -> dict[str, Any]:
    return audit_event(entry.record(), index=entry.index, leaf=entry.leaf, origin=ORIGIN, gateway=GATEWAY)


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(item is None or item in ([], {}) or nulls(item) for item in value.values())
    return isinstance(value, list) and any(nulls(item) for item in value)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_entry_is_an_audit_event(kind: str) -> None:
    made = stored(event(type=kind, outcome="success"))
    found = resource(made)
    Resource.model_validate(found)
    assert not nulls(found)
    assert found["subtype"][-1]["code"] == kind
    assert found["id"] == made.id
    details = {d["type"]: d["valueString"] for entity in found["entity"] for d in entity.get("detail", [])}
    assert details["log-index"] == "7"
    assert details["leaf-hash"] == f"sha-256:{made.leaf.hex()}"


def test_a_whole_decision_says_who_why_on_what_and_where_it_is_proved() -> None:
    entry = stored()
    found, record = resource(entry), entry.record()
    Resource.model_validate(found)
    assert not nulls(found)
    assert found["outcome"] == record["event"]["outcome_code"]
    assert found["recorded"] == record["ts"]
    who = [agent["who"]["identifier"]["value"] for agent in found["agent"]]
    assert who == [record["actor"]["user_id"], record["actor"]["org_id"], record["source"]["observer_id"]]
    assert [agent["requestor"] for agent in found["agent"]] == [True, False, False]
    ids = {entity["what"]["identifier"]["value"] for entity in found["entity"]}
    assert {record["contract"]["id"], *(item["id"] for item in record["objects"])} <= ids
    codes = [coding["code"] for concept in found["purposeOfEvent"] for coding in concept["coding"]]
    assert codes == [record["request"]["act_reason"], record["request"]["purpose_id"]]
    rules = [d["valueString"] for entity in found["entity"] for d in entity.get("detail", []) if d["type"] == "rule"]
    assert rules == record["decision"]["rules"]


def test_a_model_refuses_what_is_no_audit_event() -> None:
    """The oracle can fail: without this the tests above would prove nothing."""
    broken = resource(stored()) | {"recorded": "yesterday"}
    with pytest.raises(ValueError, match="recorded"):
        Resource.model_validate(broken)
    with pytest.raises(ValueError, match="source"):
        Resource.model_validate({name: value for name, value in resource(stored()).items() if name != "source"})


def test_csv_has_a_line_for_each_entry_and_no_cell_is_a_formula() -> None:
    bad = event(type="access.decision", outcome="deny", reasons=(Reason("X-01", '=HYPERLINK("x"), "quoted"'),))
    entries = [stored(index=0), stored(bad, index=1)]
    rows = list(csv.DictReader(io.StringIO(b"".join(csv_lines(entries)).decode())))
    assert [row["index"] for row in rows] == ["0", "1"]
    assert set(rows[0]) == set(COLUMNS)
    assert rows[0]["leaf_hash"] == entries[0].leaf.hex()
    assert rows[1]["codes"] == "X-01"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert len(list(csv_lines(entries, header=False))) == 2


def test_ndjson_holds_the_very_bytes_that_were_hashed() -> None:
    entry = stored()
    [line] = json_lines([entry])
    assert b'"entry":' + entry.body in line
    assert json.loads(line)["leaf_hash"] == leaf_hash(entry.body).hex()
