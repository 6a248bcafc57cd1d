"""TAXII 2.1 (OASIS Standard, 10 June 2021): what a partner reads, page by page.

A page is a join of stored bytes: nothing is parsed, decided or written here. One collection stands
for one direction of one agreement, and a key sees its own agreement's alone; whatever else is asked
for does not exist. Nothing is served before the agreement serves, or after it stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.terms import collection_id
from tearline.exchange.access import (
    AGREEMENT_HEADER,
    Caller,
    Door,
    OtherAgreementError,
    TurnedAwayError,
    check_agreement,
)
from tearline.exchange.taxii_query import Query, read_limit, read_query, token_key, write_token
from tearline.stix.timestamp import format_timestamp
from tearline.store import releases
from tearline.store.database import Tx
from tearline.store.releases import Row

MEDIA_TYPE = "application/taxii+json;version=2.1"
STIX_TYPE = "application/stix+json;version=2.1"
ROOT = "/taxii2/agreements/"
_MOST_BODY = 1 << 20
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Ask(NamedTuple):
    """One request: the home and snapshot it reads, who asks, and what the address names."""

    home: Home
    tx: Tx
    caller: Caller
    request: Request
    now: int

    @property
    def values(self) -> list[tuple[str, str]]:
        """The parameters of the query, in order, repeated ones included."""
        return self.request.query_params.multi_items()

    @property
    def collection(self) -> str:
        """The id of the one collection that this caller may know."""
        return collection_id(self.caller.agreement_id, self.caller.force.our_slot)


Answer = Callable[[Ask], Response]


def routes(home: Callable[[], Home], door: Door) -> list[Route]:
    """Return the TAXII routes of a node; each answers with and without its final slash."""
    collection = f"{ROOT}collections/{{collection}}/"
    table: dict[str, Answer] = {
        "/taxii2/": _discovery,
        ROOT: _api_root,
        f"{ROOT}collections/": _collections,
        collection: _collection,
        f"{collection}objects/": _objects,
        f"{collection}objects/{{object}}/": _object,
        f"{collection}objects/{{object}}/versions/": _versions,
        f"{collection}manifest/": _manifest,
        "/taxii2/{rest:path}": _nothing,
    }
    return [
        Route(each, _endpoint(home, door, answer), methods=_METHODS, name=answer.__name__)
        for path, answer in table.items()
        for each in dict.fromkeys((path, path.removesuffix("/")))
    ]


def _endpoint(
    home: Callable[[], Home], door: Door, answer: Answer
) -> Callable[[Request], Response]:
    """Wrap an answer: one hop into a worker thread, one snapshot, errors as TAXII resources."""

    def _answer(request: Request) -> Response:
        now = clock.now()
        opened = home()
        try:
            return _within(opened, door, answer, request, now)
        except OtherAgreementError as error:
            door.note(opened, error, now=now)
            return refusal(error)
        except TurnedAwayError as error:
            return refusal(error)

    return _answer


def _within(home: Home, door: Door, answer: Answer, request: Request, now: int) -> Response:
    address = request.client.host if request.client else ""
    with home.store.read() as tx:
        caller = door.admit(tx, request.headers, address, now=now)
        check_agreement(request.headers, caller, required=False)
        if request.method not in {"GET", "HEAD"}:
            raise _not_allowed(answer)
        if not _accepts(request.headers.get("accept", "")):
            raise TurnedAwayError(406, "This answers with application/taxii+json;version=2.1 only.")
        return answer(Ask(home, tx, caller, request, now))


# ----------------------------------------------------------------------------------- resources


def _discovery(ask: Ask) -> Response:
    root = f"{ask.home.card.url or str(ask.request.base_url).rstrip('/')}{ROOT}"
    about = f"What {ask.home.name} gives under agreements."
    return _json(
        {"title": ask.home.name, "description": about, "default": root, "api_roots": [root]}
    )


def _api_root(ask: Ask) -> Response:
    return _json(
        {
            "title": f"{ask.home.name}: agreements",
            "description": "One collection for each agreement under which something is given.",
            "versions": [MEDIA_TYPE],
            "max_content_length": _MOST_BODY,
        }
    )


def _collections(ask: Ask) -> Response:
    return _json({"collections": [_described(ask)]} if ask.caller.force.serving else {})


def _collection(ask: Ask) -> Response:
    _enter(ask)
    return _json(_described(ask))


def _objects(ask: Ask) -> Response:
    reading = _read(ask)
    return _envelope(reading, [row.raw for row in reading.rows])


def _object(ask: Ask) -> Response:
    reading = _one(ask)
    return _envelope(reading, [row.raw for row in reading.rows])


def _manifest(ask: Ask) -> Response:
    reading = _read(ask)
    entries = [
        orjson.dumps(
            {
                "id": row.delivered_id,
                "date_added": format_timestamp(row.at, digits=6),
                "version": row.version,
                "media_type": STIX_TYPE,
            }
        )
        for row in reading.rows
    ]
    return _envelope(reading, entries)


def _versions(ask: Ask) -> Response:
    rows = _one(ask).rows
    return _dated(rows, orjson.dumps({"more": False, "versions": [row.version for row in rows]}))


def _nothing(_ask: Ask) -> Response:
    raise _absent()


# ------------------------------------------------------------------------------------- reading


def _enter(ask: Ask) -> None:
    """Let the caller into its own collection while it is served; all others do not exist."""
    if ask.request.path_params["collection"] != ask.collection:
        raise _absent()
    if not ask.caller.force.serving:
        state = ask.caller.force.state
        raise TurnedAwayError(
            404, "Nothing is given under this agreement now.", f"The agreement is {state} here."
        )


def _one(ask: Ask) -> "_Reading":
    """Return what there is of the object that the address names."""
    reading = _read(ask, only=ask.request.path_params["object"])
    if not reading.rows:
        raise _absent()
    return reading


class _Reading(NamedTuple):
    rows: list[Row]
    more: bool
    next: str | None


def _read(ask: Ask, *, only: str | None = None) -> _Reading:
    """Return the rows of a page, whether there is more, and the token to go on with."""
    _enter(ask)
    key = token_key(ask.home.keys.secret)
    query = read_query(ask.values, key, ask.collection, only=only)
    limit = read_limit(ask.values, ask.home.settings.page_limit)
    if query.added_after is not None:
        start = releases.position_at(ask.tx, ask.caller.agreement_id, query.added_after)
        query = replace(query, after=max(start, query.after), added_after=None)
    rows = [] if query.nothing else _matching(ask, query, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    # A plain client hears where to go on only if there is more: some go on for ever otherwise.
    if more or (rows and AGREEMENT_HEADER in ask.request.headers):
        after = replace(query, after=rows[-1].position)
        return _Reading(rows, more, write_token(key, ask.collection, after))
    return _Reading(rows, more, None)


def _matching(ask: Ask, query: Query, count: int) -> list[Row]:
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


# ------------------------------------------------------------------------------------- writing


def _described(ask: Ask) -> dict[str, Any]:
    force = ask.caller.force
    return {
        "id": ask.collection,
        "title": force.title,
        "description": f"What {ask.home.name} gives under {force.hash}.",
        "can_read": True,
        "can_write": False,
        "media_types": [STIX_TYPE],
    }


def _envelope(reading: _Reading, parts: Sequence[bytes]) -> Response:
    """Join a page; an empty one is `{}` (section 3.7)."""
    if not parts:
        return Response(b"{}", headers=_headers(), media_type=MEDIA_TYPE)
    head = b'{"more":true,' if reading.more else b'{"more":false,'
    if reading.next is not None:
        head += b'"next":"' + reading.next.encode() + b'",'
    body = b"".join((head, b'"objects":[', b",".join(parts), b"]}"))
    return _dated(reading.rows, body)


def _dated(rows: Sequence[Row], body: bytes) -> Response:
    stamps = {
        "X-TAXII-Date-Added-First": format_timestamp(rows[0].at, digits=6),
        "X-TAXII-Date-Added-Last": format_timestamp(rows[-1].at, digits=6),
    }
    return Response(body, headers=_headers(stamps), media_type=MEDIA_TYPE)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401  # any JSON value
    return Response(orjson.dumps(value), status, headers=_headers(headers), media_type=MEDIA_TYPE)


def _headers(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {"Cache-Control": "no-store", **(more or {})}


def refusal(error: TurnedAwayError) -> Response:
    """Return the error resource of TAXII 2.1 section 3.6.1; it tells what the error holds."""
    body: dict[str, Any] = {"title": error.title, "http_status": str(error.status)}
    if error.description:
        body["description"] = error.description
    if error.details:
        body["details"] = error.details
    return _json(body, error.status, error.headers)


def _absent() -> TurnedAwayError:
    return TurnedAwayError(404, "There is nothing here that you may know of.")


def _not_allowed(answer: Answer) -> TurnedAwayError:
    if answer in {_objects, _object}:
        return TurnedAwayError(403, "This collection can only be read.")
    return TurnedAwayError(405, "This can only be read.", headers={"Allow": "GET, HEAD"})


def _accepts(header: str) -> bool:
    """Whether a client takes our media type: also with spaces, in a list, with q, unversioned."""
    for part in header.split(",") if header.strip() else ["*/*"]:
        name, *parameters = (piece.strip().casefold() for piece in part.split(";"))
        given = dict(each.replace(" ", "").partition("=")[::2] for each in parameters)
        wanted = name in {"*/*", "application/*", "application/taxii+json"}
        version = given.get("version", "2.1").strip('"') == "2.1"
        if wanted and version and not _never(given.get("q", "1")):
            return True
    return False


def _never(quality: str) -> bool:
    return not quality.strip("0.")
