"""One data space from publishing to proof, over HTTP: what a newcomer would do, and what must then be true."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections import Counter

import pyarrow as pa
import pyarrow.parquet

from gateway.audit.note import parse_vkey
from gateway.audit.receipt import verify_receipt
from gateway.audit.verify import verify_export
from gateway.sdk.contract import KeyFile, check
from tests.space import COLUMNS, HOSPITAL, INSTITUTE, PHARMA, ROWS, Space, registration, terms, visits


def test_from_publishing_to_proof(space: Space) -> None:
    provider, researcher = space.agent(HOSPITAL, "provider"), space.agent(PHARMA, "researcher")
    published = provider.post("/v1/datasets", registration("parquet"))
    assert (published["rows"], published["state"]) == (ROWS, "published")
    dataset = published["id"]
    offer = space.offer(dataset, consumer=None, uses=10, rows=5000)

    for query in (
        {"text": "clinic visits parquet"},
        {"purpose": "P05"},
        {"category": "chronic diseases"},
        {"provider": HOSPITAL},
    ):
        assert dataset in {d["id"] for d in researcher.get("/v1/datasets", **query)}, query
    for query in (
        {"text": "clinic submarines"},
        {"purpose": "P09"},
        {"category": "Rare diseases"},
        {"provider": INSTITUTE},
    ):
        assert dataset not in {d["id"] for d in researcher.get("/v1/datasets", **query)}, query

    draft = space.accept(offer["id"])
    assert (draft["state"], draft["signed_by"]) == ("AGREED", [])
    assert draft["waits_for"] == [HOSPITAL, PHARMA]
    contract = draft["id"]
    for did in (HOSPITAL, PHARMA):
        waiting = space.agent(did, "admin").get("/v1/contracts", waiting=True)
        assert contract in {c["id"] for c in waiting}
    assert space.ask(contract).status_code == 403  # signed by nobody yet
    assert space.sign(contract, PHARMA)["waits_for"] == [HOSPITAL]
    assert space.ask(contract).status_code == 403  # signed by one
    in_force = space.sign(contract, HOSPITAL)
    assert (in_force["state"], in_force["waits_for"]) == ("FINALIZED", [])
    for part in ("columns", "purposes", "delivery_modes"):
        assert in_force["terms"][part] == sorted(terms()[part])
    envelope = researcher.raw(f"/v1/contracts/{contract}/envelope")
    keys = KeyFile.parse(researcher.raw(f"/v1/contracts/{contract}/keys"))
    assert {s.party for s in check(envelope, keys, now=int(time.time())).signatures} == {HOSPITAL, PHARMA}

    response = space.ask(contract, columns=list(COLUMNS))
    assert space.left(contract) == {"uses": 9, "rows": 5000 - ROWS}
    entry = response.headers["corridor-entry"]
    receipt = verify_receipt(researcher.raw(f"/v1/receipts/{entry}"), parse_vkey(space.vkey))
    assert (receipt.record["event"]["outcome"], receipt.index) == ("permit", int(response.headers["corridor-index"]))

    officer = space.agent(HOSPITAL, "officer")
    listed = officer.get("/v1/audit/entries", contract=contract, type="access.decision")["entries"]
    assert Counter(e["record"]["event"]["outcome"] for e in listed) == {"permit": 1}
    shown = officer.get(f"/v1/audit/entries/{entry}")["record"]
    assert shown["request"]["purpose_id"] == "P05"
    assert shown["contract"]["digest"] == in_force["digest"]
    ended = officer.get("/v1/audit/entries", contract=contract, type="data.transfer.completed")["entries"][0]["record"]
    assert ended["prior"] == entry
    assert ended["result"]["rows"] == ROWS
    assert ended["result"]["output_digest"] == "sha256:" + hashlib.sha256(response.content).hexdigest()
    looks = officer.get("/v1/audit/entries", type="audit.read")["entries"]
    assert len(looks) >= 3
    for who in (officer, space.operator):
        assert verify_export(who.raw("/v1/audit/export"), parse_vkey(space.vkey)).valid
    filtered = space.call(officer, "GET", "/v1/audit/export", params={"contract": contract})
    assert verify_export(filtered.content, parse_vkey(space.vkey)).valid


def test_every_format_carries_the_same_values_from_either_kind_of_source(space: Space) -> None:
    asked = ["sex", "ward", "score", "age"]
    answers = []
    for kind in ("csv", "parquet"):
        contract = space.agree(space.datasets[kind])
        as_csv = space.ask(contract, columns=asked)
        assert as_csv.headers["content-type"].startswith("text/csv")
        rows = [list(row.values()) for row in csv.DictReader(io.StringIO(as_csv.text))]
        answers.append([[sex, ward, float(score), age] for sex, ward, score, age in rows])
        arrow = space.ask(contract, columns=asked, format="arrow")
        assert arrow.headers["content-type"] == "application/vnd.apache.arrow.stream"
        parquet = space.ask(contract, columns=asked, format="parquet")
        assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
        for table in (
            pa.ipc.open_stream(arrow.content).read_all(),
            pyarrow.parquet.read_table(io.BytesIO(parquet.content)),
        ):
            assert table.column_names == asked
            answers.append([list(row.values()) for row in table.to_pylist()])
    assert all(sorted(answer) == sorted(answers[0]) for answer in answers)
    source = visits().to_pydict()
    expected = [
        [sex, ward, score, f"{age // 10 * 10}-{age // 10 * 10 + 9}"]
        for sex, ward, score, age in zip(*(source[name] for name in asked), strict=True)
    ]
    assert sorted(answers[0]) == sorted(expected)


def test_names_stay_and_numbers_of_persons_become_pseudonyms_of_one_contract(space: Space) -> None:
    seen = []
    for _ in range(2):
        contract = space.agree(space.datasets["csv"])
        first, again = (space.read(contract, columns=["subject_id", "score"]) for _ in range(2))
        assert first == again
        persons = Counter(row["subject_id"] for row in first)
        assert set(persons.values()) == {2}
        assert all(person.startswith("p-") for person in persons)
        assert not {str(n) for n in range(1000, 1000 + ROWS)} & persons.keys()
        seen.append(persons.keys())
    assert not seen[0] & seen[1]
    response = space.ask(space.agree(space.datasets["csv"]), columns=["full_name"])
    assert response.status_code == 403
    assert "Westerling" not in response.text


def test_counts_of_few_persons_are_suppressed_and_cannot_be_derived(space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    body = {"action": "aggregate", "mode": "M3", "columns": None, "group_by": ["ward"]}
    cells = {row["ward"]: row for row in space.read(contract, **body)}
    assert cells["tropical"] == {"ward": "tropical", "count": "", "suppressed": "true"}
    persons: Counter[str] = Counter()
    source = visits().to_pydict()
    for ward, _person in set(zip(source["ward"], source["subject_id"], strict=True)):
        persons[ward] += 1
    shown = {ward: int(row["count"]) for ward, row in cells.items() if row["suppressed"] == "false"}
    assert shown
    assert all(persons[ward] == count and count > 12 for ward, count in shown.items())
    # One hidden cell alone could be had from the total: another is hidden with it.
    assert sum(row["suppressed"] == "true" for row in cells.values()) >= 2


def test_no_personal_data_is_in_the_log(space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    space.read(contract, columns=list(COLUMNS), filter={"column": "ward", "op": "eq", "value": "tropical"})
    text = space.operator.raw("/v1/audit/export").decode()
    for secret in ("Westerling", "tropical", "p-0", "visits.csv", str(space.folder), "Bearer", "eyJ"):
        assert secret not in text
