"""Objects as the exact bytes that came, their versions, and what is indexed of them.

Own objects have origin ''; what came under an agreement has that agreement's id as its origin
and never mixes with ours, so no partner can change what is the latest version of an object of
ours. `relation`, `reference` and `topic_key` speak of latest versions only.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Select,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    update,
)

from tearline.store import partitions
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
    Index("relation_target", "target_id"),
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
    """One version of an object, as far as it is indexed; bytes are read by `raw_of`."""

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
_ROWS_OF = {
    relation: (
        select(
            object_version.c.stix_id, relation.c.kind, relation.c.source_id, relation.c.target_id
        ).join_from(relation, object_version, object_version.c.seq == relation.c.via_seq)
    ),
    reference: (
        select(object_version.c.stix_id, reference.c.role, reference.c.to_id).join_from(
            reference, object_version, object_version.c.seq == reference.c.from_seq
        )
    ),
}


def _rows_by(table: Table, column: Column[str]) -> Select[Any]:
    """The rows of an origin in whose column one of `ids` stands."""
    found = _ROWS_OF[table].where(among(column, bindparam("ids")))
    whose = (
        object_version.c.origin
        if column.table is object_version
        else aside(object_version.c.origin)
    )
    return found.where(whose == bindparam("origin"))


_RELATIONS = {
    "via_id": Statement(_rows_by(relation, object_version.c.stix_id)),
    "source_id": Statement(_rows_by(relation, relation.c.source_id)),
    "target_id": Statement(_rows_by(relation, relation.c.target_id)),
}
_REFERENCES = {
    "from_id": Statement(_rows_by(reference, object_version.c.stix_id)),
    "to_id": Statement(_rows_by(reference, reference.c.to_id)),
}
_VICTIMS = [
    *(
        Statement(
            _rows_by(relation, column)
            .with_only_columns(object_version.c.stix_id, relation.c.target_id)
            .where(relation.c.kind == "targets", relation.c.target_id.startswith("identity--"))
        )
        for column in (object_version.c.stix_id, relation.c.target_id)
    ),
    *(
        Statement(
            _rows_by(reference, column)
            .with_only_columns(object_version.c.stix_id, reference.c.to_id)
            .where(reference.c.role == "where_sighted_refs")
        )
        for column in (object_version.c.stix_id, reference.c.to_id)
    ),
]
_KEYS = {
    column: Statement(
        select(topic_key.c.key, topic_key.c.stix_id).where(
            topic_key.c.origin == bindparam("origin"), among(topic_key.c[column], bindparam("ids"))
        )
    )
    for column in ("key", "stix_id")
}


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
    query = select(*_VERSION).where(object_version.c.origin == origin, object_version.c.latest)
    for row in tx.execute(query.order_by(object_version.c.seq)):
        yield Version(*row)


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
    _, id_, at, type_, created_at, arrived_at, level, revoked, newest, digest, source = version
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
        digest,
        source,
    )


def erase(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    """Forget every version of `ids`, bytes and index: what a recall demands of us."""
    kept = versions_of(tx, origin, ids)
    seqs = [each.seq for versions in kept.values() for each in versions]
    _unindex(tx, origin, list(kept), seqs)
    for column in (object_raw.c.seq, object_version.c.seq):
        tx.execute(delete(column.table).where(among(column, seqs)))


def raw_of(tx: Tx, seqs: Iterable[int]) -> dict[int, bytes]:
    """The exact bytes of versions, by their sequence number."""
    return {row[0]: row[1] for row in _RAW.among(tx, seqs)}


def relations_from(tx: Tx, origin: str, ids: Iterable[str]) -> list[Relation]:
    """Relations whose source is one of `ids`."""
    return _relations(tx, origin, "source_id", ids)


def relations_to(tx: Tx, origin: str, ids: Iterable[str]) -> list[Relation]:
    """Relations whose target is one of `ids`."""
    return _relations(tx, origin, "target_id", ids)


def relations_via(tx: Tx, origin: str, ids: Iterable[str]) -> list[Relation]:
    """The relations that `ids`, relationships or containers, state."""
    return _relations(tx, origin, "via_id", ids)


def relations_all(tx: Tx, origin: str) -> list[Relation]:
    """Every relation of one origin."""
    query = _ROWS_OF[relation].where(object_version.c.origin == origin)
    return [Relation(*row) for row in tx.execute(query)]


def references_of(tx: Tx, origin: str, ids: Iterable[str]) -> list[Reference]:
    """What `ids` name."""
    wanted = set(ids)
    found = _references(tx, origin, "from_id", wanted)
    for each in relations_via(tx, origin, wanted):
        found += _ends(each)
    return found


def references_to(tx: Tx, origin: str, ids: Iterable[str]) -> list[Reference]:
    """Who names `ids`."""
    wanted = set(ids)
    found = _references(tx, origin, "to_id", wanted)
    from_there = relations_from(tx, origin, wanted)
    for each in dict.fromkeys([*from_there, *relations_to(tx, origin, wanted)]):
        found += (end for end in _ends(each) if end.to_id in wanted)
    return found


def keyed(tx: Tx, origin: str, keys: Iterable[str]) -> dict[str, str]:
    """Objects that carry one of `keys`: the object's id and its smallest matching key."""
    found: dict[str, str] = {}
    for key, stix_id in carrying(tx, origin, keys):
        found[stix_id] = min(key, found.get(stix_id, key))
    return found


