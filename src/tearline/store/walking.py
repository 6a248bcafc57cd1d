"""Walk through the rows of several agreements together, the last first, part by part."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Select, tuple_

from tearline.store.database import Tx


class Place(NamedTuple):
    """Where a walk stands: a row by its moment, its agreement, and its key in that."""

    at: int
    agreement_id: str
    key: str | int


class Order(NamedTuple):
    """The columns by which rows of one agreement are ordered: an index ends with these two."""

    at: Column[int]
    key: Column[Any]


def part(
    query: Select[Any], order: Order, agreement_id: str, limit: int, before: Place | None
) -> Select[Any]:
    """Narrow a query of one agreement to its last rows, or to its last rows before a place."""
    query = query.order_by(order.at.desc(), order.key.desc()).limit(limit)
    return query if before is None else query.where(_is_before(order, agreement_id, before))


def latest(tx: Tx, parts: Iterable[Select[Any]], limit: int) -> list[tuple[Any, ...]]:
    """The last rows of all parts together; each row begins with what makes its place."""
    found = [tuple(row) for each in parts for row in tx.execute(each)]
    return sorted(found, key=lambda row: row[:3], reverse=True)[:limit]


def _is_before(order: Order, agreement_id: str, before: Place) -> ColumnElement[bool]:
    """Whether a row of an agreement comes after a place, as the columns of an index are asked."""
    if agreement_id == before.agreement_id:
        return tuple_(order.at, order.key) < (before.at, before.key)
    return order.at <= before.at if agreement_id < before.agreement_id else order.at < before.at
