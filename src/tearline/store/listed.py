"""Which objects a list shows, so that a million can be filtered, counted and jumped into.

An object's latest version has a *kind*: what many others share with it (whose, type, source,
marking, grade, revoked). For each stretch of `CHUNK` numbers of versions stands how many there are
of each kind. So a count is a sum over some thousand rows, and the N-th of what a filter leaves is
found in the stretch where that sum passes N.

Nothing here is written where objects arrive: `release.listing` sorts them in afterwards, up to a
number that is kept. All of it can be made again from the objects, and is not moved with them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    Table,
    bindparam,
    delete,
    func,
    select,
)

from tearline.store import searched
from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata
from tearline.store.sorted_in import SortedIn

CHUNK = 4_096
"""How many numbers of versions are counted together."""

listed = Table(
    "listed",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("kind", Integer, nullable=False),
    Index("listed_of_kind", "kind", "seq"),
    info={"derived": True},
)
listed_kind = Table(
    "listed_kind",
    metadata,
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("marking", Integer, nullable=False),
    Column("grade", Integer, nullable=False),
    Column("revoked", Boolean, nullable=False),
    info={"derived": True},
)
listed_tally = Table(
    "listed_tally",
    metadata,
    Column("chunk", Integer, primary_key=True, autoincrement=False),
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
    info={"derived": True},
)
SORTED_IN = SortedIn("listed")
"""Up to where versions are listed, and of which objects what we say changed, and so their kind."""


class Kind(NamedTuple):
    """What objects of one kind share; marking and grade are what counts: ours, else their own."""

    origin: str
    type: str
    source: str
    marking: int
    grade: int
    revoked: bool


Kinds = Collection[int] | None
"""Numbers of kinds; None for all of them."""

_KINDS = Statement(select(listed_kind))
_OF = Statement(select(listed.c.seq, listed.c.kind).where(among(listed.c.seq, bindparam("ids"))))
_SUMS = select(listed_tally.c.chunk, func.sum(listed_tally.c.number)).where(
    listed_tally.c.chunk >= bindparam("low")
)
_CHUNKS = Statement(_SUMS.group_by(listed_tally.c.chunk))
_CHUNKS_OF = Statement(
    _SUMS.where(among(listed_tally.c.kind, bindparam("kinds"))).group_by(listed_tally.c.chunk)
)
_TOTALS = Statement(
    select(listed_tally.c.kind, func.sum(listed_tally.c.number))
    .where(listed_tally.c.chunk >= bindparam("low"))
    .group_by(listed_tally.c.kind)
)
_SPAN: tuple[ColumnElement[bool], ...] = (
    listed.c.seq >= bindparam("low"),
    listed.c.seq < bindparam("high"),
)
_PART = Statement(select(listed.c.kind, func.count()).where(*_SPAN).group_by(listed.c.kind))
_COUNT = Statement(select(func.count()).select_from(listed).where(*_SPAN))
_COUNT_OF = Statement(select(func.count()).where(among(listed.c.kind, bindparam("kinds")), *_SPAN))
_SEQS = Statement(
    select(listed.c.seq)
    .where(*_SPAN)
    .order_by(listed.c.seq.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("skip"))
)
_SEQS_OF = Statement(
    select(listed.c.seq)
    .where(among(listed.c.kind, bindparam("kinds")), *_SPAN)
    .order_by(listed.c.seq.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("skip"))
)


# --------------------------------------------------------------------------------------- writing


def begin_again(tx: Tx) -> None:
    """Forget everything: the words are made by another recipe now."""
    for table in (listed, listed_kind, listed_tally):
        tx.execute(delete(table))
    SORTED_IN.clear(tx)
    searched.clear(tx)


def kinds(tx: Tx) -> dict[int, Kind]:
    """Every kind by its number."""
    return {row[0]: Kind._make((*row[1:6], bool(row[6]))) for row in _KINDS.rows(tx)}


def put(tx: Tx, rows: Sequence[tuple[int, Kind]]) -> None:
    """Sort versions in, by their numbers; such as were there under another kind move."""
    drop(tx, [seq for seq, _ in rows])
    numbers = {kind: number for number, kind in kinds(tx).items()}
    fresh = [each for each in dict.fromkeys(kind for _, kind in rows) if each not in numbers]
    first = max(numbers.values(), default=0) + 1
    numbers |= {kind: number for number, kind in enumerate(fresh, first)}
    insert_rows(tx, listed_kind, [(numbers[each], *each) for each in fresh])
    placed = [(seq, numbers[kind]) for seq, kind in rows]
    insert_rows(tx, listed, placed)
    _count(tx, placed, 1)


def drop(tx: Tx, seqs: Sequence[int]) -> None:
    """Take versions out of the lists; those that are not there are passed over."""
    there = [(row[0], row[1]) for row in _OF.among(tx, seqs)]
    if there:
        tx.execute(delete(listed).where(among(listed.c.seq, [seq for seq, _ in there])))
        _count(tx, there, -1)


def forget(tx: Tx, seqs: Sequence[int], last: int) -> None:
    """Forget versions that are erased, words and all; `last` is the highest number still held."""
    drop(tx, seqs)
    searched.drop(tx, seqs)
    SORTED_IN.fall_back(tx, last)


def _count(tx: Tx, placed: Iterable[tuple[int, int]], by: int) -> None:
    change = Counter((seq // CHUNK, kind) for seq, kind in placed)
    if not change:
        return
    chunks = sorted({chunk for chunk, _ in change})
    where = among(listed_tally.c.chunk, chunks)
    before = {(row[0], row[1]): row[2] for row in tx.execute(select(listed_tally).where(where))}
    tx.execute(delete(listed_tally).where(where))
    now = {each: before.get(each, 0) + by * change[each] for each in {*before, *change}}
    insert_rows(tx, listed_tally, [(*each, now[each]) for each in sorted(now) if now[each]])


# --------------------------------------------------------------------------------------- reading


def totals(tx: Tx, low: int = 0) -> dict[int, int]:
    """How many there are of each kind, from a number of a version on."""
    whole = -(-low // CHUNK)
    found = Counter({row[0]: int(row[1]) for row in _TOTALS.rows(tx, low=whole)})
    if low < whole * CHUNK:
        found.update({row[0]: row[1] for row in _PART.rows(tx, low=low, high=whole * CHUNK)})
    return dict(found)


def stretches(tx: Tx, of: Kinds, low: int = 0) -> list[tuple[int, int]]:
    """How many there are in each stretch, the last first: (stretch, number)."""
    first = low // CHUNK
    if of is None:
        rows = _CHUNKS.rows(tx, low=first)
    else:
        rows = _CHUNKS_OF.rows(tx, low=first, kinds=sorted(of))
    found = {row[0]: int(row[1]) for row in rows}
    if low > first * CHUNK and first in found:
        found[first] = _between(tx, of, low, (first + 1) * CHUNK)
    return sorted(((each, n) for each, n in found.items() if n), reverse=True)


def place(tx: Tx, of: Kinds, counted: Sequence[tuple[int, int]], before: int, low: int = 0) -> int:
    """How many come before a version with this number, the newest first, itself not counted."""
    chunk = before // CHUNK
    whole = sum(number for each, number in counted if each > chunk)
    return whole + _between(tx, of, max(before, low), (chunk + 1) * CHUNK)


def _between(tx: Tx, of: Kinds, low: int, high: int) -> int:
    if of is None:
        return int(_COUNT(tx, low=low, high=high).scalar_one())
    return int(_COUNT_OF(tx, low=low, high=high, kinds=sorted(of)).scalar_one())


def page(
    tx: Tx, of: Kinds, counted: Sequence[tuple[int, int]], at: int, limit: int, low: int = 0
) -> list[int]:
    """The numbers of `limit` versions from the one at place `at` on, the newest first.

    `counted` is what `stretches` returned for the same kinds.
    """
    skipped, rest = 0, limit
    wanted: list[int] = []
    for chunk, number in counted:
        if skipped + number <= at and not wanted:
            skipped += number
            continue
        wanted.append(chunk)
        rest -= number - (max(at - skipped, 0) if len(wanted) == 1 else 0)
        if rest <= 0:
            break
    if not wanted:
        return []
    span = {"low": max(wanted[-1] * CHUNK, low), "high": (wanted[0] + 1) * CHUNK}
    given = {**span, "limit": limit, "skip": at - skipped}
    if of is None:
        return [row[0] for row in _SEQS.rows(tx, **given)]
    return [row[0] for row in _SEQS_OF.rows(tx, **given, kinds=sorted(of))]


def of_kinds(tx: Tx, seqs: Iterable[int]) -> dict[int, int]:
    """The kind of each of these versions that is sorted in."""
    return {row[0]: row[1] for row in _OF.among(tx, seqs)}
