"""Approvals, who may issue them, and reviews, at rest."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class IssuerRow(SQLModel, table=True):
    """A participant whom the operator trusts to give approvals of a kind."""

    __tablename__ = "issuer"
    participant: str = Field(primary_key=True, foreign_key="participant.id")
    kind: str = Field(primary_key=True)


class ApprovalRow(SQLModel, table=True):
    """`envelope` is what was signed, kept as it came; every other column is an index of it.

    `kind` is one of `document.KINDS`, or `committee` for a review's decision. `state`: recorded, withdrawn, expired.
    """

    __tablename__ = "approval"
    id: str = Field(primary_key=True)
    kind: str
    issuer: str = Field(index=True)
    digest: str = Field(unique=True)
    envelope: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str
    valid_from: int = Field(sa_column=Column(BigInteger, nullable=False))
    valid_to: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    recorded_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class ApprovalScopeRow(SQLModel, table=True):
    """What an approval is about: one row for each of its datasets with each of its recipients."""

    __tablename__ = "approval_scope"
    dataset: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    approval: str = Field(primary_key=True, foreign_key="approval.id", index=True)


class ReviewRow(SQLModel, table=True):
    """What was referred to the provider's committee. `asked` is the same for the same request while it is open."""

    __tablename__ = "review"
    id: str = Field(primary_key=True)
    provider: str = Field(index=True)
    consumer: str = Field(index=True)
    contract: str = Field(index=True)
    requester: str
    asked: str = Field(index=True)
    question: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str
    opened_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    lapses_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    decided_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class ReviewVoteRow(SQLModel, table=True):
    """A vote as it was signed; off the log, which holds a salted digest of it."""

    __tablename__ = "review_vote"
    review: str = Field(primary_key=True, foreign_key="review.id")
    reviewer: str = Field(primary_key=True)
    vote: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    cast_at: int = Field(sa_column=Column(BigInteger, nullable=False))
