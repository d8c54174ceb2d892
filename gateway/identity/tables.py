"""Agents, the assertions they have already used, and their ways into the pages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column
from sqlmodel import Field, SQLModel


class AgentRow(SQLModel, table=True):
    """An agent. `id` is its random handle, the only name the log knows; `label` may be erased."""

    __tablename__ = "agent"
    id: str = Field(primary_key=True)
    participant: str = Field(foreign_key="participant.id", index=True)
    label: str
    roles: list[str] = Field(sa_column=Column(JSON, nullable=False))
    jwk: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    thumbprint: str = Field(unique=True)
    location: str
    secure_environment: bool
    state: str
    enrolled_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class SignInLinkRow(SQLModel, table=True):
    """A one-time way in to the pages, by the SHA-256 of its secret (hex)."""

    __tablename__ = "sign_in_link"
    digest: str = Field(primary_key=True)
    agent: str = Field(foreign_key="agent.id", index=True)
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class SessionRow(SQLModel, table=True):
    """A session of the pages, by the SHA-256 of what its cookie carries (hex). `method`: how its agent signed in."""

    __tablename__ = "web_session"
    digest: str = Field(primary_key=True)
    agent: str = Field(foreign_key="agent.id", index=True)
    method: str
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class OutsideIdentityRow(SQLModel, table=True):
    """Somebody outside who may sign in as an agent: SHA-256 (hex) of issuer and subject, never their name."""

    __tablename__ = "outside_identity"
    identity: str = Field(primary_key=True)
    agent: str = Field(primary_key=True, foreign_key="agent.id", index=True)
    provider: str
    connected_at: int = Field(sa_column=Column(BigInteger, nullable=False))


class AssertionRow(SQLModel, table=True):
    """A client assertion that was used; kept until it would have expired anyway."""

    __tablename__ = "assertion"
    agent: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
