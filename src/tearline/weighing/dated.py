"""When our claims were said, for when they hold, and which countries they name: for the charts.

Read once for each state of what is sorted in, and kept in memory: a page counts what it chooses.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from tearline.store import claim_lists, claims_upto
from tearline.store.claim_lists import Dated
from tearline.store.database import Store, Tx
from tearline.topics.charted import Chosen
from tearline.weighing.held import held
from tearline.weighing.indexing import RECIPE

MOST = 100_000
"""How many claims are drawn, the newest."""
_DAY = 86_400_000_000
_LONGEST = 2


class Spot(NamedTuple):
    """A claim with the days, of the epoch, on which it was said and from which it holds."""

    id: str
    said: int | None
    true: int | None
    countries: tuple[str, ...]


class Spots(NamedTuple):
    """Our claims, the newest first; without `whole` there are more."""

    upto: int
    spots: tuple[Spot, ...]
    whole: bool


class Claimed:
    """The claims of a choice, counted; only its country and days limit them."""

    def __init__(self, spots: Iterable[Spot], clock: str, chosen: Chosen) -> None:
        """Count for a choice, by the clock `said` or `true`."""
        self._chosen = chosen
        self._spots = [(each.true if clock == "true" else each.said, each) for each in spots]

    def days(self) -> dict[int, int]:
        """How many claims on each day; the chosen days do not limit it."""
        country = self._chosen.country
        found = Counter(
            day
            for day, each in self._spots
            if day is not None and (country is None or country in each.countries)
        )
        return dict(found)

    def countries(self) -> dict[str, int]:
        """How many claims name each country, within the chosen days."""
        within = (each for day, each in self._spots if self._within(day))
        return dict(Counter(code for each in within for code in each.countries))

    def some(self, most: int) -> list[str]:
        """Some of the claims of a chosen country or of chosen days, the newest first; else none."""
        chosen = self._chosen
        if chosen.country is None and chosen.first is None and chosen.last is None:
            return []
        fitting = (
            each.id
            for day, each in self._spots
            if self._within(day) and (chosen.country is None or chosen.country in each.countries)
        )
        return list(islice(fitting, most))

    def _within(self, day: int | None) -> bool:
        first, last = self._chosen.first, self._chosen.last
        if day is None:
            return first is None and last is None
        return (first is None or day >= first) and (last is None or day <= last)


_known: "WeakKeyDictionary[Store, Spots]" = WeakKeyDictionary()
_lock = threading.Lock()


def dated(store: Store, *, now: int) -> Spots:
    """Return our claims by their days and the countries of the locations that they name."""
    with store.read() as tx:
        upto = claims_upto.SORTED_IN.upto(tx, RECIPE)
        known = _known.get(store)
        if known is not None and known.upto == upto:
            return known
        with _lock:
            rows = claim_lists.dated(tx, MOST)
            found = _read(tx, rows, now)
            _known[store] = Spots(upto, found, len(rows) < MOST)
    return _known[store]


def _read(tx: Tx, rows: Iterable[Dated], now: int) -> tuple[Spot, ...]:
    rows = list(rows)
    named = claim_lists.places_named(tx, [each.seq for each in rows])
    docs = held(tx, {place for _, place in named}, now=now)
    codes = {each: str(its.doc.get("country", "")).upper() for each, its in docs.items()}
    where: dict[int, list[str]] = {}
    for seq, place in named:
        if len(code := codes.get(place, "")) == _LONGEST:
            where.setdefault(seq, []).append(code)
    return tuple(
        Spot(
            each.stix_id,
            None if each.said_at is None else each.said_at // _DAY,
            None if each.true_from_at is None else each.true_from_at // _DAY,
            tuple(sorted(set(where.get(each.seq, ())))),
        )
        for each in rows
    )