def carrying(tx: Tx, origin: str, keys: Iterable[str]) -> list[tuple[str, str]]:
    """Objects that carry one of `keys`: key and object."""
    return [(row[0], row[1]) for row in _KEYS["key"].among(tx, keys, origin=origin)]


def keys_on(tx: Tx, origin: str, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The keys that `ids` carry: key and object."""
    return [(row[0], row[1]) for row in _KEYS["stix_id"].among(tx, ids, origin=origin)]


def ties(
    tx: Tx, origin: str, ids: Iterable[str], roles: Collection[str]
) -> Iterator[tuple[str, ...]]:
    """What ties `ids` to other objects, each as the objects tied.

    A relation ties three: itself and its two ends. A property of `roles` ties who names to whom
    it names.
    """
    wanted = set(ids)
    for column in _RELATIONS:
        for via, _, source, target in _relations(tx, origin, column, wanted):
            yield via, source, target
    for column in _REFERENCES:
        for from_id, role, to_id in _references(tx, origin, column, wanted):
            if role in roles:
                yield from_id, to_id


def ids_from(tx: Tx, source: str) -> list[str]:
    """Ids of our own objects whose latest version came from `source`."""
    query = select(object_version.c.stix_id).where(
        object_version.c.origin == OURS, object_version.c.latest, object_version.c.source == source
    )
    return list(tx.execute(query).scalars())


def victims(tx: Tx, origin: str, ids: set[str]) -> set[str]:
    """Those of `ids` that name a victim.

    An identity that is the end of *targets* or stands in `where_sighted_refs`, and that
    relationship or sighting itself.
    """
    found: set[str] = set()
    for each in _VICTIMS:
        for row in each.among(tx, ids, origin=origin):
            found.update(row)
    return found & ids


def count(tx: Tx, origin: str) -> dict[str, int]:
    """How many objects of each type are held, latest versions only."""
    query = (
        select(object_version.c.type, func.count())
        .where(object_version.c.origin == origin, object_version.c.latest)
        .group_by(object_version.c.type)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _index(tx: Tx, origin: str, newest: Sequence[tuple[int, NewVersion]]) -> None:
    relations: list[tuple[Any, ...]] = []
    references: list[tuple[Any, ...]] = []
    keys: list[tuple[Any, ...]] = []
    for seq, new in newest:
        stated: Iterable[Relation] = new.relations
        named: Iterable[tuple[str, str]] = new.references
        # Most state nothing, or one thing that cannot come twice.
        if new.relations:
            stated = dict.fromkeys(stated)
            named = [each for each in named if each[0] not in _ENDS]
            for place, (_, *ends) in enumerate(stated):
                relations.append((seq, place, *ends))
        if len(new.references) > 1:
            named = dict.fromkeys(named)
        references += [(seq, place, role, to_id) for place, (role, to_id) in enumerate(named)]
        if new.keys:
            keys += [(origin, key, new.version.stix_id) for key in new.keys]
    insert_rows(tx, relation, relations)
    insert_rows(tx, reference, references)
    insert_rows(tx, topic_key, keys, ignore=True)


def _ends(stated: Relation) -> list[Reference]:
    """A relation as the references that it is: its row in `relation` is the only one."""
    via, kind, source, target = stated
    if kind == MEMBER:
        return [Reference(via, "object_refs", target)]
    return [Reference(via, "source_ref", source), Reference(via, "target_ref", target)]


def _forget_index(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    """Take the index of older versions away; most ids are new and have none."""
    known = latest(tx, origin, ids)
    if not known:
        return
    seqs = [each.seq for each in known.values()]
    tx.execute(update(object_version).where(among(object_version.c.seq, seqs)).values(latest=False))
    _unindex(tx, origin, list(known), seqs)


def _unindex(tx: Tx, origin: str, ids: Sequence[str], seqs: Sequence[int]) -> None:
    for column in (relation.c.via_seq, reference.c.from_seq):
        tx.execute(delete(column.table).where(among(column, seqs)))
    of_origin = topic_key.c.origin == origin
    tx.execute(delete(topic_key).where(of_origin, among(topic_key.c.stix_id, ids)))


def _relations(tx: Tx, origin: str, column: str, ids: Iterable[str]) -> list[Relation]:
    return list(map(Relation._make, _RELATIONS[column].among(tx, ids, origin=origin)))


def _references(tx: Tx, origin: str, column: str, ids: Iterable[str]) -> list[Reference]:
    return list(map(Reference._make, _REFERENCES[column].among(tx, ids, origin=origin)))
