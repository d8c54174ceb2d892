"""The policies' own tests, run by the interpreter that decides in the gateway: as fast as OPA takes to start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regorus

from tests.policy.engines import POLICIES

_PACKAGE = re.compile(r"^package (\S+)", re.MULTILINE)
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)


def failures(folders: tuple[str, ...], of: str = "", instead: Mapping[str, str] | None = None) -> Iterator[str]:
    """Tests in these folders that do not hold, as they are found.

    Args:
        folders: of `policies/`; what they import must be among them. Tables are those of all folders.
        of: only tests of packages that begin with this.
        instead: texts to use in place of those of the files, by path.

    Raises RuntimeError or ValueError: a text does not load.
    """
    engine = regorus.Engine()
    data: dict[str, Any] = {}
    tests: list[str] = []
    for path in POLICIES.rglob("data.json"):
        node = data
        for part in path.parent.relative_to(POLICIES).parts:
            node = node.setdefault(part, {})
        node.update(json.loads(_text(path, instead)))
    for path in sorted({path for folder in folders for path in (POLICIES / folder).rglob("*.rego")}):
        text = _text(path, instead)
        engine.add_policy(path.relative_to(POLICIES).as_posix(), text)
        package = _PACKAGE.findall(text)[0]
        if package.startswith(of):
            tests += [f"data.{package}.{test}" for test in _TEST.findall(text)]
    engine.add_data_json(json.dumps(data))
    for test in tests:
        if not _holds(engine, test):
            yield test


def _text(path: Path, instead: Mapping[str, str] | None) -> str:
    return (instead or {}).get(path.relative_to(POLICIES).as_posix()) or path.read_text("utf-8")


def _holds(engine: Any, test: str) -> bool:
    try:
        engine.set_input_json("{}")  # or it remembers what it worked out for the test before
        return bool(engine.eval_rule_as_json(test) == "true")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return False  # it stops, or panics: the gateway takes either for a refusal
