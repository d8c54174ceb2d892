"""Is this a point of edwards25519 that can be a public key (RFC 8032 section 5.1)?

Libraries import any 32 bytes. For a point of small order one signature verifies on every message, so anyone could
sign for the party and the party could deny; for a point with a small-order part verifiers disagree with one another.
"""

from __future__ import annotations

from functools import lru_cache

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER = 2**252 + 27742317777372353535851937790883648493
_SQRT_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x * y = T/Z."""


@lru_cache(maxsize=4096)
def is_sound_public_key(raw: bytes) -> bool:
    """Whether `raw` is the one encoding of a point in the prime-order subgroup, and not its neutral element."""
    point = _decompress(raw)
    if point is None or _is_neutral(point):
        return False
    return _is_neutral(_multiply(_ORDER, point))


def _decompress(raw: bytes) -> _Point | None:
    # RFC 8032 section 5.1.3, with its "decoding fails" cases as None.
    encoded = int.from_bytes(raw, "little")
    sign, y = encoded >> 255, encoded & (1 << 255) - 1
    if len(raw) != 32 or y >= _P:
        return None
    numerator, denominator = (y * y - 1) % _P, (_D * y * y + 1) % _P
    square = numerator * pow(denominator, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _add(p: _Point, q: _Point) -> _Point:
    # RFC 8032 section 5.1.4: complete, so it doubles too.
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(factor: int, point: _Point) -> _Point:
    # Public input only, so time may depend on it.
    result: _Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point = _add(point, point)
        factor >>= 1
    return result


def _is_neutral(point: _Point) -> bool:
    x, y, z, _ = point
    return x % _P == 0 and (y - z) % _P == 0
