"""Local collections: what our own accounts read and write over TAXII, without any agreement.

The row of a collection is its head: it issues the moment at which each object was added. These
moments rise strictly, in the order of commits, so one number is the date added, the place in the
order and the cursor of a poll. A row of `collected` names a stored version of ours by its number;
what came under an agreement has no way in. Who can write here can show our own accounts other
objects than were posted; it changes nothing that is given under an agreement.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    CursorResult,
    Index,
    Integer,
    Select,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from tearline.store.columns import Text, among, aside
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata
from tearline.store.objects import OURS, object_raw, object_version

collection = Table(
    "collection",
    metadata,
    # Short, because it stands in every row and every index of `collected`.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("last_at", BigInteger, nullable=False),
    Column("changes", Integer, nullable=False),
)
collected = Table(
    "collected",
    metadata,
    Column("collection", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("stix_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("version_at", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("earliest", Boolean, nullable=False),
    Column("latest", Boolean, nullable=False),
    # A version's number only grows, so these rows are written one behind the other; by the id, each
    # would lie in another place. Who looks for an id asks `object_version` for the numbers.
    UniqueConstraint("seq", "collection"),
    # Holds all that a page of one type is chosen by: else SQLite walks the whole collection for it.
    Index("collected_type", "collection", "type", "at", "latest", "earliest", "seq"),
    # The rows lie in the order in which pages read them.
    sqlite_with_rowid=False,
)


class Collection(NamedTuple):
    """A collection; `last_at` is the last moment given, to an object or to a removal; 0 before.

    So it moves with everything that a page of the collection could show. `changes` counts how often
    members that were there went or got other versions beside them: while it stays, what was shown
    up to some moment stays too.
    """

    number: int
    id: str
    name: str
    title: str
    description: str
    since_at: int
    ended_at: int | None
    last_at: int
    changes: int = 0


class Member(NamedTuple):
    """One version of an object in a collection.

    `at` is the date added; `version` is the text of `modified`, else of `created`, else of the
    moment of arrival. `earliest` and `latest` are so among the versions in this collection.
    """

    at: int
    stix_id: str
    type: str
    version_at: int
    version: str
    seq: int
    earliest: bool
    latest: bool


class Which(NamedTuple):
    """Which versions of each object are meant; what is true of one adds to the others."""

    latest: bool = False
    earliest: bool = False
    every: bool = False
    stamps: tuple[int, ...] = ()

    def meets(self, member: Member) -> bool:
        """Whether a version is one of those meant."""
        return (
            self.every
            or (self.latest and member.latest)
            or (self.earliest and member.earliest)
            or member.version_at in self.stamps
        )


LATEST = Which(latest=True)
EVERY = Which(every=True)

_MEMBER = [collected.c[name] for name in Member._fields]


# -------------------------------------------------------------------------------- collections


def add_collection(tx: Tx, entry: Collection) -> Collection:
    """Keep a new collection under the next number, and return it with that."""
    number = (tx.execute(select(func.max(collection.c.number))).scalar() or 0) + 1
    numbered = entry._replace(number=number)
    tx.execute(insert(collection).values(numbered._asdict()))
    return numbered


def collection_named(tx: Tx, name: str) -> Collection | None:
    """The collection of a name, ended or not."""
    row = tx.execute(select(collection).where(collection.c.name == name)).one_or_none()
    return Collection(*row) if row else None


def collections(tx: Tx) -> list[Collection]:
    """Every collection, oldest first, ended ones included."""
    rows = tx.execute(select(collection).order_by(collection.c.number))
    return [Collection(*row) for row in rows]


def locked(tx: Tx, number: int) -> Collection:
    """The head of a collection, held until this transaction ends, so that its order is ours."""
    row = tx.execute(select(collection).where(collection.c.number == number).with_for_update())
    return Collection(*row.one())


def head_of(tx: Tx, number: int) -> tuple[Any, ...]:
    """The head of a collection as it stands here, to be compared with that of another server.

    Empty where the collection is not known yet.
    """
    return tuple(_HEAD(tx, number=number).first() or ())


_HEAD = Statement(
    select(collection.c.last_at, collection.c.ended_at).where(
        collection.c.number == bindparam("number")
    )
)


def end_collection(tx: Tx, number: int, *, at: int) -> None:
    """End a collection; what it held is forgotten, the objects stay with the node."""
    tx.execute(update(collection).where(collection.c.number == number).values(ended_at=at))
    tx.execute(delete(collected).where(collected.c.collection == number))


def count_of(tx: Tx, number: int) -> int:
    """How many objects a collection holds, latest versions only; reads all of its rows."""
    query = select(func.count()).where(collected.c.collection == number, collected.c.latest)
    return tx.execute(query.select_from(collected)).scalar() or 0


# -------------------------------------------------------------------------------------- writing


def members(tx: Tx, number: int, ids: Iterable[str]) -> list[Member]:
    """Every version in a collection of the objects `ids`, in no order."""
    return list(map(Member._make, _MEMBERS.among(tx, ids, number=number)))


def _members() -> Select[Any]:
    """By the numbers of versions, never by the collection: that would read all of it."""
    seqs = select(object_version.c.seq).where(
        object_version.c.origin == OURS, among(object_version.c.stix_id, bindparam("ids"))
    )
    of_here = aside(collected.c.collection) == bindparam("number")
    return select(*_MEMBER).where(collected.c.seq.in_(seqs), of_here)


_MEMBERS = Statement(_members())


def append(tx: Tx, number: int, new: Sequence[Member]) -> None:
    """Add members, in rising order of `at`, and move the head to the last of them."""
    if new:
        rows = [
            (number, at, id_, type_, version_at, version, seq, 1 if first else 0, 1 if last else 0)
            for at, id_, type_, version_at, version, seq, first, last in new
        ]
        insert_rows(tx, collected, rows)
        _move(tx, number, new[-1].at)


def _move(tx: Tx, number: int, at: int) -> None:
    tx.execute(update(collection).where(collection.c.number == number).values(last_at=at))


def _changed(tx: Tx, number: int) -> None:
    new = collection.c.changes + 1
    tx.execute(update(collection).where(collection.c.number == number).values(changes=new))


def mark(tx: Tx, number: int, changed: Sequence[Member]) -> None:
    """Write `earliest` and `latest` of members that are there already."""
    statement = (
        update(collected)
        .where(collected.c.collection == number, collected.c.at == bindparam("of"))
        .values(earliest=bindparam("is_earliest"), latest=bindparam("is_latest"))
    )
    rows = [
        {"of": each.at, "is_earliest": each.earliest, "is_latest": each.latest} for each in changed
    ]
    if rows:
        tx.execute(statement, rows)
        _changed(tx, number)


def drop(tx: Tx, number: int, gone: Sequence[Member], *, at: int) -> None:
    """Take members out of a collection, at a moment after the head's, to which it moves."""
    if gone:
        _move(tx, number, at)
        _changed(tx, number)
    for chunk in in_chunks(str(each.at) for each in gone):
        ats = [int(each) for each in chunk]
        tx.execute(
            delete(collected).where(collected.c.collection == number, collected.c.at.in_(ats))
        )


