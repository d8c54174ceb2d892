"""Pseudonyms: HMAC-SHA-256 (RFC 2104) under a key of this contract and this column alone (HKDF, RFC 5869)."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.catalog.model import ColumnType
from gateway.obligations.parameters import Parameters

KEY_BYTES = 32
MIN_ROOT_BYTES = 32
_BLOCK = 64  # SHA-256's, in bytes
_HEX = 32  # 128 bits: a clash among a thousand million persons has a chance of about 10**-21


def pseudonym_key(root: bytes, contract_id: str, domain: str) -> bytes:
    """32 bytes for one contract and one domain (dataset and column), from which no other key can be told.

    Raises:
        ValueError: the root has fewer than 32 bytes.
    """
    if len(root) < MIN_ROOT_BYTES:
        raise ValueError(f"a pseudonym root has at least {MIN_ROOT_BYTES} bytes")
    # Lengths go first, so that no two pairs of contract and domain run together into one info.
    parts = [part.encode() for part in (contract_id, domain)]
    info = b"corridor/pseudonym/1" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(root)


def pseudonym_sql(value: str, kind: ColumnType, key: bytes, parameters: Parameters) -> str:
    """SQL for `p-` and the first 32 hex digits of HMAC(key, canonical text of `value`); null stays null.

    The two key blocks are bound parameters: no key is in SQL text, a plan or an error message.
    """
    block = key.ljust(_BLOCK, b"\0")
    inner = parameters.add(bytes(byte ^ 0x36 for byte in block))
    outer = parameters.add(bytes(byte ^ 0x5C for byte in block))
    message = f"encode({canonical_text(value, kind)})"
    digest = f"sha256({outer}::BLOB || unhex(sha256({inner}::BLOB || {message})))"
    return f"('p-' || left({digest}, {_HEX}))"


def canonical_text(value: str, kind: ColumnType) -> str:
    """SQL for a value's text such that 7, 7.0 and '7' are one person, whatever type a source gives the column."""
    if kind is ColumnType.NUMBER:
        whole = f"{value} = trunc({value}) AND abs({value}) < 9007199254740992"
        return f"(CASE WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END)"
    return f"CAST({value} AS VARCHAR)"
