from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.errors import WitnessesMissing
from gateway.audit.note import parse_vkey
from gateway.audit.receipt import verify_receipt
from gateway.audit.report import Word
from gateway.audit.verify import verify_export
from gateway.sdk import verify
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


def test_the_golden_cosigned_receipt_has_its_quorum_and_the_other_has_none():
    policy, key = FILES["audit-witnesses.policy"].decode(), VECTORS["log_vkey"]
    verified = verify.receipt(FILES["audit-receipt-cosigned.json"], key, witnesses=policy)
    assert {one.timestamp for one in verified.witnesses} == {VECTORS["witness_time"]}
    assert VECTORS["witness_vkey"] in policy
    with pytest.raises(WitnessesMissing):
        verify.receipt(FILES["audit-receipt.json"], key, witnesses=policy)


def test_the_golden_export_says_that_no_witness_has_seen_it():
    policy = FILES["audit-witnesses.policy"].decode()
    report = verify.export(FILES["audit-range.jsonl"], VECTORS["log_vkey"], witnesses=policy)
    assert [finding.word for finding in report.findings] == [Word.MISSING]


def test_the_long_run_is_what_the_recursive_definition_gives():
    assert make_audit.long_run() == VECTORS["long_run_sha256"]
