"""Approvals as they stand: what holds for a dataset and a recipient now, and what a participant may see."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlmodel import Session, col, or_, select, tuple_

from gateway.approvals.document import OWN, VerifiedApproval, verify_approval
from gateway.approvals.tables import ApprovalRow, ApprovalScopeRow, IssuerRow
from gateway.approvals.votes import CommitteeDecision, read_decision
from gateway.catalog.tables import DatasetRow
from gateway.crypto.keys import PublicKey
from gateway.identity.enrolment import member_key
from gateway.participants.store import StoredKeys, participant
from gateway.problems import Problem

GROUPS = ("committee", "ethics", "export", "hgr", "permit", "pia", "risk_assessment")
"""The members of `approvals` in the policy's input; each a list of at most MAX_HELD."""
MAX_HELD = 20
MAX_DECISIONS = 100
"""Of a committee on one contract; where there are more in force, the newest count."""
REMEMBERED = 1024
COMMITTEE = "committee"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """An approval whose issuer stands behind it now, as the policy is shown it. `valid_to`: seconds UTC."""

    id: str
    group: str
    valid_to: int
    shown: dict[str, Any]


class Approvals:
    """Reads what holds. Signatures are judged once for each document, and again when a revocation moves the epoch."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._known: OrderedDict[tuple[str, int], VerifiedApproval | CommitteeDecision | None] = OrderedDict()

    def held(
        self, session: Session, *, contract: str, dataset: str, provider: str, recipient: str, epoch: int, now: int
    ) -> tuple[Held, ...]:
        """Every approval that is recorded for this dataset and recipient and is not over, oldest first.

        Of a committee's decisions, those on this contract.
        """
        query = (
            select(ApprovalRow)
            .join(ApprovalScopeRow, col(ApprovalScopeRow.approval) == col(ApprovalRow.id))
            .where(ApprovalScopeRow.dataset == dataset, ApprovalScopeRow.recipient == recipient)
            .where(ApprovalRow.state == "recorded", col(ApprovalRow.valid_to) > now)
            .order_by(col(ApprovalRow.recorded_at), col(ApprovalRow.id))
        )
        found = []
        for row in session.exec(query):
            country = may_issue(session, row.issuer, row.kind, (provider,))
            content = None if country is None else self._content(session, row, provider, epoch, now)
            if content is None or country is None:
                continue
            if isinstance(content, CommitteeDecision):
                if content.question.contract != contract:
                    continue
                shown = content.as_policy_input(country=country)
                group = COMMITTEE
            else:
                shown = content.as_policy_input(dataset, recipient, country=country)
                group = content.group
            # The row is an index: what the policy is shown stands in the signed bytes.
            if shown["datasets"] == [dataset] and shown["recipients"] == [recipient] and shown["issuer"] == row.issuer:
                found.append(Held(row.id, group, shown["valid_to"], shown))
        return tuple(found)

    def _content(
        self, session: Session, row: ApprovalRow, provider: str, epoch: int, now: int
    ) -> VerifiedApproval | CommitteeDecision | None:
        key = row.digest, epoch
        if key in self._known:
            return self._known[key]
        known = self._known[key] = self._verified(session, row, provider, now)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _verified(
        self, session: Session, row: ApprovalRow, provider: str, now: int
    ) -> VerifiedApproval | CommitteeDecision | None:
        def keys(agent: str) -> PublicKey | None:
            return member_key(session, agent, provider)

        try:
            if row.kind == COMMITTEE:
                decision = read_decision(bytes(row.envelope), keys=keys, now=now)
                return decision if decision.approved and decision.question.review == row.id else None
            return _as_recorded(session, row, self._gateway)
        except Problem as problem:
            # Its key turned out compromised, or it was altered at rest: it is as if there were none.
            logger.warning("approval.does_not_hold", approval=row.id, why=problem.slug)
            return None


def holds(session: Session, row: ApprovalRow, gateway: str) -> bool:
    """Whether an issuer's approval stands by the keys as they are now."""
    try:
        return _as_recorded(session, row, gateway) is not None
    except Problem:
        return False


def _as_recorded(session: Session, row: ApprovalRow, gateway: str) -> VerifiedApproval | None:
    held = verify_approval(bytes(row.envelope), keys=StoredKeys(session), gateway=gateway, at=row.recorded_at)
    return held if (held.content.id, held.content.kind, held.digest) == (row.id, row.kind, row.digest) else None


def as_policy_input(held: Sequence[Held]) -> dict[str, Any]:
    """The member `approvals` of the policy's input."""
    shown: dict[str, Any] = {group: [] for group in GROUPS}
    for approval in held:
        shown[approval.group].append(approval.shown)
    return {group: given[-(MAX_DECISIONS if group == COMMITTEE else MAX_HELD) :] for group, given in shown.items()}


