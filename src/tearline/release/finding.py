"""Look through what is held: filtered, searched, counted, and from any place on.

Lists hold what was sorted in (`listing`). What came a moment ago is read as it stands, so that it
is never missing: the `FRESH` newest versions. How many lie between is told.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import NamedTuple

from tearline.release import listing
from tearline.stix.words import RECIPE, holds, mark_of, sought
from tearline.store import listed, objects, searched
from tearline.store.database import Tx
from tearline.store.listed import Kind, Kinds
from tearline.store.objects import OURS, Version

FRESH = 300
"""How many of the newest versions are read as they stand where they are not sorted in."""
COUNTED = 10_000
"""How many hits of a search are counted."""
_LOOKED_AT = 20_000
"""How many hits one page of a search looks at for those that pass the other filters."""
_HITS = 1_000
_WHOLE = 10
_SINGLE = ("type", "source", "marking", "grade", "revoked")
FACETS = ("origin", *_SINGLE)
"""The properties by which what is found is counted."""


class Wanted(NamedTuple):
    """What is to be found; None leaves a property open. `origins` says whose: ours by default.

    Marking and grade are those that count: ours beside an object, else its own.
    """

    words: str = ""
    origins: frozenset[str] = frozenset({OURS})
    type: str | None = None
    source: str | None = None
    marking: int | None = None
    grade: int | None = None
    revoked: bool | None = None
    since_at: int | None = None


class Found(NamedTuple):
    """One part of a list: versions with their origins, the newest first.

    `at` is the place of the first and `number` how many there are in all; both None in a search.
    `whole` are those whose value or name is just what was asked for; they come before all others.
    `next` is the number of a version before which the list goes on. `behind` is how many more may
    be held that were not looked at.
    """

    rows: list[tuple[str, Version]]
    whole: list[tuple[str, Version]]
    at: int | None
    number: int | None
    next: int | None
    behind: int


class Facet(NamedTuple):
    """How many have one value of a property, with all other filters; `more`: at least so many."""

    value: str | int | bool
    number: int
    more: bool = False


class Counts(NamedTuple):
    """How many there are, in all and by property; `since` by the moments that were asked about."""

    number: int
    more: bool
    facets: dict[str, list[Facet]]
    since: list[Facet]
    behind: int


Sight = Callable[[Kind], bool]
"""What a viewer may see, by what objects share. Every list, count and search passes through it."""


def everything(_kind: Kind) -> bool:
    """See all that the node holds: so does everybody of our own today."""
    return True


class _Scene:
    """What one reading looks at: the kinds that fit, where it begins, and what is fresh."""

    def __init__(self, tx: Tx, wanted: Wanted, sight: Sight) -> None:
        self.tx, self.wanted, self.sight = tx, wanted, sight
        self.kinds = listed.kinds(tx)
        self.asked = sought(wanted.words)
        self.searches = bool(wanted.words.strip())
        self.narrow = self.asked
        if wanted.type is not None:
            self.narrow = self.asked._replace(marks=(mark_of(wanted.type),))
        self.low = 0 if wanted.since_at is None else objects.first_since(tx, wanted.since_at)
        upto = listed.SORTED_IN.upto(tx, RECIPE)
        newer = objects.after(tx, upto, FRESH, newest=True)
        self.behind = newer[-1][1].seq - upto - 1 if len(newer) == FRESH else 0
        self._newer = [each for each in newer if each[1].latest]
        self.fresh_kinds = listing.kinds_of(tx, self._newer)
        self.fresh = self.fit_fresh()

    def unlimited(self) -> "_Scene":
        """The same scene from the beginning of time on."""
        if self.wanted.since_at is None:
            return self
        found = copy(self)
        found.wanted, found.low = self.wanted._replace(since_at=None), 0
        found.fresh = found.fit_fresh()
        return found

    def fit_fresh(self) -> list[tuple[str, Version]]:
        """What came a moment ago, within the time and with the words that are wanted."""
        found = [each for each in self._newer if each[1].seq >= self.low]
        if self.searches and found:
            words = listing.documents(self.tx, [each.seq for _, each in found])
            found = [each for each in found if holds(words[each[1].seq], self.asked)]
        return found

    def fits(self, kind: Kind, but: str = "") -> bool:
        """Whether a kind passes, and has all that is wanted `but` for one property."""
        return (
            self.sight(kind)
            and (but == "origin" or kind.origin in self.wanted.origins)
            and all(
                name == but or getattr(self.wanted, name) in {None, getattr(kind, name)}
                for name in _SINGLE
            )
        )

    def wanted_kinds(self) -> Kinds:
        """The numbers of the kinds that fit; None where that is every one."""
        found = {number for number, kind in self.kinds.items() if self.fits(kind)}
        return None if len(found) == len(self.kinds) else found

    def wanted_fresh(self) -> list[tuple[str, Version]]:
        """What came a moment ago and fits, the newest first."""
        return [each for each in self.fresh if self.fits(self.fresh_kinds[each[1].seq])]


def find(  # what a list can be asked for
    tx: Tx,
    wanted: Wanted,
    sight: Sight,
    *,
    at: int = 0,
    before: int | None = None,
    limit: int,
) -> Found:
    """Return a part of a list: from a place on, or what came before a version of this number."""
    scene = _Scene(tx, wanted, sight)
    if scene.searches:
        return _search(scene, before, limit)
    of, fresh = scene.wanted_kinds(), scene.wanted_fresh()
    counted = listed.stretches(tx, of, scene.low)
    number = len(fresh) + sum(each for _, each in counted)
    if before is not None:
        at = sum(each.seq >= before for _, each in fresh)
        at += listed.place(tx, of, counted, before, scene.low) if at == len(fresh) else 0
    rows = fresh[at : at + limit]
    place = max(at - len(fresh), 0)
    seqs = listed.page(tx, of, counted, place, limit - len(rows), scene.low)
    rows = [*rows, *_versions(tx, seqs)]
    last = seqs[-1] if seqs else rows[-1][1].seq if rows else None
    more = last is not None and at + limit < number
    return Found(rows, [], at, number, last if more else None, scene.behind)


def _search(scene: _Scene, before: int | None, limit: int) -> Found:
    high = 2**62 if before is None else before
    whole = _whole(scene) if before is None else []
    shown = {each.seq for _, each in whole}
    rows = [e for e in scene.wanted_fresh() if e[1].seq < high and e[1].seq not in shown]
    seqs: list[int] = []
    passing = _passing(scene)
    looked, following = 0, high
    while len(rows) + len(seqs) <= limit and looked < _LOOKED_AT:
        size = min(_HITS, 2 * limit) if passing is None else _HITS
        hits = searched.find(scene.tx, scene.narrow, limit=size, before=following, low=scene.low)
        looked += len(hits)
        seqs += [each for each in _of(scene.tx, hits, passing) if each not in shown]
        if len(hits) < size:
            following = 0
            break
        following = hits[-1]
    rows = [*rows, *_versions(scene.tx, seqs[: limit + 1 - len(rows)])]
    if len(rows) > limit:
        following = rows[limit - 1][1].seq
    return Found(rows[:limit], whole, None, None, following or None, scene.behind)


def _whole(scene: _Scene) -> list[tuple[str, Version]]:
    hits = searched.find(scene.tx, scene.narrow, limit=_HITS, low=scene.low, whole=True)
    return _versions(scene.tx, _of(scene.tx, hits, _passing(scene))[:_WHOLE])


def _passing(scene: _Scene) -> set[int] | None:
    of = scene.wanted_kinds()
    return None if of is None else set(of)


def _of(tx: Tx, seqs: Sequence[int], passing: set[int] | None) -> list[int]:
    if passing is None or not seqs:
        return list(seqs)
    kinds = listed.of_kinds(tx, seqs)
    return [each for each in seqs if kinds.get(each) in passing]


def _versions(tx: Tx, seqs: Sequence[int]) -> list[tuple[str, Version]]:
    found = objects.numbered(tx, seqs)
    return [found[each] for each in seqs if each in found and found[each][1].latest]


def count(tx: Tx, wanted: Wanted, sight: Sight, moments: Iterable[int] = ()) -> Counts:
    """Count what is wanted, in all, by each property, and since each of some moments.

    By property all other filters count. Exact, but for a search: of that the last `COUNTED` hits
    are counted, and `more` says so.
    """
    scene = _Scene(tx, wanted, sight)
    if scene.searches:
        return _count_hits(scene, list(moments))
    return _counted(scene, list(moments))


def count_both(tx: Tx, wanted: Wanted, sight: Sight) -> tuple[Counts, Counts]:
    """Count what is wanted and not searched for, since its moment, and whenever it came."""
    scene = _Scene(tx, wanted, sight)
    return _counted(scene, []), _counted(scene.unlimited(), [])


def _counted(scene: _Scene, asked: list[int]) -> Counts:
    tx, sums = scene.tx, _sums(scene, scene.low)
    facets = {each: _facets(scene, sums, each) for each in FACETS}
    since = []
    open_ended = scene.unlimited() if asked else scene
    for at in asked:
        low = objects.first_since(tx, at)
        since.append(Facet(at, _fitting(scene, _sums(open_ended, low))))
    number = _fitting(scene, sums)
    return Counts(number, False, facets, since, scene.behind)  # noqa: FBT003  # a value


def _sums(scene: _Scene, low: int) -> Counter[Kind]:
    found: Counter[Kind] = Counter()
    for number, total in listed.totals(scene.tx, low).items():
        found[scene.kinds[number]] += total
    found.update(scene.fresh_kinds[each.seq] for _, each in scene.fresh if each.seq >= low)
    return found


def _facets(scene: _Scene, sums: Counter[Kind], name: str, *, more: bool = False) -> list[Facet]:
    found: Counter[str | int | bool] = Counter()
    for kind, number in sums.items():
        if scene.fits(kind, but=name):
            found[getattr(kind, name)] += number
    ordered = sorted(found.items(), key=lambda each: (-each[1], str(each[0])))
    return [Facet(value, number, more) for value, number in ordered]


def _count_hits(scene: _Scene, moments: list[int]) -> Counts:
    open_ended = scene.unlimited()
    hits = searched.kinds(scene.tx, scene.asked, COUNTED + 1)
    more = len(hits) > COUNTED
    late = [(each.seq, open_ended.fresh_kinds[each.seq]) for _, each in open_ended.fresh]

    def sums_from(low: int) -> Counter[Kind]:
        counted = Counter(kind for seq, kind in hits[:COUNTED] if seq >= low)
        found = Counter({scene.kinds[kind]: number for kind, number in counted.items()})
        found.update(kind for seq, kind in late if seq >= low)
        return found

    sums = sums_from(scene.low)
    facets = {each: _facets(scene, sums, each, more=more) for each in FACETS}
    lows = ((at, objects.first_since(scene.tx, at)) for at in moments)
    since = [Facet(at, _fitting(scene, sums_from(low)), more) for at, low in lows]
    return Counts(_fitting(scene, sums), more, facets, since, scene.behind)


def _fitting(scene: _Scene, sums: Counter[Kind]) -> int:
    return sum(number for kind, number in sums.items() if scene.fits(kind))
