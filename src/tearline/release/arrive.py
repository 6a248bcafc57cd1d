"""The one door by which objects arrive, and the acts that change what we say of them.

Each keeps what came, and stirs whatever a decision may now answer differently, in one
transaction. Nothing is released here: `reconcile` does that. A hold takes back at once.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.errors import MisuseError
from tearline.release.indexing import MARKED, Indexed
from tearline.release.passing import take_away
from tearline.release.sorting import Outcome, as_indexed, numbered, sort_out
from tearline.release.stopping import stop
from tearline.stix import canonical, marking
from tearline.stix.objects import StixObject
from tearline.stix.timestamp import format_timestamp
from tearline.store import annotations, listed, objects, onward, private, stirred, ties
from tearline.store.annotations import OBJECT, SOURCE, TOPIC
from tearline.store.database import Tx
from tearline.store.objects import OURS, NewVersion
from tearline.topics.about import leads_to
from tearline.topics.held import Held
from tearline.topics.topic import keys_of_anything


class Refused(NamedTuple):
    """An object that was not kept, and why."""

    stix_id: str
    reason: str


class Arrival(NamedTuple):
    """What became of objects that arrived."""

    stored: int
    unchanged: int
    refused: tuple[Refused, ...]


class Annotation(NamedTuple):
    """Our marking and grade for what comes, in the codes of `stix.marking`; None leaves it open."""

    marking: int | None = None
    grade: int | None = None


NOTHING = Annotation()
"""Nothing of ours to say beside the bytes."""


def annotation_of(level: str | None, grade: str | None = None) -> Annotation:
    """Read marking and grade as they are written; InputError for what is none."""
    return Annotation(
        None if level is None else marking.parse_level(level),
        None if grade is None else marking.parse_grade(grade),
    )


def arrive(
    home: Home,
    arriving: Sequence[StixObject | Indexed],
    *,
    source: str,
    annotation: Annotation = NOTHING,
    now: int,
) -> Arrival:
    """Keep objects of our own, and stir what changed.

    Idempotent: a version that is there already is unchanged, whatever its white space. The same
    version with other content is refused. A version older than the latest is kept and never
    released. The annotation is a default: for what comes without a marking and has none of ours,
    and for what has no grade yet.
    """
    indexed = as_indexed(arriving)
    with home.store.write() as tx:
        outcomes = take_in(tx, indexed, source=source, annotation=annotation, now=now)
    sound = [each for each in outcomes if not each.refused]
    stored = sum(each.new for each in sound)
    refused = tuple(Refused(each.stix_id, each.refused) for each in outcomes if each.refused)
    return Arrival(stored, len(sound) - stored, refused)


def take_in(
    tx: Tx,
    arriving: Sequence[Indexed],
    *,
    source: str,
    annotation: Annotation = NOTHING,
    now: int,
) -> list[Outcome]:
    """Do what `arrive` does inside a transaction of the caller; return what became of each.

    What is ours from now on rules over what a partner gave of the same object.
    """
    theirs = onward.passed_among(tx, (each.id for each in arriving))
    take_away(tx, (each for each, agreement_id in theirs.items() if agreement_id != source))
    found = sort_out(tx, OURS, arriving, source, now)
    ids = [each.version.stix_id for each in found.new]
    known = [each.version.stix_id for each in found.new if not each.first]
    touched = {*ids, *leads_to(tx, OURS, known), *_marked_by(tx, ids), *_left_behind(tx, found.new)}
    seqs = objects.keep(tx, OURS, found.new)
    outcomes = numbered(found, seqs)
    if annotation != NOTHING:
        kept = [each for each, of in zip(arriving, outcomes, strict=True) if not of.refused]
        changed = _annotate_new(tx, kept, annotation, now)
        touched.update(changed)
        # What is new is sorted in later anyway.
        fresh = {each.version.stix_id for each in found.new if each.first}
        listed.SORTED_IN.note_again(tx, {*changed} - fresh)
    stirred.stir(tx, touched)
    if found.new:
        record = {"kind": "import", "source": source, "at": format_timestamp(now, digits=6)}
        hashes = sorted(each.version.hash for each in found.new)
        record |= {"count": str(len(hashes)), "hash": canonical.sha256("\n".join(hashes).encode())}
        private.add(tx, "import", [orjson.dumps(record).decode()])
    return outcomes


def annotate(home: Home, ids: Iterable[str], annotation: Annotation, *, now: int) -> int:
    """Put our marking or grade beside objects that we hold; returns how many it changed."""
    with home.store.write() as tx:
        changed = put_beside(tx, ids, annotation, now=now)
    return len(changed)


def put_beside(tx: Tx, ids: Iterable[str], annotation: Annotation, *, now: int) -> list[str]:
    """Do what `annotate` does inside a transaction of the caller; returns what it changed."""
    held = list(objects.latest(tx, OURS, ids))
    changed = _annotate(tx, held, annotation, now)
    stirred.stir(tx, changed)
    listed.SORTED_IN.note_again(tx, changed)
    return changed


def hold(home: Home, kind: str, value: str, reason: str, *, now: int) -> dict[str, int] | None:
    """Stop an object, a source or a topic, ours alone and at once; None if it was held already.

    Returns how many releases were withdrawn and recalled with it, under each agreement. Of a topic,
    that is what carries its name (an ATT&CK id, a label) now or later. What is tied to it, and what
    receivers without a node have, goes with the next `reconcile`.
    """
    with home.store.write() as tx:
        if not annotations.put_hold(tx, kind, value, reason, now):
            return None
        ids = held_ids(tx, kind, value)
        stirred.stir(tx, ids)
        _record(tx, {"kind": "hold", "what": kind, "value": value, "reason": reason}, now)
        return stop(tx, ids, now=now)


def release_hold(home: Home, kind: str, value: str, reason: str, *, now: int) -> bool:
    """End a hold, with the reason why; false if there was none."""
    with home.store.write() as tx:
        if not annotations.lift_hold(tx, kind, value):
            return False
        stirred.stir(tx, held_ids(tx, kind, value))
        _record(tx, {"kind": "hold-ended", "what": kind, "value": value, "reason": reason}, now)
    return True


def _annotate_new(tx: Tx, kept: Sequence[Indexed], annotation: Annotation, now: int) -> list[str]:
    said = annotations.annotations(tx, [each.id for each in kept])
    unmarked, ungraded = [], []
    for each in kept:
        level, grade = said.get(each.id, (None, None))
        if level is None and each.unmarked:
            unmarked.append(each.id)
        if grade is None:
            ungraded.append(each.id)
    changed = _annotate(tx, unmarked, Annotation(marking=annotation.marking), now)
    return changed + _annotate(tx, ungraded, Annotation(grade=annotation.grade), now)


def _annotate(tx: Tx, ids: Sequence[str], annotation: Annotation, now: int) -> list[str]:
    if annotation == NOTHING:
        return []
    changed = annotations.annotate(
        tx, ids, marking=annotation.marking, grade=annotation.grade, at=now
    )
    if changed:
        level, grade = annotation
        record = {
            "kind": "annotation",
            "count": str(len(changed)),
            "marking": None if level is None else marking.level_name(level),
            "grade": None if grade is None else marking.grade_name(grade),
            "hash": canonical.sha256("\n".join(sorted(changed)).encode()),
        }
        _record(tx, record, now)
    return changed


def _left_behind(tx: Tx, new: Sequence[NewVersion]) -> set[str]:
    """The ends of relationships that tie something else from now on, or otherwise."""
    stated = {
        each.version.stix_id: set(each.relations)
        for each in new
        if not each.first and each.version.latest and each.version.type == "relationship"
    }
    before = ties.relations_via(tx, OURS, stated)
    gone = [each for each in before if each not in stated[each.via_id]]
    return {end for each in gone for end in (each.source_id, each.target_id)}


def _marked_by(tx: Tx, ids: Iterable[str]) -> set[str]:
    """What carries one of the markings among `ids`: it says more of it, or another thing."""
    definitions = [each for each in ids if each.startswith("marking-definition--")]
    named = ties.references_to(tx, OURS, definitions) if definitions else []
    return {each.from_id for each in named if each.role == MARKED}


def _record(tx: Tx, record: dict[str, str | None], now: int) -> None:
    line = orjson.dumps({**record, "at": format_timestamp(now, digits=6)}).decode()
    private.add(tx, record["kind"] or "", [line])


def held_ids(tx: Tx, kind: str, value: str) -> list[str]:
    """Which objects a hold names; MisuseError for a kind that cannot be held."""
    if kind == OBJECT:
        return [value]
    if kind == SOURCE:
        return objects.ids_from(tx, value)
    if kind == TOPIC:
        return sorted(Held(tx, OURS).keyed(keys_of_anything([value])))
    raise MisuseError(f"{kind!r} cannot be held.", do="Hold an object, a source or a topic.")
