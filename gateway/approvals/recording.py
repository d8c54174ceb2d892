"""What changes approvals: whom the operator trusts, an approval that comes in, its withdrawal, and time.

Each verb runs in the log's transaction and returns the events that tell it. Whatever takes a permission away, or gives
one, moves the epoch: no decision that was made before it commits a grant after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.approvals import store
from gateway.approvals.document import GENETIC, KINDS, OWN, VerifiedApproval, verify_approval
from gateway.approvals.errors import ApprovalRefused, IssuerNotAuthorised
from gateway.approvals.store import MAX_HELD, Recorded
from gateway.approvals.tables import ApprovalRow
from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.event import AuditEvent, Object
from gateway.audit.log import Outcome, Record
from gateway.db import Tx
from gateway.identity.caller import AgentRole, Caller
from gateway.participants.store import StoredKeys, participant
from gateway.problems import Conflict, Malformed, NotFound, WrongState

MAX_PAIRS = 100
"""Datasets times recipients of one approval: each pair is judged in the log's transaction."""
AUTHORISABLE = tuple(kind for kind in KINDS if kind not in OWN)
MAY_WITHDRAW = {AgentRole.ADMIN, AgentRole.OFFICER, AgentRole.PROVIDER}


def authorise(tx: Tx, issuer: str, kinds: tuple[str, ...], deed: Deed) -> Outcome:
    """Trust a participant to give approvals of exactly these kinds; of none, it is trusted no more.

    Raises:
        NotFound: no such participant. Malformed: a kind that is not the operator's to give.
    """
    if strange := sorted(set(kinds) - set(AUTHORISABLE)):
        raise Malformed(f"{strange[0]!r} is none of {', '.join(AUTHORISABLE)}.")
    with tx.session() as session:
        if participant(session, issuer) is None:
            raise NotFound
    tx.execute("DELETE FROM issuer WHERE participant = ?", (issuer,))
    for kind in sorted(set(kinds)):
        tx.execute("INSERT INTO issuer (participant, kind) VALUES (?, ?)", (issuer, kind))
    state.bump_epoch(tx)
    event = deed.event(
        "role.changed",
        objects=(Object("participant", issuer),),
        facts={"issues": ",".join(sorted(set(kinds))) or "none"},
    )
    return Outcome((Record(event, (deed.actor.org_id, issuer)),))


def record(tx: Tx, envelope: bytes, caller: Caller, gateway: str, deed: Deed) -> Outcome:
    """Take an approval in; the value is its id. The same one again changes nothing.

    Raises:
        ApprovalRefused: it does not hold, its issuer may not give it, or it concerns somebody else than the caller.
        Conflict: another approval has its id.
    """
    with tx.session() as session:
        approval = verify_approval(envelope, keys=StoredKeys(session), gateway=gateway, at=int(deed.at))
        content = approval.content
        key = StoredKeys(session).lookup(approval.kid)
        if key is None or key.state != "active":
            raise ApprovalRefused("the key is retired; have the approval signed with the present one")
        if content.exp <= deed.at:
            raise ApprovalRefused("the approval is over; have it renewed")
        owners = store.providers_of(session, content.datasets)
        parties = tuple(dict.fromkeys((content.issuer, *content.recipients, *sorted(owners.values()))))
        if caller.participant.id not in parties:
            raise ApprovalRefused("an approval is recorded by its issuer, a recipient it names or the provider")
        providers = [owners.get(dataset, "") for dataset in content.datasets]
        if store.may_issue(session, content.issuer, content.kind, providers) is None:
            raise IssuerNotAuthorised(_who_may(content.kind))
        if tx.execute("SELECT 1 FROM review WHERE id = ?", (content.id,)).fetchone() is not None:
            raise Conflict("This id is taken: a review has it, and so will its decision. Sign under another id.")
        if len(content.datasets) * len(content.recipients) > MAX_PAIRS:
            raise ApprovalRefused(
                f"an approval is about {MAX_PAIRS} pairs of datasets and recipients at most; split it"
            )
        for recipient in content.recipients:
            if participant(session, recipient) is None:
                raise ApprovalRefused("a recipient is no participant of this data space; check its DID")
        known = session.get(ApprovalRow, content.id)
        if known is not None:
            if known.digest == approval.digest:
                return Outcome((), content.id)
            raise Conflict("Another approval has this id; an approval that changes gets a new one.")
        _check_room(tx, approval, int(deed.at))
        row = ApprovalRow(
            id=content.id,
            kind=content.kind,
            issuer=content.issuer,
            digest=approval.digest,
            envelope=envelope,
            state="recorded",
            valid_from=content.nbf,
            valid_to=content.exp,
            recorded_at=int(deed.at),
        )
        insert(tx, row, content.datasets, content.recipients)
    facts: dict[str, str | int | bool | None] = {
        "kind": content.kind,
        "issuer": content.issuer,
        "digest": f"sha256:{approval.digest}",
        "kid": approval.kid,
        "thumbprint": f"sha-256:{approval.thumbprint}",
        "valid_to": content.exp,
    }
    objects = (Object("approval", content.id), *(Object("dataset", dataset) for dataset in content.datasets[:7]))
    event = deed.event("approval.recorded", objects=objects, facts=facts)
    return Outcome((Record(event, parties),), content.id)


