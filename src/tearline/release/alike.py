"""Decide everything held at once: objects that no decision can tell apart are decided once.

What is held is read in one sweep, and falls into *kinds*: objects of one kind have the same facts
but for their ids, their moments and what ties them to others. The facts of a kind are those of one
object of it, gathered as always. How paths are found and what goes with what is `Batch`'s; here
only the answers of `decide` are used again, for all that is of one kind and tied in the same way.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from tearline.release.batch import _NONE, Batch, Paths, Scene
from tearline.release.concern import Decided
from tearline.release.decide import decide
from tearline.release.facts import Known
from tearline.release.origin import AGREEMENT
from tearline.release.rules import GOES, STAYS
from tearline.stix import marking
from tearline.store import sweeping
from tearline.store.objects import OURS
from tearline.topics.topic import depends

_AT_ONCE = 50_000
"""How many objects have their paths in memory at once."""

Tell: TypeAlias = Callable[[int, int | None], None]
"""Is told how many objects are done, and of how many."""

_Tie = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int, bool]


class Group(NamedTuple):
    """Objects with one answer: what was decided, how their path starts, and where they are from."""

    decided: Decided
    start: str
    source: str


class Kinds(NamedTuple):
    """Of what kind each near object is, whence each kind is, and how many others are of it."""

    of: dict[str, str]
    sources: dict[str, str]
    strange: Counter[str]


class Alike(Batch):
    """A batch over everything held that decides each kind once.

    `near` are the objects for which paths are looked for, None for all; nothing ties the others to
    a topic, nor to what goes. What is `alone` is like nothing else: of it the scene knows more.
    """

    def __init__(
        self,
        known: Known,
        scene: Scene,
        near: set[str] | None,
        *,
        alone: Collection[str] = (),
        held: int = 0,
        tell: Tell | None = None,
    ) -> None:
        """Sweep what is held, about so many objects; nothing is decided yet."""
        super().__init__(known, scene)
        self._answers: dict[tuple[str, _Tie], Decided] = {}
        self._counted: Counter[tuple[str, _Tie, str]] = Counter()
        self._held = held
        odd = frozenset({*alone, *self._named_ids()})
        ages = tuple(
            sorted({scene.now - e.max_age for e in scene.rules.clauses if e.max_age is not None})
        )
        among = None if near is None else frozenset(near)
        key = ("kinds", ages, scene.now, odd, bool(scene.rules.added), among)
        self._kinds = known.once(key, lambda: self._sweep(ages, near, odd, tell))

    def decide_all(self, tell: Tell | None = None) -> None:
        """Decide everything: near objects, edges, then all others by their kinds."""
        near = list(self._kinds.of)
        for begin in range(0, len(near), _AT_ONCE):
            self.objects(near[begin : begin + _AT_ONCE])
            if tell is not None:
                tell(self._held + begin, self._held + 2 * len(near))
        self.edges(near)
        super()._load(self._kinds.strange)
        for kind, number in self._kinds.strange.items():
            tie = _tie(_NONE, STAYS if depends(kind) else GOES, carries=False)
            self._answer(kind, _NONE, tie)
            self._counted[kind, tie, ""] += number

    def groups(self) -> Iterable[tuple[Group, int]]:
        """What was decided, and of how many objects each."""
        for (kind, tie, start), number in self._counted.items():
            yield Group(self._answers[kind, tie], start, self._kinds.sources[kind]), number

    def _sweep(
        self, ages: Sequence[int], near: set[str] | None, alone: frozenset[str], tell: Tell | None
    ) -> Kinds:
        """Read everything, and say of what kind each is."""
        found = Kinds({}, {}, Counter())
        added = self._scene.rules.added
        odd = self.known.all_victims() | alone
        kinds: dict[tuple[object, ...], str] = {}
        swept = 0
        for rows in sweeping.rows(self.known.tx, OURS, ages, self._scene.now):
            if tell is not None:
                swept += len(rows)
                tell(swept, self._held + 2 * len(near or ()))
            for row in rows:
                stix_id = row[0]
                key = row[2:]
                # What markings in objects of their own say, and added categories, only bytes tell;
                # of what a partner gave, its slip.
                if row[1] == marking.UNKNOWN or added or row[2].startswith(AGREEMENT):
                    key = (stix_id,)
                elif stix_id in odd:
                    key = (stix_id,) if stix_id in alone else (*key, "victim")
                kind = kinds.get(key)
                if kind is None:
                    kind = kinds[key] = stix_id
                    found.sources[kind] = row[2]
                if near is None or stix_id in near:
                    found.of[stix_id] = kind
                else:
                    found.strange[kind] += 1
        return found

    def _named_ids(self) -> set[str]:
        """What a hold names, or a clause as what it never gives."""
        clauses = self._scene.rules.clauses
        return self.known.held_back().union(*(self._kept_back(each) for each in clauses))

    def _load(self, ids: Iterable[str]) -> None:
        kinds = {
            each: kind
            for each in ids
            if each not in self._facts and (kind := self._kinds.of.get(each)) is not None
        }
        super()._load(set(kinds.values()))
        self._facts.update({each: self._facts[kind] for each, kind in kinds.items()})

    def _settle(self, stix_id: str, paths: Paths, ends: int, *, carries: bool = False) -> None:
        kind = self._kinds.of[stix_id]
        tie = _tie(paths, ends, carries=carries)
        decided = self._answers.get((kind, tie)) or self._answer(kind, paths, tie)
        self.decided[stix_id] = decided
        clause = decided.decision.clause or ""
        path = paths.open.get(clause) or paths.waiting.get(clause)
        self._counted[kind, tie, path.start if path else ""] += 1

    def _answer(self, kind: str, paths: Paths, tie: _Tie) -> Decided:
        facts = msgspec.structs.replace(
            self._facts[kind],
            about={clause: path.ids for clause, path in paths.open.items()},
            about_waiting={clause: path.ids for clause, path in paths.waiting.items()},
            countries=paths.countries,
            ends=tie[3],
        )
        decided = Decided(facts, decide(self._scene.rules, facts), None, tie[4])
        self._answers[kind, tie] = decided
        return decided


def _tie(paths: Paths, ends: int, *, carries: bool) -> _Tie:
    return tuple(paths.open), tuple(paths.waiting), tuple(paths.countries), ends, carries
