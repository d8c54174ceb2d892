"""approvals, reviews, and the persons whose data leaves the country"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "issuer",
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["participant"], ["participant.id"]),
        sa.PrimaryKeyConstraint("participant", "kind"),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("ix_approval_issuer", "approval", ["issuer"])
    op.create_index("ix_approval_valid_to", "approval", ["valid_to"])
    op.create_table(
        "approval_scope",
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("approval", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["approval"], ["approval.id"]),
        sa.PrimaryKeyConstraint("dataset", "recipient", "approval"),
    )
    op.create_index("ix_approval_scope_approval", "approval_scope", ["approval"])
    op.create_table(
        "review",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("provider", "consumer", "contract", "asked", "lapses_at"):
        op.create_index(f"ix_review_{column}", "review", [column])
    op.create_table(
        "review_vote",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("vote", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("cast_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["review"], ["review.id"]),
        sa.PrimaryKeyConstraint("review", "reviewer"),
    )
    op.create_table(
        "export_count",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("at_most", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "year", "contract"),
    )


def downgrade() -> None:
    for table in ("export_count", "review_vote", "review", "approval_scope", "approval", "issuer"):
        op.drop_table(table)
