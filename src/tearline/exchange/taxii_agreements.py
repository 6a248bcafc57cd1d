"""The API root for partners: what is given under an agreement, page by page.

One collection stands for one direction of one agreement, and a key sees its own agreement's alone;
whatever else is asked for does not exist. Nothing is served before the agreement serves, or after
it stopped. Nothing is decided or written when it is read.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from tearline.agreement.home import Home
from tearline.agreement.terms import collection_id
from tearline.exchange.access import AGREEMENT_HEADER, Caller, TurnedAwayError, check_agreement
from tearline.exchange.taxii_answers import (
    MEDIA_TYPE,
    NOTHING,
    STIX_TYPE,
    Page,
    absent,
    accepts,
    envelope,
    json_answer,
    manifest_entry,
)
from tearline.exchange.taxii_ask import Ask, Glanced, Look
from tearline.exchange.taxii_query import Query, Walk, read_walk, token_key, write_token
from tearline.release.delivery import spans
from tearline.store import releases
from tearline.store.database import Tx
from tearline.store.releases import Head, Row

ROOT = "/taxii2/agreements/"
Asked = Ask[Caller]


def api_root(ask: Asked) -> Response:
    """Answer the API root."""
    return json_answer(
        {
            "title": f"{ask.home.name}: agreements",
            "description": "One collection for each agreement under which something is given.",
            "versions": [MEDIA_TYPE],
            "max_content_length": ask.home.settings.max_content_length,
        }
    )


def collections(ask: Asked) -> Response:
    """Answer the one collection of the agreement, while it is served."""
    return json_answer({"collections": [_described(ask)]} if ask.caller.force.serving else {})


def collection(ask: Asked) -> Response:
    """Answer that collection."""
    _enter(ask.caller, ask.request)
    return json_answer(_described(ask))


def objects(ask: Asked) -> Response:
    """Answer a page of objects."""
    reading = _read(ask)
    return _kept(ask, "objects", reading, _page(reading))


def one_object(ask: Asked) -> Response:
    """Answer one object."""
    return _page(_one(ask))


def manifest(ask: Asked) -> Response:
    """Answer a page of the manifest."""
    reading = _read(ask)
    entries = [manifest_entry(row.delivered_id, row.at, row.version) for row in reading.rows]
    return _kept(ask, "manifest", reading, envelope(entries, *reading.rest))


def versions(ask: Asked) -> Response:
    """Answer the version of one object."""
    reading = _one(ask)
    texts = [b'"' + row.version.encode() + b'"' for row in reading.rows]
    return envelope(texts, reading.ats, more=False, token=None, name="versions")


def glance(name: str, look: Look) -> Glanced | None:
    """Answer a page of `name` from one question, where it is empty or was made before."""
    headers = look.request.headers
    try:
        known = look.door.known_partner(look.home, look.request, now=look.now)
        if known is None or not accepts(headers.get("accept", "")):
            return None
        caller, head = known
        check_agreement(headers, caller)
        _enter(caller, look.request)
        walk = _walk(look.home, caller, look.request)
    except TurnedAwayError:
        return None
    if _is_over(walk.query, head):
        return Glanced(NOTHING, caller)
    page = look.pages.get(_place(name, look, caller, head, walk), now=look.now)
    return Glanced(page, caller) if page else None


def _is_over(query: Query, head: Head) -> bool:
    """Whether the head says already that a walk has nothing more to show."""
    return query.nothing or query.after >= head.position or (query.added_after or 0) >= head.last_at


def _place(name: str, ask: Ask[Caller] | Look, caller: Caller, head: Head, walk: Walk) -> Hashable:
    """Return what a page depends on, beside the time limits of what is on it."""
    return name, _always_goes_on(ask.request), caller.force.our_slot, head, walk


def _always_goes_on(request: Request) -> bool:
    """Whether to say where to go on also where nothing more is there now: to a node of ours."""
    return AGREEMENT_HEADER in request.headers


def _kept(ask: Asked, name: str, reading: "_Reading", answer: Page) -> Page:
    """Keep a page for whoever asks for the same, until something on it reaches its time limit."""
    if reading.rows:
        answer.until = min(row.until_at for row in reading.rows)
        head = releases.head_of(ask.tx, ask.caller.agreement_id)
        place = _place(name, ask, ask.caller, head, reading.walk)
        ask.pages.put(place, answer, until=answer.until)
    return answer


def only_read(ask: Asked) -> None:
    """Turn away whoever wants to write: 403, or 404 for what he may not know of."""
    _enter(ask.caller, ask.request)
    raise TurnedAwayError(403, "This collection can only be read.")


def _own(caller: Caller) -> str:
    """Return the id of the one collection that this caller may know."""
    return collection_id(caller.agreement_id, caller.force.our_slot)


def _enter(caller: Caller, request: Request) -> None:
    """Let the caller into its own collection while it is served; all others do not exist."""
    if request.path_params["collection"] != _own(caller):
        raise absent()
    if not caller.force.serving:
        raise TurnedAwayError(
            404,
            "Nothing is given under this agreement now.",
            f"The agreement is {caller.force.state} here.",
        )


def _walk(home: Home, caller: Caller, request: Request, only: str | None = None) -> Walk:
    most = home.settings.page_limit
    return read_walk(request, home.keys.secret, _own(caller), most, only=only)


class _Reading(NamedTuple):
    walk: Walk
    rows: list[Row]
    more: bool
    next: str | None

    @property
    def ats(self) -> list[int]:
        return [row.at for row in self.rows]

    @property
    def rest(self) -> tuple[list[int], bool, str | None]:
        """What an envelope says beside its parts."""
        return self.ats, self.more, self.next


def _page(reading: _Reading) -> Page:
    raws = [row.raw for row in reading.rows]
    page = envelope(raws, *reading.rest)
    if raws:
        page.spans = spans(row.position for row in reading.rows)
    return page


def _one(ask: Asked) -> _Reading:
    """Return what there is of the object that the address names."""
    reading = _read(ask, only=ask.request.path_params["object"])
    if not reading.rows:
        raise absent()
    return reading


def _read(ask: Asked, *, only: str | None = None) -> _Reading:
    """Return the rows of a page, whether there is more, and the token to go on with."""
    _enter(ask.caller, ask.request)
    walk = _walk(ask.home, ask.caller, ask.request, only)
    query, limit = walk
    if query.added_after is not None:
        start = releases.position_at(ask.tx, ask.caller.agreement_id, query.added_after)
        query = replace(query, after=max(start, query.after), added_after=None)
    rows = [] if query.nothing else _found(ask, query, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    # A plain client hears where to go on only if there is more: some go on for ever otherwise.
    if more or (rows and _always_goes_on(ask.request)):
        after = replace(query, after=rows[-1].position)
        token = write_token(token_key(ask.home.keys.secret), _own(ask.caller), after)
        return _Reading(walk, rows, more, token)
    return _Reading(walk, rows, more, None)


def _found(ask: Asked, query: Query, count: int) -> list[Row]:
    """Return what a page shows, from a replica where that stands exactly as the primary does."""

    def head(tx: Tx) -> Head:
        return releases.head_of(tx, ask.caller.agreement_id)

    def read(tx: Tx) -> list[Row]:
        return _matching(ask._replace(tx=tx), query, count)

    return ask.home.store.read_pages(ask.tx, head, read)


def _matching(ask: Asked, query: Query, count: int) -> list[Row]:
    """Return the next `count` live releases that a walk asks for, fewer at its end."""
    found: list[Row] = []
    after = query.after
    while len(found) < count:
        rows = releases.page(
            ask.tx,
            ask.caller.agreement_id,
            after=after,
            now=ask.now,
            limit=count,
            ids=query.ids,
            types=query.types,
        )
        found += [row for row in rows if query.matches(row.version)]
        if len(rows) < count:
            break
        after = rows[-1].position
    return found[:count]


def _described(ask: Asked) -> dict[str, Any]:
    force = ask.caller.force
    return {
        "id": _own(ask.caller),
        "title": force.title,
        "description": f"What {ask.home.name} gives under {force.hash}.",
        "can_read": True,
        "can_write": False,
        "media_types": [STIX_TYPE],
    }
