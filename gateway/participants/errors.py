"""What can go wrong when an organisation is admitted."""

from __future__ import annotations

from gateway.problems import Conflict, Forbidden


class AlreadyAdmitted(Conflict):
    slug, title = "already-admitted", "This participant or key is admitted already"


class ParticipantSuspended(Forbidden):
    """The caller's organisation is suspended: nothing is done for it until it is reinstated."""

    slug, title = "participant-suspended", "The participant is suspended"
