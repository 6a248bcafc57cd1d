"""What the routes between nodes have in common: who asks, what is read, and how it is answered."""

from collections.abc import Callable

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tearline import clock
from tearline.agreement.home import Home
from tearline.exchange.access import (
    Caller,
    Door,
    NotedError,
    TurnedAwayError,
    check_agreement,
)

Show = Callable[[Home, Caller, Request, int], Response]


def shown(request: Request, home: Callable[[], Home], door: Door, show: Show) -> Response:
    """Show the partner that asks what it asks for, or why not."""
    now, opened = clock.now(), home()
    try:
        return show(opened, caller_of(request, opened, door, now), request, now)
    except NotedError as error:
        door.note(opened, error, now=now)
        return refusal(error)
    except TurnedAwayError as error:
        return refusal(error)


def caller_of(request: Request, home: Home, door: Door, now: int) -> Caller:
    """Return the partner that asks, under the version that binds; TurnedAwayError where none does.

    Of an agreement that is not its own it is told nothing, not even which version binds.
    """
    address = request.client.host if request.client else ""
    with home.store.read() as tx:
        caller = door.admit_partner(tx, home, request, address, now=now)
    named = request.path_params.get("agreement")
    if named is not None and named != caller.agreement_id.removeprefix("urn:uuid:"):
        raise absent()
    check_agreement(request.headers, caller, required=True)
    return caller


async def body_of(request: Request, most: int) -> bytes:
    """Read a body of bounded size; TurnedAwayError (413) when there is more of it."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise TurnedAwayError(413, "This is too large.")
            parts.append(part)
    except ClientDisconnect as error:
        raise TurnedAwayError(400, "This ended early.") from error
    return b"".join(parts)


def data(body: bytes, media_type: str, *, status: int = 200) -> Response:
    """Answer with bytes that nobody may keep."""
    headers = {"Cache-Control": "no-store", "Content-Type": media_type}
    return Response(body, status, headers)


def absent() -> TurnedAwayError:
    """Return the one answer for what is not there and for what is another's."""
    return TurnedAwayError(404, "There is nothing here that you may know of.")


def refusal(error: TurnedAwayError) -> Response:
    """Answer with what somebody who is turned away is told."""
    body = {"title": error.title, **error.details}
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(orjson.dumps(body), error.status, headers, media_type="application/json")
