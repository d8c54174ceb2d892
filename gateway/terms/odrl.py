"""Terms as an ODRL 2.2 Agreement or Offer in the profile `corridor-terms/1`, and back.

One permission per action, each with the same constraints (the Dataspace Protocol wants one action per rule); the
duties, which hold for every permission, as `obligation` of the policy, after them clauses and price as duties of the
parties; right operands are text or arrays of text.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from gateway.terms.errors import TermNotUnderstood
from gateway.terms.model import Terms, parse_terms
from gateway.terms.profile import (
    CLAUSE_DUTY,
    CONTEXT,
    DUTY_KINDS,
    DUTY_PARAMETERS,
    OPERANDS,
    PRICE_DUTY,
    PROFILE,
    Operand,
)

_OPERANDS = {(operand.name, operand.operator): operand for operand in OPERANDS}
_NAMES = frozenset(operand.name for operand in OPERANDS)
_ACTIONS = {kind: action for action, kind in DUTY_KINDS.items()}
_REQUIRED_MEMBERS = frozenset({"@context", "@type", "@id", "profile", "assigner", "permission"})
_OPTIONAL_MEMBERS = frozenset({"assignee", "target", "obligation", "prohibition"})
_INTEGER = re.compile(r"[1-9][0-9]{0,15}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def to_odrl(
    terms: Terms,
    *,
    assigner: str,
    assignee: str | None,
    target: str | None,
    id: str,
    kind: Literal["Agreement", "Offer"] = "Agreement",
) -> dict[str, Any]:
    """The terms as JSON-LD; the one form of these terms, so that two parties derive the same bytes.

    Only an Offer may leave out the assignee (to whoever finds it) or the target (inside a dataset's catalogue entry).
    """
    policy: dict[str, Any] = {
        "@context": copy.deepcopy(CONTEXT),
        "@type": kind,
        "@id": id,
        "profile": PROFILE,
        "assigner": assigner,
        "assignee": assignee,
        "target": target,
        "permission": [{"action": action, "constraint": _stated(terms)} for action in terms.actions],
        "obligation": [*(_duty(obligation) for obligation in terms.obligations()), *_promises(terms)],
        "prohibition": [{"action": action} for action in terms.prohibitions],
    }
    # The Dataspace Protocol wants an empty list left out.
    return {name: value for name, value in policy.items() if value is not None and value != []}


def from_odrl(policy: Mapping[str, Any]) -> Terms:
    """The terms of an Agreement or Offer. Raises TermNotUnderstood, by name, for all that the profile does not hold."""
    _check_policy(policy)
    fields: dict[str, Any] = {"actions": [], "duties": [], "prohibitions": [], "clauses": []}
    stated: list[dict[str, Any]] = []
    for rule in _rules(policy, "permission"):
        _exact_members(rule, {"action", "constraint"}, "a permission")
        fields["actions"].append(rule["action"])
        stated.append(_constraints(rule["constraint"]))
    if any(constraints != stated[0] for constraints in stated):
        raise TermNotUnderstood("permissions differ in their constraints; the profile wants them equal")
    fields.update(stated[0])
    for rule in _rules(policy, "obligation"):
        if rule.get("action") == CLAUSE_DUTY[0]:
            fields["clauses"].append(_promise(rule, CLAUSE_DUTY))
        elif rule.get("action") != PRICE_DUTY[0]:
            fields["duties"].append(_obligation(rule))
        elif "price" in fields:
            raise TermNotUnderstood(f"the duty `{PRICE_DUTY[0]}` is stated twice")
        else:
            fields["price"] = _promise(rule, PRICE_DUTY)
    for rule in _rules(policy, "prohibition"):
        _exact_members(rule, {"action"}, "a prohibition")
        fields["prohibitions"].append(rule["action"])
    return parse_terms(fields)


def _check_policy(policy: Mapping[str, Any]) -> None:
    kind = policy.get("@type")
    if kind not in ("Agreement", "Offer"):
        raise TermNotUnderstood("`@type` must be Agreement or Offer")
    required = _REQUIRED_MEMBERS | ({"assignee", "target"} if kind == "Agreement" else set())
    if unknown := sorted(policy.keys() - _REQUIRED_MEMBERS - _OPTIONAL_MEMBERS):
        raise TermNotUnderstood(f"the member {unknown[0][:64]!r} of the policy is not in the profile {PROFILE}")
    if missing := sorted(required - policy.keys()):
        raise TermNotUnderstood(f"the policy lacks the member {missing[0]!r}")
    if policy["@context"] != CONTEXT:
        raise TermNotUnderstood("`@context` is not the one of this profile; contexts are never fetched")
    if policy["profile"] != PROFILE:
        raise TermNotUnderstood(f"`profile` must be {PROFILE!r}")
    for name in ("@id", "assigner", "assignee", "target"):
        if not isinstance(policy.get(name, ""), str):
            raise TermNotUnderstood(f"`{name}` must be text")


def _rules(policy: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    rules = policy.get(member, [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise TermNotUnderstood(f"`{member}` must be an array of rules")
    if member in policy and not rules:
        raise TermNotUnderstood(f"`{member}` is empty; leave it out, or grant something")
    return rules


def _exact_members(value: Mapping[str, Any], members: Iterable[str], what: str) -> None:
    if unknown := sorted(value.keys() - set(members)):
        raise TermNotUnderstood(f"the member {unknown[0][:64]!r} of {what} is not in the profile {PROFILE}")
    if missing := sorted(set(members) - value.keys()):
        raise TermNotUnderstood(f"{what} lacks the member {missing[0]!r}")


def _stated(terms: Terms) -> list[dict[str, Any]]:
    values = [(operand, getattr(terms, operand.field)) for operand in OPERANDS]
    return [_constraint(operand, value) for operand, value in values if value is not None]


def _constraint(operand: Operand, value: Any) -> dict[str, Any]:
    right: Any = list(value) if operand.form == "set" else str(value)
    if operand.form == "time":
        right = time.strftime(_TIME_FORMAT, time.gmtime(value))
    return {"leftOperand": operand.name, "operator": operand.operator, "rightOperand": right}


def _constraints(value: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for constraint in _atoms(value, "a permission"):
        operand = _operand(constraint)
        if operand.field in fields:
            raise TermNotUnderstood(f"the constraint `{operand.name}` {operand.operator} is stated twice")
        fields[operand.field] = _right_operand(operand, constraint["rightOperand"])
    if missing := [o for o in OPERANDS if o.required and o.field not in fields]:
        raise TermNotUnderstood(f"a permission lacks the constraint `{missing[0].name}` {missing[0].operator}")
    return fields


def _operand(constraint: Mapping[str, Any]) -> Operand:
    name, operator = constraint["leftOperand"], constraint["operator"]
    if name not in _NAMES:
        raise TermNotUnderstood(f"the left operand {name[:64]!r} is not in the profile {PROFILE}")
    if (operand := _OPERANDS.get((name, operator))) is None:
        raise TermNotUnderstood(f"the operator {operator[:64]!r} is not in the profile for `{name}`")
    return operand


def _right_operand(operand: Operand, value: Any) -> Any:
    if operand.form == "set":
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise TermNotUnderstood(f"the right operand of `{operand.name}` must be an array of text")
    if isinstance(value, str) and operand.form == "integer" and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, str) and operand.form == "time" and _TIME.fullmatch(value):
        return _seconds(value)
    wanted = "a positive decimal number" if operand.form == "integer" else "a time like 2026-11-23T00:00:00Z"
    raise TermNotUnderstood(f"the right operand of `{operand.name}` must be {wanted}, as text")


def _seconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise TermNotUnderstood("a `dateTime` is no time of the calendar") from error


def _atoms(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise TermNotUnderstood(f"the constraints of {what} must be an array, not empty")
    for constraint in value:
        if not isinstance(constraint, dict):
            raise TermNotUnderstood(f"a constraint of {what} must be an object")
        _exact_members(constraint, {"leftOperand", "operator", "rightOperand"}, f"a constraint of {what}")
        if not isinstance(constraint["leftOperand"], str) or not isinstance(constraint["operator"], str):
            raise TermNotUnderstood(f"operand and operator in a constraint of {what} must be text")
    return value


def _duty(obligation: Mapping[str, Any]) -> dict[str, Any]:
    constraints = [
        {"leftOperand": name, "operator": "eq", "rightOperand": _parameter_text(obligation[name])}
        for name in DUTY_PARAMETERS
        if name in obligation
    ]
    return {"action": _ACTIONS[obligation["kind"]], "constraint": constraints}


def _obligation(rule: Mapping[str, Any]) -> dict[str, Any]:
    _exact_members(rule, {"action", "constraint"}, "a duty")
    action = rule["action"]
    if not isinstance(action, str) or action not in DUTY_KINDS:
        raise TermNotUnderstood(f"the duty {str(action)[:64]!r} is not in the profile {PROFILE}")
    obligation: dict[str, Any] = {"kind": DUTY_KINDS[action]}
    for constraint in _atoms(rule["constraint"], f"the duty `{action}`"):
        name = constraint["leftOperand"]
        if name not in DUTY_PARAMETERS or constraint["operator"] != "eq" or name in obligation:
            raise TermNotUnderstood(f"the constraint {name[:64]!r} of the duty `{action}` is not in the profile")
        obligation[name] = _parameter(name, constraint["rightOperand"])
    return obligation


def _promises(terms: Terms) -> list[dict[str, Any]]:
    stated: list[tuple[tuple[str, str], str]] = [(CLAUSE_DUTY, clause) for clause in terms.clauses]
    if terms.price is not None:
        stated.append((PRICE_DUTY, terms.price))
    return [
        {"action": action, "constraint": [{"leftOperand": operand, "operator": "eq", "rightOperand": value}]}
        for (action, operand), value in stated
    ]


def _promise(rule: Mapping[str, Any], duty: tuple[str, str]) -> str:
    action, operand = duty
    _exact_members(rule, {"action", "constraint"}, "a duty")
    constraints = _atoms(rule["constraint"], f"the duty `{action}`")
    if [(stated["leftOperand"], stated["operator"]) for stated in constraints] != [(operand, "eq")]:
        raise TermNotUnderstood(f"the duty `{action}` has one constraint, `{operand}` eq")
    if not isinstance(value := constraints[0]["rightOperand"], str):
        raise TermNotUnderstood(f"the right operand of `{operand}` in a duty must be text")
    return value


def _parameter_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(name: str, value: Any) -> Any:
    form = DUTY_PARAMETERS[name]
    if form == "text" and isinstance(value, str):
        return value
    if form == "integer" and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if form == "boolean" and value in ("true", "false"):
        return value == "true"
    raise TermNotUnderstood(f"the right operand of `{name}` in a duty must be {form}, written as text")
