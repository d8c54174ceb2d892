"""Inputs as wide as the published schema allows: what a rule may have to answer to one day, asked before it is active.

Active rules answer on the gateway's own thread, where nothing can interrupt them. A rule that is quick on the requests
of today may take minutes once a dataset has two thousand columns; it is found in its trial instead.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from types import MappingProxyType
from typing import Any, Final

from gateway.policy.decide import MAX_DOCUMENT_BYTES
from gateway.policy.document import as_bytes, schema

_TEXTS: Final = MappingProxyType(
    {
        "^DUO:[0-9]{7,8}$": "DUO:{:07}",
        "^MONDO:[0-9]{7}$": "MONDO:{:07}",
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "2026-11-27",
        "^[0-9a-f]{64}$": "{:064x}",
        "^[A-Z]{2}$": "CN",
        "^[A-Z]{2}(-[A-Z0-9]{1,3})?$": "CN-{:03}",
        "^[a-z_]{1,40}$": "a_word",
        "^did:(web|key):[A-Za-z0-9.:%_-]{1,500}$": "did:web:party-{:05}.example",
        "^sha256:[0-9a-f]{64}$": "sha256:{:064x}",
        "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": (
            "urn:uuid:00000000-0000-7000-8000-{:012x}"
        ),
    }
)
"""A text of each form in the schema, different for each number where the form leaves room. Others take any word."""
_LENGTHS: Final = (1, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


def widest() -> Iterator[bytes]:
    """Documents of up to MAX_DOCUMENT_BYTES: all lists as long as fit at once, then those of one member alone."""
    members = schema()["properties"]
    yield _fitting(members)
    for wide in ("dataset", "contract", "approvals", "request"):
        yield _fitting({wide: members[wide]})


def _fitting(wide: Container[str]) -> bytes:
    """The document with the longest lists in these members that fit, and lists of one in the others."""
    fits = b""
    for length in _LENGTHS:
        made = _document(wide, length)
        if len(made) > MAX_DOCUMENT_BYTES:
            break
        fits = made
    return fits


def _document(wide: Container[str], length: int) -> bytes:
    members = schema()["properties"]
    return as_bytes({name: _made(node, length if name in wide else 1, 0) for name, node in members.items()})


def _made(node: dict[str, Any], most: int, number: int) -> Any:
    """A value that a node of the schema allows, lists at most so long; another one for another number."""
    if "$ref" in node:
        return _made(schema()["$defs"][node["$ref"].rpartition("/")[2]], most, number)
    if "oneOf" in node or "anyOf" in node:
        return _made((node.get("oneOf") or node["anyOf"])[0], most, number)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][number % len(node["enum"])]
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    kind = next(kind for kind in types if kind != "null")
    if kind == "object":
        return {name: _made(part, most, number) for name, part in node.get("properties", {}).items()}
    if kind == "array":
        return [_made(node["items"], most, n) for n in range(min(node["maxItems"], most))]
    if kind == "string":
        return _TEXTS.get(node.get("pattern", ""), "w{:05}").format(number)
    return True if kind == "boolean" else max(node.get("minimum", 0), 1)
