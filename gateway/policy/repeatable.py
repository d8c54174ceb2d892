"""Rules must answer alike when they are asked again: what they call may not look at a clock, a die, or the world.

Only ever run in the process of a trial, like everything that reads policy text that nobody has admitted yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import regorus

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


def unrepeatable(modules: Mapping[str, str]) -> tuple[str, str] | None:
    """The first module that calls such a builtin, and which one; None where no module does."""
    engine = regorus.Engine()
    for path, text in modules.items():
        engine.add_policy(path, text)
    for module in json.loads(engine.get_ast_as_json()):
        for name in _called(module["ast"]):
            if name in UNREPEATABLE:
                return str(module["source"]["file"]), name
    return None


def _called(tree: Any) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("Call"), dict):
                yield _name(node["Call"]["fcn"])
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
