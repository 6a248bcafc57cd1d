"""Sorting the objects of a document into sound ones and refused ones.

Each object stands alone: a bad one is named with place, id and reason, and hinders no other.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count

import msgspec

from tearline.errors import InputError
from tearline.stix.bundle import DEFAULT, Limits
from tearline.stix.check import Checker
from tearline.stix.lift import is_old, lift
from tearline.stix.objects import IDENTIFIER, TIMESTAMP, StixObject, read
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
    version: str = ""
    """The text of its `modified` or `created`, if it has a sound one."""


class _Named(msgspec.Struct):
    id: str = ""
    modified: str = ""
    created: str = ""


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
                _judge(raw, f"objects[{place}]", limits, checker)
                for raw, place in zip(slices[start : start + _BATCH], places, strict=False)
            ]
        yield from batch


def sift_lifting(
    slices: Sequence[bytes], notices: Counter[str], limits: Limits = DEFAULT
) -> Iterator[tuple[int, StixObject | Refusal]]:
    """As `sift`, and objects of STIX 2.0 are lifted to 2.1; yields places with what stood there.

    A lifted object is followed by the observables that it held; an observable that another held
    too is not repeated. Counts in `notices` how many objects each notice of `lift` is about.
    """
    checker, lifted = Checker(), dict[str, bytes]()
    for start in range(0, len(slices), _BATCH):
        with collector_paused():
            batch = [
                (place, each)
                for place, raw in enumerate(slices[start : start + _BATCH], start)
                for each in _judge_any(raw, f"objects[{place}]", limits, checker, lifted, notices)
            ]
        yield from batch


def _judge_any(
    raw: bytes,
    place: str,
    limits: Limits,
    checker: Checker,
    lifted: dict[str, bytes],
    notices: Counter[str],
) -> list[StixObject | Refusal]:
    """Read an object of either version; what 2.0 held inside comes behind it."""
    try:
        found = read(raw, limits)
        if not is_old(found.doc):
            return [_checked(found, place, checker)]
        done = lift(found.doc)
    except InputError as error:
        return [_refusal(place, raw, str(error))]
    judged = [_judge(each, place, limits, checker) for each in done.raws]
    for each in judged:
        if isinstance(each, Refusal):
            reason = f"STIX 2.0, lifted to 2.1: {each.reason}"
            return [Refusal(place, found.id, reason)]
    notices.update(done.notices)
    return [judged[0], *_fresh(judged[1:], lifted, notices)]


def _fresh(
    inside: list[StixObject | Refusal], lifted: dict[str, bytes], notices: Counter[str]
) -> Iterator[StixObject]:
    """Yield observables that the document has not held yet; of several descriptions, the first."""
    for each in inside:
        if isinstance(each, StixObject):
            if each.id not in lifted:
                lifted[each.id] = each.raw
                yield each
            elif lifted[each.id] != each.raw:
                notices["twice"] += 1


def _judge(raw: bytes, place: str, limits: Limits, checker: Checker) -> StixObject | Refusal:
    try:
        found = read(raw, limits)
    except InputError as error:
        return _refusal(place, raw, str(error))
    return _checked(found, place, checker)


def _checked(found: StixObject, place: str, checker: Checker) -> StixObject | Refusal:
    if problems := checker.problems(found.doc):
        return _refusal(place, found.raw, "; ".join(problems))
    return found


def _refusal(place: str, raw: bytes, reason: str) -> Refusal:
    """Name an object that is not taken by its id and version, if they can be found at all."""
    try:
        named = _NAMED.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return Refusal(place, None, reason)
    version = next(filter(TIMESTAMP.fullmatch, (named.modified, named.created)), "")
    return Refusal(place, named.id if IDENTIFIER.fullmatch(named.id) else None, reason, version)
