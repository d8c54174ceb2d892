"""the first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "assertion",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("jti", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "jti"),
    )
    op.create_index(op.f("ix_assertion_expires_at"), "assertion", ["expires_at"], unique=False)
    op.create_table(
        "contract",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("offer", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=True),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("drafted_at", sa.BigInteger(), nullable=False),
        sa.Column("draft_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sa.UniqueConstraint("status_index"),
    )
    op.create_index(op.f("ix_contract_consumer"), "contract", ["consumer"], unique=False)
    op.create_index(op.f("ix_contract_dataset"), "contract", ["dataset"], unique=False)
    op.create_index(op.f("ix_contract_provider"), "contract", ["provider"], unique=False)
    op.create_table(
        "contract_usage",
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("rows_taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract"),
    )
    op.create_table(
        "decision_input",
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry"),
    )
    op.create_table(
        "delivery",
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("rows_reserved", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("entry"),
    )
    op.create_index(op.f("ix_delivery_instance"), "delivery", ["instance"], unique=False)
    op.create_table(
        "gateway_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_entry",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("actor_org", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=True),
        sa.Column("contract", sa.String(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_party",
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("participant", "idx"),
    )
    op.create_index("log_party_idx", "log_party", ["idx"], unique=False)
    op.create_table(
        "log_tile",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n"),
    )
    op.create_table(
        "participant",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("admitted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "agent",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("thumbprint", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("secure_environment", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant"],
            ["participant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("thumbprint"),
    )
    op.create_index(op.f("ix_agent_participant"), "agent", ["participant"], unique=False)
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("governance_version", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("content_digest", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"],
            ["participant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_dataset_provider"), "dataset", ["provider"], unique=False)
    op.create_table(
        "participant_key",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("thumbprint", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["participant"],
            ["participant.id"],
        ),
        sa.PrimaryKeyConstraint("kid"),
        sa.UniqueConstraint("thumbprint"),
    )
    op.create_index(op.f("ix_participant_key_participant"), "participant_key", ["participant"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_offer_consumer"), "offer", ["consumer"], unique=False)
    op.create_index(op.f("ix_offer_dataset"), "offer", ["dataset"], unique=False)
    op.create_index(op.f("ix_offer_provider"), "offer", ["provider"], unique=False)


def downgrade() -> None:

    op.drop_index(op.f("ix_offer_provider"), table_name="offer")
    op.drop_index(op.f("ix_offer_dataset"), table_name="offer")
    op.drop_index(op.f("ix_offer_consumer"), table_name="offer")
    op.drop_table("offer")
    op.drop_index(op.f("ix_participant_key_participant"), table_name="participant_key")
    op.drop_table("participant_key")
    op.drop_index(op.f("ix_dataset_provider"), table_name="dataset")
    op.drop_table("dataset")
    op.drop_index(op.f("ix_agent_participant"), table_name="agent")
    op.drop_table("agent")
    op.drop_table("participant")
    op.drop_table("log_tile")
    op.drop_index("log_party_idx", table_name="log_party")
    op.drop_table("log_party")
    op.drop_table("log_head")
    op.drop_table("log_entry")
    op.drop_table("instance")
    op.drop_table("gateway_state")
    op.drop_index(op.f("ix_delivery_instance"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_table("decision_input")
    op.drop_table("contract_usage")
    op.drop_index(op.f("ix_contract_provider"), table_name="contract")
    op.drop_index(op.f("ix_contract_dataset"), table_name="contract")
    op.drop_index(op.f("ix_contract_consumer"), table_name="contract")
    op.drop_table("contract")
    op.drop_index(op.f("ix_assertion_expires_at"), table_name="assertion")
    op.drop_table("assertion")
