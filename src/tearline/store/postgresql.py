"""PostgreSQL: when one machine or one file is not enough.

A write transaction takes one advisory lock at once, the one writer's lock of this database: so the
order in which numbers are drawn is the order in which they become visible, as in SQLite. A read
transaction sees one snapshot. Nothing is acknowledged before it is durable, here and on as many
standbys as the server has to wait for: `synchronous_commit` is raised where it was lowered, and a
commit that somebody else ended the wait of is in doubt. `primary` says which server is believed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format, TransactionStatus
from sqlalchemy import Boolean, Connection, Engine, LargeBinary, Table, create_engine, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, DisconnectionError, TimeoutError  # noqa: A004

from tearline.errors import HomeError
from tearline.store import watching
from tearline.store.primary import Servers, one_by_one
from tearline.store.watching import State, Watcher

_WRITER = 0x7EA21  # the one writer's lock; advisory locks are of one database
_POOL = 16
_MORE = 4
_COPY_FROM = 64
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it
_DEFAULTS = {
    "application_name": "tearline",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""What an address leaves open: whoever is gone is noticed within half a minute."""
_FOLLOWER = {"connect_timeout": "2", "tcp_user_timeout": "5000"}
"""For a replica, which another can stand in for at once."""
_SET_UP = """
SELECT set_config('synchronous_commit', 'on', false)
 WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
SET lock_timeout = '60s';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET idle_in_transaction_session_timeout = '10min';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
"""


class _Binary(psycopg.Cursor[Any]):
    """A cursor that reads numbers and bytes as they are, not as text: twice as fast on pages."""

    format = Format.BINARY


class Address(NamedTuple):
    """Where a database is: what the driver takes, and what may be shown to people."""

    parameters: dict[str, Any]
    shown: str


def address_of(url: str) -> Address:
    """Read the address of a database, as libpq writes it; HomeError when it is none.

    Several hosts may stand in it: the first that takes writes is used. What is shown holds neither
    the user's password nor any other parameter.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise _no_address() from None  # the driver's sentence may quote the password
    names = str(given.get("host") or given.get("hostaddr") or "localhost").split(",")
    ports = str(given.get("port") or "5432").split(",")
    name = str(given.get("dbname", ""))
    # Where a password is not encoded, its parts are read as these.
    if not all(each.isdecimal() for each in ports) or any("@" in each for each in (*names, name)):
        raise _no_address()
    ports = ports * len(names) if len(ports) == 1 else ports
    hosts = ",".join(f"{host}:{port}" for host, port in zip(names, ports, strict=False))
    parameters = {**_DEFAULTS, **given}
    if len(names) > 1:
        parameters.setdefault("target_session_attrs", "read-write")
    return Address(parameters, f"postgresql://{hosts}/{name}")


def _no_address() -> HomeError:
    return HomeError(
        "The address of the store is not one of a PostgreSQL database.",
        do="Write TEARLINE_STORE as postgresql://user:password@host/database, with signs like"
        " @ : / in the password percent-encoded.",
    )


def shown(url: str) -> str:
    """Return what people may read of where it is; HomeError when it is no address."""
    return address_of(url).shown


def engine(url: str) -> Engine:
    """Bind to a database, of several to the one that proves itself; nothing is opened yet."""
    servers = Servers(address_of(url).parameters, _SET_UP + watching.SET_UP)
    made = _engine(lambda: servers.connect(cursor_factory=_Binary))

    @event.listens_for(made, "checkout")
    def _believe(driver: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401  # SQLAlchemy's
        try:
            driver.prove_again()
        except psycopg.Error as error:
            raise DisconnectionError(str(error)) from error

    return made


def writer(_url: str, reader: Engine) -> Engine:
    """Return what is bound to a database already: here whoever reads can write."""
    return reader


def follower(url: str) -> Engine:
    """Bind to a read replica, or to any of several; nothing is opened yet."""
    parameters = address_of(url).parameters | _FOLLOWER
    if len(one_by_one(parameters)) > 1:
        # One of them may have become the primary, which has enough to do.
        parameters |= {"target_session_attrs": "standby", "load_balance_hosts": "random"}

    def _connect() -> psycopg.Connection[Any]:
        made = psycopg.connect(autocommit=True, cursor_factory=_Binary, **parameters)
        psycopg.Cursor(made).execute(_SET_UP, prepare=False)
        return made

    return _engine(_connect)


def _engine(connect: Callable[[], psycopg.Connection[Any]]) -> Engine:
    return create_engine(
        "postgresql+psycopg://",
        creator=connect,
        isolation_level="AUTOCOMMIT",
        pool_size=_POOL,
        max_overflow=_MORE,
        hide_parameters=True,
        use_native_hstore=False,
    )


FAILURE = psycopg.Error
"""What the driver raises."""


class Asker:
    """Single questions, on connections of the pool, each of which goes on proving its server."""

    def __init__(self, engine: Engine) -> None:
        """Bind to a pool."""
        self._engine = engine
        self._watcher = Watcher(engine)

    def ask(self, text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run one reading statement by itself; psycopg.Error when it fails."""
        with closing(self._engine.raw_connection()) as lent:
            driver: Any = lent.driver_connection
            try:
                found: list[tuple[Any, ...]] = driver.execute(text, values).fetchall()
            except psycopg.Error as error:
                lent.invalidate(error)
                raise
            return found

    async def state(self) -> State | None:
        """Return what stays equal as long as nothing more becomes visible; None if not known."""
        return await self._watcher.state()

    def close(self) -> None:
        """Leave the connections to the pool."""
        self._watcher.close()


