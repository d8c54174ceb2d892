"""The bundles that were ever active, at rest."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class BundleRow(SQLModel, table=True):
    """A bundle by its digest; `content` (see `store`) holds its files and packs, so that it can decide again."""

    __tablename__ = "policy_bundle"
    digest: str = Field(primary_key=True)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    activated_at: int = Field(sa_column=Column(BigInteger, nullable=False))
