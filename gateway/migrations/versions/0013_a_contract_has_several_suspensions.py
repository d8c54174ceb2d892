"""a contract has several suspensions"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CONTRACT = sa.table(
    "contract",
    sa.column("id", sa.String()),
    sa.column("suspended_by", sa.String()),
    sa.column("suspensions", sa.JSON()),
)


def upgrade() -> None:
    op.add_column("contract", sa.Column("suspensions", sa.JSON(), nullable=True))
    _copy(_CONTRACT.c.suspended_by, _CONTRACT.c.suspensions, lambda holder: [holder])
    op.drop_column("contract", "suspended_by")


def downgrade() -> None:
    op.add_column("contract", sa.Column("suspended_by", sa.String(), nullable=True))
    _copy(_CONTRACT.c.suspensions, _CONTRACT.c.suspended_by, lambda holders: holders[0])
    op.drop_column("contract", "suspensions")


def _copy(old: sa.ColumnClause[Any], new: sa.ColumnClause[Any], made: Callable[[Any], Any]) -> None:
    db = op.get_bind()
    for id, value in db.execute(sa.select(_CONTRACT.c.id, old)).all():
        if value:
            db.execute(_CONTRACT.update().where(_CONTRACT.c.id == id).values({new.name: made(value)}))
