"""corridor witness: watch a gateway's log from outside, and sign that it only grew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.note import parse_vkey
from gateway.cli import options, show
from gateway.clock import system_clock
from gateway.witness.judge import Judge
from gateway.witness.memory import Memory
from gateway.witness.service import Service

app = typer.Typer(no_args_is_help=True, help="Run a witness: it cosigns a log's checkpoints, and only a longer log.")

CALLERS = 64
"""Connections at a time. A log needs one."""

Home = Annotated[Path, typer.Option(help="the witness's own folder")]
Passphrase = Annotated[Path | None, typer.Option(help="file with the passphrase that seals the witness's key")]


@app.command()
def init(
    home: Home,
    name: Annotated[str, typer.Option(help="its name, such as hospital.example/witness")],
    log: Annotated[list[str], typer.Option(help="a log's verifier key, or a file that holds it; once for each log")],
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="a checkpoint of the log that you hold: the witness begins there")
    ] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Make a witness, once: its key, and the logs it watches. Its verifier key goes to whoever runs those logs."""
    logs = [parse_vkey(options.vkey(text)) for text in log]
    known = []
    for path in checkpoint or ():
        note = options.read(path)
        origin = note.partition(b"\n")[0].decode(errors="replace")
        key = next((key for key in logs if key.name == origin), None)
        if key is None:
            raise options.FileRefused(f"{path} is no checkpoint of these logs.")
        known.append(open_checkpoint(note, key))
    made = Memory.create(home, name, logs, known=known, passphrase=_passphrase(passphrase_file))
    show.record({"home": str(home), "witness_key": str(made), "next": f"corridor witness run --home {home}"})


@app.command()
def key(
    home: Home,
    add: Annotated[str | None, typer.Option(help="another verifier key of a log it watches, or a file with it")] = None,
    drop: Annotated[str | None, typer.Option(help="a key that signs that log no more")] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Follow a log whose key is replaced: know the new one too, and later the new one alone. Stop the witness first."""
    if (add is None) == (drop is None):
        raise typer.BadParameter("either add a key or drop one")
    memory = Memory.open(home, passphrase=_passphrase(passphrase_file))
    try:
        if add is not None:
            memory.know(parse_vkey(options.vkey(add)))
        if drop is not None:
            memory.forget(parse_vkey(options.vkey(drop)))
        show.rows(
            [{"log": name, "key": str(each)} for name, keys in memory.logs.items() for each in keys],
            ("log", "key"),
            empty="",
        )
    finally:
        memory.close()


@app.command()
def run(
    home: Home,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8090,
    passphrase_file: Passphrase = None,
) -> None:
    """Answer submissions until it is stopped."""
    import uvicorn

    memory = Memory.open(home, passphrase=_passphrase(passphrase_file))
    try:
        service = Service(memory, Judge(memory, clock=system_clock))
        uvicorn.run(
            service,
            host=host,
            port=port,
            access_log=False,
            server_header=False,
            log_level="warning",
            limit_concurrency=CALLERS,
        )
    finally:
        memory.close()


def _passphrase(path: Path | None) -> str | None:
    return None if path is None else options.read(path).decode().strip()
