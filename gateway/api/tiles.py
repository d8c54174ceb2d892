"""The log for any tlog client: its checkpoint and its hash tiles (C2SP tlog-tiles), without a token.

Tiles hold hashes and nothing else: they disclose how much is recorded and when, not what or whose. Each entry carries a
random nonce, so that no short entry can be guessed and confirmed by its hash. Bundles of entries would show everybody's
entries to whoever reads them; there are none. Who is a party to an entry gets it with its proof as a receipt, and the
officers who may see more export, which is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import PlainTextResponse, Response

from gateway.api.deps import Gateway
from gateway.audit import cosigned
from gateway.audit.errors import TileMalformed
from gateway.audit.reader import tile_reader
from gateway.audit.tiles import parse_tile_path, tile_width
from gateway.audit.tree import read_head
from gateway.problems import NotFound, Unavailable

PREFIX = "/log"
IMMUTABLE = "public, max-age=31536000, immutable"
WAIT_S = 2

router = APIRouter(tags=["the log, for tlog clients"], prefix=PREFIX)


class TilesBusy(Unavailable):
    """As many tiles are being read as may be at a time."""

    slug, title = "tiles-busy", "Too many tiles are asked for at a time"


@router.get("/checkpoint", summary="The log's checkpoint, with its cosignatures", response_class=PlainTextResponse)
def checkpoint(gateway: Gateway) -> PlainTextResponse:
    """With witnesses, the newest that enough of them cosigned; `GET /v1/audit/checkpoint` has the newest of all."""
    with _reading(gateway), gateway.db.reading_tx() as tx:
        note, _ = cosigned.published(tx, gateway.home.log.verifier, gateway.collector.policy)
    return PlainTextResponse(note, headers={"cache-control": "public, max-age=1"})


@router.get(
    "/tile/{tile:path}",
    summary="A hash tile: <level>/<number>, or <level>/<number>.p/<width>",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def tile(
    tile: Annotated[str, Path(max_length=64, examples=["0/000.p/1"])], request: Request, gateway: Gateway
) -> Response:
    """Full ones, and partial ones of every width that the tree has had. 404 for what the tree has not, or not yet."""
    path = f"tile/{tile}"
    try:
        level, n, width = parse_tile_path(path)
    except TileMalformed:
        raise NotFound from None
    # One address for each tile: caches keep them for good.
    if level is None or request.scope.get("raw_path", b"") != f"{PREFIX}/{path}".encode():
        raise NotFound
    with _reading(gateway), gateway.db.reading_tx() as tx:
        if width > tile_width(level, n, read_head(tx).size):
            raise NotFound
        hashes = tile_reader(tx)(level, n, width)
    return Response(hashes, media_type="application/octet-stream", headers={"cache-control": IMMUTABLE})


@contextmanager
def _reading(gateway: Gateway) -> Iterator[None]:
    """A place among the few who may read here at a time: strangers must not take every connection."""
    if not gateway.tile_reads.acquire(timeout=WAIT_S):
        raise TilesBusy("Ask again shortly.")
    try:
        yield
    finally:
        gateway.tile_reads.release()
