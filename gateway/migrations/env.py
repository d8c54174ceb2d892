"""Run by Alembic: migrations happen on the connection that `migrate` was given."""

from __future__ import annotations

from alembic import context

from gateway.migrations.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
