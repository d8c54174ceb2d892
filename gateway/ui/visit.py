"""One visit to a page: who is signed in, in which language, and the answer with the headers that keep it safe."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

import structlog
from fastapi import Depends, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.acting import Acting
from gateway.catalog.store import dataset_by_id, dataset_seen_by
from gateway.identity import sessions
from gateway.identity.caller import Caller
from gateway.identity.errors import NotAuthenticated
from gateway.participants import store as participants
from gateway.policy.archive import MAX_ARCHIVE_BYTES
from gateway.problems import Forbidden, InternalError, Malformed, Problem, TooLarge
from gateway.runtime import Runtime
from gateway.ui import words
from gateway.ui.render import ENVIRONMENT

MAX_FORM: Final = 128 * 1024
LANGUAGE_COOKIE: Final = "corridor-language"
SEE_OTHER: Final = 303

logger = structlog.get_logger(__name__)


class FormNotOurs(Forbidden):
    """A form that did not come from a page of this session."""

    slug, title = "form-not-ours", "This form did not come from a page of yours"


class BoundedRequest(Request):
    """A request whose body ends somewhere."""

    most = MAX_FORM

    async def stream(self) -> AsyncGenerator[bytes, None]:
        size = 0
        async for piece in super().stream():
            size += len(piece)
            if size > self.most:
                raise TooLarge(f"The form is over {self.most} bytes.")
            yield piece


class UploadRequest(BoundedRequest):
    """One that carries a bundle beside its fields."""

    most = MAX_FORM + MAX_ARCHIVE_BYTES


class Visit:
    """What a page's function is given. `acting` is who is signed in; a page for everybody may find nobody."""

    def __init__(self, request: Request, gateway: Runtime, caller: Caller | None, secret: str | None) -> None:
        self.request = request
        self.gateway = gateway
        self.caller = caller
        self.language = words.negotiated(
            request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
        )
        self.secret = secret
        self._nonce = secrets.token_urlsafe(16)
        self._names: dict[str, str] = {}
        self._titles: dict[str, str | None] = {}

    @property
    def acting(self) -> Acting:
        """Whoever is signed in, at work.

        Raises:
            NotAuthenticated: nobody is.
        """
        if self.caller is None:
            raise NotAuthenticated("Sign in first.")
        return Acting(self.caller, self.gateway, self.request.scope.get("corridor.request_id"))

    def name(self, participant: str) -> str:
        """What an organisation is called; its DID when it is not known."""
        if participant not in self._names:
            with self.gateway.db.reading() as session:
                found = participants.participant(session, participant)
            self._names[participant] = participant if found is None else found.name
        return self._names[participant]

    def title(self, dataset: str) -> str | None:
        """What a dataset is called, to whoever may know of it."""
        if self.caller is None:
            return None
        if dataset not in self._titles:
            with self.gateway.db.reading() as session:
                found = (
                    dataset_by_id(session, dataset)
                    if self.caller.oversees
                    else dataset_seen_by(session, self.caller.participant, dataset)
                )
            self._titles[dataset] = None if found is None else found.registration.metadata.title
        return self._titles[dataset]

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.gateway.clock(), UTC)

    def page(self, template: str, /, *, status: int = 200, **view: Any) -> HTMLResponse:
        """The template with what is known of the visit."""
        return HTMLResponse(self.text(template, **view), status, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every page of this visit."""
        return {"content-security-policy": _policy(self._nonce)}

    def text(self, template: str, /, **view: Any) -> str:
        """The page itself, or a part of one."""
        translations = words.translations(self.language)
        shown = {
            "visit": self,
            "caller": self.caller,
            "roles": frozenset() if self.caller is None else frozenset(role.value for role in self.caller.roles),
            "form_token": "" if self.secret is None else sessions.form_token(self.secret),
            "nonce": self._nonce,
            "language": self.language,
            "path": self.request.url.path,
            "here": _here(self.request),
            "languages": words.LANGUAGES,
            "gateway": self.gateway.home.did,
            "providers_known": len(self.gateway.providers) > 0,
            "_": translations.gettext,
            "gettext": translations.gettext,
            "ngettext": translations.ngettext,
        }
        return ENVIRONMENT.get_template(template).render(**shown, **view)

    def go(self, where: str) -> Response:
        """After a form was carried out: to where its outcome is shown."""
        return RedirectResponse(where, SEE_OTHER)


def _policy(nonce: str) -> str:
    """Nothing runs or paints that did not come with the page: no inline code, no other origin, no frame around it."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'nonce-{nonce}'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'"
    )


