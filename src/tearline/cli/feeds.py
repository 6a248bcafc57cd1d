"""Sources, that is foreign TAXII servers: what verbs call, and what they show of it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli import feed_parts
from tearline.cli.terminal import joined, moment, progress
from tearline.errors import InputError, MisuseError, RefusedError
from tearline.exchange import sources
from tearline.exchange.foreign_find import Collection, Found, find
from tearline.exchange.foreign_line import Line, Login, address
from tearline.exchange.sources import Polled, open_source
from tearline.release.arrive import annotation_of
from tearline.stix.timestamp import parse_timestamp
from tearline.store import parties
from tearline.store import sources as rows
from tearline.store.sources import Reading, Source, Walk

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_SECRET = re.compile(r"[\x21-\x7e]{1,4096}")
_MOST_PAGE = 10_000
_SHOWN = 30


class Wishes(NamedTuple):
    """How a source is to be read: labels beside each object, from when, how often, how much."""

    mark: str | None
    grade: str | None
    since: str | None
    every: int
    page: int | None


def login_with(user: str | None, secret: str | None, header: str) -> Login:
    """Return what lets us in: a user with a password, a key, or nothing."""
    if user is not None:
        return Login("basic", user, secret or "")
    if secret is None:
        return Login()
    if not _SECRET.fullmatch(secret):
        raise MisuseError("That is no key.", do="Pipe the key alone into --key-stdin.")
    if header.lower() == "bearer":
        return Login("bearer", "", secret)
    if not _HEADER.fullmatch(header) or header.lower() in {"host", "accept", "range"}:
        raise MisuseError(f"{header!r} is no header for a key.", do="Write X-API-Key or bearer.")
    return Login(header, "", secret)


def look(url: str, login: Login, *, plain_http: bool) -> Found:
    """Find out what stands at an address; RefusedError where nothing there may be read."""
    with Line(url, login, plain_http=plain_http) as line:
        found = find(line)
    if not any(each.can_read for each in found.collections):
        raise RefusedError(
            f"There are {len(found.collections)} collections, and we may read none of them.",
            means=f"It also names {joined(found.elsewhere)}." if found.elsewhere else "",
            do="Check the account; or add one of the other addresses itself.",
        )
    return found


def chosen(found: Found, wanted: Sequence[str], *, everything: bool) -> list[Collection]:
    """Return the collections that are meant, by id or title; none where a person must choose."""
    readable = [each for each in found.collections if each.can_read]
    if everything or (len(readable) == 1 and not wanted):
        return readable
    return [_one(found, each) for each in dict.fromkeys(wanted)]


def _one(found: Found, wanted: str) -> Collection:
    fits = [
        each
        for each in found.collections
        if wanted.lower() == each.id.lower() or wanted.casefold() == each.title.casefold()
    ]
    if len(fits) != 1:
        what = "Several collections are" if fits else "No collection is"
        raise MisuseError(f"{what} called {wanted!r}.", do="Take an id from the list.")
    if not fits[0].can_read:
        raise RefusedError(f"We may not read {fits[0].title}.", do="Ask them for the right.")
    return fits[0]


def unchosen(found: Found) -> RefusedError:
    """Return the error for several collections of which none was named."""
    readable = [f"{each.id} ({each.title})" for each in found.collections if each.can_read]
    more = f" and {len(readable) - _SHOWN} more" if len(readable) > _SHOWN else ""
    return RefusedError(
        f"There are {len(readable)} collections: {joined(readable[:_SHOWN])}{more}.",
        means="Nothing was added.",
        do="Name those to read with --collection, or take --all.",
    )


def add(
    home: Home,
    name: str,
    url: str,
    login: Login,
    picked: Sequence[Collection],
    wishes: Wishes,
    *,
    plain_http: bool,
) -> dict[str, Any]:
    """Keep a source; return it as JSON."""
    entry = _entry(home, name, url, login, wishes, plain_http=plain_http)
    walk = Walk(done_at=since_at(wishes.since))
    readings = [Reading(name, each.url, each.id, each.title, each.version, walk) for each in picked]
    sources.add(home, entry, readings, now=clock.now())
    return feed_parts.one(home, name)


def _entry(
    home: Home, name: str, url: str, login: Login, wishes: Wishes, *, plain_http: bool
) -> Source:
    check_name(home, name)
    said = annotation_of(wishes.mark, wishes.grade)
    page = home.settings.page_limit if wishes.page is None else wishes.page
    return Source(
        name=name,
        url=address(url, plain_http=plain_http),
        way=login.way,
        login=login.user,
        secret=login.secret,
        plain_http=plain_http,
        marking=said.marking,
        grade=said.grade,
        page=max(1, min(page, _MOST_PAGE)),
        every_s=wishes.every,
        since_at=clock.now(),
        ended_at=None,
    )


def check_name(home: Home, name: str) -> None:
    """See that a name can be a source's; MisuseError else."""
    if not _NAME.fullmatch(name):
        raise MisuseError(
            f"{name!r} cannot be the name of a source.", do="Use a-z, 0-9 and '-', say abuse-feed."
        )
    with home.store.read() as tx:
        taken = parties.partner_of(tx, name) is not None
    if taken:
        raise MisuseError(f"{name} is a partner.", do="Choose another name.")


def since_at(text: str | None) -> int | None:
    """Return a moment given as a date or a timestamp."""
    if text is None:
        return None
    try:
        return parse_timestamp(text if "T" in text else f"{text}T00:00:00Z")
    except InputError:
        raise MisuseError(
            f"{text!r} is no moment.", do="Write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None


# -------------------------------------------------------------------------------------- reading


def poll_all(home: Home, name: str | None, *, as_json: bool) -> list[dict[str, Any]]:
    """Read one source, or each whose turn it is, to the end; return what came as JSON.

    One that is named is read even while we would wait by ourselves; never against what its server
    asked for, nor where it shut us out.
    """
    with home.store.read() as tx:
        held = [open_source(tx, name)] if name else rows.sources(tx)
        todo = [
            (source, reading)
            for source in held
            if source.ended_at is None
            for reading in rows.readings_of(tx, source.name)
        ]
    return [_poll(home, *each, named=name is not None, as_json=as_json) for each in todo]


def _poll(
    home: Home, source: Source, reading: Reading, *, named: bool, as_json: bool
) -> dict[str, Any]:
    now, turn = clock.now(), reading.turn
    until = max(turn.wait_at or 0, 0 if named else turn.again_at or 0)
    if turn.stopped or until > now:
        empty = Polled(source.name, reading.id, reading.title, 0, sources.NOTHING, False, None)
        waits = "until a person looks at it" if turn.stopped else f"until {moment(until)}"
        return _polled(empty) | {"ok": False, "problem": turn.problem, "waits": waits}
    with progress(f"{source.name}: {reading.title}", as_json=as_json) as tell:
        done = sources.poll(
            home,
            source.name,
            reading.url,
            progress=lambda came: tell(came, None) if tell else None,
            now=now,
        )
    return _polled(done)


def _polled(done: Polled) -> dict[str, Any]:
    return {
        "source": done.source,
        "collection": done.collection,
        "title": done.title,
        "ok": done.problem is None,
        "objects": done.objects,
        "stored": done.result.stored,
        "unchanged": done.result.unchanged,
        "refused": [[each.id, each.reason] for each in done.result.refused],
        "remarks": list(done.result.remarks),
        "problem": str(done.problem) if done.problem else None,
        "waits": None,
    }
