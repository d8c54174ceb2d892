"""Every move there is, against a table copied by hand from the Dataspace Protocol 2025-1."""

from __future__ import annotations

import itertools

import pytest

from gateway.contracts.states import START, STATUS, TRANSITIONS, Actor, State, advance
from gateway.problems import WrongState

DSP = ["REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED", "TERMINATED"]

# Rows 3 to 10 of the state table: from, to, who sends (C consumer, P provider).
ALLOWED = {
    ("REQUESTED", "OFFERED", "P"),
    ("REQUESTED", "AGREED", "P"),
    ("OFFERED", "REQUESTED", "C"),
    ("OFFERED", "ACCEPTED", "C"),
    ("ACCEPTED", "AGREED", "P"),
    ("AGREED", "VERIFIED", "C"),
    ("VERIFIED", "FINALIZED", "P"),
    *((state, "TERMINATED", who) for state in DSP[:5] for who in "CP"),
}
PARTIES = {"P": Actor.PROVIDER, "C": Actor.CONSUMER}
MOVES = list(itertools.product(DSP, DSP, "CP"))


def test_there_are_98_moves_of_the_parties() -> None:
    assert len(MOVES) == 98
    assert len(ALLOWED) == 17


@pytest.mark.parametrize(("current", "to", "who"), MOVES)
def test_parties_move_a_negotiation_as_the_protocol_says(current: str, to: str, who: str) -> None:
    if (current, to, who) in ALLOWED:
        assert advance(State(current), State(to), PARTIES[who]) is State(to)
    else:
        with pytest.raises(WrongState):
            advance(State(current), State(to), PARTIES[who])


@pytest.mark.parametrize("to", list(State))
@pytest.mark.parametrize("by", list(Actor))
def test_a_negotiation_begins_with_an_offer_or_a_request(to: State, by: Actor) -> None:
    if (to, by) in {(State.OFFERED, Actor.PROVIDER), (State.REQUESTED, Actor.CONSUMER)}:
        assert advance(None, to, by) is to
    else:
        with pytest.raises(WrongState):
            advance(None, to, by)


def test_every_state_has_its_moves() -> None:
    assert TRANSITIONS.keys() == set(State)
    assert all(actors for moves in TRANSITIONS.values() for actors in moves.values())
    assert START.keys() <= set(State)


@pytest.mark.parametrize("state", [State.TERMINATED, State.REVOKED, State.EXPIRED])
def test_what_has_ended_never_moves_again(state: State) -> None:
    assert not TRANSITIONS[state]


@pytest.mark.parametrize("state", [State.FINALIZED, State.SUSPENDED])
@pytest.mark.parametrize("by", [Actor.PROVIDER, Actor.CONSUMER, Actor.OPERATOR, Actor.GATEWAY])
def test_either_party_and_the_operator_can_revoke(state: State, by: Actor) -> None:
    assert advance(state, State.REVOKED, by) is State.REVOKED


@pytest.mark.parametrize("by", list(Actor))
def test_who_may_suspend_may_lift_a_suspension_but_no_software_does(by: Actor) -> None:
    """Which of them made it is asked beside the table: tests/stories/test_keys.py."""
    if by in (Actor.PROVIDER, Actor.OPERATOR):
        assert advance(State.SUSPENDED, State.FINALIZED, by) is State.FINALIZED
    else:
        with pytest.raises(WrongState):
            advance(State.SUSPENDED, State.FINALIZED, by)


def test_nothing_but_a_negotiation_leads_into_force() -> None:
    into = {state for state, moves in TRANSITIONS.items() if State.FINALIZED in moves}
    assert into == {State.VERIFIED, State.SUSPENDED}


def test_only_a_finalized_contract_is_active() -> None:
    assert [state for state, status in STATUS.items() if status == "active"] == [State.FINALIZED]
