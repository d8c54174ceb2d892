"""Who somebody is by the word of a provider outside: OpenID Connect Core 1.0, authorization code flow with PKCE.

A provider says who is before the browser; what that person may do here is enrolment's. Nothing that comes back counts
unread: the issuer is the configured one (discovery 4.3, RFC 9207), the code was asked for by this browser (`state`),
the token by this flow (`nonce`, PKCE S256), and it is signed by a key that the provider publishes, never with a shared
secret and never with none.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.crypto.canonical import canonical_json, strict_json
from gateway.identity.errors import OutsideRefused, ProviderAway, ProvidersMalformed
from gateway.problems import Problem, first_complaint

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
MIN_RSA_BITS: Final = 2048
TIMEOUT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 256 * 1024
MAX_FILE_BYTES: Final = 64 * 1024
MAX_CODE: Final = 4096
MAX_COOKIE: Final = 2048
SKEW_S: Final = 60
FRESH_S: Final = 3600
"""How long what a provider publishes of itself is believed."""
AGAIN_S: Final = 30
"""How soon its keys are looked at again when a token names one that is not known."""
AWAY_S: Final = 10
"""How long one that did not answer is left alone: strangers must not have us wait for it again and again."""
AT_A_TIME: Final = 4
"""Questions to one provider under way: whoever is at a page asks them, and threads are few."""
IN_ALL: Final = 10
_UNTIMED: Final[Options] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Provider(BaseModel):
    """One provider, as the operator's file names it. Without `participants` it speaks for everybody's agents."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    issuer: Annotated[str, Field(min_length=1, max_length=500)]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret_file: str | None = None
    participants: list[Annotated[str, Field(max_length=255)]] | None = None

    def speaks_for(self, participant: str) -> bool:
        return self.participants is None or participant in self.participants


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    providers: Annotated[list[Provider], Field(min_length=1, max_length=10)]


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to a provider and back. It stays in the browser that began it, and nowhere else.

    `session`: the digest of the session that wants to connect an account; empty where somebody signs in.
    """

    provider: str
    state: str
    nonce: str
    verifier: str
    session: str

    def to_cookie(self) -> str:
        members = [self.provider, self.state, self.nonce, self.verifier, self.session]
        return base64.urlsafe_b64encode(json.dumps(members).encode()).decode()

    @classmethod
    def of_cookie(cls, value: str) -> Flow | None:
        """What the cookie says; None for what is none of ours. It is the browser's own: its say binds nobody else."""
        try:
            members = strict_json(base64.urlsafe_b64decode(value.encode()), max_bytes=MAX_COOKIE, max_depth=2)
            provider, state, nonce, verifier, session = members
        except (ValueError, TypeError, Problem):
            return None
        texts = (provider, state, nonce, verifier, session)
        return cls(*texts) if all(isinstance(text, str) for text in texts) else None


@dataclass(frozen=True, slots=True)
class Proved:
    """Somebody a provider vouched for. `identity` is the SHA-256 (hex) of issuer and subject: no name leaves this."""

    provider: str
    identity: str
    several_factors: bool

    @property
    def method(self) -> str:
        return "oidc+mfa" if self.several_factors else "oidc"


@dataclass(frozen=True, slots=True)
class _Published:
    authorization: str
    token: str
    jwks: str
    names_itself: bool
    posts_secret: bool
    keys: Mapping[str | None, jwt.PyJWK]
    read_at: float


