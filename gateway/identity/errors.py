"""What can go wrong when somebody says who they are."""

from __future__ import annotations

from gateway.problems import Forbidden, Problem, Unavailable


class NotAuthenticated(Problem):
    """No token, or one that does not hold. Never says which check failed: strangers learn nothing."""

    slug, status, title = "not-authenticated", 401, "A valid access token is needed"


class AssertionRefused(Problem):
    """A client assertion that does not prove who signed it (RFC 7523 section 3)."""

    slug, status, title = "assertion-refused", 401, "The client assertion was not accepted"


class LinkRefused(Problem):
    """A sign-in link that lets nobody in. Never says whether it was used, is too old or never was."""

    slug, status, title = "link-refused", 403, "This sign-in link lets nobody in"


class ProvidersMalformed(Problem):
    """The operator's file of sign-in providers cannot be used."""

    slug, status, title = "sign-in-providers-malformed", 422, "The file of sign-in providers cannot be used"


class OutsideRefused(Problem):
    """What came back from a provider, or with whom, does not fit."""

    slug, status, title = "sign-in-refused", 403, "This sign-in is not accepted"


class ProviderAway(Unavailable):
    """A provider outside does not answer, or not as it should."""

    slug, title = "sign-in-provider-unavailable", "The sign-in provider cannot be asked now"


class RoleNeeded(Forbidden):
    """The caller is known, and has no role that may do this."""

    slug, title = "role-needed", "Your roles do not include this"
