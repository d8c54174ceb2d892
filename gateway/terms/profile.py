"""The terms profile `corridor-terms/1`: every word that may stand in an offer or a contract. The rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PROFILE = "corridor-terms/1"
"""Name and major version; a contract pins it, and what it says here never changes under this name."""

CONTEXT: list[Any] = ["http://www.w3.org/ns/odrl.jsonld", {"@vocab": "urn:corridor:terms:1#"}]
"""The one JSON-LD context of our terms (ODRL 2.2, then our own words). A constant: contexts are never fetched."""

Action = Literal["aggregate", "compute", "label", "read", "train"]
DeliveryMode = Literal["M1", "M2", "M3", "M4", "M5", "M6"]
"""Modes of the rules digest, section 6. M0, no delivery at all, is nothing one could grant."""

Prohibition = Literal["distribute", "reidentify", "subprocess"]
Clause = Literal["cn_party_data_backup", "cn_party_full_participation", "ip_shared", "security_duties"]
"""What the contract's text lays down, in the parties' words: rules ask whether, nobody here asks how."""
Price = Literal["cost_recovery", "free", "other"]

Form = Literal["set", "integer", "time"]


@dataclass(frozen=True)
class Operand:
    """A left operand on a permission: its one operator, the form of its right operand, the term it sets."""

    name: str
    operator: str
    form: Form
    field: str
    required: bool


# Two operands may share a name (dateTime from, dateTime to) but never name and operator.
OPERANDS = (
    Operand("purpose", "isAnyOf", "set", "purposes", True),
    Operand("deliveryMode", "isAnyOf", "set", "delivery_modes", True),
    Operand("column", "isAnyOf", "set", "columns", True),
    Operand("count", "lteq", "integer", "uses", False),
    Operand("rowCount", "lteq", "integer", "rows", False),
    Operand("personCount", "lteq", "integer", "persons", False),
    Operand("processingLocation", "isAnyOf", "set", "processing_locations", True),
    Operand("dateTime", "gteq", "time", "valid_from", True),
    Operand("dateTime", "lt", "time", "valid_to", True),
)

DUTY_KINDS: Mapping[str, str] = {
    "drop": "drop",
    "pseudonymise": "pseudonymise",
    "generalise": "generalise",
    "suppress": "suppress_small_cells",
}
"""The action of a duty, and the kind of obligation the gateway discharges for it."""

DUTY_PARAMETERS: Mapping[str, Literal["text", "integer", "boolean"]] = {
    "column": "text",
    "method": "text",
    "width": "integer",
    "threshold": "integer",
    "complementary": "boolean",
}
"""Left operands of a duty's constraints, each with operator `eq`, and what their text stands for."""

CLAUSE_DUTY, PRICE_DUTY = ("honour", "clause"), ("compensate", "price")
"""Duties of the parties, which nothing in the stream discharges: action, and the operand of its one constraint.

One `honour` for each clause; `compensate` (ODRL's own action) where a price is stated, `free` being one.
"""
