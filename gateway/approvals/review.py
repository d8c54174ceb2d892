"""Reviews: what the policy refers to people, decided by two of the provider's who do not see each other's vote.

A review opens with the referral, in its transaction. Two reviewers vote, each signing with a key of their own; what
they come to is worked out from the votes and, where both approve, is an approval from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, and_, col, or_, select

from gateway.approvals.errors import NotAReviewer, ReviewClosed, VoteRefused
from gateway.approvals.recording import insert
from gateway.approvals.store import COMMITTEE
from gateway.approvals.tables import ApprovalRow, ReviewRow, ReviewVoteRow
from gateway.approvals.votes import TYPE as VOTE_TYPE
from gateway.approvals.votes import (
    VOTES,
    CommitteeDecision,
    Question,
    VerifiedVote,
    Vote,
    decided,
    envelope,
    read_question,
    verify_vote,
)
from gateway.audit.commit import new_salt, salted_digest
from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Outcome, Record
from gateway.catalog.store import Dataset, dataset_by_id
from gateway.crypto import signed
from gateway.crypto.canonical import canonical_json
from gateway.crypto.keys import PublicKey
from gateway.db import Tx
from gateway.identity.caller import AgentRole, Caller
from gateway.identity.enrolment import caller as enrolled_caller
from gateway.identity.enrolment import member_key
from gateway.obligations.errors import UnknownObligation
from gateway.obligations.model import Drop, Generalise, Pseudonymise, parse
from gateway.problems import NotFound

MAY_VOTE = (AgentRole.REVIEWER, AgentRole.OFFICER)
LIFE_S = 30 * 24 * 3600
MAX_OPEN = 20
"""Open reviews of one contract: a consumer's requests must not drown the committee."""


@dataclass(frozen=True, slots=True)
class CastVote:
    reviewer: str
    cast_at: int
    vote: Vote


@dataclass(frozen=True, slots=True)
class Review:
    """A review with every vote; whom it is shown decides which of them are."""

    id: str
    provider: str
    consumer: str
    requester: str
    question: Question
    state: str
    opened_at: int
    lapses_at: int
    decided_at: int | None
    votes: tuple[CastVote, ...]

    def state_at(self, now: float) -> str:
        return "lapsed" if self.state == "open" and now >= self.lapses_at else self.state

    def votes_shown_to(self, agent: str, now: float) -> tuple[CastVote, ...]:
        """While it is open, one's own only."""
        open_still = self.state_at(now) == "open"
        return tuple(one for one in self.votes if not open_still or one.reviewer == agent)


def open_review(
    tx: Tx, question: Question, requester: str, *, ends: int, deed: Deed
) -> tuple[str | None, tuple[Record, ...]]:
    """The review of this question, opened unless one like it is open; with the events that tell it.

    `ends`: when there is nothing left to decide, as the contract is over, seconds UTC. None when the contract has as
    many open reviews as it may.
    """
    now = int(deed.at)
    same = question.model_dump(exclude={"review", "entry", "input_digest"})
    asked = hashlib.sha256(canonical_json(same)).hexdigest()
    sql = "SELECT id FROM review WHERE asked = ? AND state = 'open' AND lapses_at > ? ORDER BY id LIMIT 1"
    known = tx.execute(sql, (asked, now)).fetchone()
    if known is not None:
        return str(known[0]), ()
    sql = "SELECT count(*) FROM review WHERE contract = ? AND state = 'open' AND lapses_at > ?"
    if tx.execute(sql, (question.contract, now)).fetchone()[0] >= MAX_OPEN:
        return None, ()
    tx.execute(
        "INSERT INTO review (id, provider, consumer, contract, requester, asked, question, state, opened_at, lapses_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)",
        (
            question.review,
            question.provider,
            question.recipient,
            question.contract,
            requester,
            asked,
            question.as_bytes(),
            now,
            min(now + LIFE_S, ends),
        ),
    )
    event = deed.event("review.opened", objects=_objects(question), facts=_facts(question), prior=question.entry)
    return question.review, (Record(event, (question.provider, question.recipient)),)


