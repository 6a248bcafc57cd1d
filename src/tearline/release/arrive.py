"""The one door by which objects arrive, and the acts that change what we say of them.

Each keeps what came, and marks as dirty whatever a decision may now answer differently, in one
transaction. Nothing is released here: `reconcile` does that.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.errors import MisuseError
from tearline.release.indexing import Indexed, index
from tearline.stix import canonical, marking
from tearline.stix.objects import StixObject
from tearline.stix.timestamp import format_timestamp
from tearline.store import annotations, objects, releases
from tearline.store.database import Tx
from tearline.store.objects import OURS, NewVersion, Version
from tearline.topics.about import leads_to


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


def arrive(
    home: Home,
    arriving: Sequence[StixObject | Indexed],
    *,
    source: str,
    annotation: Annotation = NOTHING,
    now: int,
) -> Arrival:
    """Keep objects of our own, and mark what changed as dirty under every agreement.

    Idempotent: a version that is there already is unchanged, whatever its white space. The same
    version with other content is refused. A version older than the latest is kept and never
    released. The annotation is a default: for what comes without a marking and has none of ours,
    and for what has no grade yet.
    """
    indexed = _indexed(arriving)
    with home.store.write() as tx:
        new, unchanged, refused = sort_out(tx, OURS, indexed, source, now)
        ids = [each.version.stix_id for each in new]
        known = [each.version.stix_id for each in new if not each.first]
        stirred = {*ids, *leads_to(tx, OURS, known)}
        objects.keep(tx, OURS, new)
        turned_away = {each.stix_id for each in refused}
        kept = [each for each in indexed if each.id not in turned_away]
        stirred.update(_annotate_new(tx, kept, annotation, now))
        _mark_dirty(tx, stirred)
        if new:
            record = {"kind": "import", "source": source, "at": format_timestamp(now, digits=6)}
            hashes = sorted(each.version.hash for each in new)
            record |= {"count": str(len(new)), "hash": canonical.sha256("\n".join(hashes).encode())}
            releases.add_private(tx, "import", [orjson.dumps(record).decode()])
    return Arrival(len(new), unchanged, tuple(refused))


def annotate(home: Home, ids: Iterable[str], annotation: Annotation, *, now: int) -> int:
    """Put our marking or grade beside objects that we hold; returns how many it changed."""
    with home.store.write() as tx:
        held = list(objects.latest(tx, OURS, ids))
        changed = _annotate(tx, held, annotation, now)
        _mark_dirty(tx, changed)
    return len(changed)


def hold(home: Home, kind: str, value: str, reason: str, *, now: int) -> bool:
    """Stop an object or a whole source, ours alone and at once; false if it was held already.

    What was released of it is withdrawn and recalled by the next `reconcile`.
    """
    with home.store.write() as tx:
        if not annotations.put_hold(tx, kind, value, reason, now):
            return False
        _mark_dirty(tx, _held_ids(tx, kind, value))
        _record(tx, {"kind": "hold", "what": kind, "value": value, "reason": reason}, now)
    return True


def release_hold(home: Home, kind: str, value: str, reason: str, *, now: int) -> bool:
    """End a hold, with the reason why; false if there was none."""
    with home.store.write() as tx:
        if not annotations.lift_hold(tx, kind, value):
            return False
        _mark_dirty(tx, _held_ids(tx, kind, value))
        _record(tx, {"kind": "hold-ended", "what": kind, "value": value, "reason": reason}, now)
    return True


def sort_out(
    tx: Tx, origin: str, arriving: Sequence[StixObject | Indexed], source: str, now: int
) -> tuple[list[NewVersion], int, list[Refused]]:
    """Tell new versions from known ones: what to keep, how many are unchanged, what is refused.

    Of several new versions of one object only the newest is marked as latest, and only if nothing
    newer is held.
    """
    indexed = _indexed(arriving)
    held = objects.versions_of(tx, origin, {each.id for each in indexed})
    new: dict[tuple[str, int], NewVersion] = {}
    refused: list[Refused] = []
    unchanged = 0
    newest = {stix_id: max(v.version_at for v in kept) for stix_id, kept in held.items()}
    for each in indexed:
        before = held.get(each.id, ())
        version_at = _version_at(each, before, now, ours=origin == OURS)
        twin = new.get((each.id, version_at)) or _kept(before, version_at)
        if twin is None:
            since = _first_arrival(before, now)
            new[each.id, version_at] = _new_version(
                each, version_at, source, since, first=not before
            )
            newest[each.id] = max(version_at, newest.get(each.id, version_at))
        elif _same(tx, each, twin):
            unchanged += 1
        else:
            refused.append(Refused(each.id, "This version is held already, with other content."))
    marked = [
        each
        if version_at == newest[stix_id]
        else each._replace(version=each.version._replace(latest=False))
        for (stix_id, version_at), each in new.items()
    ]
    return marked, unchanged, refused


def _indexed(arriving: Sequence[StixObject | Indexed]) -> list[Indexed]:
    return [each if isinstance(each, Indexed) else index(each) for each in arriving]


def _kept(held: Sequence[Version], version_at: int) -> Version | None:
    for version in held:
        if version.version_at == version_at:
            return version
    return None


def _version_at(each: Indexed, held: Sequence[Version], now: int, *, ours: bool) -> int:
    """`modified`, else `created`; an observable has neither: it is what it was, or new now.

    Of ours, what comes again is what it was. Of theirs, it is the latest only if it was that:
    they may release it as they once did, and then what they released since is past.
    """
    stamp = each.created_at if each.modified_at is None else each.modified_at
    if stamp is not None:
        return stamp
    same = [v.version_at for v in held if v.hash == each.hash and (ours or v.latest)]
    return same[0] if same else now


def _first_arrival(held: Sequence[Version], now: int) -> int:
    """An observable's age counts from its first arrival: a new version does not make it young."""
    return min((each.arrived_at for each in held if each.created_at is None), default=now)


