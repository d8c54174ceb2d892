"""The input document: its published schema, its one form as bytes, and what is wrong with one that does not fit."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

import jsonschema_rs

from gateway.crypto.canonical import record_json

MAX_FAULTS = 20


class Fault(NamedTuple):
    """`place` is a JSON Pointer (RFC 6901) into the document; `what` never repeats a value."""

    place: str
    what: str


@functools.cache
def schema() -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12). Every object is closed: a member nobody knows is a fault."""
    text = resources.files("gateway.policy").joinpath("input.schema.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@functools.cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    # Masked: a fault is shown to people, and an input holds facts about others.
    return jsonschema_rs.Draft202012Validator(schema(), mask="the value", offline=True)


def validate(document: Any) -> list[Fault]:
    """What is wrong with a document, at most MAX_FAULTS, in the order of their places; empty when it fits."""
    validator = _validator()
    if validator.is_valid(document):
        return []
    faults = {Fault(_pointer(error.instance_path), error.message[:300]) for error in validator.iter_errors(document)}
    return sorted(faults)[:MAX_FAULTS]


def as_bytes(document: dict[str, Any]) -> bytes:
    """RFC 8785 JSON: what engines are given and what an entry pins. Raises CanonicalError, also for any fraction."""
    return record_json(document)


class Part(NamedTuple):
    """One member of a document: its value, its RFC 8785 bytes, and what is wrong with it. Shared, so read-only."""

    value: Any
    data: bytes
    faults: tuple[Fault, ...]


class Document(NamedTuple):
    """A whole input, as a value, as the bytes of `as_bytes`, and with the faults of `validate`.

    `timeless`: the bytes without `context`, which holds the time; equal for the same question at another time.
    """

    value: dict[str, Any]
    data: bytes
    faults: tuple[Fault, ...]
    timeless: bytes = b""


def part(name: str, value: dict[str, Any]) -> Part:
    """A member ready to be put into documents. Raises CanonicalError as `as_bytes` does."""
    validator = _member_validator(name)
    faults: tuple[Fault, ...] = ()
    if not validator.is_valid(value):
        found = {Fault(f"/{name}{_pointer(e.instance_path)}", e.message[:300]) for e in validator.iter_errors(value)}
        faults = tuple(sorted(found)[:MAX_FAULTS])
    return Part(value, record_json(value), faults)


def composed(parts: Mapping[str, Part]) -> Document:
    """The document of these members; what was judged and written once is not judged and written again.

    `parts` are exactly the members that the schema asks for.
    """
    if parts.keys() != schema()["properties"].keys():
        raise ValueError("an input has exactly the members of its schema")
    names = sorted(parts)
    members = {name: b'"%s":%s' % (name.encode(), parts[name].data) for name in names}
    data = b",".join(members.values())
    del members["context"]
    faults = tuple(fault for name in names for fault in parts[name].faults)[:MAX_FAULTS]
    return Document({name: parts[name].value for name in names}, b"{%s}" % data, faults, b",".join(members.values()))


@functools.cache
def _member_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    whole = schema()
    member = {"$schema": whole["$schema"], "$defs": whole["$defs"], "allOf": [whole["properties"][name]]}
    return jsonschema_rs.Draft202012Validator(member, mask="the value", offline=True)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
