"""The base of every failure we can explain to whoever met it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic import ValidationError


class Problem(Exception):
    """A failure someone can act on; faces show it (RFC 9457 over REST, a sentence on the command line).

    Subclasses live in their room's `errors.py` and fix `slug` (the stable name, last part of the problem type),
    `status` (HTTP) and `title`. `detail` says what happened this time and what to do; `members` are extension
    members of the problem document (JSON values). Neither ever carries a record, a key, a token or another
    tenant's identifier.
    """

    slug: ClassVar[str] = "problem"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request could not be carried out"

    def __init__(self, detail: str = "", **members: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = members


class Malformed(Problem):
    """What came in is not of the form that was asked for."""

    slug, status, title = "malformed", 422, "The request is malformed"


class TooLarge(Problem):
    """What came in is over a limit; `detail` names the limit."""

    slug, status, title = "too-large", 413, "The request is too large"


class NotFound(Problem):
    """Nothing this caller may know of: absent and hidden look the same."""

    slug, status, title = "not-found", 404, "There is nothing here that you may know of"


class Forbidden(Problem):
    slug, status, title = "forbidden", 403, "You may not do this"


class WrongState(Problem):
    slug, status, title = "wrong-state", 409, "This cannot be done in the present state"


class Conflict(Problem):
    slug, status, title = "conflict", 409, "This is already there, and different"


class Unavailable(Problem):
    """Something the gateway needs is away. Always a refusal: nothing was released."""

    slug, status, title = "unavailable", 503, "The gateway cannot answer now"


def first_complaint(error: ValidationError, *, whole: str) -> str:
    """The first thing a model found wrong, as a sentence with its place; never the value that was sent.

    `whole`: what to name when it is not one member that is wrong.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part)[:64] for part in first["loc"]) or whole
    return f"`{place}`: {first['msg'].removeprefix('Value error, ')}"


class InternalError(Problem):
    """A bug of ours. The request id leads to the process log; the answer says nothing else."""

    slug, status, title = "internal-error", 500, "Something went wrong inside the gateway"
    quote: ClassVar[str] = "Quote the request id %s to the operator."

    @classmethod
    def of(cls, request_id: str) -> InternalError:
        return cls(cls.quote % request_id, request_id=request_id)
