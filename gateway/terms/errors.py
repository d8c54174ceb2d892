"""What can be wrong with terms."""

from __future__ import annotations

from gateway.problems import Malformed


class TermNotUnderstood(Malformed):
    """A term, operand, operator, duty or member is outside the profile; `detail` names it."""

    slug, title = "term-not-understood", "The terms hold something this gateway does not understand"


class PurposeUnclear(Malformed):
    """A purpose is unknown, lacks an answer its form must ask for, or is answered against its own meaning."""

    slug, title = "purpose-unclear", "The purpose is unknown or not fully stated"
