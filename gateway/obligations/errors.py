"""What can be wrong with a demand, or with a predicate."""

from __future__ import annotations

from gateway.problems import Problem


class UnknownObligation(Problem):
    """A demand of a kind or a form that this gateway does not understand. The access is refused."""

    slug, status, title = "obligation-unknown", 503, "An obligation is not understood by this gateway"


class NotDischargeable(Problem):
    """A demand that makes no sense of this dataset, for example an age band of text. The access is refused."""

    slug, status, title = "obligation-not-dischargeable", 503, "An obligation cannot be discharged on this dataset"


class PredicateMalformed(Problem):
    """A filter that is not of the published form, or compares a column with a value of another type."""

    slug, status, title = "filter-malformed", 422, "The filter is malformed"
