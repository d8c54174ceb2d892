"""Participants and their contract keys at rest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class ParticipantRow(SQLModel, table=True):
    __tablename__ = "participant"
    id: str = Field(primary_key=True)
    name: str
    facts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: str
    admitted_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class ParticipantKeyRow(SQLModel, table=True):
    """A contract key. `kid` is the full DID URL that signatures name.

    `state`: pending (it waits for the operator), refused, active, retired, compromised. `request` is what its owner
    signed to bring it; the first key comes with the admission and has none.
    """

    __tablename__ = "participant_key"
    kid: str = Field(primary_key=True)
    participant: str = Field(foreign_key="participant.id", index=True)
    jwk: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    thumbprint: str = Field(unique=True)
    state: str = Field(index=True)
    valid_from: int = Field(sa_column=Column(BigInteger, nullable=False))
    valid_until: int | None = Field(default=None, sa_column=Column(BigInteger))
    compromised_since: int | None = Field(default=None, sa_column=Column(BigInteger))
    request: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