def cookie_name(gateway: Runtime) -> str:
    """With https the browser sees to it that nobody else can set it (RFC 6265bis, `__Host-`)."""
    return "__Host-corridor" if is_secure(gateway) else "corridor-session"


def cookie_prefix(gateway: Runtime) -> str:
    """Of the names of other cookies, to the same end."""
    return "__Host-" if is_secure(gateway) else ""


def is_secure(gateway: Runtime) -> bool:
    return urlsplit(gateway.home.public_url).scheme == "https"


async def _runtime(request: Request) -> Runtime:
    gateway: Runtime = request.app.state.runtime
    return gateway


def visiting(request: Request, gateway: Annotated[Runtime, Depends(_runtime)]) -> Visit:
    """Whoever it is: signed in, or not. Blocks: a session is looked up at each visit, so that what ended has ended."""
    secret = request.cookies.get(cookie_name(gateway))
    if secret is None:
        return Visit(request, gateway, None, None)
    with gateway.db.reading() as session:
        caller = sessions.caller(session, secret, gateway.clock())
    return Visit(request, gateway, caller, None if caller is None else secret)


def signed_in(visit: Annotated[Visit, Depends(visiting)]) -> Visit:
    """A visit of somebody known.

    Raises:
        NotAuthenticated: nobody is signed in; the route shows where to.
    """
    if visit.caller is None:
        raise NotAuthenticated("Sign in first.")
    return visit


def posted(visit: Annotated[Visit, Depends(signed_in)], form_token: Annotated[str, Form(max_length=200)] = "") -> Visit:
    """A form that a page of this very session gave out.

    Raises:
        FormNotOurs: another site, an older session, or nobody's.
    """
    if visit.secret is None or not sessions.is_form_token(visit.secret, form_token):
        raise FormNotOurs("Open the page again and send the form from there.")
    return sent_from_here(visit)


def sent_from_here(visit: Annotated[Visit, Depends(visiting)]) -> Visit:
    """A form that no other site's page sent, whoever is signed in.

    Raises:
        FormNotOurs: the browser says that another site did (Fetch Metadata; Origin, for browsers without it).
    """
    headers = visit.request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin", "null")
    ours = {headers.get("host"), urlsplit(visit.gateway.home.public_url).netloc}
    # Our pages send no referrer, so older browsers name their origin "null".
    named_ours = origin == "null" or urlsplit(origin).netloc in ours
    if site not in ("same-origin", "none") if site else not named_ours:
        raise FormNotOurs("Open the page again and send the form from there.")
    return visit


Anyone = Annotated[Visit, Depends(visiting)]
Signed = Annotated[Visit, Depends(signed_in)]
Posted = Annotated[Visit, Depends(posted)]
SentHere = Annotated[Visit, Depends(sent_from_here)]


class PageRoute(APIRoute):
    """A route for people: failures are pages, and whoever is not signed in is led to where one signs in."""

    request: type[BoundedRequest] = BoundedRequest

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            bounded = self.request(request.scope, request.receive)
            try:
                if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
                    raise Malformed("The address holds a NUL character.")
                await bounded.body()  # before FastAPI reads it, which would not say that it is too long
                return await handler(bounded)
            except NotAuthenticated:
                asked = _here(request)
                wanted = f"?next={quote(asked, safe='')}" if request.method == "GET" and asked != "/" else ""
                return RedirectResponse(f"/sign-in{wanted}", SEE_OTHER)
            except HTTPException as error:
                return await _failed(bounded, Malformed(str(error.detail)))
            except RequestValidationError as error:
                return await _failed(bounded, Malformed(_complaint(error)))
            except Problem as problem:
                return await _failed(bounded, problem)
            except ClientDisconnect:
                raise
            except Exception as error:
                request_id = request.scope.get("corridor.request_id", "")
                logger.error("request.failed", request_id=request_id, exc_info=error)
                return await _failed(bounded, InternalError.of(request_id))

        return shown


class UploadRoute(PageRoute):
    """One that takes a bundle."""

    request = UploadRequest


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _complaint(error: RequestValidationError) -> str:
    """What is wrong with the first field that is, never its value."""
    first = error.errors()[0]
    return f"`{first['loc'][-1]}`: {first['msg']}"


async def _failed(request: Request, problem: Problem) -> Response:
    """The failure as a page, in the visitor's language; without a database, as nobody's."""
    gateway: Runtime = request.app.state.runtime
    try:
        from_whom = await asyncio.to_thread(visiting, request, gateway)
    except Problem:
        from_whom = Visit(request, gateway, None, None)
    answer = from_whom.page("problem.html", problem=problem, status=problem.status)
    if problem.status == 503:
        answer.headers["retry-after"] = "2"
    return answer
