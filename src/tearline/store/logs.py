"""Logs: leaves, the hashes derived from them, the opened records, and signed checkpoints.

A log is named `private`, `ours/<agreement id>`, `theirs/<agreement id>` (our copy of the partner's
log) or `ours/node`, which commits to the heads of all of ours. Leaves and records are only ever
added. `log_tile` is derived and can be rebuilt: the hash at (level, idx) is the root of the full
tile `idx` of the level below; level 0 is `log_leaf.leaf_hash`. Beside it, `within` has the roots of
the sixteen subtrees of that tile, so that a proof needs no more than a sixteenth of its hashes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    delete,
    func,
    select,
    update,
)

from tearline.store.columns import Text, among, of_each
from tearline.store.database import Statement, Tx, insert_rows, metadata

log_head = Table(
    "log_head",
    metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
log_leaf = Table(
    "log_leaf",
    metadata,
    Column("log", Text, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
log_tile = Table(
    "log_tile",
    metadata,
    Column("log", Text, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("within", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
log_record = Table(
    "log_record",
    metadata,
    Column("log", Text, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("record", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
log_checkpoint = Table(
    "log_checkpoint",
    metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("note", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)


class Head(NamedTuple):
    """How many leaves a log has, and the moment of the last one."""

    size: int
    at: int


class Signed(NamedTuple):
    """A checkpoint as it was signed: the size it covers, the note, and when we kept it."""

    size: int
    note: str
    at: int


_EMPTY = Head(0, 0)
LeafRow = tuple[str, int, bytes, bytes]
"""A new leaf: its log, its index there, the leaf, its hash."""
OpenedRow = tuple[int, int, bytes, bytes]
"""A record that opens an item of a leaf: leaf index, item, salt, canonical record."""


# ---------------------------------------------------------------------------- head and leaves

_HEAD = Statement(select(log_head.c.size, log_head.c.at).where(log_head.c.log == bindparam("log")))
_HEADS = Statement(select(log_head).where(among(log_head.c.log, bindparam("ids"))))
_DROP_HEADS = Statement(delete(log_head).where(among(log_head.c.log, bindparam("ids"))))
_MOVE_HEAD = Statement(
    update(log_head)
    .where(log_head.c.log == bindparam("name"))
    .values(size=bindparam("size"), at=bindparam("at"))
)
_LEAF_HASHES = Statement(
    select(log_leaf.c.leaf_hash)
    .where(log_leaf.c.log == bindparam("log"), log_leaf.c.idx >= bindparam("begin"))
    .where(log_leaf.c.idx < bindparam("end"))
    .order_by(log_leaf.c.idx)
)
_TILE_HASHES = Statement(
    select(log_tile.c.hash)
    .where(log_tile.c.log == bindparam("log"), log_tile.c.level == bindparam("level"))
    .where(log_tile.c.idx >= bindparam("begin"), log_tile.c.idx < bindparam("end"))
    .order_by(log_tile.c.idx)
)


def head(tx: Tx, log: str) -> Head:
    """Return the head of a log; a log that nobody wrote to has no leaves."""
    row = _HEAD(tx, log=log).one_or_none()
    return Head(row[0], row[1]) if row else Head(0, 0)


def names(tx: Tx) -> list[str]:
    """Return the names of the logs that have a leaf, in order."""
    return list(tx.execute(select(log_head.c.log).order_by(log_head.c.log)).scalars())


def add_leaves(tx: Tx, log: str, leaves: Sequence[tuple[bytes, bytes]], *, at: int) -> int:
    """Append leaves, each with its hash, advance the head, and return the first one's index."""
    first = head(tx, log).size
    rows = [(log, first + place, leaf, digest) for place, (leaf, digest) in enumerate(leaves)]
    insert_rows(tx, log_leaf, rows)
    if not _MOVE_HEAD(tx, name=log, size=first + len(rows), at=at).rowcount:
        insert_rows(tx, log_head, [(log, first + len(rows), at)])
    return first


def heads(tx: Tx, logs: Iterable[str]) -> dict[str, Head]:
    """Return the heads of logs; one that nobody wrote to has no leaves."""
    wanted = set(logs)
    found = {row[0]: Head(row[1], row[2]) for row in _HEADS.among(tx, wanted)}
    return {each: found.get(each, _EMPTY) for each in wanted}


