"""What can go wrong when an organisation is admitted."""

from __future__ import annotations

from gateway.problems import Conflict


class AlreadyAdmitted(Conflict):
    slug, title = "already-admitted", "This participant or key is admitted already"


class TooManyKeysWait(Conflict):
    """Of one participant: whoever asks again and again is to wait for the operator's answer."""

    slug, title = "too-many-keys-wait", "Too many keys of this participant wait for approval"
