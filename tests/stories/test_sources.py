"""A source is what it was declared to be, at registration and at every access; else nothing leaves or is taken."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, csv_text, registration, visits


def written(space: Space, kind: str, name: str) -> Path:
    """A fresh file of the visits, called `name`."""
    path = space.source(f"{name}.{kind}")
    if kind == "csv":
        path.write_text(csv_text(visits()), encoding="utf-8", newline="")
    else:
        pyarrow.parquet.write_table(visits(), path)
    return path


def rewritten(path: Path, table: pa.Table) -> None:
    """Another content under the same name, as a provider's export would put it there."""
    part = path.with_name(path.name + ".part")
    if path.suffix == ".csv":
        part.write_text(csv_text(table), encoding="utf-8", newline="")
    else:
        pyarrow.parquet.write_table(table, part)
    part.replace(path)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 3)


def _renamed(path: Path) -> None:
    table = visits()
    rewritten(path, table.rename_columns([{"sex": "gender"}.get(name, name) for name in table.column_names]))


def _retyped(path: Path) -> None:
    table = visits()
    rewritten(path, table.set_column(table.column_names.index("score"), "score", pa.array(["high"] * table.num_rows)))


def _linked_out(path: Path) -> None:
    outside = path.parent.parent.parent.parent / f"outside-{path.name}"
    path.replace(outside)
    path.symlink_to(outside)


def _linked_within(path: Path) -> None:
    target = path.with_name("real-" + path.name)
    path.replace(target)
    path.symlink_to(target.name)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _rubbish(path: Path) -> None:
    path.write_bytes(os.urandom(4096))


def _folder_swapped(path: Path) -> None:
    """The folder above it becomes a link to elsewhere, where a file of that name lies."""
    elsewhere = path.parent.parent.parent.parent / f"elsewhere-{path.name}"
    path.parent.replace(elsewhere)
    path.parent.symlink_to(elsewhere)


CHANGED: dict[str, Callable[[Path], None]] = {
    "vanished": Path.unlink,
    "shrank": _cut,
    "emptied": _emptied,
    "became rubbish": _rubbish,
    "has a column renamed": _renamed,
    "has a column of another type": _retyped,
    "became a link out of the root": _linked_out,
    "became a link within the root": _linked_within,
    "became a folder": _a_folder,
    "became a pipe": _a_pipe,
    "lies behind a folder that became a link": _folder_swapped,
}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("what", CHANGED)
def test_a_source_that_changed_since_registration_gives_503_and_takes_no_use(
    space: Space, what: str, kind: str
) -> None:
    name = f"{what.replace(' ', '-')}-{kind}/visits"
    space.source(name).parent.mkdir(exist_ok=True)
    path = written(space, kind, name)
    dataset = space.publish(registration(kind, source={"kind": kind, "path": f"{name}.{kind}"}))["id"]
    contract = space.agree(dataset, uses=3, rows=900)
    assert len(space.read(contract)) == 300
    CHANGED[what](path)
    response = space.ask(contract)
    assert response.status_code == 503, f"{response.status_code} {response.text[:300]}"
    assert response.headers["content-type"] == "application/problem+json"
    assert "corridor-entry" not in response.headers
    assert str(space.folder) not in response.text
    assert space.left(contract) == {"uses": 2, "rows": 600}


def test_content_refreshed_under_the_same_declaration_is_delivered(space: Space) -> None:
    path = written(space, "csv", "nightly")
    dataset = space.publish(registration(source={"kind": "csv", "path": "nightly.csv"}))["id"]
    contract = space.agree(dataset)
    rewritten(path, visits(120))
    assert len(space.read(contract)) == 120


def test_a_source_that_comes_back_is_read_again(space: Space) -> None:
    path = written(space, "parquet", "away")
    dataset = space.publish(registration("parquet", source={"kind": "parquet", "path": "away.parquet"}))["id"]
    contract = space.agree(dataset, uses=1)
    aside = path.with_name("aside")
    path.rename(aside)
    assert space.ask(contract).status_code == 503
    aside.rename(path)
    assert len(space.read(contract)) == 300


def _columns(change: Callable[[list[dict[str, str]]], object]) -> dict[str, Any]:
    columns: list[dict[str, str]] = registration()["columns"]
    change(columns)
    return {"columns": columns}


def _source(path: str, kind: str = "csv") -> dict[str, Any]:
    return {"source": {"kind": kind, "path": path}}


