"""Coming in and going out: the way in by a one-time link, the language, and the files the pages are made of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import Response

from gateway.audit.deed import Deed
from gateway.identity import enrolment, sessions
from gateway.problems import NotFound
from gateway.ui import words
from gateway.ui.render import STATIC, static_address, static_file
from gateway.ui.visit import LANGUAGE_COOKIE, Anyone, PageRoute, Posted, SentHere, Visit, cookie_name, is_secure

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Secret = Annotated[str, Path(max_length=100)]
YEAR_S = 365 * 24 * 3600


@router.get("/sign-in")
def sign_in(visit: Anyone, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """How one gets in."""
    if visit.caller is not None:
        return visit.go(_inside(next))
    return visit.page("sign_in.html", providers=list(visit.gateway.providers))


@router.get("/sign-in/{secret}")
def confirm(secret: Secret, visit: Anyone) -> Response:
    """Whom the link signs in. Looking uses nothing up: mail scanners and previews look too."""
    with visit.gateway.db.reading() as session:
        owner = sessions.link_owner(session, secret, visit.gateway.clock())
    return visit.page("sign_in_confirm.html", owner=owner, secret=secret)


@router.post("/sign-in/{secret}")
def begin(secret: Secret, visit: SentHere) -> Response:
    """Use the link up. Another site might know a link of its own, and would sign its visitor in as somebody else."""
    gateway = visit.gateway
    with gateway.db.reading() as session:
        owner = sessions.link_owner(session, secret, gateway.clock())
    deed = Deed(enrolment.actor(owner, gateway.home.did), gateway.node, gateway.clock(), request_id(visit.request))
    return begun(visit, gateway.log.record(lambda tx: sessions.begin(tx, secret, deed)).value)


def begun(visit: Visit, session: sessions.Begun) -> Response:
    """To the first page, with what the session is known by."""
    answer, gateway = visit.go("/"), visit.gateway
    answer.set_cookie(
        cookie_name(gateway), session.secret, httponly=True, secure=is_secure(gateway), samesite="strict", path="/"
    )
    return answer


@router.post("/sign-out")
def sign_out(visit: Posted) -> Response:
    """The session ends here, not only in this browser."""
    acting, secret = visit.acting, visit.secret or ""
    deed = acting.deed()
    acting.record(lambda tx: sessions.end(tx, secret, deed))
    answer = visit.go("/sign-in")
    answer.delete_cookie(
        cookie_name(visit.gateway), path="/", secure=is_secure(visit.gateway), httponly=True, samesite="strict"
    )
    return answer


@router.post("/language")
def language(
    visit: Anyone,
    language: Annotated[str, Form(max_length=10)],
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Keep a choice in this browser. It changes nothing else, so anyone may make it."""
    answer = visit.go(_inside(next))
    if language in words.LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="lax", secure=is_secure(visit.gateway))
    return answer


@router.get("/static/{digest}/{name}")
async def static(
    digest: Annotated[str, Path(max_length=20)], name: Annotated[str, Path(pattern=r"^[a-z0-9_]{1,40}\.[a-z]{2,3}$")]
) -> Response:
    """A file of the pages. Its address holds its digest, so a browser may keep it for good."""
    content = static_file(name)
    if content is None or static_address(name) != f"/static/{digest}/{name}":
        raise NotFound
    headers = {"cache-control": f"public, max-age={YEAR_S}, immutable"}
    return Response(content, media_type=STATIC[name.rpartition(".")[2]], headers=headers)


def _inside(wanted: str) -> str:
    """An address of this gateway's own pages, whatever was asked for: nobody is sent elsewhere."""
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if safe and "\\" not in wanted else "/"


def request_id(request: Request) -> str | None:
    found: str | None = request.scope.get("corridor.request_id")
    return found
