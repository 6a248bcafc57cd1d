"""The doors: signing in and out, taking up an invitation, showing again who one is.

Nobody is known here yet, or somebody who is known shows it anew; everything else is a page, a form
or a call.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tearline import clock
from tearline.agreement.home import Home
from tearline.approval.attempts import Attempts
from tearline.errors import TearlineError
from tearline.stix import canonical
from tearline.web import challenges, passkeys, sign_on, signing_in
from tearline.web.answers import (
    COOKIE,
    Answer,
    html,
    json,
    keep_signed_in,
    own,
    refused,
    to_sign_in,
    viewer,
)
from tearline.web.signing_in import Viewer
from tearline.web.where import where

DOOR = "tearline-door"
"""The cookie that binds a challenge to the browser it was given to, before anybody signed in."""
_MINUTE = 60_000_000
_ATTEMPTS = Attempts(most=10, span_us=10 * _MINUTE)
"""Wrong passwords; a right one is not tried either while there are too many."""


def door_of(cookie: str) -> str:
    """What a challenge is bound to: the hash of a browser's cookie, as of a session."""
    return f"door {canonical.sha256(cookie.encode())}"


def _sign_in_page(_home: Home, request: Request, _given: Mapping[str, str], _now: int) -> Response:
    return _sign_in_again(200, request, request.query_params.get("next", "/"), wrong=False)


def _sign_in_again(
    status: int, request: Request, to: str, *, wrong: bool, minutes: int = 0
) -> Response:
    here = where(request)
    value = {"next": own(to), "wrong": wrong, "here": here.here, "origin": here.origin}
    value["minutes"] = minutes
    value["sign_on"] = sign_on.named()
    return html(status, "sign_in.html", request, who=None, value=value)