class Providers:
    """The providers of one gateway. `plain`: http to this very machine is allowed, for development."""

    def __init__(self, providers: tuple[Provider, ...] = (), *, folder: Path = Path(), plain: bool = False) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._published: dict[str, _Published] = {}
        self._away: dict[str, float] = {}
        self._places = {provider.id: threading.BoundedSemaphore(AT_A_TIME) for provider in providers}
        self._in_all = threading.BoundedSemaphore(IN_ALL)
        self._tls = ssl.create_default_context()
        self._plain = plain
        self._secrets = {p.id: _secret(folder, p.client_secret_file) for p in providers if p.client_secret_file}

    @classmethod
    def read(cls, path: Path, *, plain: bool) -> Providers:
        """The providers that a file names.

        Raises:
            ProvidersMalformed: it is no such file, and where.
        """
        try:
            made = _File.model_validate(strict_json(path.read_bytes(), max_bytes=MAX_FILE_BYTES))
        except OSError as error:
            raise ProvidersMalformed(f"{path}: {error.strerror}.") from error
        except ValidationError as error:
            raise ProvidersMalformed(f"{path}: {first_complaint(error, whole='the file')}") from error
        except Problem as problem:
            raise ProvidersMalformed(f"{path}: {problem.detail}") from problem
        if len({one.id for one in made.providers}) < len(made.providers):
            raise ProvidersMalformed(f"{path}: two providers have one id.")
        providers = cls(tuple(made.providers), folder=path.parent, plain=plain)
        for one in made.providers:
            if not providers.may_be_asked(one.issuer) or "?" in one.issuer:
                raise ProvidersMalformed(f"{path}: the issuer of {one.id} is no https URL without query or fragment.")
        return providers

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._providers.values())

    def __len__(self) -> int:
        return len(self._providers)

    def get(self, id: str) -> Provider | None:
        return self._providers.get(id)

    def may_be_asked(self, address: Any) -> bool:
        """Whether it is an https URL, or one of this machine in development."""
        if not isinstance(address, str) or not address.isascii() or not address.isprintable():
            return False
        try:
            parts = urlsplit(address)
            named = parts.hostname and parts.port != 0  # `port` raises for one that is none
        except ValueError:
            return False
        plain = self._plain and parts.scheme == "http" and parts.hostname in _LOOPBACK
        return bool((parts.scheme == "https" or plain) and named and not parts.username and not parts.fragment)

    def begin(self, provider: Provider, *, back: str, session: str = "") -> tuple[Flow, str]:
        """A new flow, and where the browser goes; `back` is where it comes back to. Blocks.

        To connect an account, for `session`, the provider is asked to let the person say which: the one that the
        browser happens to be signed in with there may be a colleague's.

        Raises:
            ProviderAway: it does not say where one signs in.
        """
        published = self._read(provider)
        verifier = secrets.token_urlsafe(48)
        flow = Flow(provider.id, secrets.token_urlsafe(32), secrets.token_urlsafe(32), verifier, session)
        challenge = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if session:
            asked["prompt"] = "login"
        joint = "&" if urlsplit(published.authorization).query else "?"
        return flow, published.authorization + joint + urlencode(asked)

    def finish(
        self, provider: Provider, flow: Flow, *, state: str, code: str, iss: str | None, back: str, now: float
    ) -> Proved:
        """Who came back, once the provider has said so to us. Blocks.

        Raises:
            OutsideRefused: something does not fit; never says what to whom it is no business of.
            ProviderAway: the provider does not answer.
        """
        if not hmac.compare_digest(_bytes(flow.state), _bytes(state)) or flow.provider != provider.id:
            raise OutsideRefused("This browser did not ask for it. Begin again.")
        published = self._read(provider)
        if iss != provider.issuer and (iss is not None or published.names_itself):
            raise OutsideRefused("The answer is another provider's (RFC 9207).")
        answer = self._exchanged(provider, published, code, flow.verifier, back)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OutsideRefused("The provider gave no id_token.")
        claims = self._verified(provider, token, now)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(_bytes(nonce), _bytes(flow.nonce)):
            raise OutsideRefused("The token was made for another sign-in.")
        identity = hashlib.sha256(canonical_json([provider.issuer, claims["sub"]])).hexdigest()
        methods = claims.get("amr")
        several = isinstance(methods, list) and "mfa" in methods  # RFC 8176
        return Proved(provider.id, identity, several)

    def _verified(self, provider: Provider, token: str, now: float) -> dict[str, Any]:
        """The claims of an id_token (Core 3.1.3.7)."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in ALGORITHMS:
                raise OutsideRefused("The token is not signed with a public key.")
            key = self._key(provider, kid)
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key.key,
                algorithms=[algorithm],
                audience=provider.client_id,
                issuer=provider.issuer,
                options={"require": ["iss", "sub", "aud", "exp", "iat"], **_UNTIMED},
            )
        except (jwt.PyJWTError, TypeError, ValueError):
            raise OutsideRefused("The token does not verify.") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else provider.client_id) != provider.client_id:
            raise OutsideRefused("The token is for another client.")
        if not all(type(claims[name]) in (int, float) and math.isfinite(claims[name]) for name in ("iat", "exp")):
            raise OutsideRefused("The token's times are none.")
        if not claims["iat"] - SKEW_S <= now < claims["exp"] + SKEW_S:
            raise OutsideRefused("The token is not of this time.")
        if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:
            raise OutsideRefused("The token names nobody.")
        return claims

    def _key(self, provider: Provider, kid: Any) -> jwt.PyJWK:
        published = self._read(provider)
        if kid not in published.keys and time.monotonic() - published.read_at > AGAIN_S:
            published = self._read(provider, anew=True)
        known = published.keys
        key = known.get(kid) if kid is not None else next(iter(known.values())) if len(known) == 1 else None
        if key is None:
            raise OutsideRefused("The token is signed by a key that the provider does not publish.")
        if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
            raise OutsideRefused("The provider's key is too short.")
        return key

    def _exchanged(
        self, provider: Provider, published: _Published, code: str, verifier: str, back: str
    ) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        secret, basic = self._secrets.get(provider.id), None
        if secret is None or published.posts_secret:
            form |= {"client_id": provider.client_id} | ({} if secret is None else {"client_secret": secret})
        else:
            # RFC 6749 section 2.3.1: as a form would have them.
            basic = httpx2.BasicAuth(quote_plus(provider.client_id), quote_plus(secret))
        status, answer = self._asked("POST", published.token, provider, data=form, auth=basic)
        if status != 200:
            raise OutsideRefused("The provider does not know of this sign-in, or it is used up.")
        return answer

    def _read(self, provider: Provider, *, anew: bool = False) -> _Published:
        """What a provider publishes of itself, read lately."""
        known = self._published.get(provider.id)
        if known is None or anew or time.monotonic() - known.read_at > FRESH_S:
            known = self._published[provider.id] = self._looked_up(provider)
        return known

    def _looked_up(self, provider: Provider) -> _Published:
        address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        status, said = self._asked("GET", address, provider)
        if status != 200 or said.get("issuer") != provider.issuer:
            raise ProviderAway(f"{provider.name} does not say that it is the configured issuer.")
        places = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(self.may_be_asked(place) for place in places):
            raise ProviderAway(f"{provider.name} names no https addresses.")
        if "S256" not in _listed(said, "code_challenge_methods_supported", "S256"):
            raise ProviderAway(f"{provider.name} does not do PKCE with S256.")
        status, published = self._asked("GET", str(places[2]), provider)
        try:
            keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_type in _PUBLIC}
        except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
            raise ProviderAway(f"{provider.name} publishes no keys.") from error
        methods = _listed(said, "token_endpoint_auth_methods_supported", "client_secret_basic")
        names_itself = said.get("authorization_response_iss_parameter_supported") is True
        posts = "client_secret_basic" not in methods
        return _Published(str(places[0]), str(places[1]), str(places[2]), names_itself, posts, keys, time.monotonic())

    def _asked(self, method: str, address: str, provider: Provider, **sent: Any) -> tuple[int, dict[str, Any]]:
        """One answer, whole within TIMEOUT_S, of at most MAX_ANSWER_BYTES, from exactly this address."""
        if time.monotonic() - self._away.get(provider.id, -AWAY_S) < AWAY_S:
            raise ProviderAway(f"{provider.name} did not answer a moment ago. Sign in another way.")
        # Each provider has places of its own: a slow one keeps nobody from another.
        place = self._places[provider.id]
        if not place.acquire(blocking=False):
            raise ProviderAway("Many are signing in just now. Try again shortly.")
        try:
            if not self._in_all.acquire(blocking=False):
                raise ProviderAway("Many are signing in just now. Try again shortly.")
            try:
                status, content = asyncio.run(_fetched(self._tls, method, address, sent))
            finally:
                self._in_all.release()
            value = strict_json(content, max_bytes=MAX_ANSWER_BYTES, fractions=True) if content else {}
        except (TimeoutError, httpx2.HTTPError) as error:
            self._away[provider.id] = time.monotonic()
            raise ProviderAway(f"{provider.name} does not answer as it should. Sign in another way.") from error
        except Problem:
            # It answers, though not in JSON: to what a stranger made up, perhaps. It is not away for others.
            return status, {}
        finally:
            place.release()
        return status, value if isinstance(value, dict) else {}


_PUBLIC: Final = frozenset({"RSA", "EC", "OKP"})


async def _fetched(tls: ssl.SSLContext, method: str, address: str, sent: dict[str, Any]) -> tuple[int, bytes]:
    headers = {"accept": "application/json"}
    async with asyncio.timeout(TIMEOUT_S), httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=tls) as http:
        asked = http.stream(method, address, headers=headers, follow_redirects=False, **sent)
        async with asked as response:
            content = b""
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > MAX_ANSWER_BYTES:
                    raise httpx2.HTTPError("the answer is too long")
            return response.status_code, content


def _bytes(text: str) -> bytes:
    """Of whatever text came in: half of a surrogate pair must not be an error of ours."""
    return text.encode("utf-8", "surrogatepass")


def _listed(said: dict[str, Any], name: str, usual: str) -> list[Any]:
    found = said.get(name)
    return found if isinstance(found, list) else [usual] if found is None else []


def _secret(folder: Path, name: str) -> str:
    try:
        secret = (folder / name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ProvidersMalformed(f"{folder / name}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ProvidersMalformed(f"{folder / name} holds no text.") from error
    if not secret:
        raise ProvidersMalformed(f"{folder / name} is empty.")
    return secret
