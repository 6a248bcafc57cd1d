"""The API root for our own organisation's accounts: local collections, page by page.

An account knows of the collections in which it may read or write; all others do not exist for it.
Everything is in one order, that of the moments at which objects were added: pages of objects, of
the manifest and of versions alike. A poll that finds nothing new reads two rows.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from msgspec.structs import replace
from starlette.responses import Response

from tearline.exchange.access import LocalCaller, TurnedAwayError
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
from tearline.exchange.taxii_query import Query, read_walk, token_key, write_token
from tearline.store import accounts, collections
from tearline.store import objects as stored
from tearline.store.accounts import Right
from tearline.store.collections import Member, Which
from tearline.store.database import Tx

ROOT = "/taxii2/local/"
Asked = Ask[LocalCaller]
_MOST_BYTES = 64 << 20
"""Bytes of objects on one page; a page that would have more ends before, and says so."""


def api_root(ask: Asked) -> Response:
    """Answer the API root."""
    return json_answer(
        {
            "title": f"{ask.home.name}: local collections",
            "description": "What our own accounts post and read. Nothing of a partner is here.",
            "versions": [MEDIA_TYPE],
            "max_content_length": ask.home.settings.max_content_length,
        }
    )


def all_collections(ask: Asked) -> Response:
    """Answer the collections that this account may know of."""
    found = accounts.rights_of(ask.tx, ask.caller.account)
    return json_answer({"collections": [_described(each) for each in found]} if found else {})


def collection(ask: Asked) -> Response:
    """Answer one collection."""
    return json_answer(_described(enter(ask)))


def objects(ask: Asked) -> Response:
    """Answer a page of objects."""
    page = _read(ask)
    return _kept(ask, "objects", page, _page_of_objects(page))


def one_object(ask: Asked) -> Response:
    """Answer one object, in the versions that were asked for."""
    return _page_of_objects(_one(ask))


def manifest(ask: Asked) -> Response:
    """Answer a page of the manifest."""
    page = _read(ask, raws=False)
    entries = [manifest_entry(each.stix_id, each.at, each.version) for each in page.members]
    return _kept(ask, "manifest", page, envelope(entries, *page.rest))


def versions(ask: Asked) -> Response:
    """Answer the versions of one object, in the order in which they were added."""
    page = _one(ask, every=True)
    texts = [b'"' + each.version.encode() + b'"' for each in page.members]
    return envelope(texts, *page.rest, name="versions")


def enter(ask: Asked, *, to_read: bool = False) -> Right:
    """Return what this account may do with the collection of the address.

    TurnedAwayError: 404 when it may not know of it, 403 when it may only write to it.
    """
    named = ask.request.path_params["collection"]
    found = accounts.right_of(ask.tx, ask.caller.account, named) if named.isprintable() else None
    if found is None:
        raise absent()
    if to_read and not found.can_read:
        raise TurnedAwayError(403, "This account may only write to this collection.")
    return found


def which(query: Query) -> Which:
    """Return which versions are meant; the last, if nothing else is said."""
    return Which(
        latest="last" in query.named or not (query.named or query.versions),
        earliest="first" in query.named,
        every="all" in query.named,
        stamps=query.versions,
    )


class _Walk(NamedTuple):
    """Where a walk stands, and in which collection."""

    right: Right
    limit: int
    query: Query | None
    """None where there is nothing to show."""


class _Page(NamedTuple):
    """What a page shows; `raws` are the bytes of the members, where they were asked for."""

    walk: _Walk
    members: list[Member]
    raws: list[bytes]
    ats: list[int]
    more: bool
    token: str | None

    @property
    def rest(self) -> tuple[list[int], bool, str | None]:
        """What an envelope says beside its parts."""
        return self.ats, self.more, self.token


def _page_of_objects(page: _Page) -> Page:
    return envelope(page.raws, *page.rest)


def _kept(ask: Asked, name: str, page: _Page, answer: Page) -> Page:
    """Keep a page for whoever asks for the same."""
    ask.pages.put(_place(name, page.walk, more=page.more), answer)
    return answer


def _one(ask: Asked, *, every: bool = False) -> _Page:
    """Return a page of the object that the address names; 404 when it is not there at all."""
    only = ask.request.path_params["object"]
    page = _read(ask, only=only, raws=not every, every=every)
    if not page.ats and not _holds(ask, only):
        raise absent()
    return page


def _holds(ask: Asked, stix_id: str) -> bool:
    number = enter(ask).collection.number
    return stix_id.isprintable() and bool(collections.members(ask.tx, number, (stix_id,)))


def glance(name: str, look: Look) -> Glanced | None:
    """Answer a page of `name` from one question, where it is empty or was made before."""
    headers, named = look.request.headers, look.request.path_params["collection"]
    if not (named.isprintable() and accepts(headers.get("accept", ""))):
        return None
    opened = look.door.opened(look.home.store, headers, named, now=look.now)
    if opened is None or not opened.right.can_read:
        return None
    try:
        walk = _walk(look, opened.right)
    except TurnedAwayError:
        return None
    if walk.query is None:
        return Glanced(NOTHING, LocalCaller(opened.account))
    page = _made(look, _place(name, walk, more=True)) or _made(look, _place(name, walk, more=False))
    return Glanced(page, LocalCaller(opened.account)) if page else None


def _made(look: Look, place: Hashable) -> Page | None:
    return look.pages.get(place, now=look.now)


def _walk(ask: Asked | Look, right: Right, only: str | None = None) -> _Walk:
    """Read what is asked for. The head of the collection says whether anything can be shown."""
    here, home = right.collection, ask.home
    secret, most = home.keys.secret, home.settings.page_limit
    query, limit = read_walk(ask.request, secret, here.id, most, only=only)
    after = max(query.after, query.added_after or 0)
    if query.nothing or after >= here.last_at:
        return _Walk(right, limit, None)
    return _Walk(right, limit, replace(query, after=after, added_after=None))


def _place(name: str, walk: _Walk, *, more: bool) -> Hashable:
    """Return what a page depends on; one that is not the last stays as it is when others come."""
    here = walk.right.collection
    end = None if more else here.last_at
    return name, here.number, here.changes, end, walk.limit, walk.query


def _read(ask: Asked, *, only: str | None = None, raws: bool = True, every: bool = False) -> _Page:
    """Return a page of what a walk asks for, and the token to go on with."""
    walk = _walk(ask, enter(ask, to_read=True), only)
    right, limit, query = walk
    if query is None:
        return _Page(walk, [], [], [], more=False, token=None)
    query = replace(query, named=("all",)) if every else query
    number, wanted = right.collection.number, query
    members, found = ask.home.store.read_pages(
        ask.tx,
        lambda tx: collections.head_of(tx, number),
        lambda tx: _found(tx, number, wanted, limit + 1, raws=raws),
    )
    fits = min(limit, _fitting([len(raw) for _, raw in found]))
    ats = [at for at, _ in found]
    more, token = len(ats) > fits, None
    if more:
        after = replace(query, after=ats[fits - 1])
        token = write_token(token_key(ask.home.keys.secret), right.collection.id, after)
    kept = [raw for _, raw in found[:fits]]
    return _Page(walk, members[:fits], kept, ats[:fits], more, token)


def _fitting(sizes: list[int]) -> int:
    """Return how many of the objects fit on one page; one does always."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > _MOST_BYTES:
            return max(count, 1)
    return len(sizes)