def begin_write(connection: Connection) -> None:
    """Begin a transaction that holds the one writer's lock."""
    _simple(connection, f"BEGIN; SELECT pg_advisory_xact_lock({_WRITER})")


def begin_read(connection: Connection) -> None:
    """Begin a transaction that sees one snapshot."""
    _simple(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


def commit(connection: Connection) -> None:
    """Make all of a transaction durable."""
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status == TransactionStatus.INERROR:
        raise RuntimeError("A statement of this transaction failed, and that was passed over.")
    driver.warning = ""
    with _as_sqlalchemy(connection, "COMMIT"):
        connection.exec_driver_sql("COMMIT")
        if driver.warning:
            raise psycopg.OperationalError(driver.warning)


def undo(connection: Connection) -> None:
    """End a transaction as if it had not been."""
    connection.exec_driver_sql("ROLLBACK")


def problem(error: Exception) -> str | None:
    """Say what is wrong with the server or the way to it; None where it is a fault of ours."""
    if isinstance(error, TimeoutError):
        return "no connection to it became free in time."
    orig = getattr(error, "orig", None)
    if not isinstance(orig, (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)):
        return None
    return (orig.diag.message_primary or str(orig).strip().rpartition("\n")[2]).rstrip(".") + "."


def rows(tx: Connection, text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement and return all that it finds."""
    with _as_sqlalchemy(tx, text) as driver:
        return driver.execute(text, values).fetchall()


def insert(tx: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, ignore: bool) -> None:
    """Insert rows that are tuples in the order of the table's columns.

    Many rows at once go through COPY, in binary; a few, or such as may be there already, as one
    statement with an array for each column.
    """
    if ignore or len(rows) < _COPY_FROM:
        columns = [list(column) for column in zip(*rows, strict=True)]
        for place in _truths(table):
            columns[place] = list(map(bool, columns[place]))
        tx.exec_driver_sql(_unnest_text(table, ignore), tuple(columns))
        return
    with _as_sqlalchemy(tx, "COPY") as driver, driver.cursor() as cursor:
        text, types = _copy_text(table)
        with cursor.copy(text) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


@contextmanager
def _as_sqlalchemy(tx: Connection, what: str) -> Iterator[psycopg.Connection[Any]]:
    """Use the driver's connection; its errors become those that every other statement raises."""
    driver: psycopg.Connection[Any] = tx.connection.driver_connection  # type: ignore[assignment]
    try:
        yield driver
    except psycopg.Error as error:
        gone = driver.closed or driver.broken
        if gone:
            tx.invalidate(error)
        raise DBAPIError.instance(
            what,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=gone,
            dialect=tx.dialect,
        ) from error


def _simple(connection: Connection, statements: str) -> None:
    """Run several statements in one round trip."""
    with _as_sqlalchemy(connection, "BEGIN") as driver:
        psycopg.Cursor(driver).execute(statements.encode(), prepare=False)


@cache
def _unnest_text(table: Table, ignore: bool) -> str:  # noqa: FBT001  # a cache key
    names = ", ".join(column.name for column in table.columns)
    marks = ", ".join(f"%{_mark(column)}::{_type(column)}[]" for column in table.columns)
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({marks}){tail}"  # noqa: S608  # names from our own tables


@cache
def _truths(table: Table) -> list[int]:
    """The places of truth values, which may come as 0 and 1: COPY takes them so."""
    kinds = enumerate(column.type for column in table.columns)
    return [place for place, kind in kinds if isinstance(kind, Boolean)]


@cache
def _copy_text(table: Table) -> tuple[bytes, list[str]]:
    names = ", ".join(column.name for column in table.columns)
    text = f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"
    return text.encode(), [_type(column) for column in table.columns]


def _mark(column: Any) -> str:  # noqa: ANN401  # any column
    return "b" if isinstance(column.type, LargeBinary) else "s"


def _type(column: Any) -> str:  # noqa: ANN401  # any column
    """Return the name that PostgreSQL has for a column's type, without its collation."""
    return str(column.type.compile(_DIALECT)).partition(" COLLATE ")[0].lower()
