"""The bundles that were ever active, at rest; when each was activated, and what a shadow saw."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class BundleRow(SQLModel, table=True):
    """A bundle by its digest; `content` (see `store`) holds its files and packs, so that it can decide again."""

    __tablename__ = "policy_bundle"
    digest: str = Field(primary_key=True)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    activated_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class ActivationRow(SQLModel, table=True):
    """Each time a bundle became the active one, in order of `id`. `origin`: `folder` or `operator` (over the API)."""

    __tablename__ = "policy_activation"
    id: str = Field(primary_key=True)
    digest: str
    origin: str
    revision: str
    signed_by: str | None
    activated_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class ShadowRow(SQLModel, table=True):
    """A candidate that is evaluated beside the active bundle until `ended_at`; `content` as in BundleRow."""

    __tablename__ = "policy_shadow"
    id: str = Field(primary_key=True)
    digest: str
    revision: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    started_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    ended_at: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    why: str | None


class ShadowCountRow(SQLModel, table=True):
    """How often what was seen: see `shadow`."""

    __tablename__ = "policy_shadow_count"
    shadow: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    change: str = Field(primary_key=True)
    count: int = Field(sa_column=Column(BigInteger, nullable=False))


class ShadowDifferenceRow(SQLModel, table=True):
    """A live decision that the candidate would have made otherwise: results, and codes with blanks between them."""

    __tablename__ = "policy_shadow_difference"
    entry: str = Field(primary_key=True)
    shadow: str
    before: str
    after: str
    gone: str
    new: str
