"""Run one transaction on the store, which is a SQLite file or a PostgreSQL database.

What every function of this folder relies on, on both: there is one writer at a time, from the first
read of a write transaction on; so the numbers it draws become visible in their order. A read
transaction sees one snapshot.
"""

import os
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar
from weakref import WeakSet, finalize

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, MetaData, Table
from sqlalchemy.exc import DataError, DBAPIError, PendingRollbackError, TimeoutError  # noqa: A004

from tearline.errors import HomeError, StoreError
from tearline.store.columns import Many, misfit
from tearline.store.replica import Replica

T = TypeVar("T")
metadata = MetaData()
"""All tables; each module of this folder adds its own family."""

Tx = Connection
"""A transaction: what every function of this folder takes first."""

Place = Path | str
"""Where a store is: a SQLite file, or the address of a PostgreSQL database."""

_opened: "WeakSet[Store]" = WeakSet()
_PART = 2_000
"""The most values of a list in one statement."""


class Store:
    """The store of one node, and the two kinds of transaction on it."""

    replica: Replica | None = None
    """Who answers pages where it can; None where this store does it all."""

    def __init__(self, place: Place, *, follows: bool = False) -> None:
        """Bind to a file or an address; nothing is opened yet.

        `follows`: the address is of a read replica. HomeError when it cannot be understood.
        """
        # Only the driver that is needed is imported.
        kind = "sqlite" if isinstance(place, Path) else "postgresql"
        self._kind: Any = import_module(f"tearline.store.{kind}")
        self.path = place if isinstance(place, Path) else None
        self.shown: str = self._kind.shown(place)
        self._engine: Engine = self._kind.follower(place) if follows else self._kind.engine(place)
        self._writer: Engine = self._kind.writer(place, self._engine)
        self._asker = self._kind.Asker(self._engine)
        self._follower: Store | None = None
        for each in {self._engine, self._writer}:
            finalize(self, each.dispose)
        _opened.add(self)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Run one write transaction: all of it is durable at the end, or none of it.

        StoreError when the store cannot be reached or cannot keep it.
        """
        with self._begun(self._writer, self._kind.begin_write) as connection:
            try:
                yield connection
            except BaseException:
                # An interrupt inside the driver has already undone and closed the connection.
                with suppress(PendingRollbackError, DBAPIError):
                    self._kind.undo(connection)
                raise
            self._kind.commit(connection)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Run one read transaction: a single snapshot, whatever is written meanwhile.

        StoreError when the store cannot be reached.
        """
        with self._begun(self._engine, self._kind.begin_read) as connection:
            try:
                yield connection
            finally:
                with suppress(PendingRollbackError, DBAPIError):
                    self._kind.undo(connection)

    def ask(self, statement: "Statement", **values: object) -> list[tuple[Any, ...]]:
        """Ask one question outside a transaction: what one statement shows is a snapshot itself.

        Several times as quick as `read`. StoreError when the store cannot be reached.
        """
        try:
            found = self._asker.ask(*statement.told(self._engine.dialect, values))
        except (self._kind.FAILURE, DBAPIError, TimeoutError):
            # What is wrong is found out and told here.
            with self.read() as tx:
                found = statement(tx, **values).all()
        return [tuple(row) for row in found]

    def state(self) -> Awaitable[Hashable]:
        """Return what stays equal as long as no transaction of anybody more becomes visible.

        What is read after it shows all that was visible then. None where that cannot be known now:
        nothing is to be concluded then. For the event loop, which it never holds up for long.
        """
        found: Awaitable[Hashable] = self._asker.state()
        return found

    def read_pages(self, tx: Tx, head: Callable[[Tx], object], read: Callable[[Tx], T]) -> T:
        """Read what a page is made of: from a replica where one stands as `tx` does, else from it.

        `tx` is of this store, and has decided already who may see the page. `head` reads the row
        that moves with everything that the page could show. Both functions may be called twice.
        """
        return read(tx) if self.replica is None else self.replica.pages(tx, head, read)

    def use_replica(self, url: str) -> None:
        """Have pages read from a replica of this store; HomeError where there can be none."""
        if self.path is not None:
            raise HomeError(
                "A store in a file has no replica.",
                do="Name a PostgreSQL database in TEARLINE_STORE, or no TEARLINE_STORE_READ.",
            )
        self._follower = Store(url, follows=True)
        self.replica = Replica(self._follower.read)

    def close(self) -> None:
        """Close every connection."""
        self._asker.close()
        self._dispose()
        if self._follower is not None:
            self._follower.close()

    def forget(self) -> None:
        """Leave the connections to the process that opened them, after a fork."""
        self._parents, self._asker = self._asker, self._kind.Asker(self._engine)
        self._dispose(close=False)

    def _dispose(self, *, close: bool = True) -> None:
        for each in {self._engine, self._writer}:
            each.dispose(close=close)

    @contextmanager
    def _begun(self, engine: Engine, begin: Callable[[Connection], None]) -> Iterator[Connection]:
        means = "Nothing was read or written."
        try:
            with self._connection(engine, begin) as connection:
                means = "What was not acknowledged may not have been kept."
                yield connection
        except (DBAPIError, TimeoutError, OverflowError) as error:
            if isinstance(error, (DataError, OverflowError)):
                raise misfit() from error
            problem = self._kind.problem(error)
            if problem is None:
                raise
            self._dispose()
            raise StoreError(
                f"The store {self.shown} cannot be used now: {problem}",
                means=means,
                do="Try again when it is back. If it does not come back, look at its own log.",
            ) from error

    @contextmanager
    def _connection(
        self, engine: Engine, begin: Callable[[Connection], None]
    ) -> Iterator[Connection]:
        """Begin on a connection; on a new one where the pool's turns out to be broken."""
        connection = engine.connect()
        try:
            try:
                begin(connection)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                connection.close()
                engine.dispose()
                connection = engine.connect()
                begin(connection)
            yield connection
        finally:
            connection.close()


