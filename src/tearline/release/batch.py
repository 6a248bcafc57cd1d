"""Decide a batch of objects under one agreement: first the objects, then what speaks of them.

Phase one asks what would go but for *about*; phase two finds the paths over what passed. Then
edges go if their ends go, notes only where all they refer to goes, containers where something
they hold goes. The same code decides a small neighbourhood, everything held, and what a partner
sent: only the ids differ.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from tearline.release.concern import Decided
from tearline.release.decide import decide, needs_people, passes_but_for_about
from tearline.release.facts import Attestations, Known, gather
from tearline.release.reviewing import Reviewed
from tearline.release.rules import GOES, STAYS, WAITS, Clause, Facts, Rules
from tearline.topics import about
from tearline.topics.about import Path
from tearline.topics.topic import EDGE_REFS, HOLDERS, depends, type_of

_BY_OUTCOME: Mapping[str, int] = {"release": GOES, "wait": WAITS, "withhold": STAYS}


class Paths(NamedTuple):
    """The paths of one object by clause: over what passes, else over what waits as well."""

    open: dict[str, Path]
    waiting: dict[str, Path]


_NONE = Paths({}, {})


class Before(NamedTuple):
    """What stands on an object before the batch: its outcome, and the clause of a live release."""

    outcome: str = "withhold"
    delivered: str = ""


class Scene(NamedTuple):
    """How and when a batch is decided: by which rules, with what known before.

    `before` answers for ids of which something stands. A receiver gives what was `attested`, and
    by clause the objects that the giver has `named` as the topic and whose id was cut. `reviewed`
    answers what people said of objects that they were asked about.
    """

    rules: Rules
    now: int
    before: Callable[[Iterable[str]], Mapping[str, Before]]
    attested: Attestations | None = None
    uncuttable: frozenset[str] = frozenset()
    named: Mapping[str, Mapping[str, str]] = {}
    reviewed: Callable[[Iterable[str]], Mapping[str, Reviewed]] = lambda _ids: {}


_UNKNOWN = Before()


class Batch:
    """The decisions of one batch, as they are taken; `decided` has them by id."""

    def __init__(self, known: Known, scene: Scene, *, whole: bool = False) -> None:
        """Prepare to decide; with `whole`, the graph is read at once instead of by need."""
        self._known = known
        self._scene = scene
        self._starts: dict[str, dict[str, str]] = {}
        self._facts: dict[str, Facts] = {}
        self._before: dict[str, Before] = {}
        self.graph = about.Graph(known, whole=whole)
        self.decided: dict[str, Decided] = {}

    def objects(self, ids: Iterable[str]) -> None:
        """Decide what does not depend on the outcome of others: all but edges and containers."""
        wanted = {each for each in ids if not depends(each)}
        paths = self.paths(wanted)
        for stix_id in sorted(wanted & self._facts.keys()):
            self._settle(stix_id, paths[stix_id], GOES)

    def edges(self, ids: Iterable[str]) -> None:
        """Decide what goes only where others go: relationships, sightings, notes, containers."""
        wanted = {each for each in ids if depends(each)}
        needs = self._needs(wanted)
        holders = {each for each in needs if type_of(each) in HOLDERS}
        paths = self.paths(holders)
        for stix_id in sorted(holders):
            goes = any(self._fate(each) == GOES for each in needs[stix_id])
            self._settle(stix_id, paths[stix_id], GOES if goes else STAYS)
        ordered, circles = _in_order({each: needs[each] for each in needs.keys() - holders})
        from_ids = self._carried_from(needs.keys() - holders)
        for stix_id in ordered:
            ends = max((self._fate(each) for each in needs[stix_id]), default=STAYS)
            begins = from_ids.get(stix_id)
            carries = begins is not None and self._fate(begins) != STAYS
            self._settle(stix_id, _NONE, ends, carries=carries)
        for stix_id in circles:
            self._settle(stix_id, _NONE, STAYS)

    def _carried_from(self, ids: set[str]) -> dict[str, str]:
        """For each relationship by which *about* goes on, the object from which it does."""
        relations = self._known.relations_via(ids)
        moves = [about.move_by(each) for each in relations]
        return {move.via_id: move.from_id for move in moves if move is not None}

    def paths(self, ids: set[str]) -> dict[str, Paths]:
        """The paths of `ids`, for each clause under which there is one.

        Where there is none, one that would be there if what waits were approved.
        """
        found = {each: Paths({}, {}) for each in ids}
        if not ids:
            return found
        self._load(ids)
        for clause in self._scene.rules.clauses:
            if clause.any_topic or not clause.complete:
                continue
            finder = self._finder(clause, if_approved=False)
            self._load(finder.load(ids, clause.reach))
            for stix_id in ids:
                path = finder.path(stix_id, clause.reach)
                if path is not None:
                    found[stix_id].open[clause.id] = path
            if any(needs_people(each) for each in self._facts.values()):
                later = self._finder(clause, if_approved=True)
                for stix_id in ids:
                    path = later.path(stix_id, clause.reach)
                    if path is not None and clause.id not in found[stix_id].open:
                        found[stix_id].waiting[clause.id] = path
        return found

    def starts(self, clause: Clause) -> dict[str, str]:
        """The objects that are a clause's topics, and how each was recognised."""
        if clause.id not in self._starts:
            found = about.starts(self._known, clause.keys, clause.stix_ids)
            self._starts[clause.id] = {**self._scene.named.get(clause.id, {}), **found}
        return self._starts[clause.id]

    def _finder(self, clause: Clause, *, if_approved: bool) -> about.Finder:
        known: dict[str, bool] = {}

        def passes(stix_id: str) -> bool:
            if stix_id not in known:
                facts = self._facts.get(stix_id)
                known[stix_id] = facts is not None and passes_but_for_about(
                    self._scene.rules, clause, facts, if_approved=if_approved
                )
            return known[stix_id]

        return about.Finder(self.graph, self.starts(clause), members=clause.members, passes=passes)

    def _load(self, ids: Iterable[str]) -> None:
        missing = {each for each in ids if each not in self._facts}
        if not missing:
            return
        scene = self._scene
        self._before.update(scene.before({each for each in missing if each not in self._before}))
        found = gather(
            self._known,
            missing,
            scene.now,
            delivered={each: b.delivered for each, b in self._before.items() if b.delivered},
            attested=scene.attested,
            added=scene.rules.added,
        )
        self._facts.update(found)
        for each, its in scene.reviewed(found).items():
            self._facts[each] = its.beside(found[each])

    def _needs(self, ids: set[str]) -> dict[str, list[str]]:
        """For each edge or container that is held, the objects on whose outcome it depends."""
        self._load(ids)
        needs: dict[str, list[str]] = {each: [] for each in sorted(ids & self._facts.keys())}
        for each in self._known.references_of(needs):
            type_ = type_of(each.from_id)
            if type_ in HOLDERS:
                if each.role == "object_refs" and not depends(each.to_id):
                    needs[each.from_id].append(each.to_id)
            elif each.role in EDGE_REFS[type_]:
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
            ends=ends,
            uncuttable=stix_id in self._scene.uncuttable,
        )
        decision = decide(self._scene.rules, facts)
        path = None
        if paths is not _NONE:
            clause = decision.clause or ""
            path = paths.open.get(clause) or paths.waiting.get(clause)
        self.decided[stix_id] = Decided(facts, decision, path, carries)

    def _fate(self, stix_id: str) -> int:
        if stix_id in self.decided:
            return _BY_OUTCOME[self.decided[stix_id].decision.outcome]
        return _BY_OUTCOME[self._before.get(stix_id, _UNKNOWN).outcome]


def _in_order(needs: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    """Edges after all edges that they need; and those in or behind a circle, which can never go."""
    open_needs = {each: {n for n in below if n in needs} for each, below in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for each, below in open_needs.items():
        for need in below:
            needed_by.setdefault(need, []).append(each)
    ordered = [each for each, below in open_needs.items() if not below]
    for done in ordered:
        for each in needed_by.get(done, ()):
            open_needs[each].discard(done)
            if not open_needs[each]:
                ordered.append(each)
    return ordered, [each for each, below in open_needs.items() if below]
