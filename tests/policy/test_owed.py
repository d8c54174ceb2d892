"""What a permit owes: only for what the request touches, never less than the data's roles and level ask."""

from __future__ import annotations

import pytest

from gateway.obligations.model import parse
from tests.policy.documents import COLUMNS, changed, document
from tests.policy.engines import answered, decided

KEEP = {"kind": "keep_record", "years": 3}
AGE = {"kind": "generalise", "column": "age", "method": "band", "width": 10}
VISIT = {"kind": "generalise", "column": "visit", "method": "month"}
PSEUDONYM = {"kind": "pseudonymise", "column": "subject_id"}
NAME = {"kind": "drop", "column": "patient_name"}
CELLS = {"kind": "suppress_small_cells", "threshold": 12, "complementary": True}
ALL = [column["name"] for column in COLUMNS]
AGGREGATE = {"request.action": "aggregate", "request.mode": "M3"}
LEVEL_TWO = {"dataset.classification.level": 2}


@pytest.mark.parametrize(
    ("changes", "owed"),
    [
        ({"request.columns": ["site"]}, [KEEP]),
        ({"request.columns": ["age", "site"]}, [AGE, KEEP]),
        ({"request.columns": ["visit"]}, [VISIT, KEEP]),
        ({"request.columns": ["subject_id"]}, [KEEP, PSEUDONYM]),
        ({"request.columns": ALL, "contract.columns": ALL}, [NAME, AGE, VISIT, KEEP, PSEUDONYM]),
        ({"request.columns": ["age"], **LEVEL_TWO}, [KEEP]),
        ({"request.columns": ["subject_id"], **LEVEL_TWO}, [KEEP, PSEUDONYM]),
        ({"request.columns": ["site"], "request.filter_columns": ["age"]}, [AGE, KEEP]),
        ({"request.columns": [], "request.group_by": ["age"], **AGGREGATE}, [AGE, KEEP, CELLS]),
        ({"request.columns": [], **AGGREGATE}, [KEEP, CELLS]),
        ({"request.columns": ["site"], "dataset.person_column": "site"}, [KEEP, PSEUDONYM | {"column": "site"}]),
        ({"request.columns": ["subject_id"], "dataset.person_column": None}, [NAME | {"column": "subject_id"}, KEEP]),
    ],
)
def test_a_permit_owes(changes, owed):
    decision = decided(changed(changes))
    assert decision.result == "permit"
    assert list(decision.obligations) == owed


def test_a_column_of_no_known_role_is_dropped():
    columns = [{**column, "role": "harmless"} for column in COLUMNS]
    decision = answered(changed({"dataset.columns": columns, "request.columns": ["age"]}))
    assert {"kind": "drop", "column": "age"} in decision.obligations


def test_a_column_named_twice_owes_what_each_role_asks():
    columns = [*COLUMNS, {"name": "site", "type": "string", "role": "direct_identifier"}]
    decision = decided(changed({"dataset.columns": columns, "request.columns": ["site"]}))
    assert {"kind": "drop", "column": "site"} in decision.obligations


def test_the_contracts_own_obligations_change_nothing_here():
    with_duty = changed({"contract.obligations": [{"kind": "drop", "column": "age"}]})
    assert decided(with_duty).obligations == decided(document()).obligations


@pytest.mark.parametrize(("role", "kind"), [("quasi_identifier", "generalise"), ("direct_identifier", "drop")])
def test_the_widest_dataset_there_may_be_is_decided_and_its_obligations_understood(role, kind):
    names = [f"{n:04}".rjust(20, "c") for n in range(2000)]
    columns = [{"name": name, "type": "integer", "role": role} for name in names]
    wide = {"dataset.columns": columns, "dataset.person_column": None, "contract.columns": names}
    decision = decided(changed({**wide, "request.columns": names}))
    assert decision.result == "permit"
    owed = parse(list(decision.obligations))
    assert [demand.column for demand in owed if demand.kind == kind] == names


def test_a_contract_with_a_duty_on_each_column_is_of_the_published_form():
    duties = [{"kind": "drop", "column": f"c{n}"} for n in range(2000)]
    assert decided(changed({"contract.obligations": [*duties, CELLS]})).result == "permit"
