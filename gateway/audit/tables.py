"""The log at rest. The writer and the reader speak to these tables through the driver; the models are their schema."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, SmallInteger, Text
from sqlmodel import Field, SQLModel


class LogHead(SQLModel, table=True):
    """The tree's head: one row, and the lock on which the writers of several processes queue."""

    __tablename__ = "log_head"
    id: int = Field(primary_key=True)
    origin: str
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    frontier: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    checkpoint: str = Field(sa_column=Column(Text, nullable=False))


class LogEntry(SQLModel, table=True):
    """One entry: the exact bytes that were hashed, and an index of what officers ask by."""

    __tablename__ = "log_entry"
    # Each with the place in the log, so that the newest of a kind are found without looking at the others.
    __table_args__ = (
        Index("log_entry_ts", "ts", "idx"),
        Index("log_entry_type", "type", "idx"),
        Index("log_entry_outcome", "outcome", "idx"),
        Index("log_entry_agent", "agent", "idx"),
        Index("log_entry_dataset", "dataset", "idx"),
        Index("log_entry_contract", "contract", "idx"),
    )
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: str = Field(unique=True)
    ts: str
    type: str
    outcome: str
    actor_org: str
    agent: str
    dataset: str | None = None
    contract: str | None = None
    leaf: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LogCode(SQLModel, table=True):
    """Which entries give a rule's or a problem's code as their reason."""

    __tablename__ = "log_code"
    __table_args__ = (Index("log_code_idx", "idx"),)
    code: str = Field(primary_key=True)
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class LogTile(SQLModel, table=True):
    """A complete tile (256 hashes) of the tree, C2SP tlog-tiles geometry."""

    __tablename__ = "log_tile"
    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    # Before the hashes, so that reading many roots does not read their tiles.
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LogParty(SQLModel, table=True):
    """Whose entry it is, and the opening of that party's commitment in it: running number, salt, previous leaf."""

    __tablename__ = "log_party"
    __table_args__ = (Index("log_party_idx", "idx"),)
    participant: str = Field(primary_key=True)
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    prev: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class LogCosigned(SQLModel, table=True):
    """A checkpoint with the lines of the witnesses that have cosigned it; `at`: when the last came, seconds UTC."""

    __tablename__ = "log_cosigned"
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    at: int = Field(sa_column=Column(BigInteger, nullable=False))


class LogCollector(SQLModel, table=True):
    """Which of several processes asks the witnesses, and until when (seconds, UTC): one row."""

    __tablename__ = "log_collector"
    id: int = Field(primary_key=True)
    holder: str
    until: int = Field(sa_column=Column(BigInteger, nullable=False))


class GatewayState(SQLModel, table=True):
    """What every grant is checked against when it commits: one row."""

    __tablename__ = "gateway_state"
    id: int = Field(primary_key=True)
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    bundle: str


class Instance(SQLModel, table=True):
    """A running gateway process and when it was last heard from (seconds, UTC)."""

    __tablename__ = "instance"
    id: str = Field(primary_key=True)
    seen: int = Field(sa_column=Column(BigInteger, nullable=False))


class LogTally(SQLModel, table=True):
    """Decisions of a day by what they had to do with; `participant` empty: everybody's. Made from the log."""

    __tablename__ = "log_tally"
    participant: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, nullable=False))


class LogTallyPlace(SQLModel, table=True):
    """Up to which entry they are counted: one row."""

    __tablename__ = "log_tally_place"
    id: int = Field(primary_key=True)
    idx: int = Field(sa_column=Column(BigInteger, nullable=False))
