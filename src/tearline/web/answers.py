"""Answers that every face of the pages gives: pages, JSON, refusals, the way to the sign-in."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.web import shown, signing_in
from tearline.web.page import AbsentError, Asked
from tearline.web.signing_in import Role, Viewer
from tearline.web.where import where

Answer: TypeAlias = Callable[[Home, Request, Mapping[str, str], int], Response]
"""What answers a request of a home: with the fields of a form, and the moment it is."""

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


def viewer(home: Home, request: Request, now: int) -> Viewer | None:
    """Who asks, by the cookie; None for nobody."""
    token = request.cookies.get(COOKIE)
    return signing_in.viewer(home, token, now=now) if token else None


def asking(
    home: Home, request: Request, roles: Sequence[Role], now: int, *, as_json: bool
) -> Asked | Response:
    """Who asks, where they are signed in and may; else the answer that they get.

    What a role may not see is not there for it.
    """
    who = viewer(home, request, now)
    if who is None:
        return to_sign_in(request, as_json=as_json)
    if not who.may(*roles):
        absent = AbsentError("There is no such page.", do="Ask an admin for another role.")
        return refused(404, absent, who, request, as_json=as_json)
    return Asked(home, who, request.path_params, request.query_params, now, where(request))


def to_members(
    roles: Sequence[Role],
    reply: Callable[[Asked, Request, Mapping[str, str]], Response],
    *,
    as_json: bool,
) -> Answer:
    """Answer whoever is signed in and may; what is refused or absent is said in words."""

    def _answer(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
        asked = asking(home, request, roles, now, as_json=as_json)
        if isinstance(asked, Response):
            return asked
        try:
            return reply(asked, request, given)
        except TearlineError as error:
            status = 404 if isinstance(error, AbsentError) else 400
            return refused(status, error, asked.who, request, as_json=as_json)

    return _answer


def keep_signed_in(reply: Response, request: Request, token: str) -> Response:
    """Give a browser the secret of its session."""
    reply.set_cookie(
        COOKIE,
        token,
        max_age=signing_in.SIGNED_IN // 1_000_000,
        httponly=True,
        samesite="strict",
        secure=where(request).secure,
    )
    return reply


def refused(
    status: int, error: TearlineError, who: Viewer | None, request: Request, *, as_json: bool
) -> Response:
    """Say what was refused, why, and what to do."""
    value = {"what": error.what, "means": error.means, "do": error.do}
    if as_json:
        return json(status, {"error": value})
    return html(status, "refused.html", request, who=who, value=value)


def json(status: int, value: object) -> Response:
    """A value as JSON."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def html(
    status: int, template: str, request: Request, *, who: Viewer | None, value: object
) -> Response:
    """A value as a page, in the language that the browser wishes."""
    wished = request.headers.get("accept-language", "")
    text = shown.render(template, wished, request.url, who=who, value=value, now=clock.now())
    return Response(text, status, media_type="text/html")


def to_sign_in(request: Request, *, as_json: bool) -> Response:
    """Send a browser to the sign-in, and back afterwards; tell a program."""
    if as_json:
        return json(401, {"error": {"what": "Sign in first.", "means": None, "do": None}})
    back = "" if request.method == "POST" else f"?next={quote(own(str(request.url.path)))}"
    return RedirectResponse(f"/sign-in{back}", 303)


def own(path: str) -> str:
    """A path of ours to go on to; whatever leads elsewhere becomes home."""
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fits else "/"


def is_ours(request: Request) -> bool:
    """Whether a form was sent by a page of this very host: browsers say from where it comes."""
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return origin is not None and urlsplit(origin).netloc == host


def plain(status: int, text: str) -> Response:
    """A refusal before anybody is known."""
    return guarded(Response(f"{text}\n", status, media_type="text/plain"))


def not_ours() -> Response:
    """The refusal of a form that no page of ours sent."""
    return plain(403, "This form was not sent from a page of this node.")


def guarded(reply: Response) -> Response:
    """Say on an answer how it may be used."""
    for name, value in HEADERS.items():
        reply.headers.setdefault(name, value)
    return reply
