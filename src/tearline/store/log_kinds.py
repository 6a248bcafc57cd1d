"""Where in a log the leaves of a kind stand: derived, and can be rebuilt from the leaves.

A row says that among the 256 leaves of full tile `idx` is one of this kind. So the rare ones in a
million leaves are found without reading the million.
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Index, Table, bindparam, delete, func, select

from tearline.store.columns import Text
from tearline.store.database import Statement, Tx, insert_rows, metadata

log_kind = Table(
    "log_kind",
    metadata,
    Column("log", Text, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("kind", Text, primary_key=True),
    Index("log_kind_tiles", "log", "kind", "idx"),
    sqlite_with_rowid=False,
)

_LAST = Statement(select(func.max(log_kind.c.idx)).where(log_kind.c.log == bindparam("log")))
_TILES = Statement(
    select(log_kind.c.idx)
    .where(log_kind.c.log == bindparam("log"), log_kind.c.kind == bindparam("kind"))
    .where(log_kind.c.idx <= bindparam("upto"))
    .order_by(log_kind.c.idx.desc())
    .limit(bindparam("count"))
)
_NEXT = Statement(
    select(func.min(log_kind.c.kind)).where(
        log_kind.c.log == bindparam("log"), log_kind.c.kind > bindparam("after")
    )
)


def tiles_told(tx: Tx, log: str) -> int:
    """How many full tiles, from the first one on, have their kinds here."""
    found = _LAST(tx, log=log).scalar()
    return 0 if found is None else int(found) + 1


def add(tx: Tx, log: str, rows: Iterable[tuple[int, str]]) -> None:
    """Add kinds of full tiles: the index of the tile, and a kind."""
    insert_rows(tx, log_kind, [(log, *row) for row in rows])


def drop(tx: Tx, log: str) -> None:
    """Forget all kinds of a log."""
    tx.execute(delete(log_kind).where(log_kind.c.log == log))


def tiles_with(tx: Tx, log: str, kind: str, *, upto: int, count: int) -> list[int]:
    """Full tiles with a leaf of a kind, from tile `upto` back to the first, so many at most."""
    return [row[0] for row in _TILES.rows(tx, log=log, kind=kind, upto=upto, count=count)]


def kinds(tx: Tx, log: str) -> list[str]:
    """Every kind in the full tiles of a log, in order."""
    found: list[str] = []
    while (each := _NEXT(tx, log=log, after=found[-1] if found else "").scalar()) is not None:
        found.append(each)
    return found
