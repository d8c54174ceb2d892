"""What would make a refused request pass: changes from a declared list, each found by asking the policy.

Nothing here knows a rule. A change is tried by putting it into the input and deciding again: what is offered passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from gateway.approvals.votes import USE
from gateway.policy.decide import decide
from gateway.policy.decision import Decision
from gateway.policy.engine import Engine
from gateway.terms.errors import PurposeUnclear
from gateway.terms.purposes import GRANTABLE, PURPOSES, purpose_facts

MAX_ASKED = 160
"""Questions to the engine for one explanation; each takes about a millisecond."""
MAX_SHOWN = 8

SAYS_MODE = "Ask in mode %s."
SAYS_ACTION = "Ask to %s, in mode %s."
SAYS_PURPOSE = {
    None: "State purpose %s (%s), if it is truly yours.",
    False: "State purpose %s (%s, not commercial), if it is truly yours.",
    True: "State purpose %s (%s, commercial), if it is truly yours.",
}
SAYS_COLUMNS = "Leave out %s."
SAYS_ETHICS = "An ethics approval that covers this dataset and purpose %s."
SAYS_PIA = "A personal information impact assessment that covers this use."
SAYS_RISK = "A risk assessment of the important data that covers this use."
SAYS_EXPORT = {
    "scc": "A filed standard contract for giving this dataset to this recipient for purpose %s.",
    "certification": "A certification for giving this dataset to this recipient for purpose %s.",
    "assessment": "A passed security assessment for giving this dataset to this recipient for purpose %s.",
}
SAYS_HGR = {
    "cooperation_approval": "An approval of the cooperation on human genetic resources that names this dataset, this"
    " recipient and purpose %s.",
    "trial_filing": "A filing of the registration trial with human genetic resources that names this dataset, this"
    " recipient and purpose %s.",
    "prior_report": "A prior report of opening human genetic resources, with the backup lodged, that names this"
    " dataset, this recipient and purpose %s.",
    "security_review": "A passed security review of opening human genetic resources that names this dataset, this"
    " recipient and purpose %s.",
}
SAYS_PERMIT = "A data permit for this dataset and purpose %s."
SAYS_COMMITTEE = "A decision of the data access committee on %s."

Kind = Literal["mode", "action", "purpose", "columns", "approval"]
Document = dict[str, Any]
Ask = Callable[[Document], Awaitable[Decision]]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do otherwise. `sets`: members of the input, as `member.member`, and what they would be."""

    kind: Kind
    text: str
    sets: Mapping[str, Any]

    def applied(self, document: Document) -> Document:
        """The input with this change; the other is left as it was."""
        made = dict(document)
        for path, value in self.sets.items():
            group, member = path.split(".")
            made[group] = {**made[group], member: value}
        return made


async def passing(
    engine: Engine, refused: Decision, document: Document, *, most: int = MAX_ASKED
) -> list[tuple[Change, ...]]:
    """`would_pass`, asked of an engine under the bundle that refused; others have their turn between two questions."""

    async def ask(changed: Document) -> Decision:
        await asyncio.sleep(0)
        return await decide(engine, refused.bundle, changed)

    return await would_pass(ask, document, refused, most=most)


async def would_pass(
    ask: Ask, document: Document, refused: Decision, *, most: int = MAX_ASKED
) -> list[tuple[Change, ...]]:
    """Single changes under which the policy permits, else pairs of them; none when even those do not help.

    `document` is the input of `refused`. At most `most` questions, at most MAX_SHOWN answers.
    """
    asked = 0
    before = _said(refused)
    single: list[tuple[Change, ...]] = []
    helpful: list[tuple[Change, set[tuple[str, str, str]]]] = []
    for change in candidates(document, refused):
        if asked >= most:
            break
        asked += 1
        decision = await ask(change.applied(document))
        if decision.result == "permit":
            single.append((change,))
        elif settled := before - _said(decision):
            helpful.append((change, settled))
    if single:
        return single[:MAX_SHOWN]
    pairs: list[tuple[Change, ...]] = []
    for (one, first), (other, second) in combinations(helpful, 2):
        # Two changes pass together only if each settles what the other leaves.
        if one.sets.keys() & other.sets.keys() or first | second != before or asked >= most or len(pairs) >= MAX_SHOWN:
            continue
        asked += 1
        if (await ask(other.applied(one.applied(document)))).result == "permit":
            pairs.append((one, other))
    return pairs


