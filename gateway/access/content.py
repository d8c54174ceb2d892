"""Which bytes of a source a delivery read, for its provider to tell and for nobody else.

A source is refreshed under the same governance version, so each delivery's end names its content. A plain digest would
let a recipient guess what it was not given: all but one cell of a small file known, it tries the last one. So entries
hold a keyed one (HMAC-SHA-256, RFC 2104) under a key of the dataset's own (HKDF, RFC 5869), which its provider gets.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"corridor/content/1"


def content_key(root: bytes, dataset: str) -> bytes:
    """The 32 bytes that name contents of this dataset, and of no other."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO + dataset.encode()).derive(root)


def content_name(key: bytes, digest: str) -> str:
    """What entries say of a content: `hmac-sha256:` and 64 hex digits. `digest`: of its bytes, as `sha256:...`."""
    return "hmac-sha256:" + hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()
