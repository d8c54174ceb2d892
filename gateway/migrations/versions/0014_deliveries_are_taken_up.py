"""deliveries are taken up"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("asked", sa.String(), nullable=True))
    op.add_column("delivery", sa.Column("rows_cap", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("counted", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("delivery", sa.Column("times", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "resumable",
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=True),
        sa.Column("content", sa.String(), nullable=True),
        sa.Column("rows_cap", sa.BigInteger(), nullable=True),
        sa.Column("rows_left", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry"),
    )
    op.create_index(op.f("ix_resumable_until"), "resumable", ["until"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_resumable_until"), table_name="resumable")
    op.drop_table("resumable")
    for column in ("times", "counted", "rows_cap", "asked"):
        op.drop_column("delivery", column)
