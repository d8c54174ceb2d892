"""Kills a rotation at each of its steps: `python -m tests.state.rotation_kills HOME NAME FOLDER [--finish]`.

Or at one of them: `… HOME NAME STEP`, with the database that CORRIDOR_DATABASE_URL names.

The home is copied for each try, with its SQLite database. A child does the work, and kills itself as it is about to
open a file of the home for writing, to rename one or to remove one for the nth time; n rises until one comes through.
Says how many tries it took.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, cast

from gateway.ownkeys import Name
from gateway.rotation import finish, rotate
from gateway.settings import Settings


def dies_at(step: int, home: Path) -> None:
    """Kill this process at its nth step in the home, without a word."""
    steps = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event == "open":
            written = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        else:
            written = event in ("os.rename", "os.remove")
        if written and str(arguments[0]).startswith(str(home)):
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def killed(settings: Settings, name: Name, step: int, *, finishing: bool = False) -> bool:
    """Whether a child that does the work was killed at this step, and did not come through."""
    child = os.fork()
    if child == 0:
        dies_at(step, settings.home)
        if finishing:
            finish(settings, name)
        else:
            rotate(settings, name)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0 and not os.WIFSIGNALED(status):
        raise SystemExit(f"step {step}: the rotation failed by itself")
    return status != 0


def main(home: Path, name: Name, folder: Path, *, finishing: bool) -> int:
    for step in range(1, 1000):
        copy = folder / f"{step}"
        shutil.copytree(home, copy)
        if not killed(Settings(home=copy), name, step, finishing=finishing):
            return step
    raise SystemExit("no try came through")


def one(home: Path, name: Name, step: int) -> int:
    """Kill one try at a step, on the very home and the database of the environment; 1 if it came through."""
    return int(not killed(Settings(home=home), name, step))


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--finish"]
    if words[2].isdigit():
        raise SystemExit(one(Path(words[0]), cast(Name, words[1]), int(words[2])))
    print(main(Path(words[0]), cast(Name, words[1]), Path(words[2]), finishing="--finish" in sys.argv))
