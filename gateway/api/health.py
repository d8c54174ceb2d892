"""For those who run the gateway: is it alive, is it ready, what does it count. And its public keys."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from gateway.api.deps import Gateway
from gateway.audit.log import Outcome
from gateway.policy.errors import PolicyUnavailable
from gateway.problems import Problem

router = APIRouter(tags=["running it"])


@router.get("/healthz", summary="Is the process alive")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="Can it do its work: log, database, policy engine", responses={503: {}})
async def readyz(gateway: Gateway) -> JSONResponse:
    """Each part is tried, not remembered. 503 when one of them cannot be used; then nothing is released."""
    tried: dict[str, Coroutine[Any, Any, str | None]] = {
        "log": _log_writes(gateway),
        "database": _database_reads(gateway),
        "policy": _policy_answers(gateway),
    }
    if gateway.collector.policy.quorum is not None or gateway.collector.set_back is not None:
        tried["witnesses"] = _witnesses_follow(gateway)
    parts = dict(zip(tried, await asyncio.gather(*map(_tried, tried.values())), strict=True))
    # Behind is said; not to be ready because of it is for the operator to demand.
    ready = all(state in ("ready", "behind") for state in parts.values())
    return JSONResponse({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics() -> Response:
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/.well-known/did.json",
    summary="The gateway's DID document (did:web)",
    response_class=Response,
    responses={200: {"content": {"application/did+json": {"schema": {"type": "object"}}}}},
)
async def did_document(gateway: Gateway) -> JSONResponse:
    return JSONResponse(gateway.home.did_document(), media_type="application/did+json")


@router.get("/.well-known/jwks.json", summary="The key that signs access tokens")
async def jwks(gateway: Gateway) -> dict[str, Any]:
    return gateway.home.jwks()


async def _tried(attempt: Any) -> str:
    try:
        said: str | None = await asyncio.wait_for(attempt, 3)
    except TimeoutError:
        return "no answer"
    except Problem as problem:
        return problem.slug
    return said or "ready"


async def _log_writes(gateway: Gateway) -> None:
    # A transaction without events: it reaches the disk's lock and the head, and leaves nothing behind.
    await gateway.log.submit(lambda _tx: Outcome(()))


async def _database_reads(gateway: Gateway) -> None:
    # By one of the connections that all reads share: the log writes by another.
    def read() -> None:
        with gateway.db.reading_tx() as tx:
            tx.execute("SELECT 1").fetchone()

    await asyncio.to_thread(read)


async def _policy_answers(gateway: Gateway) -> None:
    policy = await gateway.policies.under(gateway.log.standing.bundle)
    answer = await policy.engine.evaluate(b"{}")
    if policy.bundle.digest.encode() not in answer:
        raise PolicyUnavailable("The policy engine holds another bundle than the active one.")


async def _witnesses_follow(gateway: Gateway) -> str:
    collector = gateway.collector
    collector.check(required=gateway.settings.witnesses_required)
    return "ready" if collector.behind_since is None else "behind"
