"""keys are replaced and contracts suspended"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("participant_key", sa.Column("compromised_since", sa.BigInteger(), nullable=True))
    op.add_column("participant_key", sa.Column("request", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_participant_key_state"), "participant_key", ["state"], unique=False)
    op.add_column("contract", sa.Column("suspended_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("contract", "suspended_by")
    op.drop_index(op.f("ix_participant_key_state"), table_name="participant_key")
    op.drop_column("participant_key", "request")
    op.drop_column("participant_key", "compromised_since")
