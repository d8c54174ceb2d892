"""Receipts and exports, checked offline: with the log's key and, where there is one, the file of its witnesses.

Key and file come from elsewhere than what they check. Nothing is fetched.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from gateway.audit.note import parse_vkeys
from gateway.audit.receipt import VerifiedEntry, verify_receipt
from gateway.audit.report import Report
from gateway.audit.verify import verify_export
from gateway.audit.witnesses import NO_WITNESSES, WitnessPolicy, parse_policy


def receipt(data: bytes, key: str, *, witnesses: str | None = None) -> VerifiedEntry:
    """The entry of a receipt, once it is proved to be in the log that `key` signs; of a log that has had several keys,
    all that you trust, a line each.

    `witnesses`: a C2SP tlog-policy; enough of these must have cosigned. Raises as `verify_receipt` does.
    """
    return verify_receipt(data, parse_vkeys(key), _policy(witnesses))


def export(source: bytes | Path | BinaryIO, key: str, *, witnesses: str | None = None) -> Report:
    """What is right and wrong with an export, to its last byte; `valid` only if nothing is wrong."""
    return verify_export(source, parse_vkeys(key), witnesses=_policy(witnesses))


def _policy(text: str | None) -> WitnessPolicy:
    return NO_WITNESSES if text is None else parse_policy(text)
