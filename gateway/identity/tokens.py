"""Assertions in, tokens out, tokens in.

An agent proves itself by a signed assertion (RFC 7523, `private_key_jwt`): at most 60 seconds long, for this gateway,
used once. It gets a token (RFC 9068) that carries identity only and lives at most 15 minutes. Algorithms come from the
enrolled key, never from a header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from gateway.crypto.canonical import b64url_decode, strict_json
from gateway.crypto.keys import PublicKey
from gateway.identity.errors import AssertionRefused, NotAuthenticated
from gateway.ids import uuid7
from gateway.problems import Problem

ASSERTION_LIFE_S = 60
CLOCK_SKEW_S = 10
TOKEN_LIFE_S = 900
MAX_TOKEN_BYTES = 4096
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_TYPE = "at+jwt"  # noqa: S105  a media type (RFC 9068), no secret
_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
# Times are judged here against `now`, not by the library against the wall clock.
_UNTIMED: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti"]


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion: whose, which, and until when its `jti` must be remembered."""

    agent: str
    jti: str
    expires_at: int


def claimed_agent(assertion: str) -> str:
    """The agent an unverified assertion names, to look its key up by; nothing else of it may be used.

    Raises:
        AssertionRefused: it is no JWT, or names nobody in the form of a handle.
    """
    if len(assertion) > MAX_TOKEN_BYTES:
        raise AssertionRefused("The assertion is longer than 4096 characters.")
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise AssertionRefused("The assertion is not a JWT.") from None
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _ID.fullmatch(subject):
        raise AssertionRefused("`sub` must be the handle of an enrolled agent.")
    return subject


def read_assertion(assertion: str, *, key: PublicKey, audience: str, now: float) -> Assertion:
    """Verify an assertion against the key of the agent it claims to be from.

    Raises:
        AssertionRefused: signature, audience, times or identifiers are not as RFC 7523 section 3 and DESIGN ask.
    """
    try:
        claims = jwt.decode(
            assertion,
            key=key.key,
            algorithms=[key.jwt_alg],
            audience=audience,
            options={"require": _REQUIRED, **_UNTIMED},
        )
        header = jwt.get_unverified_header(assertion)
    except (jwt.InvalidAudienceError, jwt.MissingRequiredClaimError) as error:
        # Judged after the signature: only the key's owner gets to read this.
        raise AssertionRefused(f"The assertion is signed, but not for this: {error}.") from None
    except jwt.PyJWTError:
        raise AssertionRefused("The assertion does not verify.") from None
    _refuse_ambiguous(assertion)
    issued, expires, jti = claims["iat"], claims["exp"], claims["jti"]
    if header.get("typ", "JWT") not in ("JWT", "client-authentication+jwt"):
        raise AssertionRefused("`typ` must be JWT or client-authentication+jwt.")
    if not isinstance(claims["aud"], str):
        raise AssertionRefused("`aud` must be one string, this gateway's DID.")
    if claims["iss"] != claims["sub"]:
        raise AssertionRefused("`iss` and `sub` must both be the agent's handle.")
    if not (type(issued) is int and type(expires) is int):
        raise AssertionRefused("`iat` and `exp` must be integer seconds.")
    if not issued - CLOCK_SKEW_S <= now < expires or not 0 < expires - issued <= ASSERTION_LIFE_S:
        raise AssertionRefused(
            "The assertion must be fresh: at most 60 seconds from `iat` to `exp`, and now inside it."
        )
    if not isinstance(jti, str) or not _ID.fullmatch(jti):
        raise AssertionRefused("`jti` must be 1 to 128 unreserved characters.")
    return Assertion(agent=claims["sub"], jti=jti, expires_at=expires)


def _refuse_ambiguous(assertion: str) -> None:
    """Two readers must not take one assertion for different ones: no member twice, nothing that is not plain JSON."""
    try:
        for part in assertion.split(".")[:2]:
            strict_json(b64url_decode(part), max_bytes=MAX_TOKEN_BYTES, fractions=True)
    except Problem as problem:
        raise AssertionRefused(f"The assertion can be read in two ways: {problem.detail}.") from None


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """The gateway's token key, and what its tokens say about where they are from and for."""

    gateway: str
    kid: str
    private: Any
    public: PublicKey

    def issue(self, *, agent: str, participant: str, now: int) -> tuple[str, str]:
        """A token for an agent, and its jti."""
        jti = uuid7()
        claims = {
            "iss": self.gateway,
            "aud": self.gateway,
            "sub": agent,
            "client_id": agent,
            "org": participant,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
            "jti": jti,
        }
        headers = {"typ": TOKEN_TYPE, "kid": self.kid}
        return jwt.encode(claims, self.private, algorithm=self.public.jwt_alg, headers=headers), jti

    def read(self, token: str, *, now: float) -> dict[str, Any]:
        """The claims of one of our own tokens.

        Raises:
            NotAuthenticated: not ours, not for us, not a token, or not now.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise NotAuthenticated
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TOKEN_TYPE or header.get("kid") != self.kid:
                raise NotAuthenticated
            claims: dict[str, Any] = jwt.decode(
                token,
                key=self.public.key,
                algorithms=[self.public.jwt_alg],
                audience=self.gateway,
                issuer=self.gateway,
                options={"require": _REQUIRED, **_UNTIMED},
            )
        except jwt.PyJWTError:
            raise NotAuthenticated from None
        if not (type(claims["iat"]) is int and type(claims["exp"]) is int):
            raise NotAuthenticated
        if not claims["iat"] - CLOCK_SKEW_S <= now < claims["exp"]:
            raise NotAuthenticated("The access token has expired. Ask for a new one.")
        return claims
