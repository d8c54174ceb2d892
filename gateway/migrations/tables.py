"""Every table of every room, gathered for Alembic."""

from __future__ import annotations

from sqlmodel import SQLModel

import gateway.access.tables
import gateway.alerts.tables
import gateway.approvals.tables
import gateway.audit.tables
import gateway.catalog.tables
import gateway.contracts.tables
import gateway.identity.tables
import gateway.participants.tables
import gateway.policy.tables  # noqa: F401  all of these are imported so that SQLModel knows the tables

METADATA = SQLModel.metadata
