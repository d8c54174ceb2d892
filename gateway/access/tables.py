"""Deliveries under way and the inputs decisions were made on, at rest."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class DeliveryRow(SQLModel, table=True):
    """A grant whose end is not recorded yet, and what it has reserved. Gone once the end is in the log."""

    __tablename__ = "delivery"
    entry: str = Field(primary_key=True)
    instance: str = Field(index=True)
    contract: str
    dataset: str
    provider: str
    consumer: str
    agent: str
    rows_reserved: int | None = Field(default=None, sa_column=Column(BigInteger))
    asked: str | None = None
    rows_cap: int | None = Field(default=None, sa_column=Column(BigInteger))
    counted: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    times: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class ResumableRow(SQLModel, table=True):
    """A delivery that ended, for as long as it can be taken up (`resuming`). What it says stands in the log as well.

    `asked`: SHA-256 of the request. `counted`: rows it was counted for; `rows_left`: to reserve again for the rest.
    """

    __tablename__ = "resumable"
    entry: str = Field(primary_key=True)
    contract: str
    agent: str
    asked: str | None
    content: str | None = None
    rows_cap: int | None = Field(default=None, sa_column=Column(BigInteger))
    rows_left: int = Field(sa_column=Column(BigInteger, nullable=False))
    counted: int = Field(sa_column=Column(BigInteger, nullable=False))
    times: int
    until: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class DecisionInputRow(SQLModel, table=True):
    """What a decision was made on, so that it can be made again. Off the log; bound to its entry by a salted digest."""

    __tablename__ = "decision_input"
    entry: str = Field(primary_key=True)
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    document: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ExportCountRow(SQLModel, table=True):
    """Persons whose data a provider gave abroad under a contract in a year, counted in the grant's own transaction.

    `at_most`: how many the dataset holds, whatever was given of it under however many contracts.
    """

    __tablename__ = "export_count"
    provider: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    contract: str = Field(primary_key=True)
    dataset: str
    sensitive: bool
    persons: int = Field(sa_column=Column(BigInteger, nullable=False))
    at_most: int = Field(sa_column=Column(BigInteger, nullable=False))