REFUSED: dict[str, tuple[Callable[[Space], dict[str, Any]], str]] = {
    "a column the source does not have": (
        lambda s: _columns(lambda c: c.append({"name": "height", "type": "number", "role": "plain"})),
        "height",
    ),
    "a column of another type": (lambda s: _columns(lambda c: c[1].update(type="integer")), "sex"),
    "a number declared an integer": (lambda s: _columns(lambda c: c[5].update(type="integer")), "score"),
    "an identifier declared plain": (lambda s: _columns(lambda c: c[0].update(role="plain")), "subject_id"),
    "a name declared plain": (
        lambda s: _columns(lambda c: c.append({"name": "full_name", "type": "string", "role": "plain"})),
        "full_name",
    ),
    "a direct identifier below level 4": (
        lambda s: _columns(lambda c: c.append({"name": "full_name", "type": "string", "role": "direct_identifier"})),
        "full_name",
    ),
    "the same column in another case": (
        lambda s: _columns(lambda c: c.append({"name": "SEX", "type": "string", "role": "quasi_identifier"})),
        "SEX",
    ),
    "a person column that is not published": (lambda s: {"person_column": "person"}, "person"),
    "a person column that identifies nobody": (lambda s: {"person_column": "sex"}, "sex"),
    "a path up": (lambda s: _source("../visits.csv"), "path"),
    "a path up and down": (lambda s: _source("a/../../visits.csv"), "path"),
    "an absolute path": (lambda s: _source(str(s.source("visits.csv"))), "path"),
    "a path to here": (lambda s: _source("./visits.csv"), "path"),
    "a path with a backslash": (lambda s: _source("..\\visits.csv"), "path"),
    "a path with an empty step": (lambda s: _source("a//visits.csv"), "path"),
    "a link out": (lambda s: _source(_link(s, "/etc/hostname")), "link"),
    "a link to another of one's own": (lambda s: _source(_link(s, "visits.csv")), "link"),
    "a link to another participant's file": (lambda s: _source(_link(s, str(_theirs(s)))), "link"),
    "another participant's folder": (lambda s: _source(f"../{_theirs(s).parent.name}/theirs.csv"), "path"),
    "a folder": (lambda s: _source(_folder(s)), "file"),
    "a file of another kind": (lambda s: _source("visits.csv", "parquet"), "arquet"),
}


def _link(space: Space, target: str) -> str:
    name = f"link-{abs(hash(target))}.csv"
    path = space.source(name)
    if not path.is_symlink():
        path.symlink_to(target)
    return name


def _folder(space: Space) -> str:
    space.source("folder.csv").mkdir(exist_ok=True)
    return "folder.csv"


def _theirs(space: Space) -> Path:
    path = space.source("theirs.csv", INSTITUTE)
    path.write_text(csv_text(visits()), encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("what", REFUSED)
def test_a_registration_that_is_not_so_is_refused_and_says_what_is_wrong(space: Space, what: str) -> None:
    members, named = REFUSED[what]
    body = registration(**members(space))
    size = space.log_size()
    response = space.call(space.agent(HOSPITAL, "provider"), "POST", "/v1/datasets", json=body)
    assert response.status_code == 422, f"{response.status_code} {response.text[:300]}"
    problem = response.json()
    assert named in problem["detail"]
    assert str(space.folder) not in response.text
    assert "Westerling" not in response.text
    assert space.log_size() == size


def test_a_file_that_is_not_there_cannot_be_registered(space: Space) -> None:
    provider = space.agent(HOSPITAL, "provider")
    for name in ("nothing.csv", "nothing/at/all.csv", "theirs.csv"):
        response = space.call(provider, "POST", "/v1/datasets", json=registration(**_source(name)))
        assert response.status_code in (422, 503)
        assert str(space.folder) not in response.text


def test_a_name_that_identifies_nobody_may_be_plain_if_the_provider_says_why(space: Space) -> None:
    columns = registration()["columns"]
    columns[3] |= {"role": "plain", "not_identifying": "The name of a ward, of which there are four."}
    assert space.publish(registration(columns=columns))["rows"] == 300


def test_a_cell_that_is_not_of_its_type_is_named_by_line_and_not_by_value(space: Space) -> None:
    table = visits()
    at = table.column_names.index("age")
    ages = [str(n) for n in table["age"].to_pylist()]
    ages[41] = "Westerling's age"
    text = csv_text(table.set_column(at, "age", pa.array(ages)))
    space.source("cell.csv").write_text(text, encoding="utf-8", newline="")
    provider = space.agent(HOSPITAL, "provider")
    response = space.call(provider, "POST", "/v1/datasets", json=registration(**_source("cell.csv")))
    assert response.status_code == 422
    assert "43" in response.json()["detail"]
    assert "Westerling" not in response.text


def test_the_end_of_a_delivery_names_the_content_that_was_read(space: Space) -> None:
    """Its provider tells yesterday's file from today's; a recipient cannot try out what it was not given."""
    path = written(space, "csv", "nightly")
    dataset = space.publish(registration(source={"kind": "csv", "path": "nightly.csv"}))["id"]
    contract = space.agree(dataset)
    provider = space.agent(HOSPITAL, "provider")
    key = bytes.fromhex(provider.get(f"/v1/datasets/{dataset}")["content_key"])

    def named() -> str:
        digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        return "hmac-sha256:" + hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()

    def read() -> str:
        entry = space.ask(contract).headers["corridor-entry"]
        (end,) = [e for e in space.entries(contract=contract, type="data.transfer.completed") if e["prior"] == entry]
        return str(end["facts"]["content"])

    first = named()
    assert [read(), read()] == [first, first]
    rewritten(path, visits().slice(0, 200))
    assert named() != first
    assert read() == named()
    # The key is the provider's alone, and another dataset of the same file has another.
    assert space.agent(PHARMA, "researcher").get(f"/v1/datasets/{dataset}")["content_key"] is None
    other = space.publish(registration(source={"kind": "csv", "path": "nightly.csv"}))["content_key"]
    assert other != key.hex()
    # A plain digest of the source is nowhere in what a recipient can see of the log.
    seen = space.agent(PHARMA, "officer").raw("/v1/audit/export").decode()
    assert hashlib.sha256(path.read_bytes()).hexdigest() not in seen
