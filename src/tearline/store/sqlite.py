"""SQLite: one file in the home, one machine, no server.

WAL mode with `synchronous=FULL`: a power cut must never roll back behind a checkpoint that was
signed. A write transaction is `BEGIN IMMEDIATE`, so that it holds the one writer's lock from its
first read on; a read transaction sees one snapshot.

A process writes through one connection, which keeps what it has read; the others, of which there
may be a dozen, keep little: what they read lies in the system's memory anyway, and there only once.
"""

import sqlite3
import time
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Hashable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, String, Table, create_engine, event
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004

from tearline.errors import HomeError
from tearline.store.columns import misfit

_WAL_TRIES = 600
_WAIT_S = 60
_KIB_TO_READ = 2048
_VALUES = 2000
_KIB_TO_WRITE = 32_768
_PROBLEMS = {
    sqlite3.SQLITE_BUSY: "another transaction holds it.",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened.",
    sqlite3.SQLITE_FULL: "the disk is full.",
    sqlite3.SQLITE_IOERR: "the disk could not be read or written.",
    sqlite3.SQLITE_READONLY: "its file may not be written.",
}


def shown(path: Path) -> str:
    """Return what people may read of where it is."""
    return str(path)


def engine(path: Path) -> Engine:
    """Bind to a file, to read it; nothing is opened yet."""
    # Those that are used are used again: the others stay closed.
    return _engine(path, _KIB_TO_READ, pool_use_lifo=True)


def writer(path: Path, _reader: Engine) -> Engine:
    """Bind to a file, to write it: who has to wait waits for the one connection."""
    return _engine(path, _KIB_TO_WRITE, pool_size=1, max_overflow=0, pool_timeout=_WAIT_S)


def _engine(path: Path, kib: int, **pool: Any) -> Engine:  # noqa: ANN401  # SQLAlchemy's own
    made = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": _WAIT_S, "check_same_thread": False, "isolation_level": None},
        hide_parameters=True,
        **pool,
    )

    @event.listens_for(made, "connect")
    def _set_up(connection: Any, _record: Any) -> None:  # noqa: ANN401  # SQLAlchemy's signature
        # Counts for a new file alone. Four times SQLite's own: rows here are long, and its trees
        # are written in two thirds of the time.
        connection.execute("PRAGMA page_size=16384")
        _use_wal(connection)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{kib}",
            "temp_store=MEMORY",
            "wal_autocheckpoint=2000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(made, "before_cursor_execute", _refuse_nul)
    return made


def _refuse_nul(*call: Any) -> None:  # noqa: ANN401  # SQLAlchemy's signature
    """Refuse what PostgreSQL refuses, so that a store can be moved, and both answer alike."""
    _connection, _cursor, _statement, parameters, context, many = call
    if context is not None and "no_nul" in context.execution_options:
        return
    if not many:
        if any(value.__class__ is str and "\0" in value for value in parameters):
            raise misfit()
        return
    # Column by column, each as one text: that is ten times as quick as value by value.
    for column in zip(*parameters, strict=True):
        kinds = set(map(type, column))
        if str in kinds:
            texts = column if len(kinds) == 1 else [each for each in column if type(each) is str]
            if "\0" in "".join(texts):
                raise misfit()


FAILURE = sqlite3.Error
"""What the driver raises."""