def _same(tx: Tx, each: Indexed, twin: Version | NewVersion) -> bool:
    """Whether two have the same content; only where their bytes differ are they read."""
    version = twin if isinstance(twin, Version) else twin.version
    if each.hash == version.hash:
        return True
    raw = objects.raw_of(tx, [twin.seq])[twin.seq] if isinstance(twin, Version) else twin.raw
    first, second = orjson.loads(each.raw), orjson.loads(raw)
    return canonical.canonical(first) == canonical.canonical(second)


def _new_version(
    each: Indexed, version_at: int, source: str, arrived_at: int, *, first: bool
) -> NewVersion:
    version = Version(
        0,
        each.id,
        version_at,
        each.type,
        each.created_at,
        arrived_at,
        each.marking,
        each.revoked,
        True,  # noqa: FBT003  # a row, written for each object: `latest`, until a newer one is seen
        each.hash,
        source,
    )
    return NewVersion(version, each.raw, each.relations, each.references, each.keys, first)


def _annotate_new(tx: Tx, kept: Sequence[Indexed], annotation: Annotation, now: int) -> list[str]:
    if annotation == NOTHING:
        return []
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


def _record(tx: Tx, record: dict[str, str | None], now: int) -> None:
    line = orjson.dumps({**record, "at": format_timestamp(now, digits=6)}).decode()
    releases.add_private(tx, record["kind"] or "", [line])


def _held_ids(tx: Tx, kind: str, value: str) -> list[str]:
    if kind == "object":
        return [value]
    if kind == "source":
        return objects.ids_from(tx, value)
    raise MisuseError(f"{kind!r} cannot be held.", do="Hold an object or a source.")


def _mark_dirty(tx: Tx, ids: Iterable[str]) -> None:
    stirred = sorted(ids)
    annotations.mark_dirty(tx, [each.agreement_id for each in releases.heads(tx)], stirred)