def candidates(document: Document, refused: Decision) -> Iterator[Change]:
    """The declared list: what the contract also grants, fewer columns, approvals that somebody may give."""
    yield from _modes(document)
    yield from _actions(document)
    yield from _purposes(document)
    yield from _columns(document)
    yield from _approvals(document, refused)


def _said(decision: Decision) -> set[tuple[str, str, str]]:
    return {(reason.rule, reason.code, reason.text) for reason in decision.reasons}


def _modes(document: Document) -> Iterator[Change]:
    for mode in document["contract"]["delivery_modes"]:
        if mode != document["request"]["mode"]:
            yield Change("mode", SAYS_MODE % mode, {"request.mode": mode})


def _actions(document: Document) -> Iterator[Change]:
    request, contract = document["request"], document["contract"]
    for action in contract["actions"]:
        if action == request["action"]:
            continue
        sets: dict[str, Any] = {"request.action": action}
        if action == "aggregate":
            sets |= {"request.group_by": request["columns"][:8], "request.columns": request["filter_columns"]}
        elif request["action"] == "aggregate":
            sets |= {"request.group_by": [], "request.columns": request["group_by"] or request["columns"]}
        # Rows and counts travel in different modes, so the mode is changed with the action.
        for mode in contract["delivery_modes"]:
            yield Change("action", SAYS_ACTION % (action, mode), {**sets, "request.mode": mode})


def _purposes(document: Document) -> Iterator[Change]:
    stated = document["request"]["purpose"]
    for purpose in document["contract"]["purposes"]:
        if purpose == stated["id"] or purpose not in GRANTABLE:
            continue
        label = PURPOSES[purpose].label
        for commercial, said in SAYS_PURPOSE.items():
            try:
                # What makes the use sensitive stays true under another purpose.
                facts = purpose_facts(
                    purpose, commercial=commercial, disease_terms=stated["disease_terms"], flags=stated["flags"]
                )
            except PurposeUnclear:
                continue
            yield Change(
                "purpose",
                said % (purpose, label),
                {"request.purpose": facts},
            )
            if commercial is None:
                break  # the purpose settles it


def _columns(document: Document) -> Iterator[Change]:
    request, granted = document["request"], set(document["contract"]["columns"])
    asked = {name: request[name] for name in ("columns", "group_by", "filter_columns")}
    kept = {name: [column for column in columns if column in granted] for name, columns in asked.items()}
    left = sorted({column for columns in asked.values() for column in columns} - granted)
    if left and any(kept.values()):
        yield Change(
            "columns", SAYS_COLUMNS % ", ".join(left), {f"request.{name}": value for name, value in kept.items()}
        )


def _approvals(document: Document, refused: Decision) -> Iterator[Change]:
    now, request, contract = document["context"]["now"], document["request"], document["contract"]
    purpose = request["purpose"]["id"]
    named = {
        "ref": "to be given",
        "issuer": document["provider"]["id"],
        "country": document["provider"]["country"],
        "valid_from": now,
        "valid_to": now + 1,
        "datasets": [document["dataset"]["id"]],
        "recipients": [document["participant"]["id"]],
        "purposes": [purpose],
    }

    def approval(member: str, text: str, **more: Any) -> Change:
        return Change("approval", text, {f"approvals.{member}": [*document["approvals"][member], named | more]})

    yield approval("ethics", SAYS_ETHICS % purpose, exempt=False)
    yield approval("pia", SAYS_PIA)
    yield approval("risk_assessment", SAYS_RISK)
    for mechanism, said in SAYS_EXPORT.items():
        yield approval("export", said % purpose, mechanism=mechanism)
    for kind, said in SAYS_HGR.items():
        yield approval("hgr", said % purpose, kind=kind, backup_submitted=True)
    yield approval("permit", SAYS_PERMIT % purpose)
    referred = sorted({reason.code for reason in refused.reasons if reason.effect == "refer"})
    if referred:
        yield approval(
            "committee",
            SAYS_COMMITTEE % ", ".join(referred),
            rules=referred,
            contract=contract["id"],
            actions=[request["action"]],
            modes=[request["mode"]],
            columns=sorted({*request["columns"], *request["group_by"], *request["filter_columns"]}),
            obligations=[],
            use={name: request[name] for name in USE},
        )
