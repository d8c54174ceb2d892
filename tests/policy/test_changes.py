"""What would pass is found by asking: each offer has passed, and nothing is offered that would not."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings

from gateway.policy.changes import MAX_SHOWN, Change, candidates, passing, would_pass
from gateway.policy.decision import Decision
from tests.policy.documents import changed, document
from tests.policy.engines import decided, embedded
from tests.policy.inputs import inputs


def offered(whole: dict[str, Any], **limits: Any) -> list[tuple[Change, ...]]:
    return asyncio.run(passing(embedded(), decided(whole), whole, **limits))


def texts(whole: dict[str, Any]) -> list[list[str]]:
    return [[change.text for change in together] for together in offered(whole)]


def after(whole: dict[str, Any], together: tuple[Change, ...]) -> Decision:
    for change in together:
        whole = change.applied(whole)
    return decided(whole)


def test_another_purpose_of_the_contract_is_offered() -> None:
    whole = changed({"request.purpose": {**document()["request"]["purpose"], "id": "P09"}})
    assert ["State purpose P05 (Drug discovery and development), if it is truly yours."] in texts(whole)


def test_another_mode_of_the_contract_is_offered() -> None:
    whole = changed({"request.mode": "M4"})
    assert ["Ask in mode M5."] in texts(whole)
    assert all("M4" not in text for together in texts(whole) for text in together)


def test_columns_outside_the_contract_are_to_be_left_out() -> None:
    assert texts(changed({"request.columns": ["age", "patient_name"]})) == [["Leave out patient_name."]]


def test_counts_are_offered_where_rows_may_not_go_abroad() -> None:
    whole = changed({"user.accessing_from": "US"})
    found = texts(whole)
    assert ["A filed standard contract for giving this dataset to this recipient for purpose P05."] in found
    assert all(after(whole, together).result == "permit" for together in offered(whole))


def test_two_changes_together_are_offered_where_one_is_not_enough() -> None:
    whole = changed({"request.columns": ["age", "patient_name"], "request.mode": "M4"})
    found = offered(whole)
    assert found
    assert all(len(together) == 2 for together in found)
    assert {"columns", "mode"} in [{change.kind for change in together} for together in found]


def test_nothing_is_offered_where_nothing_helps() -> None:
    assert offered(changed({"dataset.core_data": True})) == []
    assert offered(changed({"contract.status": "revoked"})) == []


def test_nothing_outside_the_contract_is_offered() -> None:
    whole = changed({"request.mode": "M4", "contract.delivery_modes": ["M3"]})
    for change in candidates(whole, decided(whole)):
        if change.kind == "mode":
            assert change.sets["request.mode"] == "M3"


def test_questions_are_bounded() -> None:
    asked: list[dict[str, Any]] = []
    refused = decided(changed({"dataset.core_data": True}))

    async def ask(whole: dict[str, Any]) -> Decision:
        asked.append(whole)
        return refused

    asyncio.run(would_pass(ask, changed({"dataset.core_data": True}), refused, most=5))
    assert len(asked) == 5


def test_a_change_leaves_the_input_it_is_tried_on_alone() -> None:
    whole = document()
    Change("mode", "Ask in mode M3.", {"request.mode": "M3"}).applied(whole)
    assert whole == document()


@given(inputs())
@settings(max_examples=60)
def test_whatever_is_offered_has_passed_and_is_needed(whole: dict[str, Any]) -> None:
    refused = decided(whole)
    if refused.result == "permit":
        return
    found = offered(whole)
    assert len(found) <= MAX_SHOWN
    for together in found:
        assert after(whole, together).result == "permit"
        if len(together) == 2:
            assert all(after(whole, (change,)).result != "permit" for change in together)


def test_no_offer_takes_away_what_makes_a_use_sensitive() -> None:
    whole = changed({"request.purpose.flags": ["vulnerable"]})
    found = offered(whole)
    assert [[change.kind for change in together] for together in found] == [["approval"]]
    assert all(after(whole, together).result == "permit" for together in found)


def test_two_approvals_are_offered_where_two_are_asked_for() -> None:
    whole = changed({"user.accessing_from": "US", "request.purpose.flags": ["vulnerable"]})
    assert {tuple(change.kind for change in together) for together in offered(whole)} >= {("approval", "approval")}
