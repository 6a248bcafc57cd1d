"""Sorting the objects of a document into sound ones and refused ones.

Each object stands alone: a bad one is named with place, id and reason, and hinders no other.
"""

from collections.abc import Iterator, Sequence
from itertools import count

import msgspec

from tearline.errors import InputError
from tearline.stix.bundle import DEFAULT, Limits
from tearline.stix.check import Checker
from tearline.stix.objects import IDENTIFIER, StixObject, read
from tearline.stix.strict import collector_paused

# Small enough to stay in the cache of a core.
_BATCH = 64


class Refusal(msgspec.Struct, frozen=True):
    """An object that was not taken: where it was, what it calls itself, and why."""

    place: str
    """`objects[n]`, counted from 0, as in the bundle."""
    id: str | None
    """Its id, if it has a sound one."""
    reason: str


class _Named(msgspec.Struct):
    id: str


_NAMED = msgspec.json.Decoder(_Named)


def sift(
    slices: Sequence[bytes], limits: Limits = DEFAULT, checker: Checker | None = None
) -> Iterator[StixObject | Refusal]:
    """Read and check each slice of a document in its order; never raises for one of them.

    Reads a batch ahead with the cyclic garbage collector off; between batches it is as it was.
    """
    checker = checker or Checker()
    places = count()
    for start in range(0, len(slices), _BATCH):
        with collector_paused():
            batch = [
                _judge(raw, place, limits, checker)
                for raw, place in zip(slices[start : start + _BATCH], places, strict=False)
            ]
        yield from batch


def _judge(raw: bytes, place: int, limits: Limits, checker: Checker) -> StixObject | Refusal:
    try:
        found = read(raw, limits)
    except InputError as error:
        return Refusal(f"objects[{place}]", _id_of(raw), str(error))
    if problems := checker.problems(found.doc):
        return Refusal(f"objects[{place}]", found.id, "; ".join(problems))
    return found


def _id_of(raw: bytes) -> str | None:
    """Return the id of an object that could not be read, if it can be found at all."""
    try:
        name = _NAMED.decode(raw).id
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return name if IDENTIFIER.fullmatch(name) else None
