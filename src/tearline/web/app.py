"""The routes of the pages: who asks, what is read, and how it is sent.

A page is never stored by a browser (`no-store`), loads nothing from elsewhere, and runs no script
that is not ours: the policy below says so to the browser. A form counts only from our own pages:
its origin is checked (RFC 6454), and the cookie stays away from other sites' requests.
"""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tearline import clock
from tearline.agreement.home import Home
from tearline.web import described, doors, files, find, signing_in
from tearline.web.answers import (
    COOKIE,
    HEADERS,
    Answer,
    guarded,
    html,
    is_ours,
    json,
    not_ours,
    own,
    plain,
    to_members,
    to_sign_in,
    viewer,
)
from tearline.web.assets import asset
from tearline.web.page import Asked, Call, Form, Page
from tearline.web.pages import CALLS, CHECKS, DOWNLOADS, DROPS, FORMS, PAGES
from tearline.web.signing_in import ROLES

_FORM_BYTES = 64 << 10


def routes(home: Callable[[], Home]) -> list[BaseRoute]:
    """Return the routes of every page, its JSON, and every form."""
    found: list[BaseRoute] = [
        Route("/static/{name:path}", _static),
        *(Route(path, _door(home, each), methods=[method]) for path, method, each in doors.DOORS),
        Route("/find", _door(home, to_members(ROLES, _find, as_json=False)), methods=["GET"]),
        Route("/openapi-pages.json", _door(home, _description), methods=["GET"]),
    ]
    for page in PAGES:
        beside = "/home.json" if page.path == "/" else f"{page.path}.json"
        found.append(Route(beside, _door(home, _read(page, as_json=True)), methods=["GET"]))
        found.append(Route(page.path, _door(home, _read(page, as_json=False)), methods=["GET"]))
    found += [Route(e.path, _door(home, _act(e)), methods=["POST"]) for e in FORMS]
    found += [Route(e.path, _door(home, _call(e)), methods=["POST"]) for e in CALLS]
    found += [Route(e.path, _door(home, files.hand(e)), methods=["GET"]) for e in DOWNLOADS]
    found += [Route(e.path, files.drop(home, e), methods=["POST"]) for e in DROPS]
    for check in CHECKS:
        for path, as_json in ((f"{check.path}.json", True), (check.path, False)):
            found.append(Route(path, files.checked(home, check, as_json=as_json), methods=["POST"]))
    return found


def _door(home: Callable[[], Home], answer: Answer) -> Callable[[Request], object]:
    """Read a form if one comes, answer in a thread, and say on every answer how it may be used."""

    async def _endpoint(request: Request) -> Response:
        given: dict[str, str] = {}
        if request.method == "POST":
            if not is_ours(request):
                return not_ours()
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > _FORM_BYTES:
                    return plain(413, "This form is too large.")
            given = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        reply = await run_in_threadpool(lambda: answer(home(), request, given, clock.now()))
        return guarded(reply)

    return _endpoint


# ----------------------------------------------------------------------------------------- pages


def _read(page: Page, *, as_json: bool) -> Answer:
    def _reply(asked: Asked, request: Request, _given: Mapping[str, str]) -> Response:
        value = page.read(asked)
        if as_json:
            return json(200, value)
        return html(200, page.template, request, who=asked.who, value=value)

    return to_members(page.roles, _reply, as_json=as_json)


def _find(asked: Asked, _request: Request, _given: Mapping[str, str]) -> Response:
    return RedirectResponse(find.place_of(asked), 303)


def _act(form: Form) -> Answer:
    def _reply(asked: Asked, request: Request, given: Mapping[str, str]) -> Response:
        to = _to_prove(form, asked, request) or form.act(asked, given)
        return RedirectResponse(to, 303)

    return to_members(form.roles, _reply, as_json=False)


def _call(call: Call) -> Answer:
    """An act that a script asks for; where the password has to be shown again, it says where."""

    def _reply(asked: Asked, request: Request, given: Mapping[str, str]) -> Response:
        if to := _to_prove(call, asked, request):
            return json(403, {"next": to})
        return json(200, call.act(asked, given))

    return to_members(call.roles, _reply, as_json=True)


def _to_prove(act: Form | Call, asked: Asked, request: Request) -> str | None:
    """Where the password is shown again before an act, and from where back; None where it was."""
    if not act.proven or asked.now - asked.who.proven_at <= signing_in.PROVEN:
        return None
    return f"/prove?next={quote(_from(request))}"


def _from(request: Request) -> str:
    """The page of ours that a form is on."""
    return own(urlsplit(request.headers.get("referer", "/")).path or "/")


def _static(request: Request) -> Response:
    found = asset(request.path_params["name"])
    if found is None:
        return plain(404, "There is no such file.")
    kept = (
        "public, max-age=31536000, immutable" if request.url.query == found.digest else "no-cache"
    )
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    # Only files that are the same for everybody: what a page says is never packed with a secret.
    packs = "gzip" in request.headers.get("accept-encoding", "")
    headers |= {"Content-Encoding": "gzip"} if packs else {}
    content = found.packed if packs else found.content
    return guarded(Response(content, media_type=found.type, headers=headers))


def _description(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    """What the JSON of every page is, for whoever is signed in."""
    if viewer(home, request, now) is None:
        return to_sign_in(request, as_json=True)
    return Response(described.description(), media_type="application/json")


__all__ = ["COOKIE", "HEADERS", "routes"]
