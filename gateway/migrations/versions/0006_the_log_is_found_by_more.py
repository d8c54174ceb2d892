"""the log is found by agent and by code, and by each thing without looking at the others"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PAGE = 1000


def upgrade() -> None:
    op.add_column("log_entry", sa.Column("agent", sa.String(), nullable=True))
    op.create_table(
        "log_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("code", "idx"),
    )
    _fill()
    with op.batch_alter_table("log_entry") as table:
        table.alter_column("agent", existing_type=sa.String(), nullable=False)
    for column in ("ts", "type", "outcome", "agent", "dataset", "contract"):
        op.create_index(f"log_entry_{column}", "log_entry", [column, "idx"])


def downgrade() -> None:
    for column in ("ts", "type", "outcome", "agent", "dataset", "contract"):
        op.drop_index(f"log_entry_{column}", "log_entry")
    op.drop_table("log_code")
    op.drop_column("log_entry", "agent")


def _fill() -> None:
    """What the entries say, a page at a time."""
    connection, begin = op.get_bind(), -1
    select = sa.text("SELECT idx, body FROM log_entry WHERE idx > :begin ORDER BY idx LIMIT :page")
    update = sa.text("UPDATE log_entry SET agent = :agent WHERE idx = :idx")
    insert = sa.text("INSERT INTO log_code (code, idx) VALUES (:code, :idx)")
    while rows := connection.execute(select, {"begin": begin, "page": PAGE}).fetchall():
        for idx, body in rows:
            record = json.loads(bytes(body))
            connection.execute(update, {"agent": record["actor"]["user_id"], "idx": idx})
            for code in _codes(record):
                connection.execute(insert, {"code": code, "idx": idx})
        begin = rows[-1][0]


def _codes(record: dict[str, Any]) -> list[str]:
    rules = (record["decision"] or {}).get("rules") or []
    reason = (record["event"].get("reason") or "").partition(":")[0]
    return list(dict.fromkeys([*rules, *([reason] if reason else [])]))
