"""Datasets of very many columns: read like others, and offered only as far as one contract can say it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.space import HOSPITAL, PHARMA, YEAR_S, Space, registration, terms

ROWS = 20
WIDE = 2000
OWING = 600


def _wide(space: Space, name: str, columns: int) -> tuple[str, list[str]]:
    names = [f"v{n}" for n in range(columns)]
    table = pa.table({"subject_id": range(ROWS), **{name: [n % 90] * ROWS for n, name in enumerate(names)}})
    pyarrow.parquet.write_table(table, space.source(name))
    body = registration(
        columns=[
            {"name": "subject_id", "type": "integer", "role": "direct_identifier"},
            *({"name": n, "type": "integer", "role": "quasi_identifier"} for n in names),
        ],
        source={"kind": "parquet", "path": name},
    )
    return space.publish(body)["id"], names


def test_a_dataset_of_very_many_quasi_identifiers_is_read(space: Space) -> None:
    dataset, names = _wide(space, "wide.parquet", WIDE - 1)
    contract = space.agree(dataset, columns=names, duties=[])
    asked = names[:OWING]
    rows = space.read(contract, columns=asked)
    assert len(rows) == ROWS
    assert rows[0]["v45"] == "40-49"
    assert set(rows[0]) == set(asked)


def test_a_contract_of_very_many_duties_is_kept_to(space: Space) -> None:
    dataset, names = _wide(space, "duties.parquet", 520)
    duties = [{"kind": "drop", "column": name} for name in names[1:]]
    contract = space.agree(dataset, columns=names, duties=duties)
    assert [set(row) for row in space.read(contract, columns=names[:2])] == [{"v0"}] * ROWS


def test_what_no_contract_can_say_is_refused_when_it_is_offered(space: Space) -> None:
    dataset, names = _wide(space, "long.parquet", 1000)
    duties: list[dict[str, Any]] = [{"kind": "drop", "column": name} for name in names]
    assert "64 KiB" in _refused(space, dataset, columns=names, duties=duties)
    space.offer(dataset, columns=names, duties=duties[:400])


@pytest.mark.parametrize("consumer", [None, PHARMA])
def test_a_term_no_contract_can_have_is_refused_when_it_is_offered(space: Space, consumer: str | None) -> None:
    start = terms()["valid_from"]
    detail = _refused(space, space.datasets["csv"], consumer=consumer, valid_to=start + 6 * YEAR_S)
    assert "five years" in detail


def test_a_provider_offers_nothing_to_itself(space: Space) -> None:
    assert "its own consumer" in _refused(space, space.datasets["csv"], consumer=HOSPITAL)


def _refused(space: Space, dataset: str, *, consumer: str | None = PHARMA, **members: Any) -> str:
    body = {"dataset": dataset, "consumer": consumer, "terms": terms(**members)}
    size = space.log_size()
    response = space.call(space.agent(HOSPITAL, "provider"), "POST", "/v1/offers", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["type"].endswith("/offer-refused")
    assert space.log_size() == size
    detail: str = response.json()["detail"]
    return detail


def test_of_long_lists_a_refusal_quotes_the_first_few(space: Space) -> None:
    """Each rule that speaks would quote the whole of them, over and over."""
    body = registration()
    terms_of_illness = [f"MONDO:{n:07}" for n in range(1, 41)]
    body["governance"]["duo"] = [
        {"id": "DUO:0000007", "disease_terms": terms_of_illness},
        {"id": "DUO:0000022", "regions": [f"CN-{n:03}" for n in range(100)]},
        *({"id": f"DUO:00000{n}"} for n in (15, 16, 18, 19, 20, 21, 29, 45, 46)),
    ]
    contract = space.agree(space.publish(body)["id"])
    answer = space.ask(contract)
    assert answer.status_code == 403, answer.text
    reasons = answer.json()["reasons"]
    quoted = [reason["facts"]["dataset.duo"] for reason in reasons if "dataset.duo" in reason["facts"]]
    assert len(quoted) > 5
    for facts in quoted:
        assert facts[0]["disease_terms"] == [*terms_of_illness[:10], "and 30 more"]
        assert facts[1]["regions"][-1] == "and 90 more"
        assert facts[-1] == "and 1 more"
