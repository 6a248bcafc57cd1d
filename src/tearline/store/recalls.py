"""Recalls that we ordered, the partner's receipt for each, and the certificates at an end.

Who can write here can pretend that a recall was answered; the partner's log would not show it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Select,
    Table,
    delete,
    func,
    select,
    text,
    update,
)

from tearline.store.columns import Text, among, number_of_each
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata
from tearline.store.walking import Order, Place, latest, part

_OPEN, _ANSWERED = text("acknowledged_at IS NULL"), text("acknowledged_at IS NOT NULL")

recall = Table(
    "recall",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("delivered_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("receipt", Text),
    Index(
        "recall_open",
        "agreement_id",
        "at",
        "position",
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(
        "recall_answered",
        "agreement_id",
        "at",
        "position",
        sqlite_where=_ANSWERED,
        postgresql_where=_ANSWERED,
    ),
)
certificate = Table(
    "certificate",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("ours", Boolean, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("spans", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("leaf", BigInteger),
    Column("receipt", Text),
)


class Certificate(NamedTuple):
    """What a receiver stated at an end: releases it holds no more, as one hash and as spans.

    `spans` is the JSON of positions as [first, last]. Ours stands in a `leaf` of our log of the
    agreement; theirs is the `receipt` that we were sent.
    """

    ours: bool
    hash: str
    spans: str
    at: int
    leaf: int | None
    receipt: str | None


class Some(NamedTuple):
    """Recalls under one agreement: answered or open, ordered after a moment, or until one."""

    agreement_id: str
    answered: bool
    after_at: int | None = None
    until_at: int | None = None


def put_certificate(tx: Tx, agreement_id: str, new: Certificate) -> None:
    """Keep the newest certificate of one side."""
    side = certificate.c.agreement_id == agreement_id, certificate.c.ours.is_(new.ours)
    tx.execute(delete(certificate).where(*side))
    insert_rows(tx, certificate, [(agreement_id, *new)])


def certificates(tx: Tx, agreement_id: str) -> dict[bool, Certificate]:
    """The certificates under an agreement: ours at True, theirs at False."""
    query = select(certificate).where(certificate.c.agreement_id == agreement_id)
    return {bool(row[1]): Certificate(bool(row[1]), *row[2:]) for row in tx.execute(query)}


def add_recalls(tx: Tx, agreement_id: str, rows: Iterable[tuple[int, str, str, int]]) -> None:
    """Note recalls that we ordered: position of the release, delivered id, reason, moment."""
    insert_rows(tx, recall, [(agreement_id, *row, None, None) for row in rows], ignore=True)


def recalls_under(
    tx: Tx, agreement_id: str
) -> list[tuple[int, str, str, int, int | None, str | None]]:
    """Recalls that we ordered: position, id, reason, moment, moment acknowledged, receipt."""
    query = select(
        recall.c.position,
        recall.c.delivered_id,
        recall.c.reason,
        recall.c.at,
        recall.c.acknowledged_at,
        recall.c.receipt,
    ).where(recall.c.agreement_id == agreement_id)
    return [tuple(row) for row in tx.execute(query.order_by(recall.c.position))]


def receipt_of(tx: Tx, agreement_id: str, position: int) -> str | None:
    """The partner's receipt for one recall; None without a recall or a receipt."""
    query = select(recall.c.receipt).where(
        recall.c.agreement_id == agreement_id, recall.c.position == position
    )
    return tx.execute(query).scalar()


def newest(
    tx: Tx, wanted: Iterable[Some], limit: int, before: Place | None = None
) -> list[tuple[str, int, str, str, int, int | None]]:
    """Recalls: agreement, position, id, reason, moment, moment acknowledged.

    The last comes first; no more than `limit`, of those before a place.
    """
    found = latest(tx, (_newest(each, limit, before) for each in wanted), limit)
    return [(row[1], row[2], row[3], row[4], row[0], row[5]) for row in found]


def number(tx: Tx, some: Some, most: int) -> int:
    """How many they are, counted up to a number."""
    query = _some(some, select(recall.c.position)).limit(most)
    return int(tx.execute(select(func.count()).select_from(query.subquery())).scalar_one())


_OPEN_NUMBERS = Statement(
    number_of_each(f"recall WHERE agreement_id = its.value AND {_OPEN} ORDER BY at")
)


def open_numbers(tx: Tx, agreements: Iterable[str], most: int) -> dict[str, int]:
    """How many are not answered, by agreement, each counted up to a number."""
    return dict(_OPEN_NUMBERS.among(tx, agreements, most=most))


def _newest(some: Some, limit: int, before: Place | None) -> Select[Any]:
    of = recall.c
    columns = of.at, of.agreement_id, of.position, of.delivered_id, of.reason, of.acknowledged_at
    order = Order(of.at, of.position)
    return part(_some(some, select(*columns)), order, some.agreement_id, limit, before)


def _some(some: Some, query: Select[Any]) -> Select[Any]:
    query = query.where(
        recall.c.agreement_id == some.agreement_id, _ANSWERED if some.answered else _OPEN
    )
    if some.after_at is not None:
        query = query.where(recall.c.at > some.after_at)
    if some.until_at is not None:
        query = query.where(recall.c.at <= some.until_at)
    return query


def acknowledge_recalls(
    tx: Tx, agreement_id: str, positions: Iterable[int], receipt: str, at: int
) -> int:
    """Note the partner's receipt for recalls; returns how many were open until now."""
    done = 0
    for chunk in in_chunks(str(each) for each in positions):
        result = tx.execute(
            update(recall)
            .where(
                recall.c.agreement_id == agreement_id,
                among(recall.c.position, [int(each) for each in chunk]),
                recall.c.acknowledged_at.is_(None),
            )
            .values(acknowledged_at=at, receipt=receipt)
        )
        done += result.rowcount
    return done
