"""The gateway's home: who it is, and its six private keys, made once by `corridor init`.

Log, countersignature, tokens, pseudonyms, bundles and alerts have a key each: one that leaks opens nothing else. Files
are 0600, sealed under a passphrase when one is configured.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.audit.note import NoteSigner
from gateway.crypto.errors import KeyFileRefused
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keys import Alg, screen
from gateway.crypto.private import PrivateKey, generate, generate_root, private_key, public_jwk, root_secret
from gateway.identity.tokens import TokenSigner
from gateway.problems import Problem

CONFIG = "gateway.json"


class HomeRefused(Problem):
    """The gateway's home is not there, already there, or open to others."""

    slug, status, title = "home-refused", 400, "The gateway's home directory cannot be used"


@dataclass(frozen=True, slots=True)
class Countersigner:
    """The key with which the gateway accepts contracts."""

    kid: str
    jwk: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Home:
    """An initialised home, its keys in memory. `development` keys never serve strangers."""

    path: Path
    did: str
    public_url: str
    origin: str
    operator: str
    development: bool
    log: NoteSigner
    countersigner: Countersigner
    tokens: TokenSigner
    pseudonym_root: bytes
    bundle_key: dict[str, Any]
    alert_key: dict[str, Any]

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
        keys = path / "keys"
        keys.mkdir(mode=0o700)
        made = {
            "log": generate("Ed25519"),
            "countersign": generate("Ed25519"),
            "token": generate("ES256"),
            "pseudonym": generate_root(),
            "bundle": generate("ES256"),
            "alert": generate("Ed25519"),
        }
        for name, key in made.items():
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
        keys = path / "keys"
        log = load_private(keys / "log.json", passphrase=passphrase)
        countersign = load_private(keys / "countersign.json", passphrase=passphrase)
        token = load_private(keys / "token.json", passphrase=passphrase)
        root = load_private(keys / "pseudonym.json", passphrase=passphrase)
        did = config["did"]
        return cls(
            path=path,
            did=did,
            public_url=config["public_url"],
            origin=config["origin"],
            operator=config["operator"],
            development=config["development"],
            log=NoteSigner(config["origin"], _ed25519(log)),
            countersigner=Countersigner(f"{did}#{countersign['kid']}", dict(countersign)),
            tokens=TokenSigner(did, token["kid"], private_key(token), screen(public_jwk(token), purpose="token")),
            pseudonym_root=root_secret(root),
            bundle_key=_later_key(keys / "bundle.json", "ES256", passphrase),
            alert_key=_later_key(keys / "alert.json", "Ed25519", passphrase),
        )

    def did_document(self) -> dict[str, Any]:
        """The gateway's own DID document (did:web): the key that countersigns contracts."""
        public = public_jwk(self.countersigner.jwk)
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
            "id": self.did,
            "verificationMethod": [
                {"id": self.countersigner.kid, "type": "JsonWebKey", "controller": self.did, "publicKeyJwk": public}
            ],
            "assertionMethod": [self.countersigner.kid],
        }

    def jwks(self) -> dict[str, Any]:
        """The key that signs access tokens (RFC 7517)."""
        return {"keys": [{**self.tokens.public.jwk, "kid": self.tokens.kid, "use": "sig"}]}


def _later_key(path: Path, alg: Alg, passphrase: str | None) -> dict[str, Any]:
    """A key that homes of earlier versions do not have: they get it now."""
    if not path.exists():
        # Another process of this gateway may be doing the same: whoever is second reads what the first made.
        with contextlib.suppress(KeyFileRefused):
            save_private(path, generate(alg), passphrase=passphrase)
    return load_private(path, passphrase=passphrase)


def _ed25519(jwk: Any) -> Any:
    key: PrivateKey = private_key(jwk)
    return key