def vote(tx: Tx, review: str, data: bytes, caller: Caller, deed: Deed) -> Outcome:
    """Take a reviewer's signed vote; with the second one the review is decided. The value is its state.

    Raises:
        NotFound: no review of the caller's participant. ReviewClosed. NotAReviewer: asked for it, or has voted.
        VoteRefused: the vote is not what this reviewer may sign.
    """
    now = int(deed.at)
    with tx.session() as session:
        row = session.get(ReviewRow, review)
        if row is None or row.provider != caller.participant.id:
            raise NotFound
        (found,) = _reviews(session, [row])
        if found.state_at(now) != "open":
            raise ReviewClosed(f"The review is {found.state_at(now)}.")
        if caller.agent == found.requester:
            raise NotAReviewer("Who asked does not decide.")
        if caller.agent in {one.reviewer for one in found.votes}:
            raise NotAReviewer("You have voted; a vote stands, and somebody else has to cast the other one.")

        def keys(agent: str) -> PublicKey | None:
            return member_key(session, agent, row.provider)

        cast = verify_vote(data, found.question, keys=keys, now=now)
        if cast.content.reviewer != caller.agent:
            raise VoteRefused("the vote is signed by somebody else than who sends it")
        _check_time(cast, found, now)
        _check_obligations(cast, found.question, dataset_by_id(session, found.question.dataset))
        salt = new_salt()
        session.add(ReviewVoteRow(review=review, reviewer=caller.agent, vote=data, salt=salt, cast_at=now))
        # Who was shut out since has not decided: somebody else has to.
        earlier = [
            verify_vote(bytes(one.vote), found.question, keys=keys, now=now)
            for one in _votes(session, review, caller)
            if _sits_there(session, one.reviewer)
        ][: VOTES - 1]
        decision = decided(found.question, [*earlier, cast]) if len(earlier) + 1 == VOTES else None
        if decision is not None:
            row.state, row.decided_at = "approved" if decision.approved else "refused", now
            session.add(row)
    # What it says stays unsaid until the other one is in: the entry only binds it.
    told = deed.event("review.vote", objects=_objects(found.question)[:1], facts={"vote": salted_digest(salt, data)})
    records = [Record(told, (found.provider,))]
    if decision is None:
        return Outcome(tuple(records), "open")
    if decision.approved:
        records.append(_approved(tx, decision, [*earlier, cast], deed))
    facts = _facts(found.question) | {f"reviewer_{n}": who for n, who in enumerate(sorted(decision.reasons))}
    outcome = "permit" if decision.approved else "deny"
    event = deed.event("review.decision", outcome, objects=_objects(found.question), facts=facts)
    records.append(Record(event, (found.provider, found.consumer)))
    return Outcome(tuple(records), "approved" if decision.approved else "refused")


def lapse(tx: Tx, deed: Deed) -> Outcome:
    """Write down which reviews time has ended, at most a hundred at a time."""
    sql = "SELECT id FROM review WHERE state = 'open' AND lapses_at <= ? ORDER BY id LIMIT 100"
    records = []
    for (review,) in tx.execute(sql, (int(deed.at),)).fetchall():
        with tx.session() as session:
            row = session.get_one(ReviewRow, review)
            row.state = "lapsed"
            session.add(row)
            question = read_question(bytes(row.question))
        event = deed.event("review.lapsed", objects=_objects(question), facts=_facts(question))
        records.append(Record(event, (question.provider, question.recipient)))
    return Outcome(tuple(records), len(records))


def review_seen_by(session: Session, participant: str, review: str) -> Review | None:
    """The review, if the participant is the provider whose committee decides, or the consumer who asked."""
    row = session.exec(_seen(participant).where(ReviewRow.id == review)).one_or_none()
    return None if row is None else _reviews(session, [row])[0]


def reviews_seen_by(
    session: Session,
    participant: str,
    *,
    now: float,
    state: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Review]:
    """The participant's reviews, newest first."""
    query = _seen(participant)
    if state is not None:
        query = query.where(ReviewRow.state == state) if state != "lapsed" else query.where(_lapsed(now))
        query = query.where(~_lapsed(now)) if state == "open" else query
    if before is not None:
        query = query.where(ReviewRow.id < before)
    return _reviews(session, session.exec(query.order_by(col(ReviewRow.id).desc()).limit(limit)).all())


