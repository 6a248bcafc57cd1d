"""Who cosigned what: the heads we cosigned for others, and theirs of ours.

`witnessed` has for each origin the largest head that we cosigned: whoever sets it back could have
us cosign two histories, which the partner's log, copied here, and the cosignatures that left us
would show. `committed` says from which leaf of a node log on which head of a log is committed to:
what we wrote for ours, what we were shown for `theirs/…`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from tearline.store.columns import Text
from tearline.store.database import Statement, Tx, insert_rows, metadata

witnessed = Table(
    "witnessed",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
cosignature = Table(
    "cosignature",
    metadata,
    Column("log", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
covering = Table(
    "covering",
    metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("line", Text),
    Column("at", BigInteger, nullable=False),
)
committed = Table(
    "committed",
    metadata,
    Column("log", Text, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


class Witnessed(NamedTuple):
    """The largest head of a log that we cosigned: the note with our cosignature, and when."""

    origin: str
    size: int
    root: bytes
    note: str
    at: int


class Cosignature(NamedTuple):
    """The last cosignature of one witness on a log of ours: its line, for which size."""

    log: str
    name: str
    size: int
    line: str
    at: int


class Covering(NamedTuple):
    """Of a log of ours: that a witness had seen its first `size` leaves, and the moment it names.

    `line` is its cosignature on that head, None where it cosigned the node log that commits to it.
    """

    log: str
    size: int
    name: str
    line: str | None
    at: int


class Head(NamedTuple):
    """The size of a log, and the root over so many leaves."""

    size: int
    root: bytes


# ----------------------------------------------------------------------------------- witnessed


def witnessed_of(tx: Tx, origin: str) -> Witnessed | None:
    """Return the largest head of a log that we cosigned."""
    row = tx.execute(select(witnessed).where(witnessed.c.origin == origin)).one_or_none()
    return Witnessed(*row) if row else None


def set_witnessed(tx: Tx, head: Witnessed) -> None:
    """Keep a head in the place of the one before it."""
    tx.execute(delete(witnessed).where(witnessed.c.origin == head.origin))
    tx.execute(insert(witnessed).values(head._asdict()))


def all_witnessed(tx: Tx) -> list[Witnessed]:
    """Return every head that we cosigned last, by origin."""
    return [Witnessed(*row) for row in tx.execute(select(witnessed).order_by(witnessed.c.origin))]


# -------------------------------------------------------------------------------- cosignatures


def set_cosignature(tx: Tx, given: Cosignature) -> None:
    """Keep a witness's cosignature on a log of ours, unless one of a larger size is here."""
    same = (cosignature.c.log == given.log) & (cosignature.c.name == given.name)
    last = tx.execute(select(cosignature.c.size).where(same)).scalar_one_or_none()
    if last is not None and last > given.size:
        return
    tx.execute(delete(cosignature).where(same))
    tx.execute(insert(cosignature).values(given._asdict()))


_BY_NAME = select(cosignature).order_by(cosignature.c.log, cosignature.c.name)
_COSIGNED = Statement(_BY_NAME)
_COSIGNED_OF = Statement(_BY_NAME.where(cosignature.c.log == bindparam("log")))


def cosignatures(tx: Tx, log: str | None = None) -> list[Cosignature]:
    """Return the last cosignature of every witness on one log of ours or on all, by name."""
    rows = _COSIGNED.rows(tx) if log is None else _COSIGNED_OF.rows(tx, log=log)
    return [Cosignature(*row) for row in rows]


# ------------------------------------------------------------------------------------- covering


def cover(tx: Tx, seen: Covering) -> None:
    """Keep what a witness had seen of a log of ours; the first that is kept of a size stays."""
    insert_rows(tx, covering, [seen], ignore=True)


def covers(tx: Tx, log: str) -> list[Covering]:
    """Return what witnesses had seen of a log of ours, as far as it was kept, smallest first."""
    rows = select(covering).where(covering.c.log == log).order_by(covering.c.size)
    return [Covering(*row) for row in tx.execute(rows)]


def covered(tx: Tx) -> dict[str, int]:
    """Return how many leaves of each log of ours some witness had seen."""
    sizes = select(covering.c.log, func.max(covering.c.size)).group_by(covering.c.log)
    return {row[0]: row[1] for row in tx.execute(sizes)}


# ----------------------------------------------------------------------------------- committed


def commit(tx: Tx, index: int, heads: Mapping[str, Head]) -> None:
    """Note to which heads leaf `index` of our node log commits; what did not change stays."""
    known = {log: committed_at(tx, log, index) for log in heads}
    changed = [(log, index, *head) for log, head in heads.items() if known[log] != head]
    insert_rows(tx, committed, changed)


def committed_at(tx: Tx, log: str, index: int) -> Head | None:
    """Return the head of a log of ours to which leaf `index` of our node log commits, if to any."""
    query = select(committed.c.size, committed.c.root).where(committed.c.log == log)
    last = query.where(committed.c.idx <= index).order_by(committed.c.idx.desc()).limit(1)
    row = tx.execute(last).one_or_none()
    return Head(*row) if row else None


def last_shown(tx: Tx, log: str) -> tuple[int, int] | None:
    """Return the leaf of the partner's node log that last committed to its log, and the size."""
    query = select(committed.c.idx, committed.c.size).where(committed.c.log == log)
    row = tx.execute(query.order_by(committed.c.idx.desc()).limit(1)).one_or_none()
    return (row[0], row[1]) if row else None


def set_shown(tx: Tx, log: str, index: int, head: Head) -> None:
    """Keep what the partner's node log committed to last, in the place of what it did before."""
    tx.execute(delete(committed).where(committed.c.log == log))
    insert_rows(tx, committed, [(log, index, *head)])
