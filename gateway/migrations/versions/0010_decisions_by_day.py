"""decisions counted by day"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_tally",
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("participant", "what", "day", "value", "outcome"),
    )
    place = op.create_table(
        "log_tally_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(place, [{"id": 1, "idx": 0}])


def downgrade() -> None:
    op.drop_table("log_tally_place")
    op.drop_table("log_tally")
