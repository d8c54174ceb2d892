"""Which rules are in force: a folder of policies, read strictly, with one digest over every byte that counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.crypto.canonical import strict_json
from gateway.policy.errors import BundleInvalid
from gateway.policy.rules import Rule, read_catalogue
from gateway.problems import Malformed, TooLarge

MAX_FILES = 1000
MAX_FILE_BYTES = 256 * 1024
MAX_BUNDLE_BYTES = 8 * 1024 * 1024

FLOOR = frozenset(
    {
        "input_complete",
        "contract_in_force",
        "contract_parties",
        "contract_dataset",
        "contract_action",
        "contract_mode",
        "contract_purpose",
        "contract_columns",
        "contract_place",
        "contract_reidentification",
        "parties_trusted",
        "purpose_prohibited",
        "purpose_conditions",
        "core_data",
        "action_fits_mode",
        "duo_permission",
        "classification_mode",
        "recipient_abroad",
        "duo_collaboration",
        "duo_ethics",
        "duo_publish",
        "duo_publish_after",
        "duo_recipients",
        "duo_region",
        "duo_research_types",
        "duo_return",
        "duo_time_limit",
    }
)
"""Rules that no bundle may lack: without one of them, fewer would be refused and nobody would notice."""

OBLIGATION_FLOOR = frozenset(
    {
        "drop",
        "pseudonymise",
        "generalise",
        "suppress_small_cells",
        "committee_conditions",
        "count_export",
        "keep_record",
        "publish_results",
        "publish_by",
        "round_counts",
        "no_publication_before",
        "return_derived_data",
        "delete_at_end",
    }
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PACKAGE = re.compile(r"^package ([a-z0-9_.]+)$", re.MULTILINE)
# Where a line of formatted Rego begins with a name, a rule begins; formatting is part of being admitted.
_HEAD = re.compile(r"\s*default\b|[A-Za-z_]\w*")
_ROOTS = ("access", "lib")
# Rules lie in folders of their own and share one package: the interpreter takes a third of the time that way.
_SHARED = ("access/rules", "access/obligations")
_ENTRYPOINT = "access/decision/decision.rego"
OUR_DATA = "bundle/data.json"
"""Where a written bundle says what must speak in it: `data.bundle`, which no folder of policies may bring."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rego texts by path, the data they read (with `bundle` in it), and the digest over all of it.

    `compares_clock`: its author says that its rules only compare the time with times of the input (see `memory`).
    `catalogue`: every rule of the folder, whether its pack is on or not; `rules` are those that are.
    `ages`: the limits on ages that its rules compare with, in seconds: every table member that ends in `_age_s`.
    `files`: every byte of it, by path, so that what decided once can decide again.
    `digest` is "sha256:" and the SHA-256, in hexadecimal, of one line per file in order of path: the SHA-256 of its
    bytes, two spaces, its path, a newline. Tests are not part of it: they decide nothing.
    `tests`: its own tests, `*_test.rego` by path, which it must pass before it is activated.
    """

    digest: str
    modules: dict[str, str]
    data: dict[str, Any]
    rules: tuple[str, ...]
    obligations: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    packs: tuple[str, ...] = ()
    catalogue: tuple[Rule, ...] = ()
    compares_clock: bool = False
    ages: tuple[int, ...] = ()
    tests: dict[str, bytes] = field(default_factory=dict, repr=False)


def load_bundle(directory: Path, packs: frozenset[str] = frozenset()) -> Bundle:
    """The bundle in a folder: `*.rego` and `data.json`, in folders named like their packages.

    `packs`: those to turn on beside the required ones; rules of other packs are no part of the bundle.

    Raises BundleInvalid: a file of another kind or a link, a name, size or number outside the limits, a package that
    is not its folder's, data that is not one `table`, or a rule of the floor that is missing.
    """
    return bundle_of(read_folder(directory), packs)


def bundle_of(files: dict[str, bytes], packs: frozenset[str] | None = frozenset(), *, floor: bool = True) -> Bundle:
    """The bundle of these files, by path; of all packs, if `packs` is None. Raises as `load_bundle`.

    `floor` False: it decided once, under the floor of its time, and is to decide the same again.
    """
    on, catalogue = read_catalogue(files, packs)
    off = tuple(f"access/rules/{rule.name}/" for rule in catalogue if rule.pack not in on)
    files = {path: content for path, content in files.items() if not path.startswith(off)}
    tests = {path: content for path, content in files.items() if path.endswith("_test.rego")}
    for path, content in tests.items():
        _check_test(path, content)
    files = {path: content for path, content in files.items() if path not in tests}
    modules = {path: _module(path, content) for path, content in files.items() if path.endswith(".rego")}
    data: dict[str, Any] = {}
    for path, content in files.items():
        if path.endswith(".json"):
            _place(data, path, _table(path, content))
    if _ENTRYPOINT not in modules:
        raise BundleInvalid(f"The bundle has no {_ENTRYPOINT}.")
    rules = _exporters(modules, "access/rules", FLOOR if floor else frozenset())
    obligations = _exporters(modules, "access/obligations", OBLIGATION_FLOOR if floor else frozenset())
    digest = _digest(files)
    data["bundle"] = {"digest": digest, "rules": list(rules), "obligations": list(obligations)}
    decision = data.get("access", {}).get("decision", {}).get("table", {})
    clock = decision.get("clock") if isinstance(decision, dict) else None
    compared = clock == "compared"
    return Bundle(digest, modules, data, rules, obligations, files, on, catalogue, compared, _ages(data), tests)


def read_folder(directory: Path) -> dict[str, bytes]:
    """The files of a folder by path, tests too. Raises BundleInvalid as `load_bundle`."""
    files: dict[str, bytes] = {}
    total = 0
    for path in _walk(directory):
        name = path.relative_to(directory).as_posix()
        with path.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
        total += len(content)
        if len(content) > MAX_FILE_BYTES or total > MAX_BUNDLE_BYTES or len(files) >= MAX_FILES:
            raise BundleInvalid(f"The bundle is over its limits at {name}.")
        files[name] = content
    return dict(sorted(files.items()))


def _walk(directory: Path) -> Iterator[Path]:
    if not directory.is_dir():
        raise BundleInvalid("There is no folder of policies at the place that was named.")
    for path in sorted(directory.iterdir()):
        if path.is_symlink():
            raise BundleInvalid(f"{path.name} is a link; a bundle holds plain files.")
        if path.is_dir() and _NAME.fullmatch(path.name):
            yield from _walk(path)
        elif path.is_file() and (path.name == "data.json" or (path.suffix == ".rego" and _NAME.fullmatch(path.stem))):
            yield path
        else:
            raise BundleInvalid(f"{path.name} is neither Rego, nor data.json, nor a folder with a plain name.")


def _module(path: str, content: bytes) -> str:
    text, package = _text_and_package(path, content)
    parts = path.split("/")
    shared = len(parts) == 4 and "/".join(parts[:2]) in _SHARED
    if package != ".".join(parts[:2] if shared else parts[:-1]) or parts[0] not in _ROOTS:
        raise BundleInvalid(f"{path} must hold the package of its folder and no other.")
    if shared:
        _check_voice(path, text, parts[2])
    return text


def _check_test(path: str, content: bytes) -> None:
    """A test has a package of its own, so that it can add to no rule: an OPA server loads it beside them."""
    package = _text_and_package(path, content)[1]
    if not any(part.endswith("_test") for part in package.split(".")):
        raise BundleInvalid(f"{path}: a test's package has a part that ends in _test.")


def _text_and_package(path: str, content: bytes) -> tuple[str, str]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleInvalid(f"{path} is not UTF-8.") from error
    # The first line that says anything: further down it could stand in a text, with the real one hidden above.
    first = next((line for line in text.split("\n") if line and not line.startswith("#")), "")
    named = _PACKAGE.fullmatch(first)
    if named is None or len(_PACKAGE.findall(text)) != 1:
        raise BundleInvalid(f"{path} must begin with its one package.")
    return text, named[1]


def _check_voice(path: str, text: str, name: str) -> None:
    """A rule speaks for itself only: rules share a package, so a head of another name would add to another rule."""
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head and not (head[0] in {"package", "import"} or head[0].startswith(name + "_") or _answers(line, name)):
            raise BundleInvalid(f"{path}: a line begins with {head[0]!r}; helpers of {name} begin with {name}_.")


def _answers(line: str, name: str) -> bool:
    return line.startswith(tuple(f'{export}["{name}"] := ' for export in ("verdict", "cap", "owed")))


def _table(path: str, content: bytes) -> Any:
    try:
        parsed = strict_json(content, max_bytes=MAX_FILE_BYTES)
    except (Malformed, TooLarge) as problem:
        raise BundleInvalid(f"{path}: {problem.detail}") from problem
    # One name only, so that data can never stand in for a rule's answer.
    if not isinstance(parsed, dict) or parsed.keys() != {"table"} or path.split("/")[0] not in _ROOTS:
        raise BundleInvalid(f"{path} must hold one object with the one member `table`.")
    return parsed


def _place(data: dict[str, Any], path: str, value: dict[str, Any]) -> None:
    node = data
    for part in path.split("/")[:-1]:
        if part == "table":
            raise BundleInvalid(f"{path} lies in a folder named like a table.")
        node = node.setdefault(part, {})
    node.update(value)


def _ages(node: Any) -> tuple[int, ...]:
    """Every limit on an age in the rules' tables."""
    found: set[int] = set()
    if isinstance(node, dict):
        for name, value in node.items():
            found |= {value} if name.endswith("_age_s") and type(value) is int else set(_ages(value))
    return tuple(sorted(found))


def _exporters(modules: dict[str, str], folder: str, floor: frozenset[str]) -> tuple[str, ...]:
    depth = folder.count("/") + 1
    names = {path.split("/")[depth] for path in modules if path.startswith(folder + "/")}
    for name in sorted(names | floor):
        if f"{folder}/{name}/{name}.rego" not in modules:
            raise BundleInvalid(f"The bundle has no {folder}/{name}/{name}.rego.")
    return tuple(sorted(names))


def _digest(files: dict[str, bytes]) -> str:
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()
