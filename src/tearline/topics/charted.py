"""What is held, counted by day and by country: kept in memory, and brought up to date when asked.

Counts follow what arrives; nothing is stored. What is counted cannot be taken out again one by one,
so all of it is counted anew from time to time. A store with a million objects is counted part by
part, in a thread of its own: until it is done, the counts say how far they are.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nlargest
from typing import Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from tearline.errors import InputError, StoreError
from tearline.stix.timestamp import parse_timestamp
from tearline.store import charting, objects
from tearline.store.database import Store, Tx
from tearline.store.objects import OURS
from tearline.topics.held import Held
from tearline.topics.places import ITS_OWN, KINDS, Place, Places
from tearline.topics.topic import type_of

Clock: TypeAlias = Literal["created", "arrived", "seen"]
CLOCKS: tuple[Clock, ...] = ("created", "arrived", "seen")
"""What the time of an object can mean: see `Chart.days`."""

RELATIONS = ("victim", "actor", "observed")
"""By what an object can have a country: see `places`."""

DATED = frozenset(
    {
        "campaign",
        "infrastructure",
        "intrusion-set",
        "malware",
        "observed-data",
        "sighting",
        "threat-actor",
    }
)
"""What can say when it was first seen (STIX 2.1; of observed data, when that was observed)."""

_PART = 10_000
_AT_ONCE = 2 * _PART
_ANEW = 3_600_000_000
_ANSWERS, _SHOWN = 200, 20
_DAY = 86_400_000_000


class _Spot(NamedTuple):
    """An object with a country: what it is, and its days."""

    type: str
    created: int
    arrived: int
    seen: int | None
    places: frozenset[tuple[str, str]]

    def day(self, clock: Clock) -> int | None:
        """Its day by a clock."""
        if clock == "seen":
            return self.seen
        return self.created if clock == "created" else self.arrived


_Cell: TypeAlias = tuple[str, str, int, int, int | None]
"""A country, a type, and the days of each clock."""


class Chosen(NamedTuple):
    """What is counted: by which clock, and of what; None does not limit.

    `first` and `last` are days of the epoch, both included.
    """

    clock: Clock = "created"
    type: str | None = None
    relation: str = "victim"
    country: str | None = None
    first: int | None = None
    last: int | None = None


class _Told(NamedTuple):
    days: dict[int, int]
    countries: dict[str, int]
    some: list[str]


class Chart:
    """What was counted so far, up to the version with the number `upto`."""

    def __init__(self, begun_at: int) -> None:
        """Begin with nothing."""
        self.begun_at = begun_at
        self.upto = 0
        self.end = 0
        self._days: dict[Clock, Counter[tuple[str, int]]] = {each: Counter() for each in CLOCKS}
        self._spots: dict[str, _Spot] = {}
        self._cube: dict[str, Counter[_Cell]] = {each: Counter() for each in RELATIONS}
        self._told: dict[Chosen, _Told] = {}

    @property
    def done(self) -> bool:
        """Whether all is counted that was there when somebody asked last."""
        return self.upto >= self.end

    @property
    def number(self) -> int:
        """How many objects are counted."""
        return self._days["created"].total()

    @property
    def share(self) -> float:
        """How much of what there is was counted, from 0 to 1."""
        return 1.0 if self.done else self.upto / self.end

    def some(self, chosen: Chosen) -> list[str]:
        """Some of the objects that have the chosen country, the newest first; else none."""
        return self._asked(chosen).some

    def types(self) -> list[str]:
        """The types of what is counted."""
        return sorted({type_ for type_, _ in self._days["created"]})

    def days(self, chosen: Chosen) -> dict[int, int]:
        """How many objects on each day; within the chosen country where there is one.

        *created* as they say themselves, else when they came; *arrived* when the first version came
        here; *seen* as far as they say when they were first seen. The chosen days do not limit it.
        """
        return self._asked(chosen).days

    def countries(self, chosen: Chosen) -> dict[str, int]:
        """How many objects have each country by the chosen relation, within the chosen days."""
        return self._asked(chosen).countries

    def _asked(self, chosen: Chosen) -> "_Told":
        """All that is told of a choice, which stays the same until more is counted."""
        found = self._told.get(chosen)
        if found is None:
            if len(self._told) > _ANSWERS:
                self._told.clear()
            days = self._days_of(chosen) if chosen.country is None else self._days_in(chosen)
            found = _Told(days, self._countries(chosen), self._some(chosen))
            self._told[chosen] = found
        return found

    def _some(self, chosen: Chosen) -> list[str]:
        if chosen.country is None:
            return []
        place = chosen.relation, chosen.country
        found = [
            (-1 if (day := spot.day(chosen.clock)) is None else day, stix_id)
            for stix_id, spot in list(self._spots.items())
            if place in spot.places
            and _is(spot.type, chosen)
            and _within(spot.day(chosen.clock), chosen)
        ]
        return [stix_id for _, stix_id in nlargest(_SHOWN, found)]

    def _days_of(self, chosen: Chosen) -> dict[int, int]:
        found: Counter[int] = Counter()
        for (type_, day), number in list(self._days[chosen.clock].items()):
            if chosen.type in {None, type_}:
                found[day] += number
        return dict(found)

    def _days_in(self, chosen: Chosen) -> dict[int, int]:
        found: Counter[int] = Counter()
        place = 2 + CLOCKS.index(chosen.clock)
        for cell, number in list(self._cube[chosen.relation].items()):
            day = cell[place]
            if cell[0] == chosen.country and isinstance(day, int) and _is(cell[1], chosen):
                found[day] += number
        return dict(found)

    def _countries(self, chosen: Chosen) -> dict[str, int]:
        found: Counter[str] = Counter()
        place = 2 + CLOCKS.index(chosen.clock)
        for cell, number in list(self._cube[chosen.relation].items()):
            day = cell[place]
            if _is(cell[1], chosen) and _within(day if isinstance(day, int) else None, chosen):
                found[cell[0]] += number
        return dict(found)

    # ---------------------------------------------------------------------------------- counting

    def add(self, tx: Tx, upto: int) -> None:
        """Count what came with the versions up to a number."""
        created, arrived = self._days["created"], self._days["arrived"]
        first = 0
        for each in charting.by_day(tx, OURS, self.upto, upto):
            created[each.type, each.created] += each.number
            arrived[each.type, each.arrived] += each.number
            first += each.number
        renewed: set[str] = set()
        if first < charting.number(tx, OURS, self.upto, upto):
            renewed = charting.renewed(tx, OURS, self.upto, upto)
        dated = charting.of_types(tx, OURS, self.upto, upto, DATED)
        new = [each for each, first in dated.items() if first]
        for stix_id, day in _seen(tx, new).items():
            self._days["seen"][type_of(stix_id), day] += 1
        self._place(tx, upto, renewed)
        self.upto = upto
        self._told.clear()

    def _place(self, tx: Tx, upto: int, renewed: set[str]) -> None:
        """Count anew whatever may be in another country because of what came.

        What ties come later will be met then; so no part is larger than what came until it.
        """
        ends = set(charting.of_types(tx, OURS, self.upto, upto, ITS_OWN))
        moved = charting.sources_of(tx, self.upto, upto, KINDS) | ends
        moved |= renewed & self._spots.keys()
        edge = moved
        for _ in range(2):
            its_own = {each for each in edge if type_of(each) in ITS_OWN}
            edge = charting.sources_to(tx, its_own, KINDS, upto=upto)
            moved |= edge
        held = Held(tx, OURS)
        places = Places(held)
        places.load(moved)
        revoked = _revoked(held, places, moved)
        self._move(tx, {each: _shown(places.of(each), revoked) for each in moved})

    def _move(self, tx: Tx, found: Mapping[str, frozenset[tuple[str, str]]]) -> None:
        """Take what was counted of these objects before away, and count them anew."""
        for stix_id in found:
            if old := self._spots.pop(stix_id, None):
                self._count(old, -1)
        ids = [each for each, places in found.items() if places]
        seen = _seen(tx, [each for each in ids if type_of(each) in DATED])
        for stix_id, versions in objects.versions_of(tx, OURS, ids).items():
            first = min(versions, key=lambda each: each.seq)
            if any(each.latest and each.revoked for each in versions):
                continue
            arrived = first.arrived_at // _DAY
            made = first.created_at
            created = arrived if made is None else made // _DAY
            spot = _Spot(first.type, created, arrived, seen.get(stix_id), found[stix_id])
            self._spots[stix_id] = spot
            self._count(spot, 1)

    def _count(self, spot: _Spot, by: int) -> None:
        for relation, country in spot.places:
            cell = (country, spot.type, spot.created, spot.arrived, spot.seen)
            cube = self._cube[relation]
            cube[cell] += by
            if not cube[cell]:
                del cube[cell]


def _is(type_: str, chosen: Chosen) -> bool:
    return chosen.type is None or chosen.type == type_


def _within(day: int | None, chosen: Chosen) -> bool:
    """Whether a day is within the chosen ones; what has none is only where nothing limits."""
    if day is None:
        return chosen.first is None and chosen.last is None
    after = chosen.first is None or day >= chosen.first
    return after and (chosen.last is None or day <= chosen.last)


def _revoked(held: Held, places: Places, ids: Iterable[str]) -> set[str]:
    """What is revoked of all that shows where objects are."""
    shown = {one for each in ids for place in places.of(each) for one in place.shown_by}
    return {each for each, version in held.latest(shown).items() if version.revoked}


def _shown(places: Iterable[Place], revoked: set[str]) -> frozenset[tuple[str, str]]:
    """The relations and countries that nothing revoked has a part in showing."""
    return frozenset(
        (each.relation, each.country)
        for each in places
        if each.relation and revoked.isdisjoint(each.shown_by)
    )


class _Seen(msgspec.Struct):
    first_seen: str | None = None
    first_observed: str | None = None


def _seen(tx: Tx, ids: Iterable[str]) -> dict[str, int]:
    """The day on which objects were first seen, of those that say so."""
    latest = objects.latest(tx, OURS, ids)
    raws = objects.raw_of(tx, [each.seq for each in latest.values()])
    found = {}
    for stix_id, version in latest.items():
        try:
            said = msgspec.json.decode(raws[version.seq], type=_Seen)
            text = said.first_seen or said.first_observed
            if text is not None:
                found[stix_id] = parse_timestamp(text) // _DAY
        except (InputError, msgspec.DecodeError):
            continue
    return found


# --------------------------------------------------------------------------------------- keeping

_shown_now: "WeakKeyDictionary[Store, Chart]" = WeakKeyDictionary()
_growing: "WeakKeyDictionary[Store, Chart]" = WeakKeyDictionary()
_locks: "WeakKeyDictionary[Store, threading.Lock]" = WeakKeyDictionary()


def chart(store: Store, *, now: int) -> Chart:
    """Return what is counted of our objects, brought up to date as far as a page can wait for it.

    Where more came, a thread counts on; `done` and `upto` say so.
    """
    lock = _locks.setdefault(store, threading.Lock())
    shown = _shown_now.get(store)
    if not lock.acquire(blocking=shown is None):
        return shown or Chart(now)  # the thread is at it
    try:
        old = shown is None or now - shown.begun_at > _ANEW
        found = _growing.get(store) or (Chart(now) if old else shown) or Chart(now)
        _count_on(store, found, _AT_ONCE)
        if not found.done and store not in _growing:
            _growing[store] = found
            threading.Thread(target=_finish, args=(store, found), daemon=True).start()
        if found.done or shown is None:
            _shown_now[store] = found
        return _shown_now[store]
    finally:
        lock.release()


def _count_on(store: Store, counted: Chart, most: int) -> None:
    with store.read() as tx:
        counted.end = charting.last(tx)
        stop = min(counted.end, counted.upto + most)
        while counted.upto < stop:
            counted.add(tx, min(counted.upto + _PART, stop))


def _finish(store: Store, counted: Chart) -> None:
    """Count all that is left, part by part, so that pages come in between."""
    try:
        while not counted.done:
            with _locks[store]:
                _count_on(store, counted, _PART)
        _shown_now[store] = counted
    except StoreError:
        return  # who asks next goes on
    finally:
        _growing.pop(store, None)
