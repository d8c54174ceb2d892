"""identities outside"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_identity",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"]),
        sa.PrimaryKeyConstraint("identity", "agent"),
    )
    op.create_index(op.f("ix_outside_identity_agent"), "outside_identity", ["agent"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_outside_identity_agent"), table_name="outside_identity")
    op.drop_table("outside_identity")
