"""What can be wrong with bytes, keys and signatures."""

from __future__ import annotations

from gateway.problems import Malformed, Problem


class CanonicalError(Malformed):
    """A value has no RFC 8785 form: a number out of range, text that is no Unicode, a type JSON does not have."""

    slug, title = "not-canonical", "The value has no canonical JSON form"


class KeyRefused(Malformed):
    """A key is of a kind, size or encoding that is not accepted."""

    slug, title = "key-refused", "The key is not accepted"


class DidRefused(Malformed):
    """An identifier is no DID of a method that is accepted here (did:web, did:key), or no key id under one."""

    slug, title = "did-refused", "The identifier is not an accepted DID"


class KeyRequestRefused(Malformed):
    """What somebody brings a contract key with does not hold; `detail` says which check failed."""

    slug, title = "key-request-refused", "The request for a new key does not hold"


class KeyFileRefused(Problem):
    """A key file cannot be used: readable by others, of another form, sealed under another passphrase."""

    slug, status, title = "key-file-refused", 400, "The key file cannot be used"


class SignatureInvalid(Problem):
    """A signature does not cover these bytes under this key."""

    slug, status, title = "signature-invalid", 403, "The signature does not verify"
