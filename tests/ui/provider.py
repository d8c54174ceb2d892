"""A provider that speaks OpenID Connect over HTTP, signs whoever it is told to in, and lies where it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import httpx2
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.space import INSTITUTE

CLIENT = "corridor"
SECRET = "the client's own"


@dataclass
class Provider:
    """`subject`: who is signed in there. `lies`: what is told otherwise than it is, by what it is told of."""

    port: int
    subject: str = "somebody-outside"
    amr: list[str] = field(default_factory=lambda: ["pwd"])
    lies: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def discovery(self) -> dict[str, Any]:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return said | self.lies.get("discovery", {})

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "one", "use": "sig"}]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        code = base64.urlsafe_b64encode(hashlib.sha256(str(time.monotonic_ns()).encode()).digest()).decode()
        self.codes[code] = query
        back = {"code": code, "state": query["state"], "iss": self.issuer} | self.lies.get("back", {})
        return query["redirect_uri"] + "?" + urlencode({name: value for name, value in back.items() if value})

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        query = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        basic = base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
        good = (
            query is not None
            and query["code_challenge"] == proof.decode().rstrip("=")
            and query["redirect_uri"] == form.get("redirect_uri")
            and authorization == f"Basic {basic}"
        )
        if query is None or not good:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"nonce": query["nonce"], "amr": self.amr, **self.lies.get("claims", {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        key, algorithm, headers = self.key, "RS256", {"kid": "one", **self.lies.get("header", {})}
        if self.lies.get("signed") == "none":
            return jwt.encode(claims, None, algorithm="none", headers=headers)
        if self.lies.get("signed") == "with its public key as a secret":
            pem = self.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return _hmac(claims, pem, headers)
        if self.lies.get("signed") == "with another key":
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if self.lies.get("signed") == "with a key of another kind":
            key, algorithm = ec.generate_private_key(ec.SECP256R1()), "ES256"
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def _hmac(claims: dict[str, Any], secret: bytes, headers: dict[str, Any]) -> str:
    """HS256, which no library signs with a public key: the oldest forgery there is."""
    import hmac

    parts = [{"alg": "HS256", "typ": "JWT", **headers}, claims]
    body = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    mac = base64.urlsafe_b64encode(hmac.new(secret, body.encode(), hashlib.sha256).digest()).decode().rstrip("=")
    return f"{body}.{mac}"


@contextmanager
def provider() -> Iterator[Provider]:
    """One that listens on loopback."""
    made: Provider

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.asked.append(parts.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._answer(302, b"", location=made.authorize(query))
            elif parts.path == "/.well-known/openid-configuration":
                self._document(200, made.discovery())
            elif parts.path == "/jwks":
                self._document(200, made.jwks())
            else:
                self._document(404, {})

        def do_POST(self) -> None:
            made.asked.append(self.path)
            content = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(content).items()}
            if redirect := made.lies.get("redirect"):
                self._answer(307, b"", location=redirect)
                return
            if made.lies.get("html"):
                self._answer(403, b"<html>Who are you?</html>")
                return
            self._document(*made.token(form, self.headers.get("authorization", "")))

        def _document(self, status: int, document: dict[str, Any]) -> None:
            if pause := made.lies.get("slow"):
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(pause)
            self._answer(status, json.dumps(document).encode() + b" " * made.lies.get("long", 0))

        def _answer(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), "connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass  # tests say enough

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Provider(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def written(folder: Path, outside: Provider, **members: Any) -> Path:
    """A gateway's file of it twice: for everybody, and for the institute alone."""
    one = {"id": "park", "name": "Park account", "issuer": outside.issuer, "client_id": CLIENT}
    limited = {"id": "institute", "name": "Institute", "issuer": outside.issuer, "client_id": CLIENT}
    (folder / "secret").write_text(SECRET + "\n", encoding="utf-8")
    secret = {"client_secret_file": "secret"}
    providers = [one | secret | members, limited | secret | {"participants": [INSTITUTE]}]
    file = folder / "providers.json"
    file.write_text(json.dumps({"providers": providers}), encoding="utf-8")
    return file


def to_provider_and_back(browser: httpx2.Client, path: str) -> httpx2.Response:
    """What a browser does: to the provider, and with what it says back to the gateway."""
    left = browser.get(path)
    assert left.status_code == 303, left.text
    returned = httpx2.get(left.headers["location"])
    return browser.get(returned.headers["location"])
