"""Decide a batch of objects under one agreement: first the objects, then what speaks of them.

Phase one asks what would go but for *about*; phase two finds the paths over what passed. Then
edges go if their ends go, notes only where all they refer to goes, containers where something
they hold goes, be it a note: each has its turn after what it hangs on. The same code decides a
small neighbourhood, everything held, and what a partner sent: only the ids differ.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import msgspec

from tearline.release.answering import speaks
from tearline.release.concern import Decided
from tearline.release.countries import Shown
from tearline.release.decide import decide, needs_people, passes_but_for_about
from tearline.release.facts import Attestations, Known, gather
from tearline.release.hanging import holds_some, in_turn, is_need
from tearline.release.keeping import with_end
from tearline.release.reviewing import Reviewed
from tearline.release.rules import GOES, STAYS, WAITS, Clause, Facts, Rules
from tearline.topics import about, between
from tearline.topics.about import Path
from tearline.topics.places import Places, placed_by
from tearline.topics.topic import EDGE_REFS, depends, type_of

_BY_OUTCOME: Mapping[str, int] = {"release": GOES, "wait": WAITS, "withhold": STAYS}


class Paths(NamedTuple):
    """The paths of one object by clause: over what passes, else over what waits as well.

    `countries` has what shows that it keeps to those of a clause.
    """

    open: dict[str, Path]
    waiting: dict[str, Path]
    countries: dict[str, tuple[str, ...]]


_NONE = Paths({}, {}, {})
_Finder: TypeAlias = about.Finder | between.Between


class Before(NamedTuple):
    """What stands on an object before the batch: its outcome, and the clause of a live release.

    `spent` where the quota of this day did not reach for it.
    """

    outcome: str = "withhold"
    delivered: str = ""
    spent: bool = False


class Scene(NamedTuple):
    """How and when a batch is decided: by which rules, with what known before.

    `before` answers for ids of which something stands. A receiver gives what was `attested`, and
    by clause the objects that the giver has `named` as the topic and whose id was cut. `reviewed`
    answers what people said of objects that they were asked about, `given` when the latest version
    of each was first released. Where the agreement is `limited` to a number a day, `spent` are
    those for which it does not reach. `theirs` are what the receiver gave: what
    speaks of it may name it to him.
    """

    rules: Rules
    now: int
    before: Callable[[Iterable[str]], Mapping[str, Before]]
    attested: Attestations | None = None
    uncuttable: frozenset[str] = frozenset()
    spent: frozenset[str] = frozenset()
    limited: bool = False
    named: Mapping[str, Mapping[str, str]] = {}
    reviewed: Callable[[Iterable[str]], Mapping[str, Reviewed]] = lambda _ids: {}
    given: Callable[[Iterable[str]], Mapping[str, int]] = lambda _ids: {}
    theirs: Callable[[Iterable[str]], Collection[str]] = lambda _ids: ()


_UNKNOWN = Before()


class Batch:
    """The decisions of one batch, as they are taken; `decided` has them by id.

    They are taken in the order in which ids are given, which changes none of them: by who asks for
    everything, in the order in which it was read, for that lies together in memory.
    """

    def __init__(self, known: Known, scene: Scene, *, whole: bool = False) -> None:
        """Prepare to decide; with `whole`, the graph is read at once instead of by need."""
        self.known = known
        self._scene = scene
        self._starts: dict[str, dict[str, str]] = {}
        self._facts: dict[str, Facts] = {}
        self._before: dict[str, Before] = {}
        self._ends: dict[tuple[str, int], between.Ends] = {}
        self._never: dict[str, set[str]] = {}
        self._places = Places(known)
        self._theirs: set[str] = set()
        self.graph = about.Graph(known, whole=whole)
        self.decided: dict[str, Decided] = {}

    def objects(self, ids: Iterable[str]) -> None:
        """Decide what does not depend on the outcome of others: all but edges and containers."""
        wanted = [each for each in ids if not depends(each)]
        paths = self.paths(wanted)
        halves = [ends for clause in self._scene.rules.clauses for ends in self.ends(clause)]
        for stix_id in wanted:
            if stix_id not in self._facts:
                continue
            own = any(stix_id in end for ends in halves for end in ends)
            self._settle(stix_id, paths[stix_id], GOES, carries=own)

    def strangers(self, ids: Iterable[str]) -> None:
        """Decide what cannot be about a topic, nor speak of what goes, without looking for it."""
        self._load(ids)
        for stix_id in ids:
            if stix_id in self._facts:
                self._settle(stix_id, _NONE, STAYS if depends(stix_id) else GOES)

    def edges(self, ids: Iterable[str]) -> None:
        """Decide what goes only where others go: relationships, sightings, notes, containers."""
        needs = self._needs([each for each in ids if depends(each)])
        paths = self.paths([each for each in needs if holds_some(each)])
        edges = needs.keys() - paths.keys()
        spoken_of = {n for each in edges if speaks(each) for n in needs[each]}
        if spoken_of:
            self._theirs |= set(self._scene.theirs(spoken_of))
        from_ids = self._carried_from(edges)
        circles = dict.fromkeys(needs)
        for stix_id in in_turn(needs, lambda each: self._fate(each) == GOES):
            del circles[stix_id]
            begins = from_ids.get(stix_id)
            carries = begins is not None and self._fate(begins) != STAYS
            ends = self._ends_of(stix_id, needs[stix_id])
            self._settle(stix_id, paths.get(stix_id, _NONE), ends, carries=carries)
        for stix_id in circles:
            self._settle(stix_id, paths.get(stix_id, _NONE), STAYS)

    def _ends_of(self, stix_id: str, below: Iterable[str]) -> int:
        """What becomes of what an edge or a container hangs on, as far as it does."""
        if holds_some(stix_id):
            return GOES if any(self._fate(each) == GOES for each in below) else STAYS
        return max((self._end(stix_id, each) for each in below), default=STAYS)

    def _carried_from(self, ids: Iterable[str]) -> dict[str, str]:
        """For each relationship by which *about* goes on, the object from which it does."""
        relations = self.known.relations_via(ids)
        moves = [about.move_by(each) for each in relations]
        return {move.via_id: move.from_id for move in moves if move is not None}

    def paths(self, ids: Collection[str]) -> dict[str, Paths]:
        """The paths of `ids`, for each clause under which there is one.

        Where there is none, one that would be there if what waits were approved.
        """
        found = {each: Paths({}, {}, {}) for each in ids}
        if not ids:
            return found
        self._load(ids)
        self._find_all(found, loose=False)
        if self._scene.limited and any(map(self._is_spent, self._facts)):
            # What has no path over what goes today may have one over what goes another day.
            rest = {each: its for each, its in found.items() if not self._is_found(its)}
            self._find_all(rest, loose=True)
        return found

    def _find_all(self, found: dict[str, Paths], *, loose: bool) -> None:
        for clause in self._scene.rules.clauses:
            if clause.complete and not clause.any_topic:
                self._find(clause, found, loose=loose)
            elif clause.complete and clause.countries:
                self._see(clause, set(found))
                shown = self._shown(clause, if_approved=False, loose=loose)
                self._show(clause, shown, dict.fromkeys(found), found)

    def _is_found(self, its: Paths) -> bool:
        """Whether there is all that some clause asks for of topic and countries."""
        return any(
            (each.any_topic or each.id in its.open)
            and (not each.countries or each.id in its.countries)
            for each in self._scene.rules.clauses
        )

    def _is_spent(self, stix_id: str) -> bool:
        """Whether the quota of the day does not reach for an object: it leads nowhere today."""
        return stix_id in self._scene.spent or self._before.get(stix_id, _UNKNOWN).spent

    def _find(self, clause: Clause, found: dict[str, Paths], *, loose: bool) -> None:
        """Find the paths of one clause, and what shows the countries of what is about its topic."""
        finders = self._finders(clause, if_approved=False, loose=loose)
        for finder in finders:
            self._see(clause, finder.load(found, clause.reach))
        for stix_id, its in found.items():
            path = _first(finders, stix_id, clause.reach)
            if path is not None:
                its.open.setdefault(clause.id, path)
        if any(needs_people(each) for each in self._facts.values()):
            later = self._finders(clause, if_approved=True, loose=loose)
            for stix_id, its in found.items():
                path = _first(later, stix_id, clause.reach)
                if path is not None and clause.id not in its.open:
                    its.waiting.setdefault(clause.id, path)
        if clause.countries:
            for if_approved in (False, True):
                paths = {
                    each: path.steps
                    for each, its in found.items()
                    if (path := (its.waiting if if_approved else its.open).get(clause.id))
                }
                if paths:
                    shown = self._shown(clause, if_approved=if_approved, loose=loose)
                    self._show(clause, shown, paths, found)

    def _see(self, clause: Clause, ids: set[str]) -> None:
        """Load what paths lead over, and what shows the countries of it."""
        self._load(ids | self._places.load(ids) if clause.countries else ids)

    def _show(
        self,
        clause: Clause,
        shown: Shown,
        steps: Mapping[str, int | None],
        found: Mapping[str, Paths],
    ) -> None:
        for stix_id, number in steps.items():
            by = shown.by(stix_id, number)
            if by is not None:
                found[stix_id].countries.setdefault(clause.id, by)

    def starts(self, clause: Clause) -> dict[str, str]:
        """The objects that are a clause's topics, and how each was recognised."""
        if clause.id not in self._starts:
            found = about.starts(self.known, clause.keys, clause.stix_ids)
            named = self._scene.named.get(clause.id, {})
            self._starts[clause.id] = _own(named, clause.stix_ids) | found
        return self._starts[clause.id]

    def ends(self, clause: Clause) -> list[between.Ends]:
        """For each topic of a clause that is a relation: the own objects of its two threats."""
        for place, pair in enumerate(clause.pairs):
            if (clause.id, place) not in self._ends:
                named = self._scene.named.get(clause.id, {})
                first, second = (
                    about.starts(self.known, each.keys, each.stix_ids) | _own(named, each.stix_ids)
                    for each in pair
                )
                self._ends[clause.id, place] = (first, second)
        return [self._ends[clause.id, place] for place in range(len(clause.pairs))]

    def around(self, ids: set[str]) -> set[str]:
        """What else may be decided otherwise because of `ids`.

        Where countries count, what they place; and near the threats of a relation, both of them.
        """
        found: set[str] = set()
        for clause in self._scene.rules.clauses:
            if clause.countries:
                found |= placed_by(self.known, ids)
            own = {each for pair in self.ends(clause) for end in pair for each in end}
            if own and not own.isdisjoint(self._beside(ids)):
                found |= own
        return found

    def _beside(self, ids: set[str]) -> set[str]:
        """`ids`, and what a relationship ties to them or that they state."""
        stated = [*self.known.relations_via(ids), *self.known.relations_to(ids)]
        stated += self.known.relations_from(ids)
        return ids.union(*((each.source_id, each.target_id) for each in stated))

    def _finders(self, clause: Clause, *, if_approved: bool, loose: bool) -> list["_Finder"]:
        """What finds the paths of a clause: first to threats, then to relations between them."""
        passes = self._passes(clause, if_approved=if_approved, loose=loose)
        starts = self.starts(clause)
        found: list[_Finder] = [
            about.Finder(self.graph, starts, members=clause.members, passes=passes)
        ]
        found += (
            between.Between(self.known, self.graph, ends, passes=passes)
            for ends in self.ends(clause)
        )
        return found

    def _passes(
        self, clause: Clause, *, if_approved: bool, loose: bool
    ) -> Callable[[str, int], bool]:
        alone = self._alone(clause, if_approved=if_approved, loose=loose)
        if not clause.countries:
            return lambda stix_id, _: alone(stix_id)
        shown = Shown(clause, self._places, alone)
        return lambda stix_id, steps: (
            alone(stix_id)
            and (type_of(stix_id) in EDGE_REFS or shown.by(stix_id, steps) is not None)
        )

    def _shown(self, clause: Clause, *, if_approved: bool, loose: bool) -> Shown:
        alone = self._alone(clause, if_approved=if_approved, loose=loose)
        return Shown(clause, self._places, alone)

    def _alone(self, clause: Clause, *, if_approved: bool, loose: bool) -> Callable[[str], bool]:
        """What would go under a clause but for what becomes of others; `loose`: on some day."""
        strict = self._scene.limited and not loose
        known: dict[str, bool] = {}

        def passes(stix_id: str) -> bool:
            facts = self._facts.get(stix_id)
            if facts is None:
                return False
            if facts.id not in known:
                known[facts.id] = not (
                    strict and self._is_spent(facts.id)
                ) and passes_but_for_about(
                    self._scene.rules, clause, facts, if_approved=if_approved
                )
            return known[facts.id]

        return passes

    def _load(self, ids: Iterable[str]) -> None:
        missing = {each for each in ids if each not in self._facts}
        if not missing:
            return
        scene = self._scene
        self._before.update(scene.before({each for each in missing if each not in self._before}))
        found = gather(
            self.known,
            missing,
            scene.now,
            delivered={each: b.delivered for each, b in self._before.items() if b.delivered},
            attested=scene.attested,
            added=scene.rules.added,
        )
        if scene.rules.keep is not None:
            found |= with_end(found, scene.given(found), scene.rules.keep)
        self._facts.update(found)
        for each, its in scene.reviewed(found).items():
            self._facts[each] = its.beside(found[each])
        self._forbid(found)

    def _forbid(self, found: Mapping[str, Facts]) -> None:
        """Note which of the facts are of objects that a clause never gives."""
        against: dict[str, list[str]] = {}
        ours = self._scene.attested is None
        for clause in self._scene.rules.clauses:
            if not (clause.never_from or clause.never.keys or clause.never.stix_ids):
                continue
            for stix_id in self._kept_back(clause) & found.keys():
                against.setdefault(stix_id, []).append(clause.id)
            if ours:
                for stix_id, version in self.known.latest(found).items():
                    if version.source in clause.never_from:
                        against.setdefault(stix_id, []).append(clause.id)
        for stix_id, clauses in against.items():
            never = tuple(dict.fromkeys(clauses))
            self._facts[stix_id] = msgspec.structs.replace(self._facts[stix_id], never=never)

    def _kept_back(self, clause: Clause) -> set[str]:
        """All that a clause never gives: by key or id, and what an identity among it created."""
        if clause.id not in self._never:
            named = set(about.starts(self.known, clause.never.keys, clause.never.stix_ids))
            named |= clause.never.stix_ids
            authors = {each for each in named if type_of(each) == "identity"}
            made = self.known.references_to(authors)
            self._never[clause.id] = named | {
                each.from_id for each in made if each.role == "created_by_ref"
            }
        return self._never[clause.id]

    def _needs(self, ids: Collection[str]) -> dict[str, list[str]]:
        """For each edge or container that is held, the objects on whose outcome it depends."""
        self._load(ids)
        needs: dict[str, list[str]] = {each: [] for each in ids if each in self._facts}
        for each in self.known.spoken_of(needs):
            if is_need(each):
                needs[each.from_id].append(each.to_id)
        outside = {
            each
            for below in needs.values()
            for each in below
            if each not in self.decided and each not in self._before
        }
        if outside:
            self._before.update(self._scene.before(outside))
        return needs

    def _settle(self, stix_id: str, paths: Paths, ends: int, *, carries: bool = False) -> None:
        facts = msgspec.structs.replace(
            self._facts[stix_id],
            about={clause: path.ids for clause, path in paths.open.items()},
            about_waiting={clause: path.ids for clause, path in paths.waiting.items()},
            countries=paths.countries,
            places=self._named_places(stix_id) if paths is not _NONE else (),
            ends=ends,
            uncuttable=stix_id in self._scene.uncuttable,
            # What hangs on others that stay is told that, and not that its own turn did not come.
            spent=ends == GOES and stix_id in self._scene.spent,
        )
        decision = decide(self._scene.rules, facts)
        path = None
        if paths is not _NONE:
            clause = decision.clause or ""
            path = paths.open.get(clause) or paths.waiting.get(clause)
        self.decided[stix_id] = Decided(facts, decision, path, carries)

    def _named_places(self, stix_id: str) -> tuple[str, ...]:
        """The countries of an object in words, as far as any clause asks for them."""
        found = (f"{each.relation} {each.country}".strip() for each in self._places.of(stix_id))
        return tuple(dict.fromkeys(found))

    def _end(self, stix_id: str, end: str) -> int:
        """What becomes of an end of an edge, as far as the edge hangs on it."""
        return GOES if end in self._theirs and speaks(stix_id) else self._fate(end)

    def _fate(self, stix_id: str) -> int:
        if stix_id in self.decided:
            return _BY_OUTCOME[self.decided[stix_id].decision.outcome]
        return _BY_OUTCOME[self._before.get(stix_id, _UNKNOWN).outcome]


def _first(finders: Iterable[_Finder], stix_id: str, reach: int) -> Path | None:
    """The path by the first finder that has one."""
    return next((path for f in finders if (path := f.path(stix_id, reach)) is not None), None)


def _own(named: Mapping[str, str], stix_ids: Collection[str]) -> dict[str, str]:
    """Of what a giver names as a topic by its STIX id, what is one of these."""
    return {each: how for each, how in named.items() if how.removeprefix("stix:") in stix_ids}
