"""The API root for partners: what is given under an agreement, page by page.

One collection stands for one direction of one agreement, and a key sees its own agreement's alone;
whatever else is asked for does not exist. Nothing is served before the agreement serves, or after
it stopped. Nothing is decided or written when it is read.
"""

from typing import Any, NamedTuple

from msgspec.structs import replace
from starlette.responses import Response

from tearline.agreement.terms import collection_id
from tearline.exchange.access import AGREEMENT_HEADER, Caller, TurnedAwayError
from tearline.exchange.taxii_answers import (
    MEDIA_TYPE,
    STIX_TYPE,
    absent,
    envelope,
    json_answer,
    manifest_entry,
)
from tearline.exchange.taxii_ask import Ask
from tearline.exchange.taxii_query import Query, read_limit, read_query, token_key, write_token
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
    _enter(ask)
    return json_answer(_described(ask))


def objects(ask: Asked) -> Response:
    """Answer a page of objects."""
    return _page(_read(ask))


def one_object(ask: Asked) -> Response:
    """Answer one object."""
    return _page(_one(ask))


def manifest(ask: Asked) -> Response:
    """Answer a page of the manifest."""
    reading = _read(ask)
    entries = [manifest_entry(row.delivered_id, row.at, row.version) for row in reading.rows]
    return envelope(entries, reading.ats, more=reading.more, token=reading.next)


def versions(ask: Asked) -> Response:
    """Answer the version of one object."""
    reading = _one(ask)
    texts = [b'"' + row.version.encode() + b'"' for row in reading.rows]
    return envelope(texts, reading.ats, more=False, token=None, name="versions")


def only_read(ask: Asked) -> None:
    """Turn away whoever wants to write: 403, or 404 for what he may not know of."""
    _enter(ask)
    raise TurnedAwayError(403, "This collection can only be read.")


def _own(ask: Asked) -> str:
    """Return the id of the one collection that this caller may know."""
    return collection_id(ask.caller.agreement_id, ask.caller.force.our_slot)


def _enter(ask: Asked) -> None:
    """Let the caller into its own collection while it is served; all others do not exist."""
    if ask.request.path_params["collection"] != _own(ask):
        raise absent()
    if not ask.caller.force.serving:
        state = ask.caller.force.state
        raise TurnedAwayError(
            404, "Nothing is given under this agreement now.", f"The agreement is {state} here."
        )


class _Reading(NamedTuple):
    rows: list[Row]
    more: bool
    next: str | None

    @property
    def ats(self) -> list[int]:
        return [row.at for row in self.rows]


def _page(reading: _Reading) -> Response:
    raws = [row.raw for row in reading.rows]
    page = envelope(raws, reading.ats, more=reading.more, token=reading.next)
    page.positions = [row.position for row in reading.rows]
    return page


def _one(ask: Asked) -> _Reading:
    """Return what there is of the object that the address names."""
    reading = _read(ask, only=ask.request.path_params["object"])
    if not reading.rows:
        raise absent()
    return reading


def _read(ask: Asked, *, only: str | None = None) -> _Reading:
    """Return the rows of a page, whether there is more, and the token to go on with."""
    _enter(ask)
    key = token_key(ask.home.keys.secret)
    query = read_query(ask.values, key, _own(ask), only=only)
    limit = read_limit(ask.values, ask.home.settings.page_limit)
    if query.added_after is not None:
        start = releases.position_at(ask.tx, ask.caller.agreement_id, query.added_after)
        query = replace(query, after=max(start, query.after), added_after=None)
    rows = [] if query.nothing else _found(ask, query, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    # A plain client hears where to go on only if there is more: some go on for ever otherwise.
    if more or (rows and AGREEMENT_HEADER in ask.request.headers):
        after = replace(query, after=rows[-1].position)
        return _Reading(rows, more, write_token(key, _own(ask), after))
    return _Reading(rows, more, None)


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
        "id": _own(ask),
        "title": force.title,
        "description": f"What {ask.home.name} gives under {force.hash}.",
        "can_read": True,
        "can_write": False,
        "media_types": [STIX_TYPE],
    }