class Asker:
    """A connection beside the pool, for single questions, which take less time than the pool."""

    def __init__(self, engine: Engine) -> None:
        """Bind to a file; nothing is opened yet."""
        self._engine = engine
        self._driver: Any = None
        self._lock = Lock()
        self._turn: tuple[AbstractEventLoop, Hashable] | None = None

    def ask(self, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one reading statement by itself; sqlite3.Error when it fails."""
        with self._lock:
            found: list[tuple[Any, ...]] = self._opened().execute(text, values).fetchall()
            return found

    async def state(self) -> Hashable:
        """Return what stays equal as long as nothing more is committed; None if not known.

        SQLite counts for a connection how often it found that another, of whichever process, had
        committed; it looks each time, and nothing is ever written on this connection. What one
        request was told counts for all others of the same turn of the event loop: they had come
        before it was asked, and callbacks run in the order in which they were handed over.
        """
        loop, turn = get_running_loop(), self._turn
        if turn is None or turn[0] is not loop:
            self._turn = turn = loop, self._state()
            loop.call_soon(self._end_turn)
        return turn[1]

    def _end_turn(self) -> None:
        self._turn = None

    def _state(self) -> Hashable:
        try:
            with self._lock:
                driver = self._opened()
                return driver, driver.execute("PRAGMA data_version").fetchone()
        except (FAILURE, DBAPIError, TimeoutError):
            return None

    def _opened(self) -> Any:  # noqa: ANN401  # the driver's connection
        if self._driver is None:
            lent = self._engine.raw_connection()
            self._driver = lent.driver_connection
            lent.detach()
        return self._driver

    def close(self) -> None:
        """Close it."""
        with self._lock:
            if self._driver is not None:
                self._driver.close()
            self._driver = None


def begin_write(connection: Connection) -> None:
    """Begin a transaction that holds the one writer's lock."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def begin_read(connection: Connection) -> None:
    """Begin a transaction that sees one snapshot."""
    connection.exec_driver_sql("BEGIN")


def commit(connection: Connection) -> None:
    """Make all of a transaction durable."""
    connection.exec_driver_sql("COMMIT")


def undo(connection: Connection) -> None:
    """End a transaction as if it had not been."""
    connection.exec_driver_sql("ROLLBACK")


def problem(error: Exception) -> str | None:
    """Say what is wrong with the file or its disk; None where it is a fault of ours."""
    if isinstance(error, TimeoutError):
        return _PROBLEMS[sqlite3.SQLITE_BUSY]
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)
    return _PROBLEMS.get(code & 0xFF)


def rows(tx: Connection, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement and return all that it finds."""
    if any(value.__class__ is str and "\0" in value for value in values):
        raise misfit()
    driver: Any = tx.connection.driver_connection
    try:
        found: list[tuple[Any, ...]] = driver.execute(text, values).fetchall()
    except sqlite3.Error as error:
        of = sqlite3.Error
        raise DBAPIError.instance(text, None, error, of, hide_parameters=True) from error
    return found


def insert(tx: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool) -> None:
    """Insert rows that are tuples in the order of the table's columns."""
    # Here it is known which columns hold texts.
    for place in _texts(table):
        texts: set[str | None] = {row[place] for row in rows}
        texts.discard(None)
        if "\0" in "".join(texts):  # type: ignore[arg-type]  # no None is among them
            raise misfit()
    # Many rows in one statement take less time than one statement for each.
    width = _VALUES // len(table.columns)
    whole = len(rows) - len(rows) % width
    for begin in range(0, whole, width):
        values = tuple(chain.from_iterable(rows[begin : begin + width]))
        tx.exec_driver_sql(_insert_text(table, ignore, width), values, {"no_nul": True})
    if rest := rows[whole:]:
        tx.exec_driver_sql(_insert_text(table, ignore, 1), list(rest), {"no_nul": True})


@cache
def _texts(table: Table) -> list[int]:
    return [place for place, each in enumerate(table.columns) if isinstance(each.type, String)]


@cache
def _insert_text(table: Table, ignore: bool, rows: int) -> str:  # noqa: FBT001  # a cache key
    columns = [column.name for column in table.columns]
    marks = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {marks}{tail}"  # noqa: S608  # names from our own tables


def _use_wal(connection: Any) -> None:  # noqa: ANN401  # SQLite's own connection
    """Switch a new file to WAL; here SQLite does not wait for another process by itself."""
    for _ in range(_WAL_TRIES):
        try:
            if connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",):
                return
        except sqlite3.OperationalError:
            time.sleep(0.05)
    raise HomeError("The store is locked by another program.", do="End it, and try again.")
