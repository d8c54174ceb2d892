"""The rules for people: what each demands, on what ground, and what it can say."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from gateway.policy.rules import Rule
from gateway.problems import NotFound
from gateway.ui.spoken import translated
from gateway.ui.visit import PageRoute, Signed

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/rules")
def rules(
    visit: Signed, text: Annotated[str, Query(max_length=100)] = "", pack: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Every rule of the active bundle; those of packs that are off are listed too."""
    catalogue = visit.gateway.policies.current.bundle.catalogue
    words = text.casefold().split()
    found = [
        rule
        for rule in catalogue
        if (not pack or rule.pack == pack) and all(word in _searched(rule, visit.language) for word in words)
    ]
    packs = sorted({rule.pack for rule in catalogue})
    return visit.page("rules.html", rules=found, packs=packs, text=text, pack=pack)


@router.get("/rules/{name}")
def rule(name: Annotated[str, Path(max_length=100)], visit: Signed) -> Response:
    """One rule, with everything it can say."""
    found = next((one for one in visit.gateway.policies.current.bundle.catalogue if one.name == name), None)
    if found is None:
        raise NotFound
    return visit.page("rule.html", rule=found)


def _searched(rule: Rule, language: str) -> str:
    """Everything a rule is found by; its title also in the reader's language."""
    title = translated(rule.title, language) or ""
    return f"{rule.name} {rule.title} {title} {rule.source} {' '.join(rule.codes)}".casefold()
