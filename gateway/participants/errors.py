"""What can go wrong when an organisation is admitted."""

from __future__ import annotations

from gateway.problems import Conflict


class AlreadyAdmitted(Conflict):
    slug, title = "already-admitted", "This participant or key is admitted already"
