"""Registered datasets at rest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Text
from sqlmodel import Field, SQLModel


class DatasetRow(SQLModel, table=True):
    """A dataset. `document` is the whole registration; the columns beside it are an index of it."""

    __tablename__ = "dataset"
    id: str = Field(primary_key=True)
    provider: str = Field(foreign_key="participant.id", index=True)
    state: str
    title: str
    search: str = Field(sa_column=Column(Text, nullable=False))
    governance_version: str
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    content_digest: str
    rows: int = Field(sa_column=Column(BigInteger, nullable=False))
    registered_at: int = Field(sa_column=Column(BigInteger, nullable=False))
