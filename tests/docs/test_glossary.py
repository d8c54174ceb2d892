"""Every word that code and log use for a state, a mode, a purpose, a kind, a role or an outcome is in the glossary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_args

import pytest

from gateway.alerts.subscriptions import AlertKind
from gateway.api.approvals import ApprovalView, ReviewView
from gateway.api.bundles import ShadowView
from gateway.approvals.document import KINDS
from gateway.approvals.store import COMMITTEE
from gateway.audit.event import OUTCOME_CODES
from gateway.catalog.model import Role
from gateway.contracts.states import State
from gateway.identity.caller import AgentRole
from gateway.obligations.model import Obligation
from gateway.participants.model import Kind
from gateway.policy.decision import Decision, Mode
from gateway.terms.profile import Action, Clause, DeliveryMode, Price, Prohibition
from gateway.terms.purposes import PURPOSES
from tests.docs.pages import text_of

PAGE = "docs/glossary.md"


def literals(kind: Any) -> set[str]:
    """All the words of a literal, or of the literals in a union."""
    return {word for part in get_args(kind) for word in ({part} if isinstance(part, str) else literals(part))}


def kinds_of(union: Any) -> set[str]:
    """The kinds of a tagged union, of unions inside it too."""
    parts = get_args(union)
    return {union.model_fields["kind"].default} if not parts else set().union(*map(kinds_of, parts))


OBLIGATIONS, _DISCRIMINATOR = get_args(Obligation)
WORDS: dict[str, Iterable[str]] = {
    "states of contracts": State,
    "states of reviews": literals(ReviewView.model_fields["state"].annotation),
    "states of approvals": literals(ApprovalView.model_fields["state"].annotation),
    "states of shadows": literals(ShadowView.model_fields["state"].annotation),
    "modes": {*get_args(DeliveryMode), *get_args(Mode)},
    "purposes": PURPOSES,
    "kinds of obligations": kinds_of(OBLIGATIONS),
    "roles of agents": AgentRole,
    "roles of columns": Role,
    "kinds of participants": Kind,
    "kinds of approvals": {*KINDS, COMMITTEE},
    "kinds of alerts": get_args(AlertKind),
    "outcomes": OUTCOME_CODES,
    "results of decisions": literals(Decision.model_fields["result"].annotation),
    "actions": get_args(Action),
    "prohibitions": get_args(Prohibition),
    "clauses": get_args(Clause),
    "prices": get_args(Price),
}


@pytest.mark.parametrize("what", WORDS)
def test_every_word_of_the_code_is_there(what: str) -> None:
    said = set(re.findall(r"`([^`\n]+)`", text_of(PAGE)))
    words = {str(word) for word in WORDS[what]}
    assert words
    assert sorted(words - said) == []


def entries() -> list[str]:
    return re.findall(r"^- \*\*.+(?:\n  .+)*", text_of(PAGE), re.MULTILINE)


def test_every_entry_leads_somewhere() -> None:
    assert len(entries()) > 60
    assert [entry for entry in entries() if "](" not in entry] == []


def test_no_word_stands_there_twice() -> None:
    named = [word for entry in entries() for word in re.findall(r"\*\*([^*]+)\*\*", entry)]
    assert sorted({word for word in named if named.count(word) > 1}) == []
