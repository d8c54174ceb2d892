"""Rules must answer alike when they are asked again: what they call may not look at a clock, a die, or the world.

Only ever run in the process of a trial, like everything that reads policy text that nobody has admitted yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gateway.policy.bundle import Bundle
from gateway.policy.embedded import interpreter

UNREPEATABLE = frozenset(
    {
        "time.now_ns",
        "rand.intn",
        "uuid.rfc4122",
        "http.send",
        "opa.runtime",
        "net.lookup_ip_addr",
        "io.jwt.decode_verify",
    }
)
"""Builtins of Rego whose answer depends on more than their arguments. `io.jwt.decode_verify` looks at the clock."""


def unrepeatable(bundle: Bundle) -> tuple[str, str] | None:
    """The first module that names such a builtin, and which one; None where no module does."""
    for module in json.loads(interpreter(bundle).get_ast_as_json()):
        for name in _referred(module["ast"]):
            if name in UNREPEATABLE:
                return str(module["source"]["file"]), name
    return None


def _referred(tree: Any) -> Iterator[str]:
    """Every reference, not only what is called: `f() with f as time.now_ns` calls it by another name."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "RefDot" in node or "RefBrack" in node:
                yield _name(node)
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _name(node: Any) -> str:
    """A reference, however it is written: `time.now_ns` and `time["now_ns"]` are one."""
    ((kind, held),) = node.items()
    if kind == "RefDot":
        return f"{_name(held['refr'])}.{held['field'][1]}"
    if kind == "RefBrack":
        return f"{_name(held['refr'])}.{_name(held['index'])}"
    return str(held.get("value", "")) if isinstance(held, dict) else ""
