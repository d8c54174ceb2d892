"""README and docs as a reader uses them: files to save, commands to type, answers to expect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# In this order they are one story on one data space.
PLAYED = (
    "README.md",
    "docs/participants.md",
    "docs/datasets.md",
    "docs/contracts.md",
    "docs/access.md",
    "docs/approvals.md",
    "docs/audit.md",
    "docs/alerts.md",
    "docs/policy.md",
    "docs/pages.md",
    "docs/operations.md",
    "docs/sdk.md",
    "docs/keys.md",
)
PAGES = (
    *PLAYED,
    "docs/guide-provider.md",
    "docs/guide-researcher.md",
    "docs/guide-officer.md",
    "docs/guide-operator.md",
    "docs/performance.md",
    "docs/problems.md",
    "docs/threats.md",
    "docs/glossary.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
)

_FENCE = re.compile(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is to be saved as, and where its text lies in the page."""

    language: str
    file: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Typed:
    """A command after `$ `, with the answer the page shows. A line `...` stands for any lines."""

    command: str
    answer: str

    @property
    def refused(self) -> bool:
        return re.search(r"^✗ ", self.answer, re.MULTILINE) is not None


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text_of(page)):
        yield Block(found[1], found[2], found[3], found.start(3), found.end(3))


def typed(block: Block) -> list[Typed]:
    """The commands of a console block. A command goes on after a backslash and inside quotes."""
    commands: list[Typed] = []
    command, answer, going_on = "", "", False
    for line in block.text.splitlines(keepends=True):
        if going_on or line.startswith("$ "):
            if not going_on and command:
                commands.append(Typed(command, answer))
            command = command + line if going_on else line[2:]
            answer, going_on = "", line.endswith("\\\n") or command.count("'") % 2 == 1
        else:
            answer += line
    return [*commands, Typed(command, answer)]


_VARIES = (
    (r" +$", ""),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\ba-[0-9a-f]{20}\b", "AGENT"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r"^( *)\"?p-[0-9a-f]{8}.*$", r"\1ROW"),
    (r"\b[0-9a-f]{16,}\b(\n +[0-9a-f]{1,48}$)?", "DIGEST"),
    # A type and a key of 32 bytes, folded anywhere; what comes behind may look like more of it.
    (r"\+[0-9a-f]{8}\+(?:[A-Za-z0-9+/=](?: *\n *)?){43}[A-Za-z0-9+/=]", "+VKEY"),
    (r"key [A-Za-z0-9_-]{16}…", "KEY"),
    (r"[A-Za-z0-9_-]{43,}", "KEY"),
    (r"in \d+(\.\d+)? s\b", "in S"),
    (r"\d+\.\d+ MB", "MB"),
    (r"[\d,]+ bytes|\bbytes +\d+", "BYTES"),
    (r"entry \d+ of \d+", "ENTRY"),
    (r"line \d+, entry \d+", "ENTRY"),
    (r"\d+ entries", "ENTRIES"),
    (r"^(index|log size|entries) +\d+$", r"\1 N"),
    (r"^\d+ +TIME", "N TIME"),
    (r"\b1[789]\d{8}\b", "SECONDS"),
    (r" +", " "),
)


def stable(text: str) -> str:
    """What must be the same every time: ids, keys, times, digests and places in the log are not."""
    for pattern, name in _VARIES:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text.strip()


def answers(shown: str, real: str) -> bool:
    """Whether the real answer is the one the page shows."""
    parts = [re.escape(stable(part)) for part in re.split(r"^ *\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(r"\s*" + r"\s*(?:.*\n)*\s*".join(parts) + r"\s*", stable(real) + "\n") is not None
