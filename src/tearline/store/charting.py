"""What is held by days and places: read part by part, in the order in which it came.

An object counts once, where the first version of it that is held came in.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, select

from tearline.store.columns import among, aside
from tearline.store.database import Statement, Tx
from tearline.store.objects import object_version, relation

_DAY = 86_400_000_000
_own = object_version.c
_earlier = object_version.alias("earlier")


class Counted(NamedTuple):
    """How many objects of a type were created and came on the same days, as days of the epoch.

    `created` is the day on which it came for what states none.
    """

    type: str
    created: int
    arrived: int
    number: int


def last(tx: Tx) -> int:
    """The number of the last version of anything."""
    return tx.execute(select(func.max(_own.seq))).scalar() or 0


_SPAN: tuple[ColumnElement[bool], ...] = (
    _own.seq > bindparam("after"),
    _own.seq <= bindparam("upto"),
)
_OURS: tuple[ColumnElement[bool], ...] = (*_SPAN, aside(_own.origin) == bindparam("origin"))
# A count, since PostgreSQL reads the whole table to find what does not exist.
_EARLIER = (
    select(func.count())
    .select_from(_earlier)
    .where(
        _earlier.c.origin == _own.origin,
        _earlier.c.stix_id == _own.stix_id,
        _earlier.c.seq < _own.seq,
    )
    .scalar_subquery()
)
_FIRST = _EARLIER == 0
_CREATED = func.coalesce(_own.created_at, _own.arrived_at) // _DAY
_ARRIVED = _own.arrived_at // _DAY
_BY_DAY = Statement(
    select(_own.type, _CREATED, _ARRIVED, func.count())
    .where(*_OURS, _FIRST)
    .group_by(_own.type, _CREATED, _ARRIVED)
)
_OF_TYPES = Statement(
    select(_own.stix_id, _FIRST).where(*_OURS, among(_own.type, bindparam("types")))
)
_RENEWED = Statement(select(_own.stix_id).where(*_OURS, _EARLIER > 0))
_SOURCES = Statement(
    select(relation.c.source_id)
    .where(
        relation.c.via_seq > bindparam("after"),
        relation.c.via_seq <= bindparam("upto"),
        among(relation.c.kind, bindparam("kinds")),
    )
    .distinct()
)

_ALL = Statement(select(func.count()).select_from(object_version).where(*_OURS))
_SOURCES_TO = Statement(
    select(relation.c.source_id).where(
        among(relation.c.target_id, bindparam("ids")),
        among(relation.c.kind, bindparam("kinds")),
        relation.c.via_seq <= bindparam("upto"),
    )
)


def by_day(tx: Tx, origin: str, after: int, upto: int) -> list[Counted]:
    """Count what came with the versions after a number, up to another."""
    rows = _BY_DAY.rows(tx, origin=origin, after=after, upto=upto)
    return [Counted(type_, int(made), int(came), n) for type_, made, came, n in rows]


def of_types(tx: Tx, origin: str, after: int, upto: int, types: Collection[str]) -> dict[str, bool]:
    """Objects of some types with a version among these, and whether it is their first."""
    rows = _OF_TYPES.rows(tx, origin=origin, after=after, upto=upto, types=sorted(types))
    found: dict[str, bool] = {}
    for stix_id, first in rows:
        found[stix_id] = found.get(stix_id, False) or bool(first)
    return found


def number(tx: Tx, origin: str, after: int, upto: int) -> int:
    """How many versions came after a number, up to another."""
    return int(_ALL.rows(tx, origin=origin, after=after, upto=upto)[0][0])


def renewed(tx: Tx, origin: str, after: int, upto: int) -> set[str]:
    """Objects of which these versions are not the first that came."""
    return {row[0] for row in _RENEWED.rows(tx, origin=origin, after=after, upto=upto)}


def sources_of(tx: Tx, after: int, upto: int, kinds: Collection[str]) -> set[str]:
    """The sources of the relations of some kinds that these versions state, of any origin."""
    rows: list[tuple[Any, ...]] = _SOURCES.rows(tx, after=after, upto=upto, kinds=sorted(kinds))
    return {row[0] for row in rows}


def sources_to(tx: Tx, ids: Collection[str], kinds: Collection[str], *, upto: int) -> set[str]:
    """The sources of relations of some kinds to `ids`, stated by versions up to a number."""
    rows = _SOURCES_TO.among(tx, ids, kinds=sorted(kinds), upto=upto)
    return {row[0] for row in rows}
