"""What is held of claims and of what is said of them: ours first, then what partners gave.

An object is held while it is ours, or while a partner's agreement binds and its time is not over.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from tearline.agreement import force
from tearline.errors import InputError, RefusedError
from tearline.provenance.claims import Claim, ClaimError, claim_of
from tearline.release.holding import is_over
from tearline.store import aliases, objects, releases, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version


class Held(NamedTuple):
    """The latest version of an object, from whom we have it, and what it says.

    The origin is '' for what is ours, else the id of the agreement.
    """

    origin: str
    version: Version
    doc: dict[str, Any]

    @property
    def stix_id(self) -> str:
        """Its id as it is held."""
        return self.version.stix_id

    @property
    def claim(self) -> Claim | None:
        """The claim that it is; None for any other object, and for a note that is none."""
        try:
            return claim_of(self.doc)
        except ClaimError:
            return None

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.doc.get("abstract") or self.doc.get("name") or self.doc.get("content", ""))


def held(tx: Tx, ids: Iterable[str], *, now: int) -> dict[str, Held]:
    """The objects among `ids` that are held, be they revoked: ours, else a partner's."""
    missing = set(ids)
    found: dict[str, Held] = {}
    for origin in _origins(tx, now):
        found |= _latest(tx, origin, missing, now)
        missing -= found.keys()
        if not missing:
            break
    return found


def held_object(tx: Tx, stix_id: str, *, now: int) -> Held:
    """The object of this id that is not revoked; RefusedError where none is held."""
    for origin in _origins(tx, now):
        for each in _standing(tx, origin, [stix_id], now):
            return each
    raise RefusedError(f"{stix_id} is not held.", do="See what is with `tearline objects`.")


def no_claim(stix_id: str) -> RefusedError:
    """The refusal of an id under which no claim is held."""
    return RefusedError(f"We hold no claim {stix_id}.", do="See `tearline claim list`.")


def held_claim(tx: Tx, stix_id: str, *, now: int) -> Held:
    """The claim of this id; InputError where the object is none, with why."""
    found = held_object(tx, stix_id, now=now)
    if claim_of(found.doc) is None:
        raise InputError(f"{stix_id} is no claim.", do="See `tearline claim list`.")
    return found


def speaking_of(tx: Tx, stix_id: str, kind: str, *, now: int) -> Iterator[Held]:
    """Objects of a type that name an object of ours, or what they have of it under another id."""
    origins = list(_origins(tx, now))
    given = set(aliases.given_as(tx, origins, stix_id))
    found: dict[str, set[str]] = {}
    for origin, each, of in ties.named_by(tx, {stix_id, *(name for _, name in given)}, kind):
        if of == stix_id or (origin, of) in given:
            found.setdefault(origin, set()).add(each)
    for origin in origins:
        if origin in found:
            yield from _standing(tx, origin, sorted(found[origin]), now)


def numbered(tx: Tx, seqs: Iterable[int], *, now: int) -> list[Held]:
    """What is held of versions by their numbers, the last first."""
    origins = set(_origins(tx, now))
    found = sorted(objects.numbered(tx, seqs).items(), reverse=True)
    return _read(tx, [each for _, each in found if each[0] in origins], now)


def our_name(tx: Tx, origin: str, stix_id: str) -> str:
    """The id by which we hold what a partner names: it may have it of us under another one."""
    return aliases.our_id(tx, origin, stix_id) if origin else stix_id


def known_hashes(tx: Tx, stix_id: str, *, now: int) -> set[str]:
    """The hashes of an object's bytes: as it is held, and as each partner last got it of us."""
    known = set()
    for origin in _origins(tx, now):
        known |= {each.version.hash for each in _standing(tx, origin, [stix_id], now)}
        if origin:
            names = {stix_id, *aliases.ours_of(tx, origin, [stix_id])}
            known |= {each.hash for each in releases.last_delivered(tx, origin, names).values()}
    return known


def _origins(tx: Tx, now: int) -> Iterator[str]:
    """Where objects may come from: us, and each agreement that binds, which are read last."""
    yield OURS
    yield from (each.agreement_id for each in force.all_in_force(tx, now=now))


def _latest(tx: Tx, origin: str, ids: Iterable[str], now: int) -> dict[str, Held]:
    """What of one origin is held: from a partner, only while its time is not over."""
    found = [(origin, each) for each in objects.latest(tx, origin, ids).values()]
    return {each.stix_id: each for each in _read(tx, found, now)}


def _read(tx: Tx, found: Iterable[tuple[str, Version]], now: int) -> list[Held]:
    """Versions with their origins as they are held: from a partner, while the time is not over."""
    held = [
        (origin, each)
        for origin, each in found
        if not origin or is_over(tx, origin, each.stix_id, now=now) is None
    ]
    raws = objects.raw_of(tx, [each.seq for _, each in held])
    return [Held(origin, each, orjson.loads(raws[each.seq])) for origin, each in held]


def _standing(tx: Tx, origin: str, ids: Iterable[str], now: int) -> list[Held]:
    return [each for each in _latest(tx, origin, ids, now).values() if not each.version.revoked]
