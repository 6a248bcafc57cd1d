"""What our accounts write over TAXII: POST to a collection, DELETE of an object, and the status.

A body is read up to a bound and within a time. An envelope that cannot be used stores nothing; in
one that can, each object stands for itself: the sound ones are kept, of the others the status
names the place and the rule. Whatever is answered with 202 is durable.
"""

from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tearline.errors import InputError, RefusedError
from tearline.exchange.access import LocalCaller, TurnedAwayError
from tearline.exchange.keeping import limits_of
from tearline.exchange.taxii_answers import absent, is_taxii, json_answer
from tearline.exchange.taxii_ask import Ask, Knock
from tearline.exchange.taxii_local import ROOT, Asked, enter, which
from tearline.exchange.taxii_query import read_fields, read_query
from tearline.release import collecting
from tearline.release.collecting import Submitted
from tearline.release.indexing import Indexed, index
from tearline.stix.bundle import Limits, split_envelope
from tearline.stix.sift import Refusal, sift
from tearline.stix.strict import collector_paused
from tearline.stix.timestamp import format_timestamp
from tearline.store.collections import EVERY

_CLOSE = {"Connection": "close"}


def may_post(ask: Asked) -> None:
    """Turn away, before its body is read, what will not be taken: 403, 404, 413, 415."""
    if not enter(ask).can_write:
        raise TurnedAwayError(403, "This account may only read this collection.")
    headers = ask.request.headers
    encoded = headers.get("content-encoding", "identity").casefold() != "identity"
    if encoded or not is_taxii(headers.get("content-type", "")):
        raise TurnedAwayError(415, "This takes application/taxii+json;version=2.1 only.")
    length = headers.get("content-length", "")
    most = ask.home.settings.max_content_length
    if length.isdecimal() and int(length[:19]) > most:
        raise _too_large(most)


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """Read a body of bounded size in bounded time; TurnedAwayError: 408, 413, 400 cut off."""
    parts, size = [], 0
    try:
        with anyio.fail_after(seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError as error:
        raise TurnedAwayError(408, "The body came too slowly.", headers=_CLOSE) from error
    except ClientDisconnect as error:
        raise TurnedAwayError(400, "The body ended early.", headers=_CLOSE) from error
    return b"".join(parts)


def post(knock: Knock, body: bytes) -> Response:
    """Take an envelope; answer 202 with its status, complete at once."""
    # Until all of it is let go: the collector would walk what is held of it again and again.
    with collector_paused():
        return _post(knock, body)


def _post(knock: Knock, body: bytes) -> Response:
    posted = _read_envelope(body, limits_of(knock.home.settings))
    named, account = knock.request.path_params["collection"], knock.caller.account
    try:
        done = collecting.submit(knock.home, named, account, posted, now=knock.now)
    except RefusedError as error:
        raise absent() from error
    headers = {"Location": f"{ROOT}status/{done.id}/"}
    return json_answer(_status(done), 202, headers)


def may_delete(ask: Asked) -> None:
    """Turn away who may not take objects out: that needs both rights (section 5.7)."""
    right = enter(ask)
    if not (right.can_read and right.can_write):
        raise TurnedAwayError(403, "This account may not take objects out of this collection.")


def delete(knock: Knock, _body: bytes) -> Response:
    """Take versions of an object out of a collection, all if none is named; 404 without any."""
    named, stix_id = (knock.request.path_params[each] for each in ("collection", "object"))
    fields = {
        name: texts
        for name, texts in read_fields(knock.request.scope["query_string"]).items()
        if name != "next"
    }
    query = read_query(fields, b"", named, only=stix_id)
    meant = which(query) if query.named or query.versions else EVERY
    there = stix_id.isprintable() and not query.nothing
    try:
        gone = there and collecting.take_out(knock.home, named, [stix_id], meant, now=knock.now)
    except RefusedError as error:
        raise absent() from error
    if not gone:
        raise absent()
    return json_answer({})


def status(ask: Ask[LocalCaller]) -> Response:
    """Answer what became of a POST of this account; others' do not exist."""
    named = ask.request.path_params["status"]
    found = None
    if named.isprintable():
        found = collecting.status_of(ask.tx, named, ask.caller.account)
    if found is None:
        raise absent()
    return json_answer(_status(found))


def _read_envelope(body: bytes, limits: Limits) -> list[Indexed | Refusal]:
    """Cut, read, check and index what was posted; TurnedAwayError (422) if it is no envelope."""
    try:
        slices = split_envelope(body, limits).objects
    except InputError as error:
        raise TurnedAwayError(422, "This envelope cannot be used.", str(error)) from error
    if not slices:
        raise TurnedAwayError(422, "This envelope has no objects.")
    return [each if isinstance(each, Refusal) else index(each) for each in sift(slices, limits)]


def _status(done: Submitted) -> dict[str, Any]:
    """Return the status resource (section 4.3)."""
    successes = [{"id": each.stix_id, "version": each.version} for each in done.successes]
    failures = [
        {"id": each.stix_id, "version": each.version, "message": each.message}
        for each in done.failures
    ]
    return {
        "id": done.id,
        "status": "complete",
        "request_timestamp": format_timestamp(done.at, digits=6),
        "total_count": done.success_count + len(failures),
        "success_count": done.success_count,
        **({"successes": successes} if successes else {}),
        "failure_count": len(failures),
        **({"failures": failures} if failures else {}),
        "pending_count": 0,
    }


def _too_large(most: int) -> TurnedAwayError:
    return TurnedAwayError(
        413, "The body is too large.", f"It may have {most} bytes.", headers=_CLOSE
    )
