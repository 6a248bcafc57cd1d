"""What a reconcile would change, worked out without changing anything.

A plan decides the neighbourhood of what changed, finds what is cut differently because of it, and
says for each object what would stand afterwards. `reconcile` carries it out; with `whole`, the
neighbourhood is everything held.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from tearline.release import cut
from tearline.release.batch import Batch, Scene
from tearline.release.concern import Decided, concerns
from tearline.release.decide import Decision
from tearline.release.facts import Doc, Known
from tearline.release.reasons import Reason
from tearline.release.rules import FOREVER, Rules
from tearline.release.stood import Stood
from tearline.stix import canonical, marking
from tearline.stix.check import Checker
from tearline.store import objects, releases
from tearline.store.objects import OURS, Version
from tearline.store.releases import Standing
from tearline.topics.about import Path, led_to
from tearline.topics.topic import depends


class Ground(NamedTuple):
    """What a plan stands on: the agreement, its rules for what we give, and the moment.

    With `marks`, the receiver has no node and reads no slip: our marking goes in the bytes. `stood`
    has all that stood on the objects `asked` for before.
    """

    agreement_id: str
    rules: Rules
    secret: bytes
    now: int
    marks: bool = False
    asked: AbstractSet[str] = frozenset()
    stood: Mapping[str, Standing] = MappingProxyType({})


class Form(NamedTuple):
    """The form in which an object goes: its id there, and the cut version or None if uncut.

    `basis` is the same as long as the content is; a cut version has no `modified` of its own yet.
    """

    delivered_id: str
    basis: str
    doc: dict[str, Any] | None
    version: Version


class Way(NamedTuple):
    """A path as we know it and as the partner will see it: how it starts, our ids, their ids."""

    start: str
    ids: Sequence[str]
    theirs: Sequence[str]


class Planned(NamedTuple):
    """What would be the answer for one object, whether it stands, and the form it goes in.

    No decision stands on what does not concern the agreement. There is no form where bytes do not
    change. `way` is the path of what goes, as `standing` has it.
    """

    standing: Standing
    stands: bool
    decided: Decided | None
    form: Form | None
    way: Way | None


def plan(known: Known, ground: Ground, dirty: Iterable[str], *, whole: bool) -> dict[str, Planned]:
    """Work out what would stand on everything that the dirty objects can touch.

    An object that cannot be cut to valid STIX stays, and what hangs on it is decided again.
    """
    uncuttable: frozenset[str] = frozenset()
    while True:
        work = _Work(known, ground, uncuttable, whole=whole)
        work.decide(set(dirty))
        invalid = work.cut()
        if not invalid:
            return work.planned()
        uncuttable |= invalid


class _Work:
    """One attempt at a plan: decide, cut, and say what would stand."""

    def __init__(
        self, known: Known, ground: Ground, uncuttable: frozenset[str], *, whole: bool
    ) -> None:
        self._known = known
        self._ground = ground
        self._whole = whole
        self._stood = Stood(known.tx, ground.agreement_id, ground.asked, ground.stood)
        self._pseudonyms = cut.Pseudonyms(ground.secret, ground.agreement_id)
        scene = Scene(ground.rules, ground.now, self._stood.before, uncuttable=uncuttable)
        self._batch = Batch(known, scene, whole=whole)
        self._stirred: set[str] = set()
        self._forms: dict[str, Form] = {}

    def decide(self, dirty: set[str]) -> None:
        """Decide all that the dirty objects can touch."""
        if self._whole:
            held = {each.stix_id for each in objects.latest_all(self._known.tx, OURS)}
            self._stirred = (
                held | releases.standing_all(self._known.tx, self._ground.agreement_id).keys()
            )
            self._batch.objects(self._stirred)
            self._batch.edges(self._stirred)
            return
        self._stirred = dirty | led_to(self._known, dirty)
        self._decide_around(self._stirred)

    def cut(self) -> frozenset[str]:
        """Find the form of whatever may go in another than before; returns what cannot be cut."""
        shifted: set[str] = set()
        while True:
            self._forms = self._cut_all(self._to_cut())
            moved = {each for each in self._forms if self._moved(each)} - shifted
            if self._whole or not moved:
                return self._invalid()
            shifted |= moved
            self._decide_around(self._behind(moved))

    def planned(self) -> dict[str, Planned]:
        """What would stand on each object of the batch; gone objects are withheld."""
        decided = self._batch.decided
        said = self._known.annotations(decided)
        everything = decided.keys() | self._forms.keys() | self._stood.among(self._stirred).keys()
        return {each: self._planned(each, said.get(each, _UNSAID)) for each in sorted(everything)}

    def _planned(self, stix_id: str, said: tuple[int | None, int | None]) -> Planned:
        decided = self._batch.decided.get(stix_id)
        form = self._forms.get(stix_id)
        way = None
        if decided is None:
            old = self._stood.on(stix_id)
            standing = (
                _withheld(stix_id)
                if old is None or form is None
                else old._replace(delivered_id=form.delivered_id, basis=form.basis)
            )
        elif decided.decision.outcome == "release":
            way = self._way(stix_id, decided.path)
            standing = self._released(stix_id, decided.decision, way, _attested(*said))
        else:
            standing = _kept_back(stix_id, decided.decision)
        return Planned(standing, self._stands(stix_id), decided, form, way)

    # ------------------------------------------------------------------------------- decide

    def _decide_around(self, ids: set[str]) -> None:
        reach = max((clause.reach for clause in self._ground.rules.clauses), default=0)
        near = ids | self._batch.graph.onward(ids, reach)
        self._stood.among(near)
        self._batch.objects(near)
        changed = {each for each in near if each in ids or self._outcome_changed(each)}
        self._batch.edges(self._speaking_of(changed | {each for each in near if depends(each)}))

    def _speaking_of(self, ids: set[str]) -> set[str]:
        """`ids` that are edges, and all edges and containers that speak of them, at any remove."""
        found: set[str] = {each for each in ids if depends(each)}
        edge = ids
        while edge:
            referring = self._known.references_to(edge)
            edge = {each.from_id for each in referring if depends(each.from_id)} - found
            found |= edge
        return found

    def _behind(self, moved: set[str]) -> set[str]:
        """Released objects whose path leads over an object that now goes under another id."""
        reach = max((clause.reach for clause in self._ground.rules.clauses), default=0)
        near = moved | led_to(self._known, moved)
        near |= self._batch.graph.onward(near, reach)
        stood = self._stood.among(near - self._batch.decided.keys())
        return {
            each
            for each, old in stood.items()
            if old.live and not moved.isdisjoint(orjson.loads(old.path)[1])
        }

    def _outcome_changed(self, stix_id: str) -> bool:
        decided = self._batch.decided.get(stix_id)
        stood = self._stood.on(stix_id)
        new = decided.decision.outcome if decided else "withhold"
        return new != (stood.outcome if stood else "withhold")

    # ---------------------------------------------------------------------------------- cut

    def _to_cut(self) -> set[str]:
        """Whatever goes and may go in another form, and all that names it and goes."""
        decided = self._batch.decided
        found = {each for each in decided if self._goes(each) and self._form_may_differ(each)}
        edge = found | {each for each in decided if self._outcome_changed(each)}
        while edge:
            referring = {each.from_id for each in self._known.references_to(edge)}
            self._stood.among(referring)
            edge = {each for each in referring - found if self._goes(each)}
            found |= edge
        return found

    def _form_may_differ(self, stix_id: str) -> bool:
        old = self._stood.on(stix_id)
        if old is None or not old.live or stix_id in self._stirred:
            return True
        return old.clause != self._batch.decided[stix_id].decision.clause

    def _goes(self, stix_id: str) -> bool:
        decided = self._batch.decided.get(stix_id)
        if decided is not None:
            return decided.decision.outcome == "release"
        stood = self._stood.on(stix_id)
        return stood is not None and stood.live

    def _cut_all(self, ids: set[str]) -> dict[str, Form]:
        """The least cut of `ids`: begin with none cut, and rewrite as long as an id changes."""
        versions = self._known.latest(ids)
        docs = self._known.docs(ids)
        naming: dict[str, list[str]] = {}
        for each, doc in docs.items():
            for target in doc.targets:
                naming.setdefault(target, []).append(each)
        self._stood.among(naming.keys() - self._batch.decided.keys())
        levels = self._levels(versions)
        under: dict[str, str] = {each: each for each in docs}
        cuts: dict[str, dict[str, Any] | None] = {}
        turns = dict.fromkeys(docs, 0)
        # From the end: what others name comes before what names it, and is mostly cut once.
        todo = sorted(docs, key=lambda each: (not depends(each), each))
        pending = set(todo)
        while todo:
            each = todo.pop()
            pending.discard(each)
            cuts[each], new_id = self._cut_one(each, docs[each], under, levels.get(each))
            turns[each] += 1
            if new_id != under[each] and turns[each] <= _TURNS:
                under[each] = new_id
                # What has its turn before it anyway gets no second one.
                again = [n for n in naming.get(each, ()) if n in docs and n not in pending]
                todo += again
                pending.update(again)
        return {
            each: Form(under[each], _basis(cuts[each], version), cuts[each], version)
            for each, version in versions.items()
        }

    def _levels(self, versions: Mapping[str, Version]) -> dict[str, int]:
        """The marking that the bytes of each have to carry, where it is stricter than theirs."""
        if not self._ground.marks:
            return {}
        found = {}
        for each, (level, _) in self._known.annotations(versions).items():
            own = versions[each].marking
            if level is not None and (strictest := marking.strictest(own, level)) > max(own, -1):
                found[each] = strictest
        return found

    def _cut_one(
        self, stix_id: str, held: Doc, under: Mapping[str, str], level: int | None
    ) -> tuple[dict[str, Any] | None, str]:
        """The cut version of one object, or None if it goes as it is, and the id it goes under."""

        def deliver(target: str) -> str | None:
            if not self._goes(target):
                return None
            return under[target] if target in under else self._stood.held(target).delivered_id

        doc = held.doc
        decided = self._batch.decided.get(stix_id)
        if decided and decided.facts.revoked:
            old_id = self._stood.held(stix_id).delivered_id
            short = cut.bare(doc, deliver) or {}
            short = cut.marked(short, level) if level is not None else short
            uncut = short == doc and old_id == stix_id
            return (None, stix_id) if uncut else ({**short, "id": old_id}, old_id)
        clause = decided.decision.clause if decided else self._stood.held(stix_id).clause
        remove = next((c.remove for c in self._ground.rules.clauses if c.id == clause), ())
        result = cut.cut(doc, remove, deliver, naming=held.naming)
        if level is not None:
            result = cut.marked(result or doc, level)
        if result is None:
            return None, stix_id
        result = cut.identified(result, self._pseudonyms.of(stix_id))
        return result, result["id"]

    def _moved(self, stix_id: str) -> bool:
        """Whether the partner knows this object by another id than it would now have."""
        old = self._stood.on(stix_id)
        return (
            old is not None and old.live and old.delivered_id != self._forms[stix_id].delivered_id
        )

    def _invalid(self) -> frozenset[str]:
        checker = Checker()
        return frozenset(
            each
            for each, form in self._forms.items()
            if form.doc is not None and ("type" not in form.doc or checker.problems(form.doc))
        )

    # ------------------------------------------------------------------------------- stands

    def _stands(self, stix_id: str) -> bool:
        decided = self._batch.decided.get(stix_id)
        if decided is None:
            return stix_id in self._forms
        return concerns(self._ground.rules, decided)

    def _released(self, stix_id: str, decision: Decision, way: Way, attested: str) -> Standing:
        form = self._forms.get(stix_id)
        old = self._stood.on(stix_id) if form is None else None
        return Standing(
            stix_id,
            "release",
            decision.clause or "",
            "[]",
            form.delivered_id if form else old.delivered_id if old else stix_id,
            form.basis if form else old.basis if old else "",
            orjson.dumps([way.start, way.ids, way.theirs]).decode(),
            attested,
            decision.until_at,
            0,
            True,  # noqa: FBT003  # a row, made for each release: `live`
        )

    def _way(self, stix_id: str, path: Path | None) -> Way:
        ids = path.ids if path else (stix_id,)
        forms = self._forms
        theirs = [
            form.delivered_id if (form := forms.get(each)) else self._delivered(each)
            for each in ids
        ]
        start = path.start if path else "ends" if depends(stix_id) else "*"
        return Way(start, ids, theirs)

    def _delivered(self, stix_id: str) -> str:
        """The id under which they have what goes on as it went."""
        return self._stood.held(stix_id).delivered_id


_UNSAID = (None, None)
_TURNS = 8
"""How often an id may change while cutting: observables can name each other in a chain."""


def _basis(doc: dict[str, Any] | None, version: Version) -> str:
    return version.hash if doc is None else cut.basis(doc)


@cache
def _attested(level: int | None, grade: int | None) -> str:
    said: dict[str, str] = {}
    if level is not None:
        said["marking"] = marking.level_name(level)
    if grade is not None:
        said["grade"] = marking.grade_name(grade)
    return canonical.canonical(said).decode()


def _kept_back(stix_id: str, decision: Decision) -> Standing:
    return Standing(
        stix_id,
        decision.outcome,
        decision.clause or "",
        _spelled(decision.reasons),
        "",
        "",
        "",
        "{}",
        decision.until_at,
        0,
        False,  # noqa: FBT003  # a row, made for each object: `live`
    )


@lru_cache(maxsize=4_096)
def _spelled(given: tuple[Reason, ...]) -> str:
    return orjson.dumps([[each.code, each.clause] for each in given]).decode()


def _withheld(stix_id: str) -> Standing:
    return Standing(stix_id, "withhold", "", "[]", "", "", "", "{}", FOREVER, 0, live=False)
