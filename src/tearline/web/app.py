"""The routes of the pages: who asks, what is read, and how it is sent.

A page is never stored by a browser (`no-store`), loads nothing from elsewhere, and runs no script
that is not ours: the policy below says so to the browser. A form counts only from our own pages:
its origin is checked (RFC 6454), and the cookie stays away from other sites' requests.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.web import shown, signing_in
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.pages import FORMS, PAGES
from tearline.web.signing_in import Role, Viewer

COOKIE = "tearline"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With "no-referrer" a browser hides where a form comes from, too.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_FORM_BYTES = 64 << 10
_STATIC = Path(__file__).with_name("static")
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript"}


def routes(home: Callable[[], Home]) -> list[BaseRoute]:
    """Return the routes of every page, its JSON, and every form."""
    found: list[BaseRoute] = [
        Route("/static/{name}", _static),
        Route("/sign-in", _door(home, _sign_in_page), methods=["GET"]),
        Route("/sign-in", _door(home, _sign_in), methods=["POST"]),
        Route("/welcome/{token}", _door(home, _welcome_page), methods=["GET"]),
        Route("/welcome/{token}", _door(home, _welcome), methods=["POST"]),
        Route("/sign-out", _door(home, _sign_out), methods=["POST"]),
        Route("/prove", _door(home, _prove_page), methods=["GET"]),
        Route("/prove", _door(home, _prove), methods=["POST"]),
    ]
    for page in PAGES:
        beside = "/home.json" if page.path == "/" else f"{page.path}.json"
        found.append(Route(beside, _door(home, _read(page, as_json=True)), methods=["GET"]))
        found.append(Route(page.path, _door(home, _read(page, as_json=False)), methods=["GET"]))
    found += [Route(e.path, _door(home, _act(e)), methods=["POST"]) for e in FORMS]
    return found


_Answer = Callable[[Home, Request, Mapping[str, str], int], Response]


def _door(home: Callable[[], Home], answer: _Answer) -> Callable[[Request], object]:
    """Read a form if one comes, answer in a thread, and say on every answer how it may be used."""

    async def _endpoint(request: Request) -> Response:
        given: dict[str, str] = {}
        if request.method == "POST":
            if not _is_ours(request):
                return _plain(403, "This form was not sent from a page of this node.")
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > _FORM_BYTES:
                    return _plain(413, "This form is too large.")
            given = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        reply = await run_in_threadpool(lambda: answer(home(), request, given, clock.now()))
        for name, value in HEADERS.items():
            reply.headers.setdefault(name, value)
        return reply

    return _endpoint


def _is_ours(request: Request) -> bool:
    """Whether a form was sent by a page of this very host: browsers say from where it comes."""
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return origin is not None and urlsplit(origin).netloc == host


def _plain(status: int, text: str) -> Response:
    return Response(f"{text}\n", status, media_type="text/plain", headers=HEADERS)


# ----------------------------------------------------------------------------------------- pages


def _read(page: Page, *, as_json: bool) -> _Answer:
    def _answer(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
        who = _viewer(home, request, now)
        if who is None:
            return _to_sign_in(request, as_json=as_json)
        asked = Asked(home, who, request.path_params, request.query_params, now)
        try:
            _check(who, page.roles)
            value = page.read(asked)
        except AbsentError as error:
            return _refused(404, error, who, request, as_json=as_json)
        except TearlineError as error:
            return _refused(400, error, who, request, as_json=as_json)
        if as_json:
            return _json(200, value)
        return _html(200, page.template, request, who=who, value=value)

    return _answer


def _act(form: Form) -> _Answer:
    def _answer(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
        who = _viewer(home, request, now)
        if who is None:
            return _to_sign_in(request, as_json=False)
        asked = Asked(home, who, request.path_params, request.query_params, now)
        try:
            _check(who, form.roles)
            if form.proven and now - who.proven_at > signing_in.PROVEN:
                back = quote(urlsplit(request.headers.get("referer", "/")).path or "/")
                return RedirectResponse(f"/prove?next={back}", 303)
            return RedirectResponse(form.act(asked, given), 303)
        except AbsentError as error:
            return _refused(404, error, who, request, as_json=False)
        except TearlineError as error:
            return _refused(400, error, who, request, as_json=False)

    return _answer


def _check(who: Viewer, roles: Sequence[Role]) -> None:
    """What a role may not see is not there for it."""
    if not who.may(*roles):
        raise AbsentError("There is no such page.", do="Ask an admin for another role.")


def _viewer(home: Home, request: Request, now: int) -> Viewer | None:
    token = request.cookies.get(COOKIE)
    return signing_in.viewer(home, token, now=now) if token else None


def _refused(
    status: int, error: TearlineError, who: Viewer | None, request: Request, *, as_json: bool
) -> Response:
    value = {"what": error.what, "means": error.means, "do": error.do}
    if as_json:
        return _json(status, {"error": value})
    return _html(status, "refused.html", request, who=who, value=value)


def _json(status: int, value: object) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _html(
    status: int, template: str, request: Request, *, who: Viewer | None, value: object
) -> Response:
    text = shown.render(
        template, request.headers.get("accept-language", ""), request.url.path, who=who, value=value
    )
    return Response(text, status, media_type="text/html")


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    known = {each.name: each for each in _STATIC.iterdir()}
    if name not in known:
        return _plain(404, "There is no such file.")
    path = known[name]
    headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(path.read_bytes(), media_type=_TYPES.get(path.suffix), headers=headers)


# -------------------------------------------------------------------------------------- sign in


def _to_sign_in(request: Request, *, as_json: bool) -> Response:
    if as_json:
        return _json(401, {"error": {"what": "Sign in first.", "means": None, "do": None}})
    back = "" if request.method == "POST" else f"?next={quote(_own(str(request.url.path)))}"
    return RedirectResponse(f"/sign-in{back}", 303)


def _own(path: str) -> str:
    """A path of ours to go on to; whatever leads elsewhere becomes home."""
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fits else "/"


def _sign_in_page(_home: Home, request: Request, _given: Mapping[str, str], _now: int) -> Response:
    value = {"next": _own(request.query_params.get("next", "/")), "wrong": False}
    return _html(200, "sign_in.html", request, who=None, value=value)


def _sign_in(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    to = _own(given.get("next", "/"))
    token = signing_in.sign_in(home, given.get("name", ""), given.get("password", ""), now=now)
    if token is None:
        value = {"next": to, "wrong": True}
        return _html(403, "sign_in.html", request, who=None, value=value)
    return _signed_in(request, token, to)


def _welcome_page(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    found = signing_in.invited(home, request.path_params["token"], now=now)
    value = {"name": found.name if found else None, "role": found.role if found else None}
    return _html(200 if found else 404, "welcome.html", request, who=None, value=value)


def _welcome(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    try:
        token = signing_in.accept(
            home, request.path_params["token"], given.get("password", ""), now=now
        )
    except TearlineError as error:
        return _refused(400, error, None, request, as_json=False)
    return _signed_in(request, token, "/")


def _signed_in(request: Request, token: str, to: str) -> Response:
    reply = RedirectResponse(to, 303)
    reply.set_cookie(
        COOKIE,
        token,
        max_age=signing_in.SIGNED_IN // 1_000_000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return reply


def _sign_out(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    who = _viewer(home, request, now)
    if who is not None:
        signing_in.sign_out(home, who, everywhere="everywhere" in given)
    reply = RedirectResponse("/sign-in", 303)
    reply.delete_cookie(COOKIE)
    return reply


def _prove_page(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    who = _viewer(home, request, now)
    if who is None:
        return _to_sign_in(request, as_json=False)
    value = {"next": _own(request.query_params.get("next", "/")), "wrong": False}
    return _html(200, "prove.html", request, who=who, value=value)


def _prove(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    who = _viewer(home, request, now)
    if who is None:
        return _to_sign_in(request, as_json=False)
    to = _own(given.get("next", "/"))
    if signing_in.prove(home, who, given.get("password", ""), now=now):
        return RedirectResponse(to, 303)
    return _html(403, "prove.html", request, who=who, value={"next": to, "wrong": True})
