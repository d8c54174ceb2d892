"""The yardstick of R1: a FastAPI route that reads the same body, writes an answer as long, and does nothing else."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from gateway.access.request import AccessRequest


class Answer(BaseModel):
    """As large as a decision with its grant."""

    result: str
    bundle: str
    obligations: list[dict[str, Any]]
    entry: str
    index: int


@asynccontextmanager
async def _tuned(_app: FastAPI) -> AsyncIterator[None]:
    # As gateway.app does it: otherwise the collector would flatter Corridor.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    yield


def application() -> FastAPI:
    app = FastAPI(openapi_url=None, lifespan=_tuned)

    @app.post("/access")
    async def access(body: AccessRequest) -> Answer:
        return Answer(
            result="permit",
            bundle="sha256:" + "0" * 64,
            obligations=[{"kind": "keep_record", "years": 3}],
            entry=body.contract,
            index=1,
        )

    return app
