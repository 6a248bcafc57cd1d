"""What is held of claims and of what is said of them: ours, and what partners gave."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from tearline.agreement import force
from tearline.errors import InputError, RefusedError
from tearline.provenance.claims import claim_of
from tearline.provenance.definitions import AUTHOR, DEFINITIONS
from tearline.release.arrive import Annotation, take_in
from tearline.release.holding import is_over
from tearline.release.sorting import as_indexed
from tearline.stix import canonical
from tearline.stix.objects import parse_timestamp, read
from tearline.store import aliases, objects, releases, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS


class Kept(NamedTuple):
    """The latest version of an object of one origin: ours (''), or that of an agreement."""

    origin: str
    doc: dict[str, Any]
    hash: str

    @property
    def stix_id(self) -> str:
        """Its id as it is held."""
        found: str = self.doc["id"]
        return found


def origins(tx: Tx, now: int) -> list[str]:
    """Where objects may come from: us, and each agreement that binds."""
    return [OURS, *(each.agreement_id for each in force.all_in_force(tx, now=now))]


def kept(tx: Tx, stix_id: str, *, now: int) -> Kept:
    """The object of this id, ours before another's; RefusedError where none is held."""
    for origin in origins(tx, now):
        for each in _read(tx, origin, [stix_id], now):
            return each
    raise RefusedError(f"{stix_id} is not held.", do="See what is with `tearline objects`.")


def claim(tx: Tx, stix_id: str, *, now: int) -> Kept:
    """The claim of this id; InputError where the object is none, with why."""
    found = kept(tx, stix_id, now=now)
    if claim_of(found.doc) is None:
        raise InputError(f"{stix_id} is no claim.", do="See `tearline claim list`.")
    return found


def speaking_of(tx: Tx, stix_id: str, kind: str, *, now: int) -> Iterator[Kept]:
    """Objects of a type that name an object of ours, or what they have of it under another id."""
    for origin in origins(tx, now):
        names = {stix_id} | (aliases.ours_of(tx, origin, [stix_id]).keys() if origin else set())
        found = {each.from_id for each in ties.references_to(tx, origin, names)}
        yield from _read(tx, origin, _of_type(kind, found), now)


def labelled(tx: Tx, label: str, kind: str, *, now: int) -> Iterator[Kept]:
    """Objects of a type that carry a label."""
    for origin in origins(tx, now):
        found = {stix_id for _, stix_id in ties.carrying(tx, origin, [f"label:{label}"])}
        yield from _read(tx, origin, _of_type(kind, found), now)


def our_name(tx: Tx, origin: str, stix_id: str) -> str:
    """The id by which we hold what a partner names: it may have it of us under another one."""
    return aliases.our_id(tx, origin, stix_id) if origin else stix_id


def hashes(tx: Tx, stix_id: str, *, now: int) -> set[str]:
    """The hashes of an object's bytes: as it is held, and as each partner last got it of us."""
    known = set()
    for origin in origins(tx, now):
        known |= {each.hash for each in _read(tx, origin, [stix_id], now)}
        if origin:
            names = {stix_id, *aliases.ours_of(tx, origin, [stix_id])}
            known |= {each.hash for each in releases.last_delivered(tx, origin, names).values()}
    return known


def created_at(doc: dict[str, Any]) -> int:
    """The moment at which an object says it was made."""
    return parse_timestamp(doc["created"])


def after(doc: dict[str, Any], now: int) -> int:
    """A moment for the next version of an object: now, and later than the last."""
    return max(now, parse_timestamp(doc["modified"]) + 1_000)


def put(tx: Tx, doc: dict[str, Any], *, source: str, annotation: Annotation, now: int) -> None:
    """Take a document of ours in with the definitions of its extensions, as whatever arrives.

    InputError where it cannot be kept.
    """
    forms = [AUTHOR, *(DEFINITIONS[each] for each in doc["extensions"])]
    arriving = as_indexed([read(orjson.dumps(each)) for each in (*forms, doc)])
    for outcome in take_in(tx, arriving, source=source, annotation=annotation, now=now):
        if outcome.refused:
            raise InputError(outcome.refused, do="Say it otherwise.")


def _of_type(kind: str, ids: Iterable[str]) -> list[str]:
    return sorted(each for each in ids if each.startswith(f"{kind}--"))


def _read(tx: Tx, origin: str, ids: Iterable[str], now: int) -> Iterator[Kept]:
    """What is neither revoked nor, from a partner, over."""
    found = objects.latest(tx, origin, ids)
    raws = objects.raw_of(tx, [each.seq for each in found.values()])
    for each in found.values():
        over = origin and is_over(tx, origin, each.stix_id, now=now) is not None
        if not each.revoked and not over:
            raw = raws[each.seq]
            yield Kept(origin, orjson.loads(raw), canonical.sha256(raw))