def may_issue(session: Session, issuer: str, kind: str, providers: Sequence[str]) -> str | None:
    """The issuer's country, if it may give approvals of this kind on datasets of these providers now; else None."""
    who = participant(session, issuer)
    if who is None or not who.active:
        return None
    if kind in OWN or kind == COMMITTEE:
        return who.facts.country if set(providers) == {issuer} else None
    return who.facts.country if session.get(IssuerRow, (issuer, kind)) is not None else None


def issuers(session: Session) -> dict[str, list[str]]:
    """Whom the operator trusts to issue what: kinds by participant, both in order."""
    found: dict[str, list[str]] = {}
    for row in session.exec(select(IssuerRow).order_by(IssuerRow.participant, IssuerRow.kind)):
        found.setdefault(row.participant, []).append(row.kind)
    return found


def providers_of(session: Session, datasets: Sequence[str]) -> dict[str, str]:
    """Whose datasets these are; one that nobody registered is not in it."""
    query = select(DatasetRow.id, DatasetRow.provider).where(col(DatasetRow.id).in_(datasets))
    return dict(iter(session.exec(query)))


@dataclass(frozen=True, slots=True)
class Recorded:
    """An approval as its parties see it: its index, and the signed document."""

    id: str
    kind: str
    issuer: str
    digest: str
    state: str
    valid_from: int
    valid_to: int
    recorded_at: int
    datasets: tuple[str, ...]
    recipients: tuple[str, ...]
    envelope: bytes

    def state_at(self, now: float) -> str:
        return "expired" if self.state == "recorded" and now >= self.valid_to else self.state


def approval_seen_by(session: Session, participant_id: str, approval: str) -> Recorded | None:
    """The approval, if the participant issued it, receives by it, or provides a dataset of it."""
    row = _row_seen_by(session, participant_id, approval)
    return None if row is None else recorded(session, row)


def approvals_seen_by(
    session: Session,
    participant_id: str,
    *,
    dataset: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Recorded]:
    """What concerns the participant, newest first; `before` is the last one seen."""
    # Its issuer chose the id: when it was recorded says what is new.
    place = tuple_(col(ApprovalRow.recorded_at), col(ApprovalRow.id))
    query = select(ApprovalRow).where(_seen_by(participant_id, dataset))
    if before is not None:
        last = _row_seen_by(session, participant_id, before)
        if last is None:
            return []
        query = query.where(place < (last.recorded_at, last.id))
    newest = (col(ApprovalRow.recorded_at).desc(), col(ApprovalRow.id).desc())
    rows = session.exec(query.order_by(*newest).limit(limit)).all()
    scopes = _scopes(session, [row.id for row in rows])
    return [_recorded(row, scopes[row.id]) for row in rows]


def recorded(session: Session, row: ApprovalRow) -> Recorded:
    return _recorded(row, _scopes(session, [row.id])[row.id])


def _recorded(row: ApprovalRow, scope: list[ApprovalScopeRow]) -> Recorded:
    return Recorded(
        row.id,
        row.kind,
        row.issuer,
        row.digest,
        row.state,
        row.valid_from,
        row.valid_to,
        row.recorded_at,
        tuple(sorted({one.dataset for one in scope})),
        tuple(sorted({one.recipient for one in scope})),
        bytes(row.envelope),
    )


def _scopes(session: Session, approvals: Sequence[str]) -> dict[str, list[ApprovalScopeRow]]:
    found: dict[str, list[ApprovalScopeRow]] = {approval: [] for approval in approvals}
    for one in session.exec(select(ApprovalScopeRow).where(col(ApprovalScopeRow.approval).in_(approvals))):
        found[one.approval].append(one)
    return found


def _row_seen_by(session: Session, participant_id: str, approval: str) -> ApprovalRow | None:
    query = select(ApprovalRow).where(ApprovalRow.id == approval, _seen_by(participant_id))
    return session.exec(query).one_or_none()


def _seen_by(participant_id: str, dataset: str | None = None) -> Any:
    """Of an approval: it concerns the participant, by this dataset where one is named."""
    pairs = (
        select(ApprovalScopeRow.approval)
        .join(DatasetRow, col(DatasetRow.id) == col(ApprovalScopeRow.dataset), isouter=True)
        .where(
            col(ApprovalScopeRow.approval) == col(ApprovalRow.id),
            or_(
                col(ApprovalRow.issuer) == participant_id,
                col(ApprovalScopeRow.recipient) == participant_id,
                col(DatasetRow.provider) == participant_id,
            ),
        )
    )
    return (pairs if dataset is None else pairs.where(ApprovalScopeRow.dataset == dataset)).exists()
