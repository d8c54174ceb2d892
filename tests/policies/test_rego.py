"""The policies' own tests, and what a real OPA says about their text."""

from __future__ import annotations

import json
import subprocess

import pytest

from gateway.policy.archive import contents, written
from tests.policy.engines import POLICIES, opa, whole_bundle

pytestmark = pytest.mark.server


def run(*arguments):
    return subprocess.run([opa(), *arguments], cwd=POLICIES, capture_output=True, text=True, timeout=120, check=False)


def test_opa_test_passes():
    done = run("test", ".", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    for rule in whole_bundle().rules:
        assert f"access.rules_test.{rule}_test.test_" in done.stdout


def test_every_line_is_run_by_a_test():
    files = json.loads(run("test", "--coverage", "--format", "json", ".").stdout)["files"]
    missed = {path: [line["start"]["row"] for line in found.get("not_covered", [])] for path, found in files.items()}
    assert {path: lines for path, lines in missed.items() if lines} == {}
    assert {path.relative_to(POLICIES).as_posix() for path in POLICIES.rglob("*.rego")} == set(missed)


def test_opa_check_strict_passes():
    done = run("check", "--strict", ".")
    assert done.returncode == 0, done.stderr


def test_the_policies_are_formatted():
    """The bundle's check of rule heads relies on it: a head begins its line."""
    done = run("fmt", "--list", ".")
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_written_passes_opa_check_as_a_bundle(tmp_path):
    written(contents(whole_bundle(), None), tmp_path / "bundle")
    done = run("check", "--strict", "--bundle", str(tmp_path / "bundle"))
    assert done.returncode == 0, done.stderr
