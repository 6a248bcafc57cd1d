"""Telling new versions of objects from those that are held, before anything is kept."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from tearline.release.indexing import Indexed, index
from tearline.stix import canonical
from tearline.stix.objects import StixObject
from tearline.stix.timestamp import parse_timestamp
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import OURS, NewVersion, Version

_LAST = parse_timestamp("9999-12-31T00:00:00Z")
"""What we take back or cut anew gets a later moment than it had; the last day is for these."""


class Outcome(NamedTuple):
    """What becomes of one object that arrived: new, held already, or refused with a reason.

    `seq` is the number of the stored version; 0 until it is kept, and of what is refused. `first`
    where no version of the object was held before all that arrived.
    """

    stix_id: str
    version_at: int
    seq: int
    new: bool
    refused: str = ""
    first: bool = False


class Sorted(NamedTuple):
    """What to keep, and what becomes of each object, in the order in which they came."""

    new: list[NewVersion]
    outcomes: list[Outcome]


def as_indexed(arriving: Sequence[StixObject | Indexed]) -> list[Indexed]:
    """Index what is not indexed yet."""
    return [each if isinstance(each, Indexed) else index(each) for each in arriving]


def sort_out(
    tx: Tx, origin: str, arriving: Sequence[StixObject | Indexed], source: str, now: int
) -> Sorted:
    """Tell new versions from known ones.

    Of several new versions of one object only the newest is marked as latest, and only if nothing
    newer is held.
    """
    indexed = as_indexed(arriving)
    held = objects.versions_of(tx, origin, {each.id for each in indexed})
    new: dict[tuple[str, int], NewVersion] = {}
    outcomes: list[Outcome] = []
    newest = {stix_id: max(v.version_at for v in kept) for stix_id, kept in held.items()}
    ours, at_once = origin == OURS, not newest
    for each in indexed:
        stix_id = each.id
        known = stix_id in newest
        before = held.get(stix_id, ()) if known else ()
        version_at = _version_at(each, before, now, ours=ours)
        place = stix_id, version_at
        twin = (new.get(place) or _kept(before, version_at)) if known else None
        at_once = at_once and not known
        if ours and version_at > _LAST:
            reason = "Its last change is so late that no later version could be written."
            outcomes.append(Outcome(stix_id, version_at, 0, new=False, refused=reason))
        elif twin is None:
            since = _first_arrival(before, now)
            new[place] = _new_version(each, version_at, source, since, first=not before)
            if not known or version_at >= newest[stix_id]:
                newest[stix_id] = version_at
            outcomes.append(Outcome(stix_id, version_at, 0, True, "", not before))  # noqa: FBT003  # a row
        elif _same(tx, each, twin):
            seq = twin.seq if isinstance(twin, Version) else 0
            outcomes.append(Outcome(stix_id, version_at, seq, new=False))
        else:
            reason = "This version is held already, with other content."
            outcomes.append(Outcome(stix_id, version_at, 0, new=False, refused=reason))
    if at_once:
        # Each came once and nothing of it was held: all of them are the latest.
        return Sorted(list(new.values()), outcomes)
    marked = [
        each
        if place[1] == newest[place[0]]
        else each._replace(version=each.version._replace(latest=False))
        for place, each in new.items()
    ]
    return Sorted(marked, outcomes)


def numbered(found: Sorted, seqs: Sequence[int]) -> list[Outcome]:
    """Return the outcomes with the numbers under which the new versions were kept."""
    kept: dict[tuple[str, int], int] = {}
    outcomes: list[Outcome] = []
    following = iter(seqs)
    for of in found.outcomes:
        stix_id, version_at, seq, new, refused, first = of
        if new:
            # They were put down in this order.
            kept[stix_id, version_at] = seq = next(following)
            outcomes.append(Outcome(stix_id, version_at, seq, True, "", first))  # noqa: FBT003  # a row
        elif seq or refused:
            outcomes.append(of)
        else:
            outcomes.append(of._replace(seq=kept[stix_id, version_at]))
    return outcomes


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
    if each.modified_at is not None:
        return each.modified_at
    if each.created_at is not None:
        return each.created_at
    same = [v.version_at for v in held if v.hash == each.hash and (ours or v.latest)]
    return same[0] if same else now


def _first_arrival(held: Sequence[Version], now: int) -> int:
    """An observable's age counts from its first arrival: a new version does not make it young."""
    if not held:
        return now
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
        each.pap,
        each.confidence,
        each.valid_until,
        each.found,
    )
    return NewVersion(version, each.raw, each.relations, each.references, each.keys, first)
