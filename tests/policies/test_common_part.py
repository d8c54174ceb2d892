"""Rules keep to the part of Rego that both engines understand alike, and name what they need before they deny it.

Where the engines differ was measured; what is listed here is the part in which they do not. The tree is the
interpreter's own; that OPA understands the same texts is said by `opa check` and the differential tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import regorus

from tests.policy.engines import whole_bundle

MODULES = whole_bundle().modules

BUILTINS = {
    *("is_string", "is_number", "is_array", "is_object", "is_set", "type_name"),
    *("count", "min", "sort", "concat", "split", "sprintf"),
    *("array.concat", "array.slice"),
    *("object.get", "object.keys", "object.remove", "object.subset", "object.union"),
}
"""Answered alike by both engines, on what a document of the schema can hold."""

NAMES_EXISTENCE = {"count", "is_string", "is_number", "is_array", "is_object", "is_set"}

_PLAIN = re.compile(r"[a-z_]*|[-.]")
SPOKEN = "access/decision/decision.rego"
"""Speaks for rules that are lost, sorts what others say by its place in a row, and caps what has no cap."""


class Statement(NamedTuple):
    path: str
    line: int
    kind: str
    expression: Any
    before: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def tree(text: str) -> Any:
    engine = regorus.Engine()
    engine.add_policy("asked.rego", text)
    return json.loads(engine.get_ast_as_json())[0]["ast"]


TREES = {path: tree(text) for path, text in MODULES.items()}


def nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """Every node of a tree: its kind and what it holds."""
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)
    elif isinstance(node, dict):
        for kind, child in node.items():
            if kind[:1].isupper() and isinstance(child, dict):
                yield kind, child
            yield from nodes(child)


def statements(path: str) -> Iterator[Statement]:
    """Each statement of every body, with those before it in that body."""

    def bodies(node: Any) -> Iterator[list[Any]]:
        if isinstance(node, dict):
            if isinstance(node.get("stmts"), list):
                yield node["stmts"]
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from bodies(child)

    for body in bodies(TREES[path]):
        for place, statement in enumerate(body):
            ((kind, expression),) = statement["literal"].items()
            yield Statement(path, statement["span"]["line"], kind, expression, tuple(body[:place]))


def name_of(node: Any) -> str:
    """A reference as it is written, without spans; other nodes give an empty text."""
    ((kind, held),) = node.items()
    if kind == "Var":
        return str(held["value"])
    if kind == "RefDot":
        return f"{name_of(held['refr'])}.{held['field'][1]}"
    if kind == "RefBrack":
        return f"{name_of(held['refr'])}[{name_of(held['index'])}]"
    return ""


def called(node: Any) -> Iterator[tuple[str, Any]]:
    for kind, held in nodes(node):
        if kind == "Call":
            yield name_of(held["fcn"]), held


def own(path: str) -> set[str]:
    """What a module may call besides builtins: its own functions, and those of what it imports."""
    imported = {held["refr"] and name_of(held["refr"]).split(".")[-1] for held in TREES[path]["imports"]}
    heads = {line.split("(")[0] for line in MODULES[path].splitlines() if line[:1].isalpha() and "(" in line}
    return imported | heads


@pytest.mark.parametrize("path", MODULES)
def test_only_builtins_that_both_engines_answer_alike_are_called(path):
    strange = {name for name, _ in called(TREES[path]) if name not in BUILTINS and name.split(".")[0] not in own(path)}
    assert strange == set()


@pytest.mark.parametrize("path", MODULES)
def test_no_rule_replaces_its_input_or_gives_a_default(path):
    """`with` is for tests. A `default` function is silently undefined to one of the engines."""
    assert " with " not in "".join(line.split("#")[0] for line in MODULES[path].splitlines())
    assert not any(line.startswith("default ") for line in MODULES[path].splitlines())


@pytest.mark.parametrize("path", MODULES)
def test_values_that_rules_share_are_named_in_full(path):
    """Through an import the interpreter works out the whole package, and not the one value."""
    for name in re.findall(r"(?m)^import data\.lib\.(\w+)$", MODULES[path]):
        values = set(re.findall(r"(?m)^(\w+)(?= if| :=)", MODULES[f"lib/{name}/{name}.rego"]))
        assert values & set(re.findall(rf"(?<![\w.]){name}\.(\w+)", MODULES[path])) == set(), name


@pytest.mark.parametrize("path", MODULES)
def test_existence_is_named_before_anything_is_denied_of_it(path):
    """`not x in undefined` is undefined in OPA, and the rule that holds it does not fire."""
    for statement in statements(path):
        if statement.kind != "NotExpr":
            continue
        before = json.dumps([named for named, _ in _named(statement.before)])
        for operand in _operands(statement.expression):
            name = name_of(operand)
            surely_there = ("." not in name and "[" not in name) or ".table" in name
            assert surely_there or json.dumps(name) in before, f"{statement}: {name}"


def _named(before: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """What statements say the existence of: the arguments of those builtins, and every iteration's source."""
    for statement in before:
        ((kind, expression),) = statement["literal"].items()
        if kind != "NotExpr":
            for name, call in called(expression):
                if name in NAMES_EXISTENCE:
                    yield from ((name_of(argument), call) for argument in call["params"])


def _operands(expression: Any) -> Iterator[Any]:
    """What a builtin or a membership under `not` is asked of."""
    for kind, held in nodes(expression):
        if kind == "Membership":
            yield from (held["value"], held["collection"])
        elif kind == "Call" and name_of(held["fcn"]) in BUILTINS:
            yield from held["params"]


@pytest.mark.parametrize("path", MODULES)
def test_thresholds_codes_and_sentences_stand_in_tables(path):
    """A rule may hold a plain word of the schema or of its own table, its own name, and the numbers 0 and 1."""
    for kind, held in nodes(TREES[path]["rules"]):
        said = f"{path}:{held['span']['line']}: {held['value']}" if kind in {"Number", "String"} else ""
        if kind == "Number":
            assert held["value"] in (0, 1, "0", "1") or path == SPOKEN, said
        if kind == "String":
            assert _PLAIN.fullmatch(held["value"]) or path == SPOKEN, said


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ('refused if not input.a.b in {"x"}', test_existence_is_named_before_anything_is_denied_of_it),
        ('refused if not startswith(input.a.b, "x")', test_only_builtins_that_both_engines_answer_alike_are_called),
        ("refused if input.a > 12", test_thresholds_codes_and_sentences_stand_in_tables),
        ('refused if input.a == "P05"', test_thresholds_codes_and_sentences_stand_in_tables),
        ("refused if input.a with input as {}", test_no_rule_replaces_its_input_or_gives_a_default),
        ("default refused(_) := false", test_no_rule_replaces_its_input_or_gives_a_default),
        ("refused if time.now_ns() > input.a", test_only_builtins_that_both_engines_answer_alike_are_called),
    ],
)
def test_what_is_looked_for_is_found(monkeypatch, text, check):
    text = "package access.rules\n\n" + text
    monkeypatch.setitem(MODULES, "broken.rego", text)
    monkeypatch.setitem(TREES, "broken.rego", tree(text))
    with pytest.raises(AssertionError):
        check("broken.rego")


def test_what_is_named_first_may_be_denied(monkeypatch):
    text = 'package access.rules\n\nrefused if {\n\tis_string(input.a.b)\n\tnot input.a.b in {"x"}\n}\n'
    monkeypatch.setitem(MODULES, "named.rego", text)
    monkeypatch.setitem(TREES, "named.rego", tree(text))
    test_existence_is_named_before_anything_is_denied_of_it("named.rego")
