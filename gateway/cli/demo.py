"""corridor demo: a small data space on real data, from nothing to a verified log, step by step, over HTTP."""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from rich.markup import escape

from gateway.app import create_app
from gateway.cli import show
from gateway.cli.realdata import prepare
from gateway.cli.story import Story, StoryBroken
from gateway.problems import Problem
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import Client
from gateway.settings import Settings

VISITORS = {
    "the hospital's officer": "hospital-officer",
    "its data office": "hospital-provider",
    "a pharma researcher": "pharma-researcher",
    "the park's operator": "operator",
}
"""Who may want to look at the pages, and the key file that makes them who they are."""


def play(*, serve: bool = False, port: int = 8080, home: Path | None = None) -> None:
    """Run the story in a new folder; with `serve` the folder stays, and so does the data space, until Ctrl-C.

    Raises:
        StoryBroken: a step did not do what it says, or the gateway did not start.
    """
    started = time.monotonic()
    if serve:
        folder = home or Path(".corridor/demo")
        if (folder / "gateway").exists():
            _serve_again(folder, port)
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    else:
        folder = Path(tempfile.mkdtemp(prefix="corridor-demo-"))
    try:
        story = Story(folder, _settings(folder), port if serve else free_port(), say=_say)
        _run(story, serve=serve, started=started)
    finally:
        if not serve:
            shutil.rmtree(folder, ignore_errors=True)


def _serve_again(folder: Path, port: int) -> None:
    """The data space of an earlier `--serve`, as it was left."""
    with serving(_settings(folder), port) as wait:
        _say_where(f"http://127.0.0.1:{port}", folder)
        wait()


def _settings(folder: Path) -> Settings:
    # Everything in the folder, whatever the environment says of the gateway that is run in earnest on this machine.
    return Settings(
        home=folder / "gateway", database_url=None, sources=None, policy_engine="embedded", passphrase_file=None
    )


def _say_where(url: str, folder: Path) -> None:
    show.out.print(f"The data space runs at {url}/, its agents' key files are in {folder}/agents. Stop it with Ctrl-C.")
    show.out.print("To look at it in a browser, sign in by one of these links; each is good once, for ten minutes:")
    for who, name in VISITORS.items():
        with Client(AgentFile.load(folder / "agents" / f"{name}.json")) as gateway:
            address = gateway.sign_in_link()["address"]
        show.out.print(f"  {who:<22} {address}", soft_wrap=True)
    show.out.print(f"More of them: corridor agent sign-in --as {folder}/agents/....json", soft_wrap=True)


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
                    _say(line)
        seconds = time.monotonic() - started
        show.done(f"Every step did what it says, in {seconds:.0f} s.", seconds=round(seconds, 1))
        if serve:
            _say_where(story.url, story.folder)
            wait()


@contextmanager
def serving(settings: Settings, port: int) -> Iterator[Callable[[], None]]:
    """A gateway in a thread of this process, ready to answer; gives a function that waits for Ctrl-C."""
    config = uvicorn.Config(
        create_app(settings),
        host="127.0.0.1",
        port=port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="gateway", daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise StoryBroken(f"The gateway did not start on port {port}. Is the port taken?")
        time.sleep(0.02)

    def wait() -> None:
        # Stopped by Ctrl-C, or by whoever keeps services running: both end it in order.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            # Not join(): interrupted, it takes a thread that still runs for ended, and nothing would be closed.
            while thread.is_alive():
                time.sleep(0.2)
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


def _say(line: str) -> None:
    """A line beneath its step; what is too long goes on further in."""
    if not show.mode.json:
        first = "   " + line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(
            line, show.out.width, initial_indent="   ", subsequent_indent=first + "  ", break_on_hyphens=False
        ):
            show.out.print(escape(part), soft_wrap=True)


def _why(error: BaseException) -> str:
    if isinstance(error, Problem):
        return f"{error.title}: {error.detail}" + "".join(
            f" [{r['code']}] {r['text']}" for r in error.members.get("reasons", ())
        )
    return str(error) or type(error).__name__