def _approved(tx: Tx, decision: CommitteeDecision, votes: list[VerifiedVote], deed: Deed) -> Record:
    """The decision becomes an approval: from this transaction on the policy reads it."""
    question = decision.question
    document = envelope(question, votes)
    digest = hashlib.sha256(document).hexdigest()
    row = ApprovalRow(
        id=question.review,
        kind=COMMITTEE,
        issuer=question.provider,
        digest=digest,
        envelope=document,
        state="recorded",
        valid_from=decision.nbf,
        valid_to=decision.exp,
        recorded_at=int(deed.at),
    )
    insert(tx, row, [question.dataset], [question.recipient])
    facts: dict[str, Any] = {"kind": COMMITTEE, "digest": f"sha256:{digest}", "valid_to": decision.exp}
    objects = (Object("approval", question.review), Object("dataset", question.dataset))
    event = deed.event("approval.recorded", objects=objects, facts=facts | _facts(question))
    return Record(event, (question.provider, question.recipient))


def _reviews(session: Session, rows: Sequence[ReviewRow]) -> list[Review]:
    votes: dict[str, list[CastVote]] = {row.id: [] for row in rows}
    query = select(ReviewVoteRow).where(col(ReviewVoteRow.review).in_(votes)).order_by(ReviewVoteRow.reviewer)
    for one in session.exec(query):
        votes[one.review].append(CastVote(one.reviewer, one.cast_at, _content(one)))
    return [
        Review(
            row.id,
            row.provider,
            row.consumer,
            row.requester,
            read_question(bytes(row.question)),
            row.state,
            row.opened_at,
            row.lapses_at,
            row.decided_at,
            tuple(votes[row.id]),
        )
        for row in rows
    ]


def _check_time(cast: VerifiedVote, review: Review, now: int) -> None:
    if cast.content.iat < review.opened_at - signed.CLOCK_SKEW_S:
        raise VoteRefused("the vote is dated before the review was opened; check the clock")
    if cast.content.conditions is not None and cast.content.conditions.exp <= now:
        raise VoteRefused("the approval would be over already; let it end later")


def _check_obligations(cast: VerifiedVote, question: Question, dataset: Dataset | None) -> None:
    """What is asked to be done to the data can be done to these columns, and leaves something of them."""
    conditions = cast.content.conditions
    if conditions is None or dataset is None:
        return
    try:
        demands = parse(conditions.obligations)
    except UnknownObligation as problem:
        raise VoteRefused(problem.detail) from problem
    types = {column.name: column.type for column in dataset.registration.columns if column.name in question.columns}
    for demand in demands:
        if not isinstance(demand, Drop | Pseudonymise | Generalise):
            continue
        if demand.column not in types:
            raise VoteRefused(f"{demand.column[:64]!r} is no column of the question; nothing can be done to it")
        fits = (
            ("integer", "number")
            if isinstance(demand, Generalise) and demand.method == "band"
            else ("date", "datetime")
        )
        if isinstance(demand, Generalise) and types[demand.column] not in fits:
            raise VoteRefused(f"{demand.column!r} is of type {types[demand.column]}; {demand.method} is not for that")
    if conditions.columns and {d.column for d in demands if isinstance(d, Drop)} >= set(conditions.columns):
        raise VoteRefused("every approved column is dropped; vote to refuse instead")


def _sits_there(session: Session, agent: str) -> bool:
    """Whether an agent still is of the committee."""
    found = enrolled_caller(session, agent)
    return found is not None and not found.roles.isdisjoint(MAY_VOTE)


def _content(row: ReviewVoteRow) -> Vote:
    signed_vote = signed.parse(bytes(row.vote), typ=VOTE_TYPE, refusal=VoteRefused)
    return signed.read(signed_vote.payload, Vote, refusal=VoteRefused)


def _votes(session: Session, review: str, but: Caller) -> list[ReviewVoteRow]:
    query = select(ReviewVoteRow).where(ReviewVoteRow.review == review, ReviewVoteRow.reviewer != but.agent)
    return list(session.exec(query.order_by(ReviewVoteRow.reviewer)))


def _lapsed(now: float) -> Any:
    """Of a review: it has lapsed, whether that was written down yet or not."""
    over = and_(col(ReviewRow.state) == "open", col(ReviewRow.lapses_at) <= int(now))
    return or_(col(ReviewRow.state) == "lapsed", over)


def _seen(participant: str) -> Any:
    return select(ReviewRow).where(or_(col(ReviewRow.provider) == participant, col(ReviewRow.consumer) == participant))


def _objects(question: Question) -> tuple[Object, ...]:
    return Object("review", question.review), Object("dataset", question.dataset), Object("contract", question.contract)


def _facts(question: Question) -> dict[str, Any]:
    rules = ",".join(question.rules)
    return {"rules": rules if len(rules) <= 250 else f"{len(question.rules)}-rules", "question": question.digest}
