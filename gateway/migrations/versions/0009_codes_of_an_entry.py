"""an entry's codes are found by the entry, to count those of a stretch of time"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("log_code_idx", "log_code", ["idx"])


def downgrade() -> None:
    op.drop_index("log_code_idx", "log_code")
