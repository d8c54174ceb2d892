"""What the gateway says when it does not do what it was asked, as exceptions that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from gateway.problems import Problem


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that spoke: its code, what it says, the facts it saw, where it comes from, and what would help."""

    code: str
    text: str
    rule: str = ""
    source: str = ""
    remedy: str = ""
    facts: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Reason:
        texts = {name: str(said.get(name) or "") for name in ("code", "text", "rule", "source", "remedy")}
        return cls(**texts, facts=said.get("facts"))

    def __str__(self) -> str:
        source = f" ({self.source})" if self.source else ""
        remedy = f"\n    what to do: {self.remedy}" if self.remedy else ""
        return f"{self.code}: {self.text}{source}{remedy}"


class Refused(Problem):
    """The gateway said no, and why: `members` holds the whole problem document (RFC 9457)."""

    slug, status, title = "refused", 400, "The gateway refused"

    @property
    def code(self) -> str:
        """The problem's stable name, the last part of its type."""
        return str(self.members.get("type", "")).rpartition("/")[2]

    @property
    def reasons(self) -> list[Reason]:
        """Every rule that stands in the way, or that wants people to decide."""
        return [Reason.of(said) for said in self.members.get("reasons") or ()]

    @property
    def would_pass(self) -> list[str]:
        """What would pass instead: each a sentence with the changes that pass together."""
        return [
            " and ".join(str(change.get("text", "")) for change in together)
            for together in self.members.get("would_pass") or ()
        ]

    @property
    def entry(self) -> str | None:
        """The log's entry of this refusal, whose receipt can be had."""
        found = self.members.get("entry")
        return None if found is None else str(found)

    def __str__(self) -> str:
        lines = [self.detail or self.title, *(f"  {reason}" for reason in self.reasons)]
        lines += [f"  would pass: {text}" for text in self.would_pass]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{escape(one.code)}</b> {escape(one.text)} <small>{escape(one.source)}</small><br>"
            f"{escape(one.remedy)}</li>"
            for one in self.reasons
        )
        passing = "".join(f"<li>{escape(text)}</li>" for text in self.would_pass)
        also = f"<p>Would pass:</p><ul>{passing}</ul>" if passing else ""
        return f"<p><b>{escape(self.detail or self.title)}</b></p><ul>{items}</ul>{also}"


class Unreachable(Problem):
    """No answer from the gateway."""

    slug, status, title = "gateway-unreachable", 503, "The gateway does not answer"


class BrokenOff(Unreachable):
    """An answer ended before its end: what came of it is not the whole, and is not handed out."""

    slug, title = "broken-off", "The data broke off"


class NotAsSent(Problem):
    """What came is not what the log says left."""

    slug, status, title = "not-as-sent", 502, "What came is not what was sent"


class LogKeyChanged(Problem):
    """The gateway signs its log with another key than the one remembered."""

    slug, status, title = "log-key-changed", 409, "The log's key is another one than before"


class NotInstalled(Problem):
    """A library that this needs is missing."""

    slug, status, title = "not-installed", 400, "A library is missing"
