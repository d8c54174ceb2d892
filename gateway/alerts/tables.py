"""Subscriptions to alerts, each one's place in the log, and the messages that are under way."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class AlertSubscriptionRow(SQLModel, table=True):
    """Who is told, where, and of what. The address may name a person and stays off the log."""

    __tablename__ = "alert_subscription"
    id: str = Field(primary_key=True)
    participant: str = Field(foreign_key="participant.id", index=True)
    agent: str = Field(foreign_key="agent.id")
    address: str
    kinds: list[str] = Field(sa_column=Column(JSON, nullable=False))
    refusals: int
    share: int
    state: str
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertPlaceRow(SQLModel, table=True):
    """How far a subscription has read the log: every entry below `seen` was looked at."""

    __tablename__ = "alert_place"
    subscription: str = Field(primary_key=True, foreign_key="alert_subscription.id")
    seen: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertMessageRow(SQLModel, table=True):
    """A matter that was found: a message under way, sent, given up, or `known` and none of it to be told."""

    __tablename__ = "alert_message"
    __table_args__ = (
        UniqueConstraint("subscription", "kind", "matter"),
        Index("alert_message_due", "state", "due_at"),
    )
    id: str = Field(primary_key=True)
    subscription: str = Field(foreign_key="alert_subscription.id")
    kind: str
    matter: str
    body: str
    state: str
    attempts: int
    due_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    said: str
