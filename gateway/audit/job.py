"""What a caller hands to the log's writer, and how it is answered."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from gateway.audit.change import Change, Recorded
from gateway.audit.errors import LogUnavailable
from gateway.problems import Problem

NOT_WRITTEN = "The audit log could not be written; nothing was done or released."


@dataclass(slots=True)
class Job:
    change: Change
    future: Future[Recorded] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    waiter: asyncio.Future[Recorded] | None = None
    result: Recorded | None = None
    error: Exception | None = None


def cannot_come_back(failure: Exception) -> bool:
    """Whether a failed commit of SQLite is not whole in its WAL: the disk was full before its end."""
    cause = failure.orig if isinstance(failure, DBAPIError) else failure
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def unavailable(error: Exception) -> Problem:
    """What a caller is told of it: each its own, for it may be added to on the way."""
    own = error if isinstance(error, Problem) else LogUnavailable(NOT_WRITTEN)
    problem = type(own)(own.detail, **own.members)
    problem.__cause__ = error
    return problem


def answer(jobs: list[Job]) -> None:
    """Give every caller its result; one wake-up per event loop for the whole batch."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.loop is not None:
            loops.setdefault(job.loop, []).append(job)
        elif job.future is not None:
            _tell(job.future, job)
    for loop, waiting in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_answer_loop, waiting)


def _answer_loop(jobs: list[Job]) -> None:
    for job in jobs:
        if job.waiter is not None and not job.waiter.done():
            _tell(job.waiter, job)


def _tell(waiting: Future[Recorded] | asyncio.Future[Recorded], job: Job) -> None:
    """The result; or the refusal, with the entry that records it, so that who is refused can ask for its receipt."""
    if job.error is None and job.result is not None:
        waiting.set_result(job.result)
        return
    error = job.error or LogUnavailable(NOT_WRITTEN)
    if isinstance(error, Problem) and job.result is not None and job.result.ids:
        error.members.setdefault("entry", job.result.ids[0])
        error.members.setdefault("index", job.result.indices[0])
    waiting.set_exception(error)
