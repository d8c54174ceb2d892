"""What a bundle goes through before it decides anything, each step in a process that may break.

It was verified and read strictly before (`archive`, `bundle`). Now `opa check --strict`, where OPA is at hand; then it
must load, pass its own tests, and answer to the newest requests and to the widest there may be. What fails is not
activated; what decided goes on.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway.policy.bundle import Bundle
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.trial import Trial
from gateway.policy.widest import widest

CHECK_S = 60.0
"""For `opa check`."""
_SHOWN = 400


def examine(bundle: Bundle, inputs: Sequence[bytes], *, opa: Path | None) -> None:
    """Nothing, if these rules may decide. `inputs`: what was decided on lately; blocks for some seconds.

    Raises:
        BundleInvalid: they may not, and why.
        PolicyUnavailable: `opa` cannot be run.
    """
    if opa is not None:
        _check(bundle, opa)
    with Trial({**bundle.files, **bundle.tests}, bundle.packs) as trial:
        trial.test()
        _answer(trial, inputs, "a request that was decided before")
        _answer(trial, list(widest()), "a request with lists as long as they may be")


def _answer(trial: Trial, inputs: Sequence[bytes], what: str) -> None:
    try:
        if None in list(trial.decide(inputs)):
            raise BundleInvalid(f"In its trial it gave no answer to {what}.")
    except PolicyUnavailable as problem:
        raise BundleInvalid(f"In its trial, on {what}: {problem.detail}") from problem


def _check(bundle: Bundle, opa: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="bundle-") as made:
        for path, content in {**bundle.files, **bundle.tests}.items():
            target = Path(made, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        try:
            done = subprocess.run(  # noqa: S603  the operator's own program and our words; the bundle is data to it
                [str(opa), "check", "--strict", "."],
                cwd=made,
                env={"PATH": os.environ.get("PATH", ""), "HOME": made},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BundleInvalid(f"opa check took longer than {CHECK_S:g} seconds.") from error
        except OSError as error:
            raise PolicyUnavailable(f"CORRIDOR_OPA cannot be run: {error.strerror}.") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise BundleInvalid(f"It does not pass opa check --strict: {said[:_SHOWN]}")
