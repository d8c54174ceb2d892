"""The schema's history (Alembic), one file a version, each run in the transaction it is given."""