# -------------------------------------------------------------------------------------- reading


def page(
    tx: Tx, number: int, *, after: int, limit: int, which: Which = LATEST, type: str | None = None
) -> list[tuple[int, bytes]]:
    """The next `limit` objects added after a moment: date added and exact bytes, in order."""
    rows = _run(_page, tx, _Walk(number, after, limit, which, type))
    # The join may give them in another order; mostly it does not, and this costs nothing.
    return sorted([(at, raw) for at, raw in rows], key=itemgetter(0))


def listing(
    tx: Tx, number: int, *, after: int, limit: int, which: Which = LATEST, type: str | None = None
) -> list[Member]:
    """The next `limit` members added after a moment, without their bytes."""
    rows = _run(_listing, tx, _Walk(number, after, limit, which, type))
    return sorted(Member(*row) for row in rows)


def between(tx: Tx, number: int, first_at: int, last_at: int) -> list[tuple[str, str]]:
    """Id and version of what was added from one moment to another, both included."""
    query = select(collected.c.stix_id, collected.c.version).where(
        collected.c.collection == number, collected.c.at.between(first_at, last_at)
    )
    return [(row[0], row[1]) for row in tx.execute(query.order_by(collected.c.at))]


class _Walk(NamedTuple):
    number: int
    after: int
    limit: int
    which: Which
    type: str | None


def _run(build: Callable[..., Select[Any]], tx: Tx, walk: _Walk) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement with the filters of a walk; all but those with stamps are compiled once."""
    which = walk.which
    of = (walk.type is not None, which.latest, which.earliest, which.every)
    values: dict[str, Any] = {"number": walk.number, "after": walk.after, "limit": walk.limit}
    values |= {} if walk.type is None else {"type": walk.type}
    if which.stamps and not which.every:
        return tx.execute(build(*of, True), {**values, "stamps": list(which.stamps)})  # noqa: FBT003  # with stamps
    return _compiled(build, *of)(tx, **values)


@cache
def _compiled(build: Callable[..., Select[Any]], *of: bool) -> Statement:
    return Statement(build(*of, False))  # noqa: FBT003  # without stamps


def _page(typed: bool, *of: bool) -> Select[Any]:  # noqa: FBT001  # which filters
    """Read the narrow rows first and their bytes after: no planner starts with the bytes then."""
    rows = _rows(typed, *of).with_only_columns(collected.c.at, collected.c.seq).subquery()
    return select(rows.c.at, object_raw.c.raw).join(object_raw, object_raw.c.seq == rows.c.seq)


def _listing(typed: bool, *of: bool) -> Select[Any]:  # noqa: FBT001  # which filters
    if not typed:
        return _rows(typed, *of)
    # By the index first, and then the rows by their key.
    rows = _rows(typed, *of).with_only_columns(collected.c.at).subquery()
    of_here = collected.c.collection == bindparam("number")
    return select(*_MEMBER).join(rows, of_here & (collected.c.at == rows.c.at))


def _rows(typed: bool, *of: bool) -> Select[Any]:  # noqa: FBT001  # which filters
    query = select(*_MEMBER).where(
        collected.c.collection == bindparam("number"), collected.c.at > bindparam("after")
    )
    if typed:
        query = query.where(collected.c.type == bindparam("type"))
    wanted = _wanted(*of)
    if wanted:
        query = query.where(or_(*wanted))
    return query.order_by(collected.c.at).limit(bindparam("limit", type_=Integer))


def _wanted(latest: bool, earliest: bool, every: bool, stamps: bool) -> list[ColumnElement[bool]]:  # noqa: FBT001  # which filters
    if every:
        return []
    found: list[ColumnElement[bool]] = []
    found += [collected.c.latest] if latest else []
    found += [collected.c.earliest] if earliest else []
    if stamps:
        found.append(collected.c.version_at.in_(bindparam("stamps", expanding=True)))
    return found