def _sign_in(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    to = own(given.get("next", "/"))
    name, password = given.get("name", ""), given.get("password", "")
    place = where(request).browser
    caller = _caller(home, request, name)
    if minutes := _minutes(caller, now):
        return _later(_sign_in_again(429, request, to, wrong=False, minutes=minutes), minutes)
    token = signing_in.sign_in(home, name, password, place=place, now=now)
    if token is None:
        _ATTEMPTS.failed(caller, now=now)
        return _sign_in_again(403, request, to, wrong=True)
    _ATTEMPTS.succeeded(caller)
    return _signed_in(request, token, to)


def _caller(home: Home, request: Request, name: str) -> str:
    """Whose attempts are counted together: those for a name from one address, at this node.

    Not for the name alone: whoever knows one could keep its owner out.
    """
    address = request.client.host if request.client else ""
    return canonical.sha256(f"{home.path}\n{address}\n{name.strip()}".encode())


def _minutes(caller: str, now: int) -> int:
    """How many minutes a caller has to wait, the last one whole; 0 where it need not."""
    return -(-_ATTEMPTS.wait_us(caller, now=now) // _MINUTE)


def _later(reply: Response, minutes: int) -> Response:
    reply.headers["Retry-After"] = str(minutes * 60)
    return reply


def _welcome_page(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    found = signing_in.invited(home, request.path_params["token"], now=now)
    value = {"name": found.name if found else None, "role": found.role if found else None}
    return html(200 if found else 404, "welcome.html", request, who=None, value=value)


def _welcome(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    try:
        token = signing_in.accept(
            home,
            request.path_params["token"],
            given.get("password", ""),
            place=where(request).browser,
            now=now,
        )
    except TearlineError as error:
        return refused(400, error, None, request, as_json=False)
    return _signed_in(request, token, "/")


def _signed_in(request: Request, token: str, to: str) -> Response:
    return keep_signed_in(RedirectResponse(to, 303), request, token)


def _sign_out(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    who = viewer(home, request, now)
    if who is not None:
        signing_in.sign_out(home, who, everywhere="everywhere" in given)
    reply = RedirectResponse("/sign-in", 303)
    reply.delete_cookie(COOKIE)
    return reply


def _prove_page(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    who = viewer(home, request, now)
    if who is None:
        return to_sign_in(request, as_json=False)
    return _prove_again(200, home, request, who, request.query_params.get("next", "/"))


def _prove_again(
    status: int,
    home: Home,
    request: Request,
    who: Viewer,
    to: str,
    *,
    wrong: bool = False,
    minutes: int = 0,
) -> Response:
    here = where(request).here
    have = here and any(each.suspended_at is None for each, _ in passkeys.mine(home, who.name))
    value = {"next": own(to), "wrong": wrong, "passkey": have, "minutes": minutes}
    value["sign_on"] = sign_on.named() if signing_in.is_from_elsewhere(home, who) else ""
    return html(status, "prove.html", request, who=who, value=value)


def _prove(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    who = viewer(home, request, now)
    if who is None:
        return to_sign_in(request, as_json=False)
    to = own(given.get("next", "/"))
    caller = _caller(home, request, who.name)
    if minutes := _minutes(caller, now):
        return _later(_prove_again(429, home, request, who, to, minutes=minutes), minutes)
    if signing_in.prove(home, who, given.get("password", ""), now=now):
        _ATTEMPTS.succeeded(caller)
        return RedirectResponse(to, 303)
    _ATTEMPTS.failed(caller, now=now)
    return _prove_again(403, home, request, who, to, wrong=True)


# -------------------------------------------------------------------------------------- passkeys


def _begin_passkey(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    door = clock.fresh_bytes(32).hex()
    try:
        asked = passkeys.begin_sign_in(home, where(request), door_of(door), now=now)
    except TearlineError as error:
        return refused(400, error, None, request, as_json=True)
    reply = json(200, asked)
    reply.set_cookie(
        DOOR,
        door,
        max_age=challenges.ASKED // 1_000_000,
        path="/sign-in",
        httponly=True,
        samesite="strict",
        secure=where(request).secure,
    )
    return reply


def _passkey(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    door = door_of(request.cookies.get(DOOR, ""))
    try:
        token = passkeys.sign_in(home, where(request), door, given.get("answer", ""), now=now)
    except TearlineError as error:
        return refused(403, error, None, request, as_json=True)
    reply = json(200, {"next": own(given.get("next", "/"))})
    reply.delete_cookie(DOOR, path="/sign-in")
    return keep_signed_in(reply, request, token)


def _begin_proof(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    who = viewer(home, request, now)
    if who is None:
        return to_sign_in(request, as_json=True)
    try:
        return json(200, passkeys.begin_proving(home, who, where(request), now=now))
    except TearlineError as error:
        return refused(400, error, who, request, as_json=True)


def _proof(home: Home, request: Request, given: Mapping[str, str], now: int) -> Response:
    who = viewer(home, request, now)
    if who is None:
        return to_sign_in(request, as_json=True)
    try:
        passkeys.prove(home, who, where(request), given.get("answer", ""), now=now)
    except TearlineError as error:
        return refused(403, error, who, request, as_json=True)
    return json(200, {"next": own(given.get("next", "/"))})


DOORS: tuple[tuple[str, str, Answer], ...] = (
    ("/sign-in", "GET", _sign_in_page),
    ("/sign-in", "POST", _sign_in),
    ("/sign-in/passkey/begin", "POST", _begin_passkey),
    ("/sign-in/passkey", "POST", _passkey),
    ("/welcome/{token}", "GET", _welcome_page),
    ("/welcome/{token}", "POST", _welcome),
    ("/sign-out", "POST", _sign_out),
    ("/prove", "GET", _prove_page),
    ("/prove", "POST", _prove),
    (sign_on.PATH, "GET", sign_on.out),
    (f"{sign_on.PATH}/back", "GET", sign_on.back),
    ("/prove/passkey/begin", "POST", _begin_proof),
    ("/prove/passkey", "POST", _proof),
)
