"""Rows and bytes in each table for an object that is held: what the arithmetic of growth rests on.

`docs/growth.md` carries these figures on. One object in ten is released under one agreement.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psycopg

from bench.loading import STORES, Load, Place, place
from bench.measuring import Figure, large

_SMALL = (25_000, 100_000)
_LARGE = (*_SMALL, 1_000_000)

_SQLITE = """
SELECT m.tbl_name, sum(s.pgsize)
  FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name
 WHERE s.aggregate = TRUE
 GROUP BY m.tbl_name
"""
# A part is counted with the table that it is a part of.
_POSTGRESQL = """
SELECT coalesce(i.inhparent::regclass::text, c.relname), sum(pg_total_relation_size(c.oid))
  FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
 GROUP BY 1
"""


def figures() -> Iterator[Figure]:
    """Bytes and rows for an object, table by table, at each size; small tables are left out."""
    for kind in STORES:
        with place(kind) as at:
            load = Load(at)
            for size in _LARGE if large() else _SMALL:
                load.to(size)
                at.settle()
                yield from _tables(at, f"{kind}, {size:,}", size)


def _tables(at: Place, name: str, size: int) -> Iterator[Figure]:
    found = _in_database(at) if at.store else _in_file(at)
    total = sum(held for held, _ in found.values())
    yield Figure(f"all tables, {name}", total / size, "bytes an object")
    for table, (held, rows) in sorted(found.items(), key=lambda each: -each[1][0]):
        if rows / size >= 0.01:
            note = f"{rows / size:.3f} rows an object, {held / max(rows, 1):,.0f} bytes a row"
            yield Figure(f"{table}, {name}", held / size, "bytes an object", note=note)


def _in_file(at: Place) -> dict[str, tuple[int, int]]:
    with closing(sqlite3.connect(at.path / "node.db")) as database:
        sizes: dict[str, int] = dict(database.execute(_SQLITE).fetchall())
        return {
            table: (held, database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  # names from the database
            for table, held in sizes.items()
        }


def _in_database(at: Place) -> dict[str, tuple[int, int]]:
    with psycopg.connect(at.store) as database:
        sizes: dict[str, int] = dict(database.execute(_POSTGRESQL).fetchall())
        return {
            table: (int(held), database.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608  # names from the database
            for table, held in sizes.items()
        }