def insert(tx: Tx, row: ApprovalRow, datasets: list[str], recipients: list[str]) -> None:
    """Put an approval down, with what it is about. From now on it counts."""
    pairs = [(dataset, recipient, row.id) for dataset in datasets for recipient in recipients]
    with tx.session() as session:
        session.add(row)
    tx.execute_many("INSERT INTO approval_scope (dataset, recipient, approval) VALUES (?, ?, ?)", pairs)
    state.bump_epoch(tx)


def withdraw(tx: Tx, approval: str, caller: Caller, deed: Deed) -> Outcome:
    """Take an approval back, as its issuer or the operator: no grant that needs it commits after this one.

    Raises:
        NotFound: none that the caller may take back. WrongState: it is over already.
    """
    with tx.session() as session:
        row = session.get(ApprovalRow, approval)
        ours = row is not None and row.issuer == caller.participant.id and not caller.roles.isdisjoint(MAY_WITHDRAW)
        if row is None or not (ours or AgentRole.OPERATOR in caller.roles):
            raise NotFound
        found = store.recorded(session, row)
        if found.state_at(deed.at) != "recorded":
            raise WrongState(f"The approval is {found.state_at(deed.at)} already.")
        parties = _parties(tx, found)
    tx.execute("UPDATE approval SET state = 'withdrawn' WHERE id = ?", (approval,))
    state.bump_epoch(tx)
    return Outcome((Record(_told(deed, "approval.withdrawn", found), parties),))


def withdraw_lost(tx: Tx, lost: Sequence[str], gateway: str, deed: Deed) -> list[Record]:
    """Withdraw what keys that count no more have signed; whoever goes by it is told. What still holds stands."""
    issuers = sorted({kid.partition("#")[0] for kid in lost})
    sql = "SELECT id FROM approval WHERE issuer = ? AND state = 'recorded' AND valid_to > ? AND kind <> ? ORDER BY id"
    records = []
    for issuer in issuers:
        for (approval,) in tx.execute(sql, (issuer, int(deed.at), store.COMMITTEE)).fetchall():
            with tx.session() as session:
                row = session.get_one(ApprovalRow, approval)
                if store.holds(session, row, gateway):
                    continue
                found = store.recorded(session, row)
            tx.execute("UPDATE approval SET state = 'withdrawn' WHERE id = ?", (approval,))
            records.append(Record(_told(deed, "approval.withdrawn", found, why="key-compromised"), _parties(tx, found)))
    return records


def expire(tx: Tx, deed: Deed) -> Outcome:
    """Write down what time has ended, at most a hundred at a time."""
    sql = "SELECT id FROM approval WHERE state = 'recorded' AND valid_to <= ? ORDER BY id LIMIT 100"
    records = []
    for (approval,) in tx.execute(sql, (int(deed.at),)).fetchall():
        with tx.session() as session:
            found = store.recorded(session, session.get_one(ApprovalRow, approval))
        tx.execute("UPDATE approval SET state = 'expired' WHERE id = ?", (approval,))
        records.append(Record(_told(deed, "approval.expired", found), _parties(tx, found)))
    return Outcome(tuple(records), len(records))


def _told(deed: Deed, kind: str, found: Recorded, **more: str) -> AuditEvent:
    objects = (Object("approval", found.id), *(Object("dataset", dataset) for dataset in found.datasets[:7]))
    return deed.event(kind, objects=objects, facts={"kind": found.kind, "digest": f"sha256:{found.digest}", **more})


def _parties(tx: Tx, found: Recorded) -> tuple[str, ...]:
    with tx.session() as session:
        owners = store.providers_of(session, found.datasets)
    return tuple(dict.fromkeys((found.issuer, *found.recipients, *sorted(owners.values()))))


def _check_room(tx: Tx, approval: VerifiedApproval, now: int) -> None:
    """A decision is shown so many approvals of a group; one more would push another out unseen."""
    kinds: list[str] = sorted(GENETIC) if approval.content.kind in GENETIC else [approval.content.kind]
    marks = ", ".join("?" for _ in kinds)
    sql = (
        "SELECT count(*) FROM approval_scope JOIN approval ON approval.id = approval_scope.approval"
        f" WHERE dataset = ? AND recipient = ? AND state = 'recorded' AND valid_to > ? AND kind IN ({marks})"
    )
    for dataset in approval.content.datasets:
        for recipient in approval.content.recipients:
            if tx.execute(sql, (dataset, recipient, now, *kinds)).fetchone()[0] >= MAX_HELD:
                raise ApprovalRefused(
                    f"{MAX_HELD} approvals of this kind hold already for one of its datasets and recipients; withdraw"
                    " those that are not needed any more"
                )


def _who_may(kind: str) -> str:
    if kind in OWN:
        return "This is issued by the provider of every dataset in it, and by nobody else."
    return "The operator has not authorised this issuer for this kind of approval, or the issuer is suspended."
