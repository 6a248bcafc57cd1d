"""The doors of the organisation's sign-on: out to it, and back from it.

The way out is bound to a browser by a cookie and kept here, and counts once. Whoever comes back is
known by issuer and subject; the mapping in the settings gives the role, each time anew. Who has no
role has no account. A name that is taken here is never given to somebody from elsewhere.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tearline import clock
from tearline.agreement.assertion import base64url, unbase64
from tearline.agreement.home import Home, slug_of
from tearline.config import settings
from tearline.errors import ProofError, RefusedError, TearlineError
from tearline.stix import canonical
from tearline.store import passkeys, staff
from tearline.store.database import Tx
from tearline.store.staff import Member
from tearline.web import challenges, oidc, signing_in
from tearline.web.answers import html, keep_signed_in, own, refused, viewer
from tearline.web.oidc import Known
from tearline.web.signing_in import note
from tearline.web.where import where

COOKIE = "tearline-sign-on"
PATH = "/sign-in/sign-on"
_WAITS = 600_000_000
"""How long somebody may take at the sign-on."""
_BYTES = 32


class _Out(Struct):
    """What is kept of the way out; `session` where who is signed in shows it again."""

    nonce: str
    verifier: str
    to: str
    at: int
    session: str = ""


def named() -> str:
    """What the button says; empty where there is no sign-on."""
    found = settings()
    if not oidc.is_set(found):
        return ""
    return found.oidc_name or urlsplit(found.oidc_issuer).hostname or found.oidc_issuer


def out(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    """Send a browser to the sign-on."""
    who = viewer(home, request, now) if "prove" in request.query_params else None
    kept = _Out(
        nonce=clock.fresh_bytes(_BYTES).hex(),
        verifier=clock.fresh_bytes(_BYTES).hex(),
        to=own(request.query_params.get("next", "/")),
        at=now,
        session=who.session if who else "",
    )
    cookie = clock.fresh_bytes(_BYTES).hex()
    try:
        _check_set()
        found = oidc.provider(settings())
        body = msgspec.json.encode(kept)
        state = challenges.put(home, "sign-on", _bound(cookie), body, waits=_WAITS, now=now)
    except TearlineError as error:
        return refused(400, error, who, request, as_json=False)
    way = oidc.way(
        found,
        settings(),
        _back(request),
        base64url(state),
        kept.nonce,
        kept.verifier,
        anew=who is not None,
    )
    reply = RedirectResponse(way, 303)
    reply.set_cookie(
        COOKIE,
        cookie,
        max_age=_WAITS // 1_000_000,
        path=PATH,
        httponly=True,
        samesite="lax",  # the way back comes from the sign-on's own pages
        secure=where(request).secure,
    )
    return reply


def back(home: Home, request: Request, _given: Mapping[str, str], now: int) -> Response:
    """Let in whoever comes back from the sign-on.

    The answer is a page that goes on by itself: a browser keeps our cookie, which is strict, from a
    request that another site sent it on.
    """
    try:
        _check_set()
        kept = _taken(home, request, now)
        query = request.query_params
        found = oidc.provider(settings())
        if query.get("iss", found.issuer) != found.issuer or "code" not in query:
            raise RefusedError("The sign-on let nobody in.", do="Sign in again.")
        code = query["code"]
        back_at = _back(request)
        known = oidc.redeem(found, settings(), back_at, code, kept.nonce, kept.verifier, now=now)
        token = None
        if kept.session:
            _prove(home, known, kept, now=now)
        else:
            token = sign_in(home, known, where(request).browser, now=now)
    except TearlineError as error:
        return refused(403, error, None, request, as_json=False)
    reply = html(200, "signed_in.html", request, who=None, value={"next": kept.to})
    reply.delete_cookie(COOKIE, path=PATH)
    return keep_signed_in(reply, request, token) if token else reply


def sign_in(home: Home, known: Known, place: str, *, now: int) -> str:
    """Begin a session of somebody from the sign-on; returns its secret.

    RefusedError when the mapping gives them no role, they were ended here, or their name is taken.
    Who has no role any more loses the sessions that are there.
    """
    with home.store.write() as tx:
        member = staff.member_of_subject(tx, known.subject)
        if known.role is None and member is not None:
            staff.drop_sessions(tx, name=member.name)
            note(tx, "has no role any more", member.name, now)
        elif known.role is not None:
            member = member or _new(tx, known, now)
            if member.ended_at is None:
                staff.put_member(tx, member._replace(role=known.role))
                note(tx, "signed in", member.name, now, by="sign-on", role=known.role)
                return signing_in.begin(tx, member.name, now, place)
    raise RefusedError(
        "The sign-on knows you, and this node does not let you in.",
        means="No role is set for you, or you were ended here.",
        do="Ask an admin.",
    )


def _new(tx: Tx, known: Known, now: int) -> Member:
    name = slug_of(known.name)
    if staff.member_named(tx, name) is not None:
        raise RefusedError(
            f"There is or was somebody called {name} here already.",
            means="A name that is taken is not given to somebody from the sign-on.",
            do="Ask an admin to have another name there.",
        )
    note(tx, "came by the sign-on", name, now, subject=known.subject)
    return Member(name, known.role or "reader", "", now, None, known.subject)


def _prove(home: Home, known: Known, kept: _Out, *, now: int) -> None:
    """Note that who is signed in showed it again, at the sign-on and just now."""
    with home.store.write() as tx:
        found = staff.session(tx, kept.session, now)
        if found is None or found[1].subject != known.subject:
            raise ProofError("Somebody else signed in.", do="Use your own account.")
        if known.shown_at_s is None or known.shown_at_s < kept.at // 1_000_000 - 60:
            raise ProofError(
                "The sign-on does not say that you just signed in.", do="Use a passkey."
            )
        staff.set_proven(tx, kept.session, now)


def _taken(home: Home, request: Request, now: int) -> _Out:
    """What was kept of the way out, once."""
    state, bound = request.query_params.get("state", ""), _bound(request.cookies.get(COOKIE, ""))
    with home.store.write() as tx:
        hash_ = canonical.sha256(unbase64(state))
        taken = passkeys.take_challenge(tx, hash_, "sign-on", bound, now)
    if taken is None:
        raise RefusedError(
            "This way back counts no more.",
            means="It was used, it took too long, or another browser began it.",
            do="Sign in again.",
        )
    return msgspec.json.decode(taken.body, type=_Out)


def _check_set() -> None:
    if not oidc.is_set(settings()):
        raise RefusedError("There is no sign-on here.", do="Sign in with a password or a passkey.")


def _back(request: Request) -> str:
    return f"{where(request).origin}{PATH}/back"


def _bound(cookie: str) -> str:
    return f"sign-on {canonical.sha256(cookie.encode())}"
