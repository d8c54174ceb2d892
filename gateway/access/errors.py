"""What can go wrong on the way of one access."""

from __future__ import annotations

from connectors.base import SourceChanged, SourceError, SourceMismatch, SourceRefused
from gateway.problems import Malformed, Problem, TooLarge, Unavailable


class FilterNotPermitted(Problem):
    """A filter or a grouping over a column that is not released, or not with its values."""

    slug, status, title = "filter-not-permitted", 403, "The filter looks at something that is not released"


class ColumnsMalformed(Malformed):
    """The columns asked for are not there, named twice, or do not fit the action."""

    slug, title = "columns-malformed", "The columns asked for do not fit the dataset or the action"


class NothingReleased(Problem):
    """Every column asked for is dropped: there is nothing to deliver."""

    slug, status, title = "nothing-released", 403, "Nothing of what was asked for is released"


class TooManyGroups(TooLarge):
    """An aggregate with more groups than the gateway checks for derivable counts."""

    slug, title = "too-many-groups", "The aggregate has too many groups"


class GroupsOverlap(Malformed):
    """Persons are counted who are in several groups at once: such counts do not add up, and small ones could be told.

    With 102 persons in all, of whom 100 are in one group, two are outside it, and neither count is small.
    """

    slug, title = "groups-overlap", "Persons are in several of the groups"


class SourceAway(Unavailable):
    """The dataset's source is not there or cannot be read. Nothing was released, or the stream broke off."""

    slug, title = "source-unavailable", "The dataset's source cannot be read now"


class SourceDiffers(Unavailable):
    """The source is not (any more) what the dataset declares. The provider has to register a new governance version."""

    slug, title = "source-changed", "The dataset's source is not what it is registered as"


class EngineLimit(Unavailable):
    """The query went over the memory or disk this gateway grants one delivery."""

    slug, title = "delivery-over-limit", "The delivery needs more memory or disk than the gateway grants one"


def source_problem(error: SourceError) -> Problem:
    """A connector's error as a problem for who asked. It names no path and no value."""
    if isinstance(error, SourceChanged | SourceMismatch):
        return SourceDiffers(f"{error}; the provider must put the source right or register the dataset anew")
    if isinstance(error, SourceRefused):
        return SourceAway("the dataset's source may not be opened; the provider must register another path")
    return SourceAway(f"{error}; try again later or tell the provider")


class AccessDenied(Problem):
    """The policy does not permit this. `reasons` lists every rule that speaks against it, with what would pass."""

    slug, status, title = "access-denied", 403, "The policy does not permit this access"


class AccessReferred(Problem):
    """No machine may decide this. `reasons` says what a person has to decide, and who."""

    slug, status, title = "access-referred", 403, "A person must decide on this access"


class NothingToResume(Problem):
    """There is no delivery like that to take up; whether there ever was one is not said."""

    slug, status, title = "nothing-to-resume", 404, "No delivery of yours under this contract waits to be taken up"


class DeliveryRunning(Problem):
    """The delivery to take up has not ended here yet: its reader's connection was not missed so far."""

    slug, status, title = "delivery-running", 409, "The delivery is still under way"


class DeliveryDiffers(Problem):
    """What would follow does not belong to what came: another request, another content, other bytes."""

    slug, status, title = "delivery-differs", 409, "What would follow is not the rest of what came"


class ContractNotInForce(Problem):
    slug, status, title = "contract-not-in-force", 403, "The contract is not in force"


class ContractExhausted(Problem):
    """The contract's uses, rows or persons are used up; `spent` says which."""

    slug, status, title = "contract-exhausted", 403, "The contract is used up"


class ActionNotOffered(Malformed):
    """An action that contracts may grant and this gateway does not carry out."""

    slug, title = "action-not-offered", "This gateway does not carry out that action"


class Busy(Unavailable):
    slug, title = "busy", "The gateway is busy"


class ReaderStalled(Problem):
    """Whoever asked takes nothing of the stream; it is broken off, so that others get its place."""

    slug, status, title = "reader-stalled", 408, "The reader stopped reading"


class GroundGone(Problem):
    """What a running delivery stood on was taken away; it stops at once."""

    slug, status, title = "delivery-stopped", 403, "The delivery was stopped"


class Unsettled(Unavailable):
    slug, title = "end-not-recorded", "The delivery's end could not be recorded"


class SourceNotAsDeclared(Malformed):
    """At registration: the source does not hold what is declared, or may not be opened."""

    slug, title = "source-not-as-declared", "The source is not as declared"


def source_refusal(error: SourceError) -> Problem:
    """The same error as a problem for the provider who is registering the source, and who alone can put it right."""
    return SourceNotAsDeclared(f"{error}.")
