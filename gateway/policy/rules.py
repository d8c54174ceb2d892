"""What the rules are, for people: which pack each is in, what it can say, on what ground, and what would make it pass.

It stands in the rule's own `data.json`, from which the rule itself speaks, so what is listed is what is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.crypto.canonical import strict_json
from gateway.policy.errors import BundleInvalid
from gateway.problems import Malformed, TooLarge

MAX_TABLE_BYTES = 256 * 1024
_PACKS = "lib/packs/data.json"
OWN = "general"
"""The pack of a rule that names none: it is always on."""
_RULE = re.compile(r"access/rules/([a-z][a-z0-9_]*)/\1\.rego")
_SENTENCE = re.compile(r"# (.+)\n")


class Finding(BaseModel):
    """One thing a rule can say. What is None depends on the case: the rule fills it in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    code: str | None = Field(default=None, pattern=r"^[A-Z]{2,6}-[0-9]{2}$")
    effect: Literal["deny", "refer"]
    text: str | None = Field(default=None, min_length=1, max_length=1000)
    facts: tuple[str, ...] | None = Field(default=None, strict=False)
    source: str | None = Field(default=None, min_length=1, max_length=500)
    remedy: str | None = Field(default=None, min_length=1, max_length=500)


class Rule(BaseModel):
    """One folder of access/rules. `source`: law or standard, or `Ours`; `confidence`: A to D as in docs/policy.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    pack: str
    active: bool
    source: str = "Ours"
    confidence: str = "-"
    findings: dict[str, Finding] = {}

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes it can give, as far as they do not depend on the case."""
        return tuple(sorted({finding.code for finding in self.findings.values() if finding.code}))


def read_catalogue(
    files: Mapping[str, bytes], packs: frozenset[str] | None
) -> tuple[tuple[str, ...], tuple[Rule, ...]]:
    """The packs that are on (`packs` None: all), and every rule of a folder's files, by name.

    Raises:
        BundleInvalid: no table of packs, a pack nobody knows, or a rule that does not say what it is.
    """
    known = _table(files, _PACKS).get("packs")
    if not isinstance(known, dict) or not known:
        raise BundleInvalid(f"{_PACKS} must name the packs.")
    packs = frozenset(known) if packs is None else packs
    for pack in sorted(packs - known.keys()):
        raise BundleInvalid(f"There is no pack {pack!r}. Known: {', '.join(known)}.")
    on = tuple(name for name, about in known.items() if name in packs or about.get("required") is True)
    names = sorted(found[1] for path in files if (found := _RULE.fullmatch(path)))
    return on, tuple(_rule(files, name, known.keys(), on) for name in names)


def _rule(files: Mapping[str, bytes], name: str, known: Any, on: tuple[str, ...]) -> Rule:
    folder = f"access/rules/{name}"
    table = _table(files, f"{folder}/data.json")
    sentence = _SENTENCE.match(files[f"{folder}/{name}.rego"].decode("utf-8", "replace"))
    pack = table.get("pack", OWN)
    if pack not in known:
        raise BundleInvalid(f"{folder}/data.json: there is no pack {pack!r}. Known: {', '.join(known)}.")
    said = {member: table[member] for member in ("source", "confidence", "findings") if member in table}
    title = name if sentence is None else sentence[1]
    try:
        return Rule.model_validate({"name": name, "title": title, "pack": pack, "active": pack in on, **said})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BundleInvalid(f"{folder}/data.json: {place}: {first['msg']}.") from None


def _table(files: Mapping[str, bytes], path: str) -> dict[str, Any]:
    try:
        parsed = strict_json(files.get(path, b"{}"), max_bytes=MAX_TABLE_BYTES)
    except (Malformed, TooLarge) as problem:
        raise BundleInvalid(f"{path}: {problem.detail}") from problem
    table = parsed.get("table") if isinstance(parsed, dict) else None
    return table if isinstance(table, dict) else {}
