"""corridor demo: a small data space on real data, from nothing to a verified log, step by step, over HTTP."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.markup import escape

from gateway.app import create_app, log_as_json
from gateway.cli import show
from gateway.cli.realdata import prepare
from gateway.cli.story import Story, StoryBroken
from gateway.problems import Problem
from gateway.settings import Settings


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="keep the data space running afterwards")] = False,
    port: Annotated[int, typer.Option(help="with --serve: where; otherwise any free port")] = 8080,
    home: Annotated[Path | None, typer.Option(help="with --serve: a new folder for it; default .corridor/demo")] = None,
) -> None:
    """Run the whole story on real data: publish, sign, ask, be refused, revoke, verify. Fails if any step does not hold."""
    started = time.monotonic()
    log_as_json()
    folder = (home or Path(".corridor/demo")) if serve else Path(tempfile.mkdtemp(prefix="corridor-demo-"))
    try:
        if serve:
            folder.mkdir(parents=True, mode=0o700)
        story = Story(folder, Settings(home=folder / "gateway"), port if serve else free_port(), say=_say)
        _run(story, serve=serve, started=started)
    except FileExistsError:
        raise StoryBroken(f"{folder} exists already. Remove it, or name another folder with --home.") from None
    finally:
        if not serve:
            shutil.rmtree(folder, ignore_errors=True)


def _run(story: Story, *, serve: bool, started: float) -> None:
    story.prepare(prepare(story.folder / "data"))
    with serving(story.settings, story.port) as wait:
        for number, step in enumerate(story.steps(), 1):
            try:
                step.play()
            except (AssertionError, Problem, KeyError, OSError) as error:
                show.err.print(f"[bold red]✗ step {number}, {escape(step.title)}: {escape(_why(error))}[/bold red]")
                raise StoryBroken(f"Step {number} did not do what it says.") from error
            if not show.mode.json:
                show.out.print(f"[bold green]{number:>2}[/bold green] [bold]{escape(step.title)}[/bold]")
                for line in story.told():
                    show.out.print(f"   {escape(line)}")
        seconds = time.monotonic() - started
        show.done(f"Every step did what it says, in {seconds:.0f} s.", seconds=round(seconds, 1))
        if serve:
            show.out.print(f"The same data space runs at {story.url}/ — agents' key files are in {story.folder}/agents.")
            show.out.print("[dim]Stop it with Ctrl-C.[/dim]")
            wait()


@contextmanager
def serving(settings: Settings, port: int) -> Iterator[Callable[[], None]]:
    """A gateway in a thread of this process, ready to answer; gives a function that waits for Ctrl-C."""
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, access_log=False, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="gateway", daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise StoryBroken(f"The gateway did not start on port {port}. Is the port taken?")
        time.sleep(0.02)

    def wait() -> None:
        try:
            thread.join()
        except KeyboardInterrupt:
            show.out.print("[dim]Stopping.[/dim]")

    try:
        yield wait
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(sentence: str) -> None:
    if not show.mode.json:
        show.out.print(f"   {escape(sentence)}")


def _why(error: BaseException) -> str:
    if isinstance(error, Problem):
        return f"{error.title}: {error.detail}" + "".join(f" [{r['code']}] {r['text']}" for r in error.members.get("reasons", ()))
    return str(error) or type(error).__name__
