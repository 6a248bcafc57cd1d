"""What a reconcile would change, worked out without changing anything.

A plan decides the neighbourhood of what changed, finds what is cut differently because of it, and
says for each object what would stand afterwards. `reconcile` carries it out; with `whole`, the
neighbourhood is everything held that can concern the agreement.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from tearline.release import cut, quota
from tearline.release.answering import Theirs, answers
from tearline.release.batch import Batch, Scene
from tearline.release.clause_sql import proposed, with_speaking
from tearline.release.concern import concerns
from tearline.release.decide import Decision, asks_people
from tearline.release.facts import Doc, Known, ends_of
from tearline.release.form import Form, basis_of, sealed
from tearline.release.keeping import ends_at, first_given
from tearline.release.planned import Ask, Ground, Planned, Way, attested, kept_back, withheld
from tearline.release.quota import Today
from tearline.release.reviewing import Reviewed, item_of
from tearline.release.shape import Shape, shaped
from tearline.release.stood import Stood
from tearline.release.veil import below_veil
from tearline.stix import marking
from tearline.stix.check import Checker
from tearline.store import objects, releases
from tearline.store.objects import OURS, Version
from tearline.store.releases import Release, Standing
from tearline.topics.about import Path, led_to
from tearline.topics.topic import depends


def plan(known: Known, ground: Ground, dirty: Iterable[str], *, whole: bool) -> dict[str, Planned]:
    """Work out what would stand on everything that the dirty objects can touch.

    An object that cannot be cut to valid STIX stays, one whose bytes are not those that people were
    asked about is asked about anew, what the quota of the day does not reach stays for the day; and
    what hangs on any of these is decided again.
    """
    uncuttable: frozenset[str] = frozenset()
    void: frozenset[str] = frozenset()
    today = Today()
    while True:
        work = _Work(known, ground, uncuttable, void, today, whole=whole)
        work.decide({*dirty, *void, *uncuttable, *today.spent})
        invalid = work.cut()
        changed = work.seal() - void
        if not invalid and not changed:
            planned = work.planned()
            before, today = today, quota.share(known, ground, planned, work.stood.on, today)
            if today == before:
                return planned
        uncuttable |= invalid
        void |= changed


class _Work:
    """One attempt at a plan: decide, cut, and say what would stand."""

    def __init__(
        self,
        known: Known,
        ground: Ground,
        uncuttable: frozenset[str],
        void: frozenset[str],
        today: Today,
        *,
        whole: bool,
    ) -> None:
        self._known = known
        self._ground = ground
        self._whole = whole
        self._void = void
        self.stood = Stood(
            known.tx, ground.agreement_id, ground.asked, ground.stood, ground.reviewed
        )
        self._pseudonyms = cut.Pseudonyms(ground.secret, ground.agreement_id)
        self._shapes = {
            each.id: Shape(each.pseudonymise, each.dates, each.places, each.remove)
            for each in ground.rules.clauses
        }
        self._theirs = Theirs(known.tx, ground.agreement_id)
        scene = Scene(
            ground.rules,
            ground.now,
            lambda ids: today.before(self.stood.before(ids), self.stood.on, ground),
            uncuttable=uncuttable,
            spent=today.spent,
            limited=ground.quota is not None,
            reviewed=self._counting,
            given=lambda ids: first_given(known, ground.agreement_id, ids),
            theirs=self._theirs.among,
        )
        back = answers(known.tx, ground.agreement_id) if whole else set()
        self._near = proposed(known, ground.rules, back) if whole else None
        self._batch = Batch(known, scene, whole=whole and self._near is None)
        self._stirred: set[str] = set()
        self._forms: dict[str, Form] = {}
        self._asks: dict[str, Ask] = {}

    def decide(self, dirty: set[str]) -> None:
        """Decide all that the dirty objects can touch."""
        if self._whole:
            held = self._near
            if held is None:
                held = {each.stix_id for each in objects.latest_all(self._known.tx, OURS)}
            self._stirred = (
                held | releases.standing_all(self._known.tx, self._ground.agreement_id).keys()
            )
            listed = sorted(self._stirred)
            self._batch.objects(listed)
            self._batch.edges(listed)
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

    def seal(self) -> frozenset[str]:
        """Find the bytes that people are asked about; returns where what was said ends.

        It ends with other bytes, with another version of the agreement and with a recall; it lasts
        while an object stays otherwise.
        """
        recalled = {each for each in self._batch.decided if self._recalled(each)}
        found = {each for each in self._forms if self._asked(each) or self.stood.reviewed(each)}
        docs = self._known.docs(found)
        ids = [self._forms[each].delivered_id for each in found]
        last = releases.last_delivered(self._known.tx, self._ground.agreement_id, ids)
        self._asks = {each: self._ask(each, docs[each].doc, last) for each in found}
        otherwise = self.stood.asked_otherwise(self._ground.hash, self._batch.decided)
        return frozenset(
            each
            for each in found | recalled | otherwise
            if (said := self.stood.reviewed(each)) is not None
            and (each in recalled | otherwise or said.item != self._asks[each].item)
        )

    def _recalled(self, stix_id: str) -> bool:
        if self._goes(stix_id) or self._waits(stix_id) or self._asked(stix_id):
            return False
        old = self.stood.on(stix_id)
        return old is not None and old.position > 0

    def _ask(self, stix_id: str, doc: Mapping[str, Any], last: Mapping[str, Release]) -> Ask:
        form = self._forms[stix_id]
        it = sealed(form, doc, last.get(form.delivered_id))
        clause = self._clause(stix_id)
        facts = self._known.facts([stix_id], self._ground.now).get(stix_id)
        source = facts.source_agreement if facts else ""
        item = item_of(self._ground.hash, clause, form.delivered_id, it.hash, source)
        return Ask(item, clause, form.delivered_id, it.hash, it.seq, it.raw)

    def planned(self) -> dict[str, Planned]:
        """What would stand on each object of the batch; gone objects are withheld."""
        decided = self._batch.decided
        said = self._known.annotations(decided)
        meant = self._known.meanings(decided)
        formed = {each for each in self._forms if self._goes(each)}
        everything = decided.keys() | formed | self.stood.among(self._stirred).keys()
        return {
            each: self._planned(each, said.get(each, _UNSAID), meant.get(each, _NOTHING))
            for each in sorted(everything)
        }

    def _planned(
        self, stix_id: str, said: tuple[int | None, int | None], meant: Mapping[str, str]
    ) -> Planned:
        decided = self._batch.decided.get(stix_id)
        form = self._forms.get(stix_id)
        way = None
        reviewed = self.stood.reviewed(stix_id)
        if decided is None:
            old = self.stood.on(stix_id)
            standing = (
                withheld(stix_id)
                if old is None or form is None
                else old._replace(delivered_id=form.delivered_id, basis=form.basis)
            )
        elif decided.decision.outcome == "release":
            way = self._way(stix_id, decided.path)
            approved = decided.facts.approvals.get(decided.decision.clause or "", 0)
            yes = reviewed.approvals[:approved] if reviewed and approved else ()
            source = decided.facts.source_agreement
            consent = reviewed.consent if reviewed and source else ""
            slip = attested(*said, yes, tuple(meant.items()), source, consent)
            standing = self._released(stix_id, decided.decision, way, slip)
        else:
            standing = kept_back(stix_id, decided.decision)
        ask = self._asks.get(stix_id) if self._asked(stix_id) else None
        void = stix_id in self._void
        return Planned(standing, self._stands(stix_id), decided, form, way, reviewed, ask, void)

    def _counting(self, ids: Iterable[str]) -> dict[str, Reviewed]:
        """What people said of `ids` and counts."""
        found = {each: self.stood.reviewed(each) for each in set(ids) - self._void}
        return {each: its for each, its in found.items() if its is not None}

    def _asked(self, stix_id: str) -> bool:
        """Whether people are asked about an object, or were and did not say yes."""
        decided = self._batch.decided.get(stix_id)
        if decided is None:
            stood = self.stood.on(stix_id)
            asked = stood is not None and not stood.live and stood.clause != ""
            return asked and self.stood.reviewed(stix_id) is not None
        decision = decided.decision
        may_ask = decision.outcome != "release" and decision.clause is not None
        return may_ask and asks_people(self._ground.rules, decided.facts)

    # ------------------------------------------------------------------------------- decide

    def _decide_around(self, ids: set[str]) -> None:
        reach = max((clause.reach for clause in self._ground.rules.clauses), default=0)
        ids = ids | self._batch.around(ids)
        near = ids | self._batch.graph.onward(ids, reach)
        ids = ids | (also := self._batch.around(near) - near)
        near |= also | self._batch.graph.onward(also, reach)
        self.stood.among(near)
        self._batch.objects(sorted(near))
        changed = {each for each in near if each in ids or self._outcome_changed(each)}
        speaking = with_speaking(self._known, changed | {each for each in near if depends(each)})
        self._batch.edges(sorted(speaking))

    def _behind(self, moved: set[str]) -> set[str]:
        """Released objects whose path leads over an object that now goes under another id."""
        reach = max((clause.reach for clause in self._ground.rules.clauses), default=0)
        near = moved | led_to(self._known, moved)
        near |= self._batch.around(near)
        near |= self._batch.graph.onward(near, reach)
        stood = self.stood.among(near - self._batch.decided.keys())
        return {
            each
            for each, old in stood.items()
            if old.live and not moved.isdisjoint(orjson.loads(old.path)[1])
        }

    def _outcome_changed(self, stix_id: str) -> bool:
        decided = self._batch.decided.get(stix_id)
        stood = self.stood.on(stix_id)
        new = decided.decision.outcome if decided else "withhold"
        return new != (stood.outcome if stood else "withhold")

    # ---------------------------------------------------------------------------------- cut

    def _to_cut(self) -> set[str]:
        """Whatever goes and may go in another form, and all that names it and goes."""
        decided = self._batch.decided
        found = {each for each in decided if self._goes(each) and self._form_may_differ(each)}
        found |= {each for each in decided if self._asked(each)}
        edge = found | {each for each in decided if self._outcome_changed(each)}
        while edge:
            referring = {each.from_id for each in self._known.references_to(edge)}
            self.stood.among(referring)
            edge = {each for each in referring - found if self._goes(each) or self._asked(each)}
            found |= edge
        return found | self._waiting_below(found)

    def _waiting_below(self, ids: set[str]) -> set[str]:
        """What waits and an edge that people are asked about speaks of: it goes before the edge."""
        found: set[str] = set()
        edge = {each for each in ids if depends(each) and self._asked(each)}
        while edge:
            docs = self._known.docs(edge).values()
            ends = {end for doc in docs for end in ends_of(doc)}
            self.stood.among(ends)
            edge = {each for each in ends - found if self._waits(each)}
            found |= edge
        return found - ids

    def _waits(self, stix_id: str) -> bool:
        decided = self._batch.decided.get(stix_id)
        if decided is not None:
            return decided.decision.outcome == "wait"
        stood = self.stood.on(stix_id)
        return stood is not None and stood.outcome == "wait"

    def _form_may_differ(self, stix_id: str) -> bool:
        old = self.stood.on(stix_id)
        if old is None or not old.live or stix_id in self._stirred:
            return True
        return old.clause != self._batch.decided[stix_id].decision.clause

    def _goes(self, stix_id: str) -> bool:
        decided = self._batch.decided.get(stix_id)
        if decided is not None:
            return decided.decision.outcome == "release"
        stood = self.stood.on(stix_id)
        return stood is not None and stood.live

    def _cut_all(self, ids: set[str]) -> dict[str, Form]:
        """The least cut of `ids`: begin with none cut, and rewrite as long as an id changes."""
        versions = self._known.latest(ids)
        docs = self._known.docs(ids)
        naming: dict[str, list[str]] = {}
        for each, doc in docs.items():
            for target in doc.targets:
                naming.setdefault(target, []).append(each)
        self.stood.among(naming.keys() - self._batch.decided.keys())
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
            each: Form(under[each], basis_of(cuts[each], version), cuts[each], version)
            for each, version in versions.items()
        }

    def _levels(self, versions: Mapping[str, Version]) -> dict[str, int]:
        """The marking that the bytes of each have to carry, where it is stricter than theirs."""
        if not self._ground.marks:
            return {}
        found = {}
        handled = self._known.handled(versions, self._known.meanings(versions))
        for each, (level, _) in self._known.annotations(versions).items():
            own = handled[each].level if each in handled else versions[each].marking
            if level is not None and (strictest := marking.strictest(own, level)) > max(own, -1):
                found[each] = strictest
        return found

    def _cut_one(
        self, stix_id: str, held: Doc, under: Mapping[str, str], level: int | None
    ) -> tuple[dict[str, Any] | None, str]:
        """The cut version of one object, or None if it goes as it is, and the id it goes under."""
        ends = ends_of(held) if self._waits(stix_id) or self._asked(stix_id) else ()

        def deliver(target: str) -> str | None:
            if not self._goes(target) and not (target in ends and target in under):
                return target if self._theirs.may_name(stix_id, target) else None
            return under[target] if target in under else self.stood.held(target).delivered_id

        doc = held.doc
        decided = self._batch.decided.get(stix_id)
        form = self._shapes.get(self._clause(stix_id), _AS_IT_IS)
        if decided and decided.facts.revoked:
            old_id = self.stood.held(stix_id).delivered_id
            short = cut.bare(doc, deliver) or {}
            short = (short and shaped(short, form, self._pseudonyms)) or short
            short = cut.marked(short, level) if level is not None else short
            uncut = short == doc and old_id == stix_id
            return (None, stix_id) if uncut else ({**short, "id": old_id}, old_id)
        result = below_veil(held, form, deliver, self._pseudonyms, self._known.docs)
        if level is not None:
            result = cut.marked(result or doc, level)
        if result is None:
            return None, stix_id
        result = cut.identified(result, self._pseudonyms.of(stix_id))
        return result, result["id"]

    def _clause(self, stix_id: str) -> str:
        decided = self._batch.decided.get(stix_id)
        return (decided.decision if decided else self.stood.held(stix_id)).clause or ""

    def _moved(self, stix_id: str) -> bool:
        """Whether the partner knows this object by another id than it would now have."""
        old = self.stood.on(stix_id)
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

    def _released(self, stix_id: str, decision: Decision, way: Way, said: str) -> Standing:
        form = self._forms.get(stix_id)
        old = self.stood.on(stix_id) if form is None else None
        return Standing(
            stix_id,
            "release",
            decision.clause or "",
            "[]",
            form.delivered_id if form else old.delivered_id if old else stix_id,
            form.basis if form else old.basis if old else "",
            orjson.dumps([way.start, way.ids, way.theirs]).decode(),
            said,
            self._until(stix_id, decision),
            0,
            True,  # noqa: FBT003  # a row, made for each release: `live`
        )

    def _until(self, stix_id: str, decision: Decision) -> int:
        """The end of a release: what is given now for the first time may be kept for its days."""
        keep = self._ground.rules.keep
        if keep is None or self._batch.decided[stix_id].facts.revoked:
            return decision.until_at
        return min(decision.until_at, ends_at(self._ground.now, keep))

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
        """The id under which they have what goes on as it went, or goes on another day."""
        if self._ground.quota is not None and self.stood.on(stix_id) is None:
            return stix_id
        return self.stood.held(stix_id).delivered_id


_UNSAID = (None, None)
_AS_IT_IS = Shape()
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TURNS = 8
"""How often an id may change while cutting: observables can name each other in a chain."""
