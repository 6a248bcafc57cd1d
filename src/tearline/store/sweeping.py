"""Read of everything held at once, row after row, what tells objects apart for a decision.

A look for one object costs several times what its row costs in a sweep; so who asks for a large
part of what is held asks for all of it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func, literal, or_, select

from tearline.store.annotations import annotation
from tearline.store.columns import among, aside
from tearline.store.database import Statement, Tx
from tearline.store.objects import (
    Reference,
    Relation,
    object_version,
    reference,
    relation,
)

Row = tuple[Any, ...]
"""An object's id, the level of its markings; then what makes it like others: its source first."""

_OURS = aside(object_version.c.origin) == bindparam("origin")
# In the order in which rows lie: SQLite would go by an index and look each row up.
_RELATIONS = Statement(
    select(object_version.c.stix_id, relation.c.kind, relation.c.source_id, relation.c.target_id)
    .join_from(relation, object_version, object_version.c.seq == relation.c.via_seq)
    .where(_OURS)
    .order_by(relation.c.via_seq)
)
_SIGHTED = Statement(
    select(object_version.c.stix_id, reference.c.to_id)
    .join_from(reference, object_version, object_version.c.seq == reference.c.from_seq)
    .where(_OURS, reference.c.role == "where_sighted_refs")
    .order_by(reference.c.from_seq)
)
_TARGETED = Statement(
    select(object_version.c.stix_id, relation.c.target_id)
    .join_from(relation, object_version, object_version.c.seq == relation.c.via_seq)
    .where(_OURS, relation.c.kind == "targets", relation.c.target_id.startswith("identity--"))
)


def rows(tx: Tx, origin: str, ages: Sequence[int], now: int) -> Iterator[list[Row]]:
    """All latest versions of one origin, with our annotations, in parts.

    Two rows are alike behind the id where both objects are of one kind for every decision at the
    moment `now`, but for what ties them to others and what stands in their bytes alone: `ages` are
    the moments up to which something created is too old for a clause.
    """
    own, ours = object_version.c, annotation.c
    created = func.coalesce(own.created_at, own.arrived_at)
    numbers = [
        (own.marking, _LEVELS),
        (own.pap, _LEVELS),
        (ours.marking, _LEVELS),
        (ours.grade, _LEVELS),
        (own.confidence, _LEVELS),
        (_flag(own.revoked), 2),
        (_flag(own.valid_until <= now), 2),
        (sum((_flag(created <= each) for each in ages), literal(0)), len(ages) + 1),
    ]
    query = (
        select(own.stix_id, own.marking, own.source, own.type, own.found, _together(numbers))
        .join_from(object_version, annotation, ours.stix_id == own.stix_id, isouter=True)
        .where(_OURS, own.latest)
    )
    return Statement(query).swept(tx, origin=origin)


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


_LEVELS = 200
_NONE = -50


def _together(numbers: Iterable[tuple[ColumnElement[Any], int]]) -> ColumnElement[int]:
    """Several small numbers as one, for what is fetched costs by the column.

    Each has so many values at most: those of `_LEVELS` from `_NONE` on, which stands for none, all
    others from 0.
    """
    whole: ColumnElement[int] = literal(0, BigInteger)
    for number, values in numbers:
        one = func.coalesce(number, _NONE) - _NONE if values == _LEVELS else number
        whole = whole * values + one
    return whole


def relations(tx: Tx, origin: str) -> Iterator[Relation]:
    """Every relation of one origin."""
    for some in _RELATIONS.swept(tx, origin=origin):
        yield from map(Relation._make, some)


def references(tx: Tx, origin: str, roles: Collection[str] | None = None) -> Iterator[Reference]:
    """Every reference of one origin, but for those that relations are; or only by some roles."""
    named = [reference.c.role == each for each in sorted(roles or ())]
    query = (
        select(object_version.c.stix_id, reference.c.role, reference.c.to_id)
        .join_from(reference, object_version, object_version.c.seq == reference.c.from_seq)
        .where(_OURS, *([or_(*named)] if named else []))
        .order_by(reference.c.from_seq)
    )
    for some in Statement(query).swept(tx, origin=origin):
        yield from map(Reference._make, some)


def victims(tx: Tx, origin: str) -> set[str]:
    """All that name a victim, or are named as one: as `ties.victims` has it."""
    found: set[str] = set()
    for each in (_SIGHTED, _TARGETED):
        for some in each.swept(tx, origin=origin):
            found.update(*some)
    return found


def state(tx: Tx, origin: str) -> tuple[int, ...]:
    """A few numbers of what is held and of what we say of it: one of them changes with either."""
    own, ours = object_version.c, annotation.c
    questions = (
        select(func.count()).select_from(object_version).where(own.origin == origin),
        select(func.max(own.seq)),
        select(func.count()).select_from(annotation),
        select(func.max(ours.at)),
    )
    return tuple(int(tx.execute(each).scalar() or 0) for each in questions)


_DRAWS = 8
_FAR = 2**62
_NUMBERED = Statement(
    select(object_version.c.seq, object_version.c.stix_id).where(
        among(object_version.c.seq, bindparam("ids")), _OURS, object_version.c.latest
    )
)


def drawn(tx: Tx, origin: str, number: int) -> list[str]:
    """So many ids of latest versions, each object with the same chance, or all there are.

    The same while nothing comes: chance is a hash of the place in the draw.
    """
    last = tx.execute(select(func.max(object_version.c.seq))).scalar() or 0
    found: dict[str, None] = {}
    for numbers in _draws(last, number):
        # What a number has that is no latest version, or not of this origin, is passed over.
        ids: dict[int, str] = dict(_NUMBERED.among(tx, numbers, origin=origin))
        found |= dict.fromkeys(ids[each] for each in numbers if each in ids)
        if len(found) >= number:
            break
    return list(found)[:number]


def _draws(last: int, number: int) -> Iterator[list[int]]:
    """Numbers up to the last by chance, so many at once; in the end all that are left."""
    seen: set[int] = set()
    for turn in range(_DRAWS if last > _DRAWS * number else 0):
        fresh = {_number(f"{turn} {place}", last) for place in range(number)} - seen
        seen |= fresh
        yield sorted(fresh, key=lambda each: _number(f"order {each}", _FAR))
    rest = [each for each in range(1, last + 1) if each not in seen]
    yield sorted(rest, key=lambda each: _number(f"order {each}", _FAR))


def _number(text: str, last: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) % last + 1
