"""Read one page of a collection of a foreign TAXII 2.0 server: ranges of items, in bundles.

A page begins with the last item of the page before it. Where that is another one now, items have
moved while we read (something was deleted, or an older version gave way), and the walk begins
again from the last moment that it knows: else what moved down would never be seen.
"""

import json
import re

from tearline.errors import InputError, SourceError
from tearline.exchange.foreign import Ask, Page, moments, most_of, unreadable
from tearline.exchange.foreign_line import Line, NotThereError, host_of
from tearline.exchange.link import Reply
from tearline.stix import canonical
from tearline.stix.bundle import Limits, split_bundle
from tearline.stix.timestamp import format_timestamp

MEDIA_TYPE = "application/vnd.oasis.stix+json; version=2.0"
TAXII_TYPE = "application/vnd.oasis.taxii+json; version=2.0"
_RANGE = re.compile(r"items (?:\d+-\d+|\*)/(\d{1,15}|\*)")
_PART = 206
_EMPTY = 416
_NOTHING = Page([], more=False, next="", first_at=None, last_at=None)


class MovedError(SourceError):
    """The items of the collection are not where they were a page ago."""


def read_page(line: Line, url: str, ask: Ask, limits: Limits) -> Page:
    """Read a range of the collection at `url`; `next` is `START HASH` of the item to begin with.

    MovedError when that item is another one now; SourceError else as for 2.1.
    """
    start, _, expected = ask.next.partition(" ")
    first = int(start or 0)
    params = {}
    if ask.after_at is not None:
        params["added_after"] = format_timestamp(ask.after_at, digits=6)
    end = first + ask.limit - 1 + bool(expected)
    try:
        reply = line.get(
            f"{url}objects/",
            params=params,
            accept=MEDIA_TYPE,
            most=most_of(limits),
            more={"Range": f"items {first}-{end}"},
        )
    except NotThereError:
        # Some servers answer so where nothing is new; one that is gone answers so here too.
        line.get(url, accept=TAXII_TYPE, most=most_of(limits))
        return _NOTHING
    if reply.status == _EMPTY:
        if expected:
            raise _moved(url)
        return _NOTHING
    return _page(url, reply, first, expected, limits)


def _page(url: str, reply: Reply, first: int, expected: str, limits: Limits) -> Page:
    try:
        raws = _objects(reply.body, limits)
    except InputError as error:
        raise unreadable(url, error) from error
    if expected and (not raws or _mark(raws[0]) != expected):
        raise _moved(url)
    # The item that we have seen stands for nothing new.
    fresh = raws[1:] if expected else raws
    last, total = first + len(raws) - 1, _total(reply)
    more = bool(fresh) and (reply.status == _PART if total is None else last < total - 1)
    if not fresh and total is not None and last < total - 1:
        raise SourceError(f"{host_of(url)} gives {last + 1} of {total} items.", do="Tell them.")
    return Page(fresh, more, f"{last} {_mark(raws[-1])}" if more else "", *moments(reply))


def _total(reply: Reply) -> int | None:
    """Return how many items there are, if the answer says so."""
    said = _RANGE.fullmatch(reply.headers.get("content-range", "").strip())
    return int(said[1]) if said and said[1] != "*" else None


def _objects(body: bytes, limits: Limits) -> list[bytes]:
    """Cut a bundle; an answer without one is an empty page."""
    if body.strip() in {b"", b"{}"}:
        return []
    found = split_bundle(body, limits)
    if found == [body.strip()]:
        raise InputError("It is no bundle.")
    return found


def _mark(raw: bytes) -> str:
    """What tells an item from others: its id and version, however its bytes are laid out."""
    try:
        doc = json.loads(raw)
        named = [doc["id"], doc.get("modified")]
        return canonical.sha256(json.dumps(named).encode())[7:23]
    except (ValueError, TypeError, KeyError, RecursionError):
        return canonical.sha256(raw)[7:23]


def _moved(url: str) -> MovedError:
    return MovedError(
        f"The items of {host_of(url)} moved while they were read.",
        means="Some may have been passed over; reading begins again a little before.",
        do="Nothing; if it never ends, tell them.",
    )
