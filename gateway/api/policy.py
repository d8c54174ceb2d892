"""The rules, for everybody who is asked to keep them."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.deps import AuthenticatedCaller, Gateway
from gateway.api.wire import StrictRoute
from gateway.policy.rules import Rule

router = APIRouter(route_class=StrictRoute, tags=["policy"])


@router.get("/policy/rules", summary="Every rule: what it demands, what it can say, its source in law and its remedy")
def rules(_caller: AuthenticatedCaller, gateway: Gateway) -> list[Rule]:
    """Rules of packs that are off are listed too: `active` says which decide."""
    return list(gateway.bundle.catalogue)