def extend(tx: Tx, rows: Sequence[LeafRow], *, at: int) -> None:
    """Add leaves to logs of ours, each at its log's end, and move the heads."""
    insert_rows(tx, log_leaf, rows)
    sizes = {log: index + 1 for log, index, _, _ in rows}
    _DROP_HEADS(tx, ids=list(sizes))
    insert_rows(tx, log_head, [(log, size, at) for log, size in sizes.items()])


def leaf(tx: Tx, log: str, index: int) -> bytes | None:
    """Return the bytes of one leaf, or None if the log is shorter."""
    found = leaves(tx, log, index, index + 1)
    return found[0] if found else None


_LEAVES = (
    select(log_leaf.c.leaf)
    .where(log_leaf.c.log == bindparam("log"), log_leaf.c.idx >= bindparam("begin"))
    .where(log_leaf.c.idx < bindparam("end"))
    .order_by(log_leaf.c.idx)
)


def leaves(tx: Tx, log: str, begin: int, end: int) -> list[bytes]:
    """Return the bytes of the leaves from `begin` up to, not including, `end`."""
    return list(tx.execute(_LEAVES, {"log": log, "begin": begin, "end": end}).scalars())


# ----------------------------------------------------------------------------- derived hashes


def hashes(tx: Tx, log: str, level: int, begin: int, end: int) -> list[bytes]:
    """Return the hashes of one tile level from `begin` up to, not including, `end`."""
    if level:
        rows = _TILE_HASHES.rows(tx, log=log, level=level, begin=begin, end=end)
    else:
        rows = _LEAF_HASHES.rows(tx, log=log, begin=begin, end=end)
    return [row[0] for row in rows]


def tile_count(tx: Tx, log: str, level: int) -> int:
    """Return how many hashes of a level above 0 have been derived."""
    last = select(func.max(log_tile.c.idx)).where(log_tile.c.log == log, log_tile.c.level == level)
    found = tx.execute(last).scalar_one()
    return 0 if found is None else int(found) + 1


def drop_tiles(tx: Tx, log: str) -> None:
    """Forget all derived hashes of a log."""
    tx.execute(delete(log_tile).where(log_tile.c.log == log))


def add_tiles(
    tx: Tx, log: str, level: int, first: int, roots: Sequence[tuple[bytes, bytes]]
) -> None:
    """Add derived hashes of a level above 0, each with its inner ones, from index `first` on."""
    rows = [(log, level, first + place, *each) for place, each in enumerate(roots)]
    insert_rows(tx, log_tile, rows)


_WITHIN = Statement(
    select(log_tile.c.within)
    .where(log_tile.c.log == bindparam("log"), log_tile.c.level == bindparam("level"))
    .where(log_tile.c.idx >= bindparam("begin"), log_tile.c.idx < bindparam("end"))
    .order_by(log_tile.c.idx)
)


def within(tx: Tx, log: str, level: int, begin: int, end: int) -> list[bytes]:
    """Return the hashes within the tiles whose roots are the derived hashes `begin` to `end`."""
    found = _WITHIN.rows(tx, log=log, level=level, begin=begin, end=end)
    return [bytes(row[0]) for row in found]


# ------------------------------------------------------------------------------------ records


def add_records(tx: Tx, log: str, rows: Sequence[OpenedRow]) -> None:
    """Keep records with the salts that open them; one that is there already stays as it is."""
    insert_rows(tx, log_record, [(log, *row) for row in rows], ignore=True)


def add_records_of(tx: Tx, rows: Sequence[tuple[str, int, int, bytes, bytes]]) -> None:
    """Keep records of new leaves of any logs: the log, and what an `OpenedRow` has."""
    insert_rows(tx, log_record, rows)


_RECORDS = (
    select(log_record.c.idx, log_record.c.item, log_record.c.salt, log_record.c.record)
    .where(log_record.c.log == bindparam("log"), log_record.c.idx >= bindparam("begin"))
    .where(log_record.c.idx < bindparam("end"))
    .order_by(log_record.c.idx, log_record.c.item)
)
_NEXT_OPENED = (
    select(log_record.c.idx)
    .where(log_record.c.log == bindparam("log"), log_record.c.idx > bindparam("after"))
    .order_by(log_record.c.idx, log_record.c.item)
    .limit(1)
    .offset(bindparam("count"))
)


