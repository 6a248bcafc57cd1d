"""Remembers how each TAXII client's last request went: in memory, then one row for each client.

A request writes nothing. Each process gathers, and `flush` adds what was gathered to the store
every few seconds, so whoever asks why nothing arrives sees all processes together. What is lost
when a process is killed is a few seconds of this memory, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple, cast

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from tearline.agreement.home import Home
from tearline.errors import InputError
from tearline.exchange.access import AGREEMENT_HEADER, Caller, LocalCaller
from tearline.exchange.credentials import credentials
from tearline.stix.timestamp import parse_timestamp
from tearline.store import accounts, parties, visits
from tearline.store.database import Tx
from tearline.store.visits import Served, Visit

HOUR_US = 3_600_000_000
_MOST_UNKNOWN = 1_000
_SHORT, _LONG = 64, 200
_REFUSED = 400
_UNKNOWN = "unknown"

Span = list[int]


class Who(NamedTuple):
    """A client, as far as its request showed who it is."""

    kind: str
    name: str
    agreement_id: str
    key_hash: str


class Reply(NamedTuple):
    """How a request was answered: to whom, with what, and the spans of positions that it showed."""

    caller: Caller | LocalCaller | None
    who: Who
    status: int
    title: str
    objects: int
    spans: Sequence[Span]
    resource: str


class Gathered(NamedTuple):
    """What one process remembers since the last flush."""

    visits: list[Visit]
    served: list[Served]


class _Tally:
    """What one client did since the last flush; the last request is looked at only then."""

    __slots__ = ("given_at", "last", "objects", "refused", "requests")

    def __init__(self) -> None:
        self.last: tuple[Scope, Reply, int] | None = None
        self.requests = self.refused = self.objects = 0
        self.given_at: int | None = None

    def add(self, scope: Scope, reply: Reply, now: int) -> None:
        self.last = scope, reply, now
        self.requests += 1
        self.refused += reply.status >= _REFUSED
        self.objects += reply.objects
        self.given_at = now if reply.objects else self.given_at


class Visits:
    """The memory of one process."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._tallies: dict[Who, _Tally] = {}
        self._kept: list[Visit] = []
        self._served: dict[tuple[str, str, int], tuple[Served, list[Span]]] = {}
        self._unknown = 0
        self._lock = Lock()

    def note(self, scope: Scope, reply: Reply, *, now: int) -> None:
        """Remember a request and its answer."""
        who = reply.who
        with self._lock:
            tally = self._tallies.get(who)
            if tally is None:
                self._unknown += who.kind == _UNKNOWN
                if who.kind == _UNKNOWN and self._unknown > _MOST_UNKNOWN:
                    return
                tally = self._tallies[who] = _Tally()
            tally.add(scope, reply, now)
            if reply.spans and isinstance(reply.caller, Caller):
                self._serve(scope, reply.caller, reply, now)

    def _serve(self, scope: Scope, caller: Caller, reply: Reply, now: int) -> None:
        """Count a page for the log; a partner's node acknowledges by itself what it reads."""
        if AGREEMENT_HEADER in Headers(scope=scope):
            return
        hour = now - now % HOUR_US
        key = caller.agreement_id, caller.key_hash, hour
        fresh = Served(*key, caller.party, caller.force.hash, 0, 0, "")
        before, told = self._served.get(key, (fresh, []))
        told += reply.spans
        counted = before._replace(
            hash=caller.force.hash,
            requests=before.requests + 1,
            objects=before.objects + reply.objects,
        )
        self._served[key] = counted, told

    def take(self) -> Gathered:
        """Return what was gathered, and begin anew."""
        with self._lock:
            tallies, kept, served = self._tallies, self._kept, self._served
            self._tallies, self._kept, self._served, self._unknown = {}, [], {}, 0
        rows = [_visit(who, tally) for who, tally in tallies.items()]
        pages = [row._replace(spans=_written(told)) for row, told in served.values()]
        return Gathered(_summed([*kept, *rows]), pages)

    def put_back(self, taken: Gathered) -> None:
        """Keep what could not be written, for the next flush."""
        with self._lock:
            self._kept += [row for row in taken.visits if row.kind != _UNKNOWN]
            for each in taken.served:
                place = each.agreement_id, each.key_hash, each.hour_at
                later_row, told = self._served.get(
                    place, (each._replace(requests=0, objects=0), [])
                )
                told += orjson.loads(each.spans)
                summed = later_row._replace(
                    requests=later_row.requests + each.requests,
                    objects=later_row.objects + each.objects,
                )
                self._served[place] = summed, told


