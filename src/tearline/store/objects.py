"""Objects as the exact bytes that came, their versions, and what is indexed of them.

Own objects have origin ''; what came under an agreement has that agreement's id as its origin
and never mixes with ours, so no partner can change what is the latest version of an object of
ours. `relation`, `reference` and `topic_key` speak of latest versions only; `ties` reads them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    update,
)

from tearline.store import asked, claims_upto, listed, partitions
from tearline.store.columns import Serial, Text, among, aside
from tearline.store.database import Statement, Tx, insert_rows, metadata
from tearline.store.partitions import BY_RANGE

MEMBER = "member"
"""The kind of a relation that is a container's hold on its member."""

OURS = ""
"""The origin of what is ours: imported, written or bought, but not received under an agreement."""

object_version = Table(
    "object_version",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("version_at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("created_at", BigInteger),
    Column("arrived_at", BigInteger, nullable=False),
    Column("marking", Integer, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("hash", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("pap", Integer, nullable=False),
    Column("confidence", Integer),
    Column("valid_until", BigInteger),
    Column("found", BigInteger, nullable=False),
    UniqueConstraint("origin", "stix_id", "version_at"),
)
object_raw = Table(
    "object_raw",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    postgresql_partition_by=BY_RANGE,
)
# What states a relation or a reference is named by the number of its version, which only grows: so
# these rows are written one behind the other, and of their indexes only those on the far ends are
# touched in every place.
relation = Table(
    "relation",
    metadata,
    Column("via_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Index("relation_source", "source_id"),
    Index("relation_target", "target_id", "kind"),
    sqlite_with_rowid=False,
)
reference = Table(
    "reference",
    metadata,
    Column("from_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("role", Text, nullable=False),
    Column("to_id", Text, nullable=False),
    Index("reference_to", "to_id"),
    sqlite_with_rowid=False,
)
topic_key = Table(
    "topic_key",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("stix_id", Text, primary_key=True),
    Index("topic_key_object", "origin", "stix_id"),
)


class Version(NamedTuple):
    """One version of an object, as far as it is indexed; bytes are read by `raw_of`.

    `found` are the rules of `release.categories` that find something in it, as bits.
    """

    seq: int
    stix_id: str
    version_at: int
    type: str
    created_at: int | None
    arrived_at: int
    marking: int
    revoked: bool
    latest: bool
    hash: str
    source: str
    pap: int = -1
    confidence: int | None = None
    valid_until: int | None = None
    found: int = 0


class Relation(NamedTuple):
    """One relationship, or one member of a container (`kind` is then 'member')."""

    via_id: str
    kind: str
    source_id: str
    target_id: str


class Reference(NamedTuple):
    """One property of `from_id` that names `to_id`.

    What a `Relation` says is kept there alone, and told as references when they are asked for.
    """

    from_id: str
    role: str
    to_id: str


class NewVersion(NamedTuple):
    """A version to keep, with all that is indexed of it."""

    version: Version
    raw: bytes
    relations: Sequence[Relation]
    references: Sequence[tuple[str, str]]
    keys: Sequence[str]
    first: bool = False
    """No version of the object was held before, so that there is no index of one to forget."""


_PART = 2_000
_ENDS = frozenset({"source_ref", "target_ref", "object_refs"})
_VERSION = [object_version.c[name] for name in Version._fields]
_OF_ORIGIN = select(*_VERSION).where(
    object_version.c.origin == bindparam("origin"),
    among(object_version.c.stix_id, bindparam("ids")),
)
_VERSIONS = Statement(_OF_ORIGIN)
_LATEST = Statement(_OF_ORIGIN.where(object_version.c.latest))
_RAW = Statement(
    select(object_raw.c.seq, object_raw.c.raw).where(among(object_raw.c.seq, bindparam("ids")))
)


def versions_of(tx: Tx, origin: str, ids: Iterable[str]) -> dict[str, list[Version]]:
    """All kept versions of `ids`, oldest first; an id without any is left out."""
    found: dict[str, list[Version]] = {}
    rows = map(_version, _VERSIONS.among(tx, ids, origin=origin))
    for row in sorted(rows, key=lambda each: each.version_at):
        found.setdefault(row.stix_id, []).append(row)
    return found


def latest(tx: Tx, origin: str, ids: Iterable[str]) -> dict[str, Version]:
    """The latest version of each of `ids` that is held."""
    return {row[1]: _version(row) for row in _LATEST.among(tx, ids, origin=origin)}


def _version(row: tuple[Any, ...]) -> Version:
    """Read a version; SQLite has numbers for truth values."""
    seq, stix_id, version_at, type_, created_at, arrived_at, level, revoked, newest, *rest = row
    return Version(
        seq,
        stix_id,
        version_at,
        type_,
        created_at,
        arrived_at,
        level,
        bool(revoked),
        bool(newest),
        *rest,
    )


def latest_all(tx: Tx, origin: str) -> Iterator[Version]:
    """The latest version of every object of one origin, in order of arrival."""
    query = select(*_VERSION).where(*_held(origin)).order_by(object_version.c.seq)
    found: Any = tx.execute(query).cursor
    while some := found.fetchmany(_PART):
        yield from map(_version, some)


def keep(tx: Tx, origin: str, new: Sequence[NewVersion]) -> list[int]:
    """Keep new versions and index those that are the latest of their object.

    `version.seq` is ignored: the store issues it, and this returns it for each. Among several
    versions of one object the caller marks one as latest; whatever was latest before is not any
    more.
    """
    next_seq = (tx.execute(select(func.max(object_version.c.seq))).scalar() or 0) + 1
    numbered = list(enumerate(new, start=next_seq))
    newest = [each for each in numbered if each[1].version.latest]
    _forget_index(tx, origin, [each.version.stix_id for _, each in newest if not each.first])
    insert_rows(tx, object_version, [_row(seq, origin, each.version) for seq, each in numbered])
    partitions.ensure(tx, next_seq + len(new))
    insert_rows(tx, object_raw, [(seq, each.raw) for seq, each in numbered])
    _index(tx, origin, newest)
    return list(range(next_seq, next_seq + len(new)))


def _row(seq: int, origin: str, version: Version) -> tuple[Any, ...]:
    """Make a row of `object_version`: the fields of a Version, with the origin after the number."""
    _, id_, at, type_, created_at, arrived_at, level, revoked, newest, *rest = version
    return (
        seq,
        origin,
        id_,
        at,
        type_,
        created_at,
        arrived_at,
        level,
        1 if revoked else 0,
        1 if newest else 0,
        *rest,
    )


def erase(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    """Forget every version of `ids`, bytes and index: what a recall demands of us."""
    kept = versions_of(tx, origin, ids)
    seqs = [each.seq for versions in kept.values() for each in versions]
    _unindex(tx, origin, list(kept), seqs)
    for column in (object_raw.c.seq, object_version.c.seq):
        tx.execute(delete(column.table).where(among(column, seqs)))
    listed.forget(tx, seqs, last(tx))
    claims_upto.forget(tx, seqs, last(tx))


def set_arrived(tx: Tx, origin: str, moments: Mapping[str, int]) -> None:
    """Say since when objects without a moment of their own have been known here."""
    for stix_id, at in moments.items():
        tx.execute(
            update(object_version)
            .where(
                object_version.c.origin == origin,
                object_version.c.stix_id == stix_id,
                object_version.c.created_at.is_(None),
            )
            .values(arrived_at=at)
        )


def raw_of(tx: Tx, seqs: Iterable[int]) -> dict[int, bytes]:
    """The exact bytes of versions, by their sequence number."""
    return {row[0]: row[1] for row in _RAW.among(tx, seqs)}


def ids_from(tx: Tx, source: str) -> list[str]:
    """Ids of our own objects whose latest version came from `source`."""
    query = select(object_version.c.stix_id).where(
        object_version.c.origin == OURS, object_version.c.latest, object_version.c.source == source
    )
    return list(tx.execute(query).scalars())


def count(tx: Tx, origin: str) -> dict[str, int]:
    """How many objects of each type are held, latest versions only."""
    query = (
        select(object_version.c.type, func.count())
        .where(*_held(origin))
        .group_by(object_version.c.type)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def newest(
    tx: Tx, origin: str, *, type_: str | None = None, before: int | None = None, limit: int
) -> list[Version]:
    """The latest versions, first what came last; of one type, and from before a version's number.

    The `seq` of the last one is the `before` of the next part.
    """
    query = select(*_VERSION).where(*_held(origin))
    if type_ is not None:
        query = query.where(object_version.c.type == type_)
    if before is not None:
        query = query.where(object_version.c.seq < before)
    rows = tx.execute(query.order_by(object_version.c.seq.desc()).limit(limit))
    return [_version(tuple(row)) for row in rows]


_NUMBERED = select(object_version.c.origin, *_VERSION)
_AFTER = Statement(
    _NUMBERED.where(object_version.c.seq > bindparam("after"))
    .order_by(object_version.c.seq)
    .limit(bindparam("limit"))
)
_NEWER = Statement(
    _NUMBERED.where(object_version.c.seq > bindparam("after"))
    .order_by(object_version.c.seq.desc())
    .limit(bindparam("limit"))
)
_NUMBERS = Statement(_NUMBERED.where(among(object_version.c.seq, bindparam("ids"))))
_LAST = Statement(select(func.max(object_version.c.seq)))
_FROM = Statement(
    select(object_version.c.seq, object_version.c.arrived_at)
    .where(object_version.c.seq >= bindparam("seq"))
    .order_by(object_version.c.seq)
    .limit(1)
)

_ARRIVED = Statement(
    select(object_version.c.seq, object_version.c.arrived_at).where(
        among(object_version.c.seq, bindparam("ids"))
    )
)
_PROBES = 128


def after(tx: Tx, seq: int, limit: int, *, newest: bool = False) -> list[tuple[str, Version]]:
    """Versions beyond a number, of whichever origin, with it; with `newest` the last one first."""
    rows = (_NEWER if newest else _AFTER).rows(tx, after=seq, limit=limit)
    return [(row[0], _version(row[1:])) for row in rows]


def numbered(tx: Tx, seqs: Iterable[int]) -> dict[int, tuple[str, Version]]:
    """Versions by their numbers, with their origin."""
    return {row[1]: (row[0], _version(row[1:])) for row in _NUMBERS.among(tx, seqs)}


def last(tx: Tx) -> int:
    """The highest number of a version; 0 where nothing is held."""
    return _LAST(tx).scalar() or 0


def first_since(tx: Tx, at: int) -> int:
    """The number from which on versions arrived at a moment or later.

    Numbers rise as things arrive, so that some hundred rows are looked at, and no index is needed.
    """
    low, high = 0, last(tx) + 1
    while low < high:
        step = max((high - low) // _PROBES, 1)
        rows = _ARRIVED.rows(tx, ids=list(range(low, high, step))) or _FROM.rows(tx, seq=low)
        if not rows:
            return high
        low = max((seq + 1 for seq, arrived in rows if arrived < at), default=low)
        high = min((seq for seq, arrived in rows if arrived >= at), default=high)
        if step == 1:
            return high
    return low


def number(tx: Tx, origin: str) -> int:
    """How many objects are held, latest versions only."""
    return tx.execute(select(func.count()).where(*_held(origin))).scalar() or 0


def _held(origin: str) -> tuple[ColumnElement[bool], ...]:
    """What is latest of an origin; most of what a table holds is ours, and read row after row."""
    whose = aside(object_version.c.origin) if origin == OURS else object_version.c.origin
    return whose == origin, object_version.c.latest


def _index(tx: Tx, origin: str, newest: Sequence[tuple[int, NewVersion]]) -> None:
    relations: list[tuple[Any, ...]] = []
    references: list[tuple[Any, ...]] = []
    keys: list[tuple[Any, ...]] = []
    for seq, new in newest:
        stated: Iterable[Relation] = new.relations
        named: Iterable[tuple[str, str]] = new.references
        # Most state nothing, or one thing that cannot come twice.
        if new.relations:
            stated = dict.fromkeys(stated) if len(new.relations) > 1 else stated
            named = [each for each in named if each[0] not in _ENDS]
            for place, (_, kind, source_id, target_id) in enumerate(stated):
                relations.append((seq, place, kind, source_id, target_id))
        if len(new.references) > 1:
            named = dict.fromkeys(named)
        references += [(seq, place, role, to_id) for place, (role, to_id) in enumerate(named)]
        if new.keys:
            keys += [(origin, key, new.version.stix_id) for key in new.keys]
    insert_rows(tx, relation, relations)
    insert_rows(tx, reference, references)
    insert_rows(tx, topic_key, keys, ignore=True)
    asking = [(seq,) for seq, new in newest if asked.KEY in new.keys and _may_ask(new.version)]
    insert_rows(tx, asked.question, asking)


def _may_ask(version: Version) -> bool:
    return version.type == "grouping" and not version.revoked


def _forget_index(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    """Take the index of older versions away; most ids are new and have none."""
    known = latest(tx, origin, ids)
    if not known:
        return
    seqs = [each.seq for each in known.values()]
    tx.execute(update(object_version).where(among(object_version.c.seq, seqs)).values(latest=False))
    _unindex(tx, origin, list(known), seqs)


def _unindex(tx: Tx, origin: str, ids: Sequence[str], seqs: Sequence[int]) -> None:
    for column in (relation.c.via_seq, reference.c.from_seq, asked.question.c.seq):
        tx.execute(delete(column.table).where(among(column, seqs)))
    of_origin = topic_key.c.origin == origin
    tx.execute(delete(topic_key).where(of_origin, among(topic_key.c.stix_id, ids)))
