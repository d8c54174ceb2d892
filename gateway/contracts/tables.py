"""Offers, contracts and what is used up of them, at rest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class OfferRow(SQLModel, table=True):
    """Terms a provider offers for a dataset, to one consumer or to whoever may find it."""

    __tablename__ = "offer"
    id: str = Field(primary_key=True)
    dataset: str = Field(foreign_key="dataset.id", index=True)
    provider: str = Field(index=True)
    consumer: str | None = Field(default=None, index=True)
    terms: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: str
    offered_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class ContractRow(SQLModel, table=True):
    """One negotiation and the contract it leads to.

    `payload` and `envelope` are signed bytes, kept as they came; every other column is an index of them. Terms are
    never read from here.
    """

    __tablename__ = "contract"
    id: str = Field(primary_key=True)
    provider: str = Field(index=True)
    consumer: str = Field(index=True)
    dataset: str = Field(index=True)
    offer: str
    state: str
    suspensions: list[str] | None = Field(default=None, sa_column=Column(JSON))
    digest: str = Field(unique=True)
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    entries: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    envelope: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    status_index: int = Field(unique=True)
    drafted_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    draft_expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    valid_from: int = Field(sa_column=Column(BigInteger, nullable=False))
    valid_to: int = Field(sa_column=Column(BigInteger, nullable=False))


class ContractUsageRow(SQLModel, table=True):
    """What was taken of a contract, counted in the grant's own transaction. Rows include reservations."""

    __tablename__ = "contract_usage"
    contract: str = Field(primary_key=True)
    uses: int = Field(sa_column=Column(BigInteger, nullable=False))
    rows: int = Field(sa_column=Column("rows_taken", BigInteger, nullable=False))
