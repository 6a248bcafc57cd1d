"""What lies around an object, a few steps far: with what is much of a kind told as one.

Read step by step, each object for itself and never further than a limit; so what has a hundred
thousand relations costs no more than what has a hundred.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tearline.store import around, objects
from tearline.store.around import Tie
from tearline.store.database import Tx
from tearline.topics.topic import type_of

MOST = 300
"""Marks that are told of."""
DEEPEST = 3
READ = 500
"""Ties of each sort that are read of one object."""
_FEW = (10, 5, 3)
"""How many of one kind are told one by one, by the number of steps."""
_KINDS = 12
"""Kinds that are told apart of one object."""


class Neighbour(NamedTuple):
    """An object tied to another, or a group of them; `via` states the tie.

    Of a group `id` is "" and `number` how many it has; `whole` is false where there may be more.
    An object that stands elsewhere already is here `again`, without what lies around it.
    """

    id: str
    type: str
    kind: str
    outward: bool
    via: str
    number: int
    whole: bool
    again: bool
    around: tuple["Neighbour", ...]


class _Wanted(NamedTuple):
    types: frozenset[str]
    kinds: frozenset[str]


def neighbours(
    tx: Tx,
    origin: str,
    stix_id: str,
    *,
    depth: int,
    types: Iterable[str] = (),
    kinds: Iterable[str] = (),
) -> tuple[Neighbour, ...]:
    """What lies around an object that is held, up to `depth` steps.

    Only what has one of `types` and is tied by one of `kinds`, where any are named.
    """
    wanted = _Wanted(frozenset(types), frozenset(kinds))
    seen, left = {stix_id}, [MOST - 1]
    first = _near(tx, origin, stix_id, "", wanted, (seen, left, 0))
    grown: dict[str, tuple[Neighbour, ...]] = {}
    edge = [each for each in first if each.id and not each.again]
    for step in range(1, depth):
        beyond: list[Neighbour] = []
        for each in edge:
            if left[0] > 0:
                grown[each.id] = _near(tx, origin, each.id, each.via, wanted, (seen, left, step))
                beyond += [far for far in grown[each.id] if far.id and not far.again]
        edge = beyond
    return _joined(first, grown)


def _joined(
    found: Iterable[Neighbour], grown: Mapping[str, tuple[Neighbour, ...]]
) -> tuple[Neighbour, ...]:
    return tuple(
        each
        if each.again or each.id not in grown
        else each._replace(around=_joined(grown[each.id], grown))
        for each in found
    )


def _near(
    tx: Tx,
    origin: str,
    stix_id: str,
    came: str,
    wanted: _Wanted,
    so_far: tuple[set[str], list[int], int],
) -> tuple[Neighbour, ...]:
    """What is tied to one object but by `came`: one by one where it is few of a kind."""
    seen, left, step = so_far
    version = objects.latest(tx, origin, [stix_id]).get(stix_id)
    if version is None:
        return ()
    groups: dict[tuple[bool, str, str], dict[str, str]] = {}
    ties, whole = around.ties_of(tx, origin, stix_id, version.seq, most=READ)
    for each in ties:
        if each.via != came and _fits(each, wanted):
            key = (each.outward, each.kind, type_of(each.other))
            groups.setdefault(key, {})[each.other] = each.via
    found: list[Neighbour] = []
    for place, ((outward, kind, type_), its) in enumerate(sorted(groups.items())):
        if left[0] <= 0 or place >= _KINDS:
            break
        if len(its) > min(_FEW[step], left[0]):
            found.append(_group(type_, kind, len(its), outward=outward, whole=whole))
            left[0] -= 1
            continue
        for other, via in sorted(its.items()):
            known = other in seen
            found.append(Neighbour(other, type_, kind, outward, via, 1, whole, known, ()))
            seen.add(other)
            left[0] -= 1
    return tuple(found)


def _group(type_: str, kind: str, number: int, *, outward: bool, whole: bool) -> Neighbour:
    return Neighbour("", type_, kind, outward, "", number, whole, again=False, around=())


def _fits(tie: Tie, wanted: _Wanted) -> bool:
    return (not wanted.types or type_of(tie.other) in wanted.types) and (
        not wanted.kinds or tie.kind in wanted.kinds
    )
