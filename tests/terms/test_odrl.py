"""Terms and their ODRL form are inverse, and nothing outside the profile passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.crypto.canonical import MAX_INTEGER, canonical_json
from gateway.terms.errors import TermNotUnderstood
from gateway.terms.model import MAX_TIME, Terms, parse_terms
from gateway.terms.odrl import from_odrl, to_odrl
from gateway.terms.purposes import GRANTABLE

COLUMNS = ["age", "sex", "subject_id", "visit date", "年龄", "größe"]


def some_of(values: list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=least, unique=True)


COUNT = st.none() | st.integers(1, MAX_INTEGER)


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    columns = draw(some_of(COLUMNS))
    start = draw(st.integers(0, MAX_TIME - 1))
    return parse_terms(
        {
            "actions": draw(some_of(["read", "aggregate", "compute", "label", "train"])),
            "purposes": draw(some_of(sorted(GRANTABLE))),
            "delivery_modes": draw(some_of(["M1", "M2", "M3", "M4", "M5", "M6"])),
            "columns": columns,
            "processing_locations": draw(some_of(["CN", "CN-BJ", "DE-BY", "FR-75"])),
            "valid_from": start,
            "valid_to": draw(st.integers(start + 1, MAX_TIME)),
            "uses": draw(COUNT),
            "rows": draw(COUNT),
            "persons": draw(COUNT),
            "duties": [draw(duty(column)) for column in draw(some_of(columns, 0))]
            + draw(st.sampled_from([[], [SUPPRESS]])),
            "prohibitions": draw(some_of(["reidentify", "distribute", "subprocess"], 0)),
            "clauses": draw(some_of(CLAUSES, 0)),
            "price": draw(st.sampled_from([None, "free", "cost_recovery", "other"])),
        }
    )


CLAUSES = ["cn_party_data_backup", "cn_party_full_participation", "ip_shared", "security_duties"]
SUPPRESS = {"kind": "suppress_small_cells", "threshold": 12, "complementary": False}


def duty(column: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [
            {"kind": "drop", "column": column},
            {"kind": "pseudonymise", "column": column},
            {"kind": "generalise", "column": column, "method": "band", "width": 10},
            {"kind": "generalise", "column": column, "method": "month"},
            {"kind": "generalise", "column": column, "method": "year"},
        ]
    )


def agreement(terms: Terms) -> dict[str, Any]:
    return to_odrl(
        terms, assigner="did:web:a.example", assignee="did:web:b.example", target="urn:uuid:1", id="urn:uuid:2"
    )


TERMS = parse_terms(
    {
        "actions": ["read", "aggregate"],
        "purposes": ["P05"],
        "delivery_modes": ["M5"],
        "columns": ["age", "subject_id"],
        "processing_locations": ["CN-BJ"],
        "valid_from": 1795392000,
        "valid_to": 1826928000,
        "uses": 10,
        "duties": [
            {"kind": "generalise", "column": "age", "method": "band", "width": 10},
            {"kind": "suppress_small_cells", "threshold": 12},
        ],
        "prohibitions": ["reidentify"],
    }
)


@settings(deadline=None)
@given(any_terms())
def test_parsing_is_the_inverse_of_formatting(terms: Terms) -> None:
    assert from_odrl(agreement(terms)) == terms
    assert agreement(from_odrl(agreement(terms))) == agreement(terms)


@settings(deadline=None)
@given(any_terms())
def test_formatting_survives_canonical_json(terms: Terms) -> None:
    assert from_odrl(json.loads(canonical_json(agreement(terms)))) == terms


def test_an_agreement_is_as_the_dataspace_protocol_wants_it() -> None:
    policy = agreement(TERMS)
    assert [permission["action"] for permission in policy["permission"]] == ["aggregate", "read"]
    rights = [c["rightOperand"] for permission in policy["permission"] for c in permission["constraint"]]
    assert all(isinstance(right, str | list) for right in rights)
    assert "obligation" not in agreement(parse_terms({**TERMS.model_dump(), "duties": []}))


def test_clauses_and_price_are_duties_of_the_parties_after_the_others() -> None:
    stated = {"clauses": ["security_duties", "ip_shared"], "price": "free"}
    policy = agreement(parse_terms({**TERMS.model_dump(), **stated}))
    assert policy["obligation"][:2] == agreement(TERMS)["obligation"]
    assert policy["obligation"][2:] == [agreed("honour", "clause", "ip_shared"), CLAUSE, PRICE]
    assert {name: policy[name] for name in policy if name != "obligation"} == {
        name: value for name, value in agreement(TERMS).items() if name != "obligation"
    }


def test_an_offer_may_leave_its_assignee_and_target_open() -> None:
    offer = to_odrl(TERMS, assigner="did:web:a.example", assignee=None, target=None, id="urn:uuid:2", kind="Offer")
    assert {"assignee", "target"}.isdisjoint(offer)
    assert from_odrl(offer) == TERMS


def test_a_formatted_policy_does_not_share_the_profiles_context() -> None:
    agreement(TERMS)["@context"].append("https://evil.example")
    assert from_odrl(agreement(TERMS)) == TERMS


def constraint(policy: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = policy["permission"][0]["constraint"][index]
    return found


def both(change: Callable[[list[Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda policy: [change(permission["constraint"]) for permission in policy["permission"]]


def agreed(action: str, operand: str, value: Any) -> dict[str, Any]:
    return {"action": action, "constraint": [{"leftOperand": operand, "operator": "eq", "rightOperand": value}]}


CLAUSE, PRICE = agreed("honour", "clause", "security_duties"), agreed("compensate", "price", "free")
EXTRA = {"leftOperand": "count", "operator": "lteq", "rightOperand": "99"}


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "no context": lambda p: p.pop("@context"),
    "another context": lambda p: p.update({"@context": ["http://www.w3.org/ns/odrl.jsonld"]}),
    "a set": lambda p: p.update({"@type": "Set"}),
    "type a list": lambda p: p.update({"@type": ["Agreement"]}),
    "another profile": lambda p: p.update(profile="corridor-terms/2"),
    "no profile": lambda p: p.pop("profile"),
    "no assigner": lambda p: p.pop("assigner"),
    "no assignee": lambda p: p.pop("assignee"),
    "no target": lambda p: p.pop("target"),
    "assignee no text": lambda p: p.update(assignee={"@id": "x"}),
    "unknown member": lambda p: p.update(conflict="perm"),
    "no permission": lambda p: p.pop("permission"),
    "empty permission": lambda p: p.update(permission=[]),
    "permission an object": lambda p: p.update(permission=p["permission"][0]),
    "permission text": lambda p: p.update(permission=["read"]),
    "unknown action": lambda p: p["permission"][0].update(action="sell"),
    "action use": lambda p: p["permission"][0].update(action="use"),
    "action an object": lambda p: p["permission"][0].update(action={"rdf:value": "read"}),
    "action twice": lambda p: p["permission"][0].update(action="read"),
    "target in a rule": lambda p: p["permission"][0].update(target="urn:x"),
    "duty in a permission": lambda p: p["permission"][0].update(duty=[]),
    "no constraint": lambda p: p["permission"][0].pop("constraint"),
    "constraints null": lambda p: p["permission"][0].update(constraint=None),
    "constraints an object": lambda p: p["permission"][0].update(constraint=p["permission"][0]["constraint"][0]),
    "empty constraint": lambda p: p["permission"][0].update(constraint=[]),
    "constraints that differ": lambda p: constraint(p, 3).update(rightOperand="11"),
    "logical constraint": both(lambda c: c.append({"or": [EXTRA]})),
    "constraint as text": both(lambda c: c.append("count < 5")),
    "constraint with a unit": both(lambda c: c[3].update(unit="xsd:integer")),
    "constraint twice": both(lambda c: c.append(EXTRA)),
    "unknown operand": both(lambda c: c[0].update(leftOperand="spatial")),
    "operand no text": both(lambda c: c[0].update(leftOperand=["purpose"])),
    "looser operator": both(lambda c: c[3].update(operator="gteq")),
    "unknown operator": both(lambda c: c[0].update(operator="isNoneOf")),
    "purposes as text": both(lambda c: c[0].update(rightOperand="P05")),
    "purposes empty": both(lambda c: c[0].update(rightOperand=[])),
    "purposes twice the same": both(lambda c: c[0].update(rightOperand=["P05", "P05"])),
    "purpose unknown": both(lambda c: c[0].update(rightOperand=["P24"])),
    "purpose banned": both(lambda c: c[0].update(rightOperand=["X04"])),
    "mode none": both(lambda c: c[1].update(rightOperand=["M0"])),
    "mode unknown": both(lambda c: c[1].update(rightOperand=["M7"])),
    "column hidden": both(lambda c: c[2].update(rightOperand=["age\u200b", "subject_id"])),
    "column no text": both(lambda c: c[2].update(rightOperand=[1])),
    "count a number": both(lambda c: c[3].update(rightOperand=10)),
    "count zero": both(lambda c: c[3].update(rightOperand="0")),
    "count negative": both(lambda c: c[3].update(rightOperand="-1")),
    "count with a zero before": both(lambda c: c[3].update(rightOperand="010")),
    "count a fraction": both(lambda c: c[3].update(rightOperand="1.5")),
    "count in other digits": both(lambda c: c[3].update(rightOperand="\u0661\u0660")),
    "count beyond 2^53": both(lambda c: c[3].update(rightOperand="9007199254740992")),
    "count without end": both(lambda c: c[3].update(rightOperand="9" * 5000)),
    "place unknown": both(lambda c: c[4].update(rightOperand=["Beijing"])),
    "no place": both(lambda c: c.pop(4)),
    "no beginning": both(lambda c: c.pop(5)),
    "no end": both(lambda c: c.pop(6)),
    "time without zone": both(lambda c: c[5].update(rightOperand="2026-11-23T00:00:00")),
    "time with an offset": both(lambda c: c[5].update(rightOperand="2026-11-23T00:00:00+00:00")),
    "time with a fraction": both(lambda c: c[5].update(rightOperand="2026-11-23T00:00:00.0Z")),
    "time in lower case": both(lambda c: c[5].update(rightOperand="2026-11-23t00:00:00z")),
    "leap second": both(lambda c: c[5].update(rightOperand="2026-06-30T23:59:60Z")),
    "hour 24": both(lambda c: c[5].update(rightOperand="2026-06-30T24:00:00Z")),
    "no such day": both(lambda c: c[5].update(rightOperand="2026-02-30T00:00:00Z")),
    "before 1970": both(lambda c: c[5].update(rightOperand="1969-12-31T23:59:59Z")),
    "ends before it begins": both(lambda c: c[6].update(rightOperand="2026-11-22T00:00:00Z")),
    "unknown duty": lambda p: p["obligation"][0].update(action="anonymize"),
    "duty by the obligation's name": lambda p: p["obligation"][1].update(action="suppress_small_cells"),
    "duty an object": lambda p: p["obligation"][0].update(action={}),
    "duty with a consequence": lambda p: p["obligation"][0].update(consequence=[]),
    "duty without constraints": lambda p: p["obligation"][0].update(constraint=[]),
    "duty without its column": lambda p: p["obligation"][0]["constraint"].pop(0),
    "duty on a column not granted": lambda p: p["obligation"][0]["constraint"][0].update(rightOperand="name"),
    "duty with an unknown parameter": lambda p: p["obligation"][0]["constraint"].append(
        {"leftOperand": "salt", "operator": "eq", "rightOperand": "x"}
    ),
    "duty with a parameter twice": lambda p: p["obligation"][0]["constraint"].append(
        {"leftOperand": "column", "operator": "eq", "rightOperand": "age"}
    ),
    "duty with another operator": lambda p: p["obligation"][0]["constraint"][2].update(operator="lteq"),
    "band of one": lambda p: p["obligation"][0]["constraint"][2].update(rightOperand="1"),
    "width a number": lambda p: p["obligation"][0]["constraint"][2].update(rightOperand=10),
    "method unknown": lambda p: p["obligation"][0]["constraint"][1].update(rightOperand="hash"),
    "month with a width": lambda p: p["obligation"][0]["constraint"][1].update(rightOperand="month"),
    "complementary maybe": lambda p: p["obligation"][1]["constraint"][1].update(rightOperand="True"),
    "two duties on one column": lambda p: p["obligation"].append(copy.deepcopy(p["obligation"][0])),
    "no duty": lambda p: p.update(obligation=[]),
    "unknown clause": lambda p: p["obligation"].append(agreed("honour", "clause", "kindness")),
    "clause twice": lambda p: p["obligation"].extend([CLAUSE, CLAUSE]),
    "clause a list": lambda p: p["obligation"].append(agreed("honour", "clause", ["security_duties"])),
    "clause by another operand": lambda p: p["obligation"].append(agreed("honour", "column", "security_duties")),
    "clause without constraints": lambda p: p["obligation"].append({"action": "honour", "constraint": []}),
    "clause without a constraint": lambda p: p["obligation"].append({"action": "honour"}),
    "clause with a second constraint": lambda p: p["obligation"].append(
        {"action": "honour", "constraint": CLAUSE["constraint"] * 2}
    ),
    "clause with another operator": lambda p: p["obligation"].append(
        {"action": "honour", "constraint": [CLAUSE["constraint"][0] | {"operator": "neq"}]}
    ),
    "clause with a consequence": lambda p: p["obligation"].append(CLAUSE | {"consequence": []}),
    "unknown price": lambda p: p["obligation"].append(agreed("compensate", "price", "100")),
    "price null": lambda p: p["obligation"].append(agreed("compensate", "price", None)),
    "price twice": lambda p: p["obligation"].extend([PRICE, agreed("compensate", "price", "other")]),
    "price twice, the same": lambda p: p["obligation"].extend([PRICE, PRICE]),
    "price by another operand": lambda p: p["obligation"].append(agreed("compensate", "payAmount", "free")),
    "price as a clause": lambda p: p["obligation"].append(agreed("honour", "price", "free")),
    "unknown prohibition": lambda p: p["prohibition"][0].update(action="copy"),
    "prohibition with constraints": lambda p: p["prohibition"][0].update(constraint=[EXTRA]),
    "prohibition twice": lambda p: p["prohibition"].append({"action": "reidentify"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_profile_does_not_hold_is_refused(name: str) -> None:
    policy = agreement(TERMS)
    REFUSED[name](policy)
    with pytest.raises(TermNotUnderstood):
        from_odrl(policy)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("unknown operand", "left operand 'spatial'"),
        ("unknown operator", "isNoneOf"),
        ("unknown duty", "anonymize"),
        ("unknown member", "conflict"),
        ("duty with an unknown parameter", "salt"),
        ("unknown clause", "clauses"),
        ("clause by another operand", "honour"),
        ("unknown price", "price"),
        ("price twice", "compensate"),
        ("no place", "processingLocation"),
    ],
)
def test_what_is_refused_is_named(change: str, named: str) -> None:
    policy = agreement(TERMS)
    REFUSED[change](policy)
    with pytest.raises(TermNotUnderstood, match=named):
        from_odrl(policy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(agreement(TERMS))), JSON)
def test_no_value_in_a_members_place_does_worse_than_be_refused(member: str, value: Any) -> None:
    policy = {**agreement(TERMS), member: value}
    try:
        from_odrl(policy)
    except TermNotUnderstood:
        return
    assert isinstance(value, str)
