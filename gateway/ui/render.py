"""Templates to HTML: all is escaped, a name that is missing is a failure, and values look the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from babel.dates import format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from gateway.terms.purposes import PURPOSES
from gateway.ui.happenings import NAMES
from gateway.ui.spoken import spoken, spoken_reason
from gateway.ui.vocabulary import WORDS

STATIC: Final[Mapping[str, str]] = MappingProxyType(
    {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
)
"""Kinds of files beside the templates, and their media types."""


@cache
def static_file(name: str) -> bytes | None:
    """A file that comes with the pages; None when there is no such."""
    found = files(__package__).joinpath("static", name)
    return found.read_bytes() if name.rpartition(".")[2] in STATIC and found.is_file() else None


@cache
def static_address(name: str) -> str:
    """Where browsers get it: another address for other bytes, so that they may keep it."""
    content = static_file(name)
    if content is None:
        raise LookupError(f"There is no static file {name}.")
    return f"/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}"


def organisation_page(did: str) -> str:
    """Where an organisation is shown. The `%3A` of a DID with a port would be a colon in a path."""
    return f"/organisations/{quote(did, safe=':')}"


@pass_context
def _moment(context: Context, value: str | float | datetime | None) -> Markup:
    """A time in UTC; a script shows it in the reader's zone."""
    if value is None:
        return Markup("–")
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    at = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    text = format_datetime(at, "d MMM y, HH:mm:ss", tzinfo=UTC, locale=context["language"])
    iso = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{} UTC</time>').format(iso, text)


@pass_context
def _number(context: Context, value: float | None) -> str:
    return "–" if value is None else format_decimal(value, locale=context["language"])


def _short(value: str | None) -> Markup:
    """An id or a digest at a glance; whole for who hovers, copies or listens."""
    if not value:
        return Markup("–")
    shown = value.removeprefix("urn:uuid:")
    scheme, colon, digest = shown.rpartition(":")
    shown = f"{scheme}{colon}{digest[:8]}…{digest[-4:]}" if len(digest) > 16 else shown
    return Markup('<code class="id" title="{}">{}</code>').format(value, shown)


@pass_context
def _happening(context: Context, type: str) -> str:
    """What people call an entry's type."""
    said: str = context["_"](NAMES.get(type, type))
    return said


@pass_context
def _spoken(context: Context, text: str | None) -> Markup:
    """What a rule or the gateway says."""
    return spoken(text or "", context["language"])


def _unfilled(said: Markup) -> Markup:
    """A sentence as a rule has it, before a request fills it in."""
    return said.replace("%s", "…").replace("%d", "…")


@pass_context
def _why(context: Context, reason: str | None) -> Markup:
    """The reason of an entry."""
    return spoken_reason(reason or "", context["language"])


@pass_context
def _word(context: Context, token: str) -> str:
    """What people call a word of documents and rules; one they have no name for stands as it is."""
    said: str = context["_"](WORDS[token]) if token in WORDS else token.replace("_", " ")
    return said


@pass_context
def _purpose(context: Context, id: str | None) -> str:
    """A purpose with what it is called in the reader's language."""
    found = PURPOSES.get(id or "")
    return id or "–" if found is None else f"{id} {context['_'](found.label)}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gateway.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    filters: dict[str, Any] = {
        "moment": _moment,
        "number": _number,
        "short": _short,
        "purpose": _purpose,
        "happening": _happening,
        "word": _word,
        "organisation": organisation_page,
        "spoken": _spoken,
        "unfilled": _unfilled,
        "why": _why,
        "said": lambda value, words: words.get(value, value),
        "named": lambda participant, visit: visit.name(participant),
    }
    environment.filters.update(filters)
    environment.globals.update(static=static_address)
    return environment


ENVIRONMENT: Final = _environment()
