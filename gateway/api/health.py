"""For those who run the gateway: is it alive, is it ready, what does it count. And its public keys."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from gateway import readiness
from gateway.api.deps import Gateway

router = APIRouter(tags=["running it"])


@router.get("/healthz", summary="Is the process alive")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="Can it do its work: log, database, policy engine", responses={503: {}})
async def readyz(gateway: Gateway) -> JSONResponse:
    """Each part is tried, not remembered. 503 when one of them cannot be used; then nothing is released."""
    parts = await readiness.parts(gateway)
    ready = all(state in readiness.GOOD for state in parts.values())
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
