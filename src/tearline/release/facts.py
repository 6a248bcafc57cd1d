"""Gather from the store what `decide` reads: the frozen facts of objects, a batch at a time."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec
import orjson

from tearline.agreement.document import Category
from tearline.release.categories import VICTIM, added_in
from tearline.release.cut import naming_in
from tearline.release.indexing import MARKED
from tearline.release.origin import AGREEMENT, origins, slips_of
from tearline.release.rules import FOREVER, Facts
from tearline.release.slips import Attested, Slip
from tearline.stix import handling, marking
from tearline.stix.handling import Handling
from tearline.stix.objects import references
from tearline.store import annotations, objects, sweeping
from tearline.store.annotations import TOPIC
from tearline.store.database import Tx
from tearline.store.objects import Version
from tearline.topics.held import Held
from tearline.topics.topic import EDGE_REFS, keys_of_anything

Attestations: TypeAlias = Callable[[Iterable[str]], Mapping[str, Attested]]
"""Answers what a giver attested of objects that it gave."""


_Made = TypeVar("_Made")


class Doc(NamedTuple):
    """An object that was parsed, which nobody may change, and what it names.

    `naming` are the properties in which it does, `targets` whom it names.
    """

    doc: dict[str, Any]
    naming: tuple[str, ...]
    targets: tuple[str, ...]


class Known(Held):
    """What is held, and what is the same of it under every agreement: facts, bytes read once."""

    def __init__(self, tx: Tx, origin: str) -> None:
        """Bind to a transaction; nothing is read yet."""
        super().__init__(tx, origin)
        self._facts: dict[int, dict[str, Facts | None]] = {}
        self._said: dict[str, tuple[int | None, int | None]] = {}
        self._docs: dict[str, Doc] = {}
        self._holds: frozenset[tuple[str, str]] | None = None
        self._meanings: dict[str, str | None] = {}
        self._marked: dict[str, dict[str, str]] = {}
        self._slips: dict[str, Slip] = {}

    def facts(self, ids: Iterable[str], now: int) -> dict[str, Facts]:
        """The facts of our objects as they are while nobody holds them."""
        known = self._facts.setdefault(now, {})
        wanted = set(ids)
        missing = {each for each in wanted if each not in known}
        if missing:
            known.update(dict.fromkeys(missing))
            known.update(self._gathered(missing, now))
        return {each: facts for each in wanted if (facts := known[each]) is not None}

    def annotations(self, ids: Iterable[str]) -> dict[str, tuple[int | None, int | None]]:
        """Our marking and grade of each of `ids`; (None, None) where we say nothing.

        Of what a partner gave, what its slip attests counts too: the stricter marking, and its
        grade where we gave none.
        """
        wanted = list(ids)
        missing = {each for each in wanted if each not in self._said}
        if missing:
            self._said.update(dict.fromkeys(missing, (None, None)))
            self._said.update(annotations.annotations(self.tx, missing))
            for each, slip in self._slips_of(self.latest(missing).values()).items():
                (level, grade), said = self._said[each], slip.beside()
                level = _strictest(level, said.marking)
                self._said[each] = (level, said.grade if grade is None else grade)
        return {each: self._said[each] for each in wanted}

    def docs(self, ids: Iterable[str]) -> dict[str, Doc]:
        """The latest version of each of `ids` that is held, parsed."""
        wanted = set(ids)
        missing = {each for each in wanted if each not in self._docs}
        if missing:
            versions = self.latest(missing)
            raws = objects.raw_of(self.tx, [each.seq for each in versions.values()])
            for stix_id, version in versions.items():
                self._docs[stix_id] = _doc(raws[version.seq])
        return {each: self._docs[each] for each in wanted if each in self._docs}

    def meanings(self, ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """For each of `ids` that carries markings defined elsewhere: what those that we hold say.

        What carries one of no known meaning is among them too: its markings cannot be ranked.
        """
        rows = [each for each in self.latest(ids).values() if each.marking == marking.UNKNOWN]
        missing = [each.stix_id for each in rows if each.stix_id not in self._marked]
        if missing:
            named: dict[str, list[str]] = {each: [] for each in missing}
            for each in self.references_of(missing):
                if each.role == MARKED:
                    named[each.from_id].append(each.to_id)
            known = self._defined({ref for refs in named.values() for ref in refs})
            for stix_id, refs in named.items():
                self._marked[stix_id] = {r: said for r in refs if (said := known[r]) is not None}
        return {each.stix_id: self._marked[each.stix_id] for each in rows}

    def _defined(self, refs: set[str]) -> dict[str, str | None]:
        missing = refs - self._meanings.keys()
        if missing:
            self._meanings.update(dict.fromkeys(missing))
            held = {ref: each for ref, each in self.latest(missing).items() if not each.revoked}
            raws = objects.raw_of(self.tx, [each.seq for each in held.values()])
            for ref, version in held.items():
                self._meanings[ref] = handling.meaning(orjson.loads(raws[version.seq]))
        return self._meanings

    def handled(
        self, rows: Mapping[str, Version], meanings: Mapping[str, Mapping[str, str]]
    ) -> dict[str, Handling]:
        """What markings demand, of those of `rows` whose bytes alone do not say."""
        raws = objects.raw_of(self.tx, [rows[each].seq for each in meanings])
        return {
            each: handling.handling_of(orjson.loads(raws[rows[each].seq]), said)
            for each, said in meanings.items()
            if said
        }

    def added(self, ids: Iterable[str], added: Sequence[Category]) -> dict[str, int]:
        """What an agreement's own lines find in each of `ids`, as bits; left out where nothing."""
        docs = self.docs(ids) if added else {}
        return {each: bits for each, held in docs.items() if (bits := added_in(added, held.doc))}

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What is made of all that is held; who lasts longer than a transaction makes it once.

        `key` tells it from all else that is made, and nobody changes it.
        """
        del key
        return make()

    def all_victims(self) -> set[str]:
        """All that name a victim, or are named as one."""
        return sweeping.victims(self.tx, self.origin)

    def held_back(self) -> set[str]:
        """The objects that a hold names by themselves or by a topic."""
        return {value for kind, value in self._held_back() if kind == "object"}

    def _gathered(self, ids: set[str], now: int) -> dict[str, Facts]:
        rows = self.latest(ids)
        holds = self._held_back()
        found = self.annotations(rows)
        beside = {each: Attested(*said) for each, said in found.items() if said != _NOTHING}
        victims = self.victims(rows)
        handled = self.handled(rows, self.meanings(rows))
        gathered = {
            stix_id: _facts(
                row,
                beside.get(stix_id, _UNSAID),
                handled.get(stix_id) or Handling(row.marking, row.pap),
                now,
                held=("object", stix_id) in holds or ("source", row.source) in holds,
                found=row.found | (VICTIM if stix_id in victims else 0),
            )
            for stix_id, row in rows.items()
        }
        passed = [row for row in rows.values() if row.source.startswith(AGREEMENT)]
        return gathered | self._passed(passed, gathered, now) if passed else gathered

    def _passed(
        self, rows: Sequence[Version], gathered: Mapping[str, Facts], now: int
    ) -> dict[str, Facts]:
        """The facts of what came under agreements, with what these say of it now.

        What has no slip binds us to an agreement that nothing is known of, and so does not go.
        """
        known = origins(self.tx, rows, self._slips_of(rows), now)
        found: dict[str, Facts] = {}
        for row in rows:
            its, origin = gathered[row.stix_id], known.get(row.stix_id)
            if origin is None:
                found[row.stix_id] = msgspec.structs.replace(its, source_agreement=row.source)
                continue
            said = origin.slip.beside()._replace(at=None)
            handled = Handling(its.marking, its.pap, its.statements, its.iep)
            theirs = _facts(row, said, handled, now, held=False, found=its.found)
            found[row.stix_id] = msgspec.structs.replace(
                its, source_agreement=origin.bound.hash, source=origin.source(theirs)
            )
        return found

    def _slips_of(self, rows: Iterable[Version]) -> dict[str, Slip]:
        """The slips of those that came under agreements; most came otherwise."""
        passed = [row for row in rows if row.source.startswith(AGREEMENT)]
        missing = [row for row in passed if row.stix_id not in self._slips]
        if missing:
            self._slips.update(slips_of(self.tx, missing))
        return {e.stix_id: self._slips[e.stix_id] for e in passed if e.stix_id in self._slips}

    def _held_back(self) -> frozenset[tuple[str, str]]:
        """What we hold; of a topic, the objects that carry its name."""
        if self._holds is None:
            holds = annotations.holds(self.tx)
            keys = keys_of_anything(value for kind, value in holds if kind == TOPIC)
            self._holds = frozenset({*holds, *(("object", each) for each in self.keyed(keys))})
        return self._holds

    def suppose_held(self, kind: str, value: str) -> None:
        """Answer from now on as if this were held too: to see what a hold would do."""
        keys = keys_of_anything([value]) if kind == TOPIC else ()
        named = {("object", each) for each in self.keyed(keys)}
        self._holds = self._held_back() | named | {(kind, value)}


def _doc(raw: bytes) -> Doc:
    doc: dict[str, Any] = orjson.loads(raw)
    targets = dict.fromkeys(target for _, target in references(doc))
    return Doc(doc, naming_in(doc), tuple(targets))


def ends_of(held: Doc) -> tuple[str, ...]:
    """What an edge goes only together with."""
    doc = held.doc
    named = [doc.get(role) for role in EDGE_REFS.get(doc.get("type", ""), ())]
    lists = [each if isinstance(each, list) else [each] for each in named]
    return tuple(each for some in lists for each in some if isinstance(each, str))


_NOTHING = (None, None)
_UNSAID = Attested()


def gather(
    known: Known,
    ids: Iterable[str],
    now: int,
    *,
    delivered: Mapping[str, str],
    attested: Attestations | None = None,
    added: Sequence[Category] = (),
) -> dict[str, Facts]:
    """The facts of the latest versions of `ids` that are held.

    `delivered` has the clause under which the partner holds an object now. On our own objects our
    annotations count; a receiver gives what was `attested` instead. `added` is what the agreement
    adds to the categories.
    """
    if attested is None:
        found = known.facts(ids, now)
    else:
        rows = known.latest(ids)
        beside = attested(rows)
        victims = known.victims(rows)
        said = {each: b.meanings for each, b in beside.items() if b.meanings and each in rows}
        handled = known.handled(rows, said)
        found = {
            each: _facts(
                row,
                beside.get(each, _UNSAID),
                handled.get(each) or Handling(row.marking, row.pap),
                now,
                held=False,
                found=row.found | (VICTIM if each in victims else 0),
            )
            for each, row in rows.items()
        }
    for each, bits in known.added(found, added).items():
        its = found[each]
        found[each] = msgspec.structs.replace(its, found=its.found | bits)
    for each in delivered.keys() & found.keys():
        found[each] = msgspec.structs.replace(found[each], delivered=delivered[each])
    return found


def _facts(
    row: Version, beside: Attested, handled: Handling, now: int, *, held: bool, found: int
) -> Facts:
    return Facts(
        id=row.stix_id,
        version_at=row.version_at,
        type=row.type,
        created_at=row.arrived_at if row.created_at is None else row.created_at,
        marking=_effective(handled.level, beside),
        grade=marking.NO_GRADE if beside.grade is None else beside.grade,
        now=now if beside.at is None else beside.at,
        revoked=row.revoked,
        held=held,
        found=found,
        approvals=dict(beside.approvals),
        confidence=-1 if row.confidence is None else row.confidence,
        pap=handled.pap,
        statements=handled.statements,
        iep=handled.iep,
        valid_until=FOREVER if row.valid_until is None else row.valid_until,
    )


def _strictest(ours: int | None, theirs: int | None) -> int | None:
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    return marking.strictest(ours, theirs)


def _effective(own: int, beside: Attested) -> int:
    return own if beside.marking is None else marking.strictest(own, beside.marking)
