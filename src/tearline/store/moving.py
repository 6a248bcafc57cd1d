"""Copy a whole store into another, and say how much a store holds."""

from collections.abc import Callable

from sqlalchemy import Select, Table, func, select, text

from tearline.store import partitions
from tearline.store.database import Tx, insert_rows
from tearline.store.objects import object_raw
from tearline.store.schema import tables

Progress = Callable[[int, int], None]
"""Told how many rows are copied, and how many there are."""

_BATCH = 1_000
_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def row_counts(tx: Tx) -> dict[str, int]:
    """How many rows each table has, by its name, in order; reads every table that is moved."""
    return {
        name: tx.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in sorted(tables().tables.items())
        if not _derived(table)
    }


def size_bytes(tx: Tx) -> int:
    """How much room a store takes up, indexes and unused space included."""
    return int(tx.exec_driver_sql(_SIZE[tx.dialect.name]).scalar_one())


def copy(source: Tx, target: Tx, total: int, tell: Progress) -> None:
    """Copy every row of every table into tables that are there and empty, `total` rows in all.

    What can be made again from other rows is left behind: the new store makes it itself.
    """
    last = source.execute(select(func.max(object_raw.c.seq))).scalar()
    partitions.ensure(target, (last or 0) + 1)
    done = 0
    for table in tables().sorted_tables:
        if _derived(table):
            continue
        query: Select[*tuple[object, ...]] = select(table).order_by(*table.primary_key.columns)
        for batch in source.execute(query).partitions(_BATCH):
            insert_rows(target, table, [tuple(row) for row in batch])
            done += len(batch)
            tell(done, total)
        _go_on_after(target, table)


def _derived(table: Table) -> bool:
    return bool(table.info.get("derived"))


def _go_on_after(tx: Tx, table: Table) -> None:
    """Have the numbers that PostgreSQL issues go on after those that were copied."""
    column = table.autoincrement_column
    if column is None or tx.dialect.name != "postgresql":
        return
    sequence = tx.execute(
        text("SELECT pg_get_serial_sequence(:name, :key)"), {"name": table.name, "key": column.name}
    ).scalar()
    last = tx.execute(select(func.max(column))).scalar()
    if sequence is not None and last is not None:
        tx.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})
