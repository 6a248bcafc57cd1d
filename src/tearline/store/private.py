"""What waits for its leaf in the private log: queued by acts, taken at a fixed cadence."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Column, Table, delete, func, select

from tearline.store.columns import Serial, Text
from tearline.store.database import Statement, Tx, insert_rows, metadata

private_pending = Table(
    "private_pending",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
)


_LAST = Statement(select(func.max(private_pending.c.seq)))


def add(tx: Tx, kind: str, records: Sequence[str]) -> None:
    """Queue records for the private log; a leaf is made of them at the fixed cadence."""
    if not records:
        return
    start = (_LAST(tx).scalar() or 0) + 1
    rows = [(seq, kind, record) for seq, record in enumerate(records, start=start)]
    insert_rows(tx, private_pending, rows)


def take(tx: Tx) -> Iterator[tuple[str, list[str]]]:
    """Take all queued records out, by kind, in order; the caller logs them."""
    by_kind: dict[str, list[str]] = {}
    for row in tx.execute(select(private_pending).order_by(private_pending.c.seq)):
        by_kind.setdefault(row.kind, []).append(row.record)
    tx.execute(delete(private_pending))
    yield from by_kind.items()


def count(tx: Tx) -> int:
    """How many records are queued for the private log."""
    return tx.execute(select(func.count()).select_from(private_pending)).scalar() or 0


def pending(tx: Tx) -> list[tuple[str, str]]:
    """What is queued for the private log: kind and record."""
    query = select(private_pending.c.kind, private_pending.c.record)
    return [(row.kind, row.record) for row in tx.execute(query.order_by(private_pending.c.seq))]