def records(tx: Tx, log: str, begin: int, end: int) -> list[OpenedRow]:
    """Return the opened records of the leaves from `begin` up to, not including, `end`."""
    rows = tx.execute(_RECORDS, {"log": log, "begin": begin, "end": end})
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def records_after(tx: Tx, log: str, leaf: int, *, count: int = 1000) -> list[OpenedRow]:
    """Return the records of whole leaves after a leaf (-1: from the first), about `count`.

    Stops at the end of the leaf in which record number `count` stands; the last row's leaf is
    the `leaf` of the next call. Empty when there are no more.
    """
    last = {"log": log, "after": leaf, "count": max(count, 1) - 1}
    end = tx.execute(_NEXT_OPENED, last).scalar_one_or_none()
    return records(tx, log, leaf + 1, (head(tx, log).size if end is None else end + 1))


def first_records(tx: Tx, log: str, indices: Iterable[int]) -> dict[int, bytes]:
    """Return the first record of each of these leaves that is open here, by leaf."""
    query = select(log_record.c.idx, log_record.c.record).where(
        log_record.c.log == log, log_record.c.item == 0, log_record.c.idx.in_(list(indices))
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def last_opened(tx: Tx, log: str) -> int:
    """Return the last leaf whose records are here, or -1."""
    found = tx.execute(select(func.max(log_record.c.idx)).where(log_record.c.log == log))
    last = found.scalar_one()
    return -1 if last is None else int(last)


# -------------------------------------------------------------------------------- checkpoints


def add_checkpoint(tx: Tx, log: str, size: int, note: str, *, at: int) -> None:
    """Keep a signed checkpoint; the first one of a size stays."""
    insert_rows(tx, log_checkpoint, [(log, size, note, at)], ignore=True)


def drop_checkpoints(tx: Tx, log: str, before: int) -> None:
    """Forget the checkpoints of a log that are smaller than one which is kept."""
    tx.execute(
        delete(log_checkpoint).where(log_checkpoint.c.log == log, log_checkpoint.c.size < before)
    )


def drop_checkpoint(tx: Tx, log: str, size: int) -> None:
    """Forget the checkpoint of one size, which is signed again."""
    where = log_checkpoint.c.log == log, log_checkpoint.c.size == size
    tx.execute(delete(log_checkpoint).where(*where))


_LAST_CHECKPOINT = Statement(
    select(log_checkpoint.c.size, log_checkpoint.c.note, log_checkpoint.c.at)
    .where(log_checkpoint.c.log == bindparam("log"))
    .order_by(log_checkpoint.c.size.desc())
    .limit(1)
)


def last_checkpoint(tx: Tx, log: str) -> Signed | None:
    """Return the checkpoint that covers most, or None before the first."""
    return next((Signed(*row) for row in _LAST_CHECKPOINT.rows(tx, log=log)), None)


_SIGNED_AT = Statement(
    of_each("SELECT at FROM log_checkpoint WHERE log = its.value ORDER BY size DESC LIMIT 1")
)


def signed_at(tx: Tx, names: Iterable[str]) -> dict[str, int | None]:
    """For each log, when the checkpoint that covers most was kept; None before the first."""
    return dict(_SIGNED_AT.among(tx, names))


def checkpoint_before(tx: Tx, log: str, at: int) -> Signed | None:
    """Return the largest checkpoint that was kept up to a moment, or None."""
    columns = log_checkpoint.c.size, log_checkpoint.c.note, log_checkpoint.c.at
    older = select(*columns).where(log_checkpoint.c.log == log, log_checkpoint.c.at <= at)
    row = tx.execute(older.order_by(log_checkpoint.c.size.desc()).limit(1)).one_or_none()
    return Signed(row[0], row[1], row[2]) if row else None


def checkpoint_at(tx: Tx, log: str, size: int) -> Signed | None:
    """Return the smallest checkpoint that covers at least `size` leaves, or None."""
    columns = log_checkpoint.c.size, log_checkpoint.c.note, log_checkpoint.c.at
    covering = select(*columns).where(log_checkpoint.c.log == log, log_checkpoint.c.size >= size)
    row = tx.execute(covering.order_by(log_checkpoint.c.size).limit(1)).one_or_none()
    return Signed(row[0], row[1], row[2]) if row else None


def checkpoints(tx: Tx, log: str) -> list[Signed]:
    """Return every checkpoint of a log, smallest first."""
    columns = log_checkpoint.c.size, log_checkpoint.c.note, log_checkpoint.c.at
    rows = tx.execute(
        select(*columns).where(log_checkpoint.c.log == log).order_by(log_checkpoint.c.size)
    )
    return [Signed(row[0], row[1], row[2]) for row in rows]
