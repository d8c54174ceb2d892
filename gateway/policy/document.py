"""The input document: its published schema, its one form as bytes, and what is wrong with one that does not fit."""

from __future__ import annotations

import functools
import json
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


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