def flush(home: Home, gathered: Gathered) -> None:
    """Add what a process gathered to the store, in one transaction."""
    if not gathered.visits and not gathered.served:
        return
    with home.store.write() as tx:
        visits.add_visits(tx, _summed(_known(tx, each) for each in gathered.visits))
        for row in gathered.served:
            before = visits.served_row(tx, row.agreement_id, row.key_hash, row.hour_at)
            visits.put_served(tx, _added(before, row) if before else row)


def joined(found: Iterable[Span]) -> list[Span]:
    """Return spans as few spans, rising, that hold the same positions."""
    done: list[Span] = []
    for first, last in sorted(found):
        if done and first <= done[-1][1] + 1:
            done[-1][1] = max(done[-1][1], last)
        else:
            done.append([first, last])
    return done


def _written(found: Iterable[Span]) -> str:
    return orjson.dumps(joined(found)).decode()


def _added(before: Served, row: Served) -> Served:
    told = [*orjson.loads(before.spans), *orjson.loads(row.spans)]
    return row._replace(
        requests=before.requests + row.requests,
        objects=before.objects + row.objects,
        spans=_written(told),
    )


def _visit(who: Who, tally: _Tally) -> Visit:
    scope, reply, at = cast("tuple[Scope, Reply, int]", tally.last)
    headers, query = Headers(scope=scope), QueryParams(scope["query_string"])
    address = scope["client"][0] if scope.get("client") else ""
    return Visit(
        kind=who.kind,
        name=who.name,
        agreement_id=who.agreement_id,
        at=at,
        method=scope["method"][:_SHORT],
        resource=reply.resource,
        collection=_clean(scope["path_params"].get("collection", ""), _SHORT),
        status=reply.status,
        title=reply.title[:_LONG],
        objects=reply.objects,
        added_after=_moment(query.get("added_after", "")),
        types=_clean(query.get("match[type]", ""), _LONG),
        agent=_clean(headers.get("user-agent", ""), _LONG),
        address=_clean(address, _SHORT),
        key_hash=who.key_hash,
        given_at=tally.given_at,
        requests=tally.requests,
        refused=tally.refused,
        objects_total=tally.objects,
    )


def who_asks(headers: Mapping[str, str], caller: Caller | LocalCaller | None) -> Who:
    """Return whose request it was, as far as that is known."""
    if isinstance(caller, Caller):
        return Who("partner", caller.party, caller.agreement_id, caller.key_hash)
    if isinstance(caller, LocalCaller):
        return Who("account", caller.account, "", "")
    found = credentials(headers)
    if found is None:
        return Who(_UNKNOWN, "", "", "")
    return Who(_UNKNOWN, _clean(found.user or "", _SHORT), "", found.key_hash)


def _known(tx: Tx, row: Visit) -> Visit:
    """Find out whose request was refused: by a key that opened once, else by the user it named."""
    if row.kind != _UNKNOWN:
        return row
    found = parties.account_ever(tx, row.key_hash) if row.key_hash else None
    if found is not None:
        account, _ = found
        return row._replace(kind="partner", name=account.party, agreement_id=account.agreement_id)
    if row.name and parties.partner_of(tx, row.name) is not None:
        return row._replace(kind="partner", key_hash="")
    if row.name and accounts.account_named(tx, row.name) is not None:
        return row._replace(kind="account", key_hash="")
    return row._replace(kind="stranger", name="", key_hash="")


def _summed(rows: Iterable[Visit]) -> list[Visit]:
    done: dict[tuple[str, str, str], Visit] = {}
    for each in rows:
        key = each.kind, each.name, each.agreement_id
        done[key] = visits.merge(done[key], each) if key in done else each
    return list(done.values())


def _moment(text: str) -> int | None:
    try:
        return parse_timestamp(text) if text else None
    except InputError:
        return None


def _clean(text: str, most: int) -> str:
    """Keep what can be shown and stored; a client writes this."""
    return "".join(each if each.isprintable() else "?" for each in text[:most])