class Statement:
    """A statement that is compiled once for each dialect, and handed to the driver as text.

    It takes its named parameters as keywords; a list is one parameter, see `among`. What comes is
    as the driver gives it: SQLite has numbers for truth values.
    """

    def __init__(self, query: Executable) -> None:
        """Bind to a statement without parameters that expand."""
        self._query = query
        self._compiled: dict[str, _Compiled] = {}

    def __call__(self, tx: Tx, **values: object) -> CursorResult[*tuple[Any, ...]]:
        """Run it."""
        return tx.exec_driver_sql(*self.told(tx.dialect, values))

    def told(self, dialect: Dialect, values: dict[str, object]) -> "_Question":
        """Return the text and the parameters that a driver takes."""
        known = self._compiled.get(dialect.name) or self._compile(dialect)
        values = {**known.fixed, **values}
        for name, kind in known.lists.items():
            values[name] = kind.process_bind_param(values[name], dialect)
        if known.order is None:
            return known.text, values
        return known.text, tuple(values[name] for name in known.order)

    def rows(self, tx: Tx, **values: object) -> list[tuple[Any, ...]]:
        """Run it and return all that it finds, as plain tuples.

        Goes past SQLAlchemy, which takes five times as long as SQLite itself for a row.
        """
        found: list[tuple[Any, ...]] = _kind(tx).rows(tx, *self.told(tx.dialect, values))
        return found

    def swept(self, tx: Tx, **values: object) -> Iterator[list[tuple[Any, ...]]]:
        """Run it and yield what it finds in parts, for what would be too much at once."""
        result = self(tx, **values)
        cursor: Any = result.cursor
        while found := cursor.fetchmany(_PART):
            yield found
        result.close()

    def among(self, tx: Tx, ids: Iterable[T], **values: object) -> Iterator[tuple[Any, ...]]:
        """Run it for the list `ids`, in parts that are not too long, and yield what it finds."""
        listed = list(ids)
        for begin in range(0, len(listed), _PART):
            yield from self.rows(tx, ids=listed[begin : begin + _PART], **values)

    def _compile(self, dialect: Dialect) -> "_Compiled":
        done = self._query.compile(dialect=dialect)  # type: ignore[attr-defined]  # all have it
        fixed = {name: value for name, value in done.params.items() if value is not None}
        lists = {name: bind.type for name, bind in done.binds.items() if type(bind.type) is Many}
        found = _Compiled(str(done), done.positiontup, fixed, lists)
        self._compiled[dialect.name] = found
        return found


_Question: TypeAlias = tuple[str, dict[str, object] | tuple[object, ...]]


class _Compiled(NamedTuple):
    text: str
    order: Sequence[str] | None
    fixed: dict[str, object]
    lists: dict[str, Many]


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

    Goes past SQLAlchemy to the driver's fastest way, where 0 and 1 take less time than truth
    values. With `ignore`, a row whose key is taken is passed over.
    """
    if rows:
        _kind(tx).insert(tx, table, rows, ignore=ignore)


def _kind(tx: Tx) -> Any:  # noqa: ANN401  # a module
    return import_module(f"tearline.store.{tx.dialect.name}")


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


def _after_fork() -> None:
    for store in _opened:
        store.forget()


os.register_at_fork(after_in_child=_after_fork)
