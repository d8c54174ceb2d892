"""A bundle's own tests in the embedded interpreter: every `test_*` of a `*_test.rego` must be true.

Only ever run in the process of a trial: what tests can do to an interpreter, rules can do too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.bundle import Bundle
from gateway.policy.errors import BundleInvalid

_PACKAGE = re.compile(r"^package ([a-z0-9_.]+)$", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)
_IMPORT = re.compile(r"^import (data(?:\.\w+)*\.(\w+))(?: as (\w+))?[ \t]*(?:#.*)?$", re.MULTILINE)
_LITERAL = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*'


def tests_of(bundle: Bundle) -> tuple[str, ...]:
    """Every test by its full name, such as `access.rules_test.core_data_test.test_core_data_is_refused`.

    Raises:
        BundleInvalid: a rule or an obligation has none.
    """
    names = tuple(name for path in sorted(bundle.tests) for name in _tests_in(bundle.tests[path]))
    for folder, speaking in (("rules", bundle.rules), ("obligations", bundle.obligations)):
        for each in speaking:
            # Bundles of before name the package of a test without the second _test.
            packages = (f"access.{folder}_test.{each}_test.test_", f"access.{folder}_test.{each}.test_")
            if not any(name.startswith(packages) for name in names):
                raise BundleInvalid(f"access/{folder}/{each} has no tests; what nobody tested decides nothing.")
    return names


def results(bundle: Bundle, engine: Any) -> Iterator[tuple[str, bool]]:
    """Each test, in the order of `tests_of`, and whether it is true. `engine`: an interpreter that holds the bundle."""
    texts = {path: content.decode("utf-8") for path, content in bundle.tests.items()}
    packages = {path: _package(text) for path, text in texts.items()}
    for path in sorted(texts):
        names = _tests_in(bundle.tests[path])
        if not names:
            continue
        # Its own interpreter with what it names: with every test of the bundle in one, each takes ten times as long.
        own = engine.clone()
        loads = all(_holds(own, needed, texts[needed]) for needed in _needed(path, texts, packages))
        for name in names:
            yield name, loads and _is_true(own, name)


def _holds(engine: Any, path: str, text: str) -> bool:
    try:
        engine.add_policy(path, _spelt_out(text))
    except RuntimeError:
        return False
    return True


def _is_true(engine: Any, name: str) -> bool:
    try:
        return str(engine.eval_rule_as_json(f"data.{name}")) == "true"
    except RuntimeError:
        return False


def _tests_in(content: bytes) -> tuple[str, ...]:
    text = content.decode("utf-8")
    return tuple(f"{_package(text)}.{name}" for name in dict.fromkeys(_TEST.findall(text)))


def _package(text: str) -> str:
    return str(_PACKAGE.findall(text)[0])  # there is one: `bundle_of` looked


def _needed(path: str, texts: Mapping[str, str], packages: Mapping[str, str]) -> list[str]:
    """The file, and the other test files whose packages it names, and what those name."""
    found, new = [path], [path]
    while new:
        text = texts[new.pop()]
        for other, package in packages.items():
            if other not in found and re.search(rf"\bdata\.{re.escape(package)}\b", text):
                found.append(other)
                new.append(other)
    return found


def _spelt_out(text: str) -> str:
    """The same module without imports of `data`: every name for them spelt out.

    The interpreter (regorus 0.13.0) loses what a rule reads from `data` when it reaches that rule through an import
    and under `with`: `import data.a` and `a.rule with input as x` can come out undefined where `data.a.rule` does not.
    """
    names = {found[3] or found[2]: found[1] for found in _IMPORT.finditer(text)}
    if not names:
        return text
    spoken = re.compile(rf"{_LITERAL}|(?<![\w.])({'|'.join(names)})(?=[.\[])")
    return spoken.sub(lambda found: names[found[1]] if found[1] else found[0], _IMPORT.sub("", text))
