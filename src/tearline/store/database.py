"""Run one transaction on the store.

SQLite in WAL mode with `synchronous=FULL`: a power cut must never roll back behind a checkpoint
that was signed. A write transaction is `BEGIN IMMEDIATE`, so that it holds the one writer's lock
from its first read on; a read transaction sees one snapshot.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event
from sqlalchemy.exc import PendingRollbackError

from tearline.errors import HomeError

_WAL_TRIES = 600

metadata = MetaData()
"""All tables; each module of this folder adds its own family."""

Tx = Connection
"""A transaction: what every function of this folder takes first."""


class Store:
    """The store of one node: a database file and the two kinds of transaction on it."""

    def __init__(self, path: Path) -> None:
        """Bind to the database file at `path`; nothing is opened yet."""
        self.path = path
        self._engine = _engine(path)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Run one write transaction: all of it is durable at the end, or none of it."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                # An interrupt inside the driver has already undone and closed the connection.
                with suppress(PendingRollbackError):
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Run one read transaction: a single snapshot, whatever is written meanwhile."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                with suppress(PendingRollbackError):
                    connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


@contextmanager
def trial(tx: Tx) -> Iterator[Callable[[], None]]:
    """Try something inside a transaction; calling what this yields undoes it at the end."""
    undo = False

    def give_up() -> None:
        nonlocal undo
        undo = True

    tx.exec_driver_sql("SAVEPOINT trial")
    yield give_up
    if undo:
        tx.exec_driver_sql("ROLLBACK TO SAVEPOINT trial")
    tx.exec_driver_sql("RELEASE SAVEPOINT trial")


def insert_rows(
    tx: Tx, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool = False
) -> None:
    """Insert `rows`, each a tuple in the order of the table's columns.

    The statement is compiled once and handed to the driver as text: several times faster than
    building it for each call. With `ignore`, a row whose key is taken is passed over.
    """
    if rows:
        tx.exec_driver_sql(_insert_text(table, ignore), list(rows))


def in_chunks(ids: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    """Cut `ids` into lists short enough for one statement's parameters."""
    chunk: list[str] = []
    for each in ids:
        chunk.append(each)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@cache
def _insert_text(table: Table, ignore: bool) -> str:  # noqa: FBT001  # a cache key
    columns = [column.name for column in table.columns]
    marks = ", ".join("?" * len(columns))
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}){tail}"  # noqa: S608  # names from our own tables


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": 60, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:  # noqa: ANN401  # SQLAlchemy's signature
        # Counts for a new file alone. Four times SQLite's own: rows here are long, and its trees
        # are written in two thirds of the time.
        connection.execute("PRAGMA page_size=16384")
        _use_wal(connection)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-65536",
            "temp_store=MEMORY",
            "wal_autocheckpoint=2000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _use_wal(connection: Any) -> None:  # noqa: ANN401  # SQLite's own connection
    """Switch a new file to WAL; here SQLite does not wait for another process by itself."""
    for _ in range(_WAL_TRIES):
        try:
            if connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",):
                return
        except sqlite3.OperationalError:
            time.sleep(0.05)
    raise HomeError("The store is locked by another program.", do="End it, and try again.")
