"""What several commands take: who is asking, JSON files, and files to write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from gateway.cli import show
from gateway.crypto.canonical import strict_json
from gateway.problems import Problem
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import Client
from gateway.settings import Settings

MAX_FILE = 64 * 1024 * 1024

As = Annotated[
    Path,
    typer.Option("--as", envvar="CORRIDOR_AGENT", help="your agent's key file", show_envvar=True, dir_okay=False),
]


MaybeAs = Annotated[
    Path | None,
    typer.Option("--as", envvar="CORRIDOR_AGENT", help="your agent's key file", show_envvar=True, dir_okay=False),
]


class SettingsRefused(Problem):
    slug, status, title = "settings-refused", 400, "The settings cannot be used"


class FileRefused(Problem):
    slug, status, title = "file-refused", 400, "The file cannot be used"


def settings(home: Path | None = None) -> Settings:
    """The settings of the gateway on this machine, from its environment."""
    try:
        return Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        raise SettingsRefused(f"CORRIDOR_{name}: {first['msg']}.") from None


def client(agent: Path, *, timeout_s: float = 60) -> Client:
    """A client for the agent of this key file."""
    return Client(AgentFile.load(agent), timeout_s=timeout_s)


def read_json(path: Path) -> Any:
    """The JSON in a file, read as strictly as the gateway reads it."""
    return strict_json(read(path), max_bytes=MAX_FILE, fractions=True)


def read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror or 'cannot be read'}.") from None
    if len(data) > MAX_FILE:
        raise FileRefused(f"{path} is over {MAX_FILE} bytes.")
    return data


def fetch(gateway: Client, path: Path, address: str, **query: Any) -> None:
    """A long answer, as it comes, into a new file; one that breaks off leaves none behind. Progress to people."""
    part = path.with_name(path.name + ".part")
    if path.exists():
        raise FileRefused(f"{path} exists already; name another file or remove it yourself.")
    columns = (TextColumn("receiving"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with gateway.download(address, **query) as response:
        try:
            with part.open("xb") as file, Progress(*columns, console=show.err, transient=True) as progress:
                task = progress.add_task("receiving", total=int(response.headers.get("content-length", 0)) or None)
                for piece in response.iter_bytes():
                    file.write(piece)
                    progress.update(task, advance=len(piece))
            part.rename(path)
        except OSError as error:
            raise FileRefused(f"{path}: {error.strerror or 'cannot be written'}.") from None
        finally:
            part.unlink(missing_ok=True)


def keep(gateway: Client, address: str, out: Path, keys: Path | None) -> None:
    """What was signed and, if asked for, the keys that verify it, as new files."""
    write(out, gateway.raw(f"{address}/envelope"))
    if keys is not None:
        write(keys, gateway.raw(f"{address}/keys"))
    show.done(f"{out} is written.")


def write(path: Path, data: bytes) -> None:
    """Write a new file; an existing one stays as it is."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise FileRefused(f"{path} exists already; name another file or remove it yourself.") from None
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror or 'cannot be written'}.") from None


def vkey(key: str) -> str:
    """A verifier key, as it was given or from the file that was named."""
    path = Path(key)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else key
