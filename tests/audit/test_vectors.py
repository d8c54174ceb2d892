from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.note import parse_vkey
from gateway.audit.receipt import verify_receipt
from gateway.audit.verify import verify_export
from tests.audit.small_log import VECTORS
from tests.vectors import make_audit

KEY = parse_vkey(VECTORS["log_vkey"])
FILES = {path.name: path.read_bytes() for path in Path(make_audit.__file__).parent.glob("audit-*")}


def test_the_golden_files_are_what_their_maker_makes():
    assert make_audit.golden() == FILES


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".jsonl")])
def test_the_golden_exports_verify_with_the_published_key(name):
    report = verify_export(FILES[name], KEY)
    assert report.valid, report.findings


def test_the_golden_receipt_verifies_with_the_published_key():
    assert verify_receipt(FILES["audit-receipt.json"], KEY).index == 3


def test_the_long_run_is_what_the_recursive_definition_gives():
    assert make_audit.long_run() == VECTORS["long_run_sha256"]
