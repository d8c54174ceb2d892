"""The gateway's home: who it is, and its six private keys, made by `corridor init`.

Log, countersignature, tokens, pseudonyms, bundles and alerts have a key each: one that leaks opens nothing else. Files
are 0600, sealed under a passphrase when one is configured. `ownkeys` says how the files change when one is replaced.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from gateway import ownkeys
from gateway.audit.note import KeyType, NoteSigner, VerifierKey
from gateway.clock import instant
from gateway.crypto.errors import KeyFileRefused
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keys import Alg, EnrolledKey, check_ed25519_public, decode_member, screen, thumbprint
from gateway.crypto.private import ed25519_key, generate, generate_root, private_key, public_jwk, root_secret
from gateway.identity.tokens import TokenSigner
from gateway.ownkeys import ALGS, NAMES, Former, Name
from gateway.problems import Problem

CONFIG = "gateway.json"


class HomeRefused(Problem):
    """The gateway's home is not there, already there, or open to others."""

    slug, status, title = "home-refused", 400, "The gateway's home directory cannot be used"


@dataclass(frozen=True, slots=True)
class Countersigner:
    """The key with which the gateway accepts contracts, and every key with which it ever did, the present one first."""

    kid: str
    jwk: dict[str, Any]
    ring: tuple[EnrolledKey, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """An initialised home, its keys in memory. `development` keys never serve strangers.

    `log` signs by every key that signs the log now. `log_keys` are all that ever did, the present one first;
    `former_log_keys` those before it whose word still counts.
    `thumbprints`: of the present keys, by name. `alert_keys`: the present one first, then one that still signs.
    """

    path: Path
    did: str
    public_url: str
    origin: str
    operator: str
    development: bool
    log: NoteSigner
    log_keys: tuple[VerifierKey, ...]
    former_log_keys: tuple[VerifierKey, ...]
    countersigner: Countersigner
    tokens: TokenSigner
    pseudonym_root: bytes
    bundle_key: dict[str, Any]
    alert_keys: tuple[dict[str, Any], ...]
    thumbprints: dict[Name, str]

    @property
    def keys(self) -> Path:
        """The folder of the key files."""
        return key_folder(self.path)

    @classmethod
    def create(cls, path: Path, *, public_url: str, did: str | None, development: bool, passphrase: str | None) -> Home:
        """Make keys and configuration in a directory that has none.

        Raises:
            HomeRefused: there is a gateway here already. Keys are never overwritten.
        """
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (path / CONFIG).exists():
            raise HomeRefused(
                f"{path} holds a gateway already. Initialise another directory, or remove this one yourself."
            )
        host = urlsplit(public_url).netloc
        if not host:
            raise HomeRefused(f"{public_url!r} is not a URL with a host; give one like https://gateway.example.")
        did = did or f"did:web:{quote(host, safe='')}"
        keys = key_folder(path)
        keys.mkdir(mode=0o700)
        made: dict[str, dict[str, str]] = {name: generate(alg) for name, alg in ALGS.items()}
        for name, key in (made | {"pseudonym": generate_root()}).items():
            save_private(keys / f"{name}.json", key, passphrase=passphrase)
        config = {
            "did": did,
            "public_url": public_url.rstrip("/"),
            "origin": f"{host}/audit/1",
            "operator": f"{did}:operator",
            "development": development,
        }
        handle = os.open(path / CONFIG, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        return cls.load(path, passphrase=passphrase)

    @classmethod
    def load(cls, path: Path, *, passphrase: str | None) -> Home:
        """Read an initialised home.

        Raises:
            HomeRefused: none here. KeyFileRefused: a key file is open to others or sealed under something else.
        """
        try:
            config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise HomeRefused(f"There is no gateway in {path}. Run: corridor init --home {path}") from None
        keys = key_folder(path)
        held = {name: _private(keys, name, passphrase) for name in NAMES}
        former = ownkeys.former(keys)
        did, token = config["did"], held["token"]
        log = _log_signer(config["origin"], held["log"], _still_signing(keys, "log", passphrase))
        log_before = [each for each in former if each.name == "log"]
        return cls(
            path=path,
            did=did,
            public_url=config["public_url"],
            origin=config["origin"],
            operator=config["operator"],
            development=config["development"],
            log=log,
            log_keys=(log.verifier, *(_log_key(log.name, each) for each in log_before)),
            former_log_keys=tuple(_log_key(log.name, each) for each in log_before if each.state == "retired"),
            countersigner=_countersigner(did, held["countersign"], former),
            tokens=TokenSigner(did, token["kid"], private_key(token), screen(public_jwk(token), purpose="token")),
            pseudonym_root=root_secret(load_private(keys / "pseudonym.json", passphrase=passphrase)),
            bundle_key=held["bundle"],
            alert_keys=(held["alert"], *_still_signing(keys, "alert", passphrase)),
            thumbprints={name: thumbprint(jwk) for name, jwk in held.items()},
        )

    def did_document(self) -> dict[str, Any]:
        """The gateway's own DID document (did:web): the keys that countersigned contracts, and the one that does.

        A key that was replaced has `expires` or, compromised, `revoked` (W3C Controlled Identifiers 1.0): what it
        signed from then on counts for nothing.
        """
        methods = [
            {
                "id": key.kid,
                "type": "JsonWebKey",
                "controller": self.did,
                "publicKeyJwk": dict(key.public.jwk),
                **_end(key),
            }
            for key in self.countersigner.ring
        ]
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
            "id": self.did,
            "verificationMethod": methods,
            "assertionMethod": [self.countersigner.kid],
        }

    def jwks(self) -> dict[str, Any]:
        """The key that signs access tokens (RFC 7517)."""
        return {"keys": [{**self.tokens.public.jwk, "kid": self.tokens.kid, "use": "sig"}]}


def key_folder(home: Path) -> Path:
    """Where the key files of a home lie."""
    return home / "keys"


def _log_signer(origin: str, jwk: dict[str, Any], former: list[dict[str, Any]]) -> NoteSigner:
    return NoteSigner(origin, ed25519_key(jwk), beside=[NoteSigner(origin, ed25519_key(each)) for each in former])


def _log_key(origin: str, key: Former) -> VerifierKey:
    raw = decode_member(key.jwk, "x")
    return VerifierKey(origin, KeyType.ED25519, raw, check_ed25519_public(raw))


def _countersigner(did: str, jwk: dict[str, Any], former: tuple[Former, ...]) -> Countersigner:
    before = [key for key in former if key.name == "countersign"]
    began = ownkeys.valid_from(before[-1].replaced_at if before else None)
    kid = f"{did}#{jwk['kid']}"
    present = EnrolledKey(kid, did, screen(public_jwk(jwk), purpose="countersign"), "countersign", "active", began)
    ring = [present]
    for key in reversed(before):
        public = screen(key.jwk, purpose="countersign")
        lost = key.state == "compromised"
        ended = (None, key.valid_until) if lost else (key.valid_until, None)
        ring.append(EnrolledKey(f"{did}#{key.kid}", did, public, "countersign", key.state, key.valid_from, *ended))
    return Countersigner(kid, jwk, tuple(ring))


def _end(key: EnrolledKey) -> dict[str, str]:
    if key.compromised_since is not None:
        return {"revoked": instant(key.compromised_since)}
    return {} if key.valid_until is None else {"expires": instant(key.valid_until)}


def _private(keys: Path, name: Name, passphrase: str | None) -> dict[str, Any]:
    path = ownkeys.present(keys, name)
    return _later_key(path, ALGS[name], passphrase) if name in _LATER else load_private(path, passphrase=passphrase)


def _still_signing(keys: Path, name: Name, passphrase: str | None) -> list[dict[str, Any]]:
    path = ownkeys.still_signing(keys, name)
    return [load_private(path, passphrase=passphrase)] if path.exists() else []


_LATER = frozenset({"bundle", "alert"})


def _later_key(path: Path, alg: Alg, passphrase: str | None) -> dict[str, Any]:
    """A key that homes of earlier versions do not have: they get it now."""
    if not path.exists():
        # Another process of this gateway may be doing the same: whoever is second reads what the first made.
        with contextlib.suppress(KeyFileRefused):
            save_private(path, generate(alg), passphrase=passphrase)
    return load_private(path, passphrase=passphrase)
