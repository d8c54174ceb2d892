"""Fixtures that more than one room's tests ask for."""

from __future__ import annotations

pytest_plugins = ["tests.databases"]
