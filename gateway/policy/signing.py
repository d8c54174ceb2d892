"""Signatures on bundles, in OPA's own form: one JWT whose payload lists every file with its hash.

The form is that of https://www.openpolicyagent.org/docs/management-bundles#signature-format: `.signatures.json` holds
`{"signatures": [JWT]}`; a file's hash is the SHA-256 of its bytes, and of structured files (`data.json`, `.manifest`)
that of the JSON without white space, members in order of their names' UTF-8. What is read here is as strict as what an
OPA server accepts, or stricter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from gateway.crypto.canonical import b64url_encode, canonical_json, strict_json
from gateway.crypto.errors import KeyRefused
from gateway.crypto.jws import protect, sign
from gateway.crypto.keys import PublicKey, screen
from gateway.crypto.pem import from_pem
from gateway.policy.errors import BundleInvalid
from gateway.problems import Malformed, TooLarge

SIGNATURES = ".signatures.json"
MANIFEST = ".manifest"
MAX_SIGNATURES_BYTES = 1024 * 1024
KEY_ID = "default"
"""What `opa` calls the key of `--verification-key` unless told otherwise."""

# The key says which algorithm, never the token. RS256 is what `opa build` signs with unless told otherwise.
_ALGS = {"ES256": frozenset({"ES256"}), "PS256": frozenset({"PS256", "RS256"})}
_HEADER = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key whose signature on a bundle counts, and what it is called."""

    name: str
    public: PublicKey


def trusted_key(name: str, content: bytes) -> TrustedKey:
    """A key from a file: PEM, or a JWK.

    Raises:
        BundleInvalid: it is neither, or no key that may sign bundles.
    """
    try:
        jwk = from_pem(content) if content.lstrip().startswith(b"-----") else strict_json(content, max_bytes=16 * 1024)
        if not isinstance(jwk, dict):
            raise KeyRefused("it holds no JWK")
        return TrustedKey(name, screen(jwk, purpose="bundle"))
    except (KeyRefused, Malformed, TooLarge) as problem:
        raise BundleInvalid(f"The bundle key {name} cannot be used: {problem.detail}") from problem


def sign_files(files: Mapping[str, bytes], private_jwk: Mapping[str, Any]) -> bytes:
    """`.signatures.json` over these files, by path; the signature's own file is none of them."""
    if private_jwk.get("kty") != "EC":
        raise KeyRefused(
            "bundles are signed with an ES256 key, which OPA verifies; make one: corridor keys new --alg ES256"
        )
    listed = [{"name": path, "hash": file_hash(path, files[path]), "algorithm": "SHA-256"} for path in sorted(files)]
    header = {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}
    payload = b64url_encode(canonical_json({"files": listed}))
    token = f"{protect(header)}.{payload}.{sign(private_jwk, header, payload)}"
    return json.dumps({"signatures": [token]}).encode() + b"\n"


def verify_files(files: Mapping[str, bytes], trusted: Iterable[TrustedKey]) -> TrustedKey:
    """The key that signed exactly these files; `.signatures.json` is among them.

    Raises:
        BundleInvalid: not signed, by nobody who is trusted, or over other files.
    """
    if SIGNATURES not in files:
        raise BundleInvalid("The bundle is not signed: it has no .signatures.json.")
    token = _token(files[SIGNATURES])
    signer, payload = _signer(token, trusted)
    listed = _listed(payload)
    for path in sorted(files.keys() - {SIGNATURES}):
        if path not in listed:
            raise BundleInvalid(f"{path} is in the bundle and not in its signature.")
        if listed.pop(path) != file_hash(path, files[path]):
            raise BundleInvalid(f"{path} is not the file that was signed.")
    if listed:
        raise BundleInvalid(f"{min(listed)} was signed and is not in the bundle.")
    return signer


def file_hash(path: str, content: bytes) -> str:
    """The SHA-256 that OPA computes for a file, in hexadecimal.

    Raises:
        BundleInvalid: a structured file is no JSON.
    """
    if path.rpartition("/")[2] in {"data.json", MANIFEST}:
        content = _structured(path, content)
    return hashlib.sha256(content).hexdigest()


class _Number(str):
    """A number as it is spelt: OPA hashes 1.0 as `1.0`."""


def _structured(path: str, content: bytes) -> bytes:
    try:
        strict_json(content, max_bytes=MAX_SIGNATURES_BYTES, fractions=True)
    except (Malformed, TooLarge) as problem:
        raise BundleInvalid(f"{path}: {problem.detail}") from problem
    return _written(json.loads(content, parse_int=_Number, parse_float=_Number)).encode("utf-8")


def _written(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-8"))
        return "{" + ",".join(f"{_text(name)}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, _Number):
        return str(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    # Go writes these two escaped, so that its JSON is JavaScript too.
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _token(content: bytes) -> str:
    parsed = _object(content, SIGNATURES)
    tokens = parsed.get("signatures")
    # Any other plugin would be another way of verifying.
    if parsed.keys() - {"signatures", "plugin"} or parsed.get("plugin", "") not in ("", "_default"):
        raise BundleInvalid(".signatures.json holds what is not understood.")
    if not isinstance(tokens, list) or len(tokens) != 1 or not isinstance(tokens[0], str) or not tokens[0].isascii():
        raise BundleInvalid(".signatures.json must hold exactly one signature.")
    return tokens[0]


def _signer(token: str, trusted: Iterable[TrustedKey]) -> tuple[TrustedKey, dict[str, Any]]:
    """Whose signature it is. `kid` decides nothing: tools write `default` there."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise BundleInvalid("The bundle's signature is no JWT.") from error
    if header.keys() - _HEADER:
        raise BundleInvalid("The header of the bundle's signature holds what is not understood.")
    for key in trusted:
        if header.get("alg") not in _ALGS[key.public.alg]:
            continue
        try:
            payload = jwt.PyJWS().decode(token, key=key.public.key, algorithms=[header["alg"]])
        except jwt.InvalidTokenError:
            continue
        return key, _object(payload, "The bundle's signature")
    raise BundleInvalid("The bundle is not signed by a key that is trusted here.")


def _listed(payload: Mapping[str, Any]) -> dict[str, str]:
    if payload.get("scope", "") != "":
        raise BundleInvalid("The bundle was signed for another scope.")
    files, listed = payload.get("files"), {}
    for entry in files if isinstance(files, list) else []:
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("name", "hash")):
            raise BundleInvalid("The bundle's signature lists something that is no file.")
        if entry.get("algorithm") != "SHA-256":
            raise BundleInvalid(f"{entry['name'][:200]} was hashed by another algorithm than SHA-256.")
        if entry["name"] in listed:
            raise BundleInvalid(f"{entry['name'][:200]} is twice in the bundle's signature.")
        listed[entry["name"]] = entry["hash"].lower()
    return listed


def _object(content: bytes, what: str) -> dict[str, Any]:
    try:
        parsed = strict_json(content, max_bytes=MAX_SIGNATURES_BYTES, fractions=True)
    except (Malformed, TooLarge) as problem:
        raise BundleInvalid(f"{what}: {problem.detail}") from problem
    if not isinstance(parsed, dict):
        raise BundleInvalid(f"{what} holds no JSON object.")
    return parsed
