"""From offer to contract to its end: who may move it where, as one table.

The first seven states are those of the Dataspace Protocol 2025-1 (contract negotiation), moved by provider and
consumer exactly as there, so that the protocol can be another face of the same machine. Here they mean:

    OFFERED     the provider offers terms for a dataset
    REQUESTED   the consumer asks for terms, or answers an offer with others
    ACCEPTED    the consumer accepts the offer as it stands
    AGREED      the gateway has drafted the agreement: canonical bytes that wait for signatures
    VERIFIED    every party has signed these bytes
    FINALIZED   the gateway has countersigned: the contract is in force
    TERMINATED  the negotiation ended without a contract (a party said so, or the draft's time ran out)

A FINALIZED negotiation never moves again, but the contract it made may be SUSPENDED (and taken up again, which is
FINALIZED), REVOKED or EXPIRED. The gateway acts where the protocol has the provider's or consumer's own software act:
drafting, noting that the last signature has come, countersigning, letting time run out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.problems import WrongState


class State(StrEnum):
    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class Actor(StrEnum):
    """Who moves it. `gateway` is the software itself, `operator` the people of the operator participant."""

    PROVIDER = "provider"
    CONSUMER = "consumer"
    GATEWAY = "gateway"
    OPERATOR = "operator"


_P, _C, _G, _O = Actor.PROVIDER, Actor.CONSUMER, Actor.GATEWAY, Actor.OPERATOR
_PARTIES = frozenset({_P, _C})
_ENDERS = _PARTIES | {_G}
_REVOKERS = frozenset({_P, _C, _O, _G})

START: Mapping[State, frozenset[Actor]] = {State.REQUESTED: frozenset({_C}), State.OFFERED: frozenset({_P})}
"""The states a negotiation may begin in, and who may begin it so."""

TRANSITIONS: Mapping[State, Mapping[State, frozenset[Actor]]] = {
    State.REQUESTED: {
        State.OFFERED: frozenset({_P}),
        State.AGREED: frozenset({_P, _G}),
        State.TERMINATED: _ENDERS,
    },
    State.OFFERED: {
        State.REQUESTED: frozenset({_C}),
        State.ACCEPTED: frozenset({_C}),
        State.TERMINATED: _ENDERS,
    },
    State.ACCEPTED: {State.AGREED: frozenset({_P, _G}), State.TERMINATED: _ENDERS},
    State.AGREED: {State.VERIFIED: frozenset({_C, _G}), State.TERMINATED: _ENDERS},
    State.VERIFIED: {State.FINALIZED: frozenset({_P, _G}), State.TERMINATED: _ENDERS},
    State.TERMINATED: {},
    State.FINALIZED: {
        # The gateway suspends when a signing key turns out compromised, and revokes what a newer contract supersedes.
        State.SUSPENDED: frozenset({_P, _O, _G}),
        State.REVOKED: _REVOKERS,
        State.EXPIRED: frozenset({_G}),
    },
    # Each holder lifts its own suspension (`in_force.reinstate`); what another suspended already, can be held as well.
    State.SUSPENDED: {
        State.SUSPENDED: frozenset({_P, _O, _G}),
        State.FINALIZED: frozenset({_P, _O}),
        State.REVOKED: _REVOKERS,
        State.EXPIRED: frozenset({_G}),
    },
    State.REVOKED: {},
    State.EXPIRED: {},
}

STATUS: Mapping[State, str] = {
    State.FINALIZED: "active",
    State.SUSPENDED: "suspended",
    State.REVOKED: "revoked",
    State.EXPIRED: "expired",
}
"""What the policy is told of a contract in this state; states without a contract are not here."""


def advance(current: State | None, to: State, by: Actor) -> State:
    """The new state, if `by` may move it there; `current` None begins a negotiation. Raises WrongState."""
    moves = START if current is None else TRANSITIONS[current]
    if to not in moves:
        raise WrongState(f"from {current or 'nothing'} there is no way to {to}")
    if by not in moves[to]:
        raise WrongState(f"from {current or 'nothing'} to {to} is not a move of the {by}")
    return to
