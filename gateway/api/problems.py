"""What each problem type means and what to do: the pages that the `type` of a problem document leads to."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import PlainTextResponse, Response

from gateway.api.wire import PROBLEM_PAGES
from gateway.problems import NotFound

router = APIRouter(tags=["running it"])


@cache
def pages() -> dict[str, str]:
    """The pages as Markdown, by slug: the sections of `problems.md` beside this file."""
    text = files(__package__).joinpath("problems.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    sections = (part.split("\n", 1) for part in parts)
    return {slug.strip(): f"# {slug.strip()}\n\n{body.strip()}\n" for slug, body in sections}


@router.get(
    PROBLEM_PAGES + "/{slug}",
    summary="What a problem type means, and what to do",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
def page(slug: Annotated[str, Path(max_length=64, examples=["access-denied"])]) -> PlainTextResponse:
    """Needs no token: whoever was refused may read why."""
    if slug not in pages():
        raise NotFound
    return PlainTextResponse(pages()[slug], media_type="text/markdown")
