"""Recalls that we ordered, the partner's receipt for each, and the certificates at an end.

Who can write here can pretend that a recall was answered; the partner's log would not show it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Table, delete, func, select, update

from tearline.store.columns import Text, among
from tearline.store.database import Tx, in_chunks, insert_rows, metadata

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


def open_number(tx: Tx, agreement_id: str, most: int, *, until_at: int | None = None) -> int:
    """How many recalls nobody acknowledged, counted up to a number; ordered until a moment."""
    query = select(recall.c.position).where(
        recall.c.agreement_id == agreement_id, recall.c.acknowledged_at.is_(None)
    )
    if until_at is not None:
        query = query.where(recall.c.at <= until_at)
    found = select(func.count()).select_from(query.limit(most).subquery())
    return int(tx.execute(found).scalar_one())


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