def _found(
    tx: Tx, number: int, query: Query, count: int, *, raws: bool
) -> tuple[list[Member], list[tuple[int, bytes]]]:
    """Return the next members of a walk, or their moments and bytes, whichever is asked for."""
    meant = which(query)
    if raws and not query.ids and len(query.types) < 2:  # noqa: PLR2004  # none or one
        type_ = query.types[0] if query.types else None
        page = collections.page(tx, number, after=query.after, limit=count, which=meant, type=type_)
        return [], page
    members = _members(tx, number, query, meant, count)
    if not raws:
        return members, [(each.at, b"") for each in members]
    held = stored.raw_of(tx, [each.seq for each in members])
    return members, [(each.at, held[each.seq]) for each in members]


def _members(tx: Tx, number: int, query: Query, meant: Which, count: int) -> list[Member]:
    """Return the next members of a walk.

    With ids, all versions of these are read; with several types, each type's next ones: both by
    an index that gives them one after the other, whatever a planner thinks.
    """
    if query.ids:
        found = [
            each
            for each in collections.members(tx, number, query.ids)
            if each.at > query.after
            and meant.meets(each)
            and (not query.types or each.type in query.types)
        ]
    else:
        found = [
            each
            for type_ in query.types or (None,)
            for each in collections.listing(
                tx, number, after=query.after, limit=count, which=meant, type=type_
            )
        ]
    return sorted(found)[:count]


def _described(right: Right) -> dict[str, Any]:
    found = right.collection
    return {
        "id": found.id,
        "title": found.title,
        "alias": found.name,
        **({"description": found.description} if found.description else {}),
        "can_read": right.can_read,
        "can_write": right.can_write,
        "media_types": [STIX_TYPE],
    }
