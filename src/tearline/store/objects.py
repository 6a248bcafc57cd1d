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
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from tearline.store import partitions
from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata
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
relation = Table(
    "relation",
    metadata,
    Column("origin", Text, nullable=False),
    Column("via_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Index("relation_via", "via_id"),
    Index("relation_source", "source_id"),
    Index("relation_target", "target_id"),
)
reference = Table(
    "reference",
    metadata,
    Column("origin", Text, nullable=False),
    Column("from_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("to_id", Text, nullable=False),
    Index("reference_from", "from_id"),
    Index("reference_to", "to_id"),
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
_RELATIONS = {
    column: Statement(
        select(*(relation.c[name] for name in Relation._fields)).where(
            relation.c.origin == bindparam("origin"), among(relation.c[column], bindparam("ids"))
        )
    )
    for column in ("via_id", "source_id", "target_id")
}
_REFERENCES = {
    column: Statement(
        select(*(reference.c[name] for name in Reference._fields)).where(
            reference.c.origin == bindparam("origin"), among(reference.c[column], bindparam("ids"))
        )
    )
    for column in ("from_id", "to_id")
}
_KEYS = {
    column: Statement(
        select(topic_key.c.key, topic_key.c.stix_id).where(
            topic_key.c.origin == bindparam("origin"), among(topic_key.c[column], bindparam("ids"))
        )
    )
    for column in ("key", "stix_id")
}


_TARGETS = Statement(
    select(relation.c.via_id, relation.c.target_id).where(
        relation.c.origin == bindparam("origin"),
        relation.c.kind == "targets",
        relation.c.target_id.startswith("identity--"),
        or_(
            among(relation.c.target_id, bindparam("ids")),
            among(relation.c.via_id, bindparam("ids")),
        ),
    )
)
_SIGHTED = Statement(
    select(reference.c.from_id, reference.c.to_id).where(
        reference.c.origin == bindparam("origin"),
        reference.c.role == "where_sighted_refs",
        or_(
            among(reference.c.to_id, bindparam("ids")),
            among(reference.c.from_id, bindparam("ids")),
        ),
    )
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
    query = select(*_VERSION).where(object_version.c.origin == origin, object_version.c.latest)
    for row in tx.execute(query.order_by(object_version.c.seq)):
        yield Version(*row)


def keep(tx: Tx, origin: str, new: Sequence[NewVersion]) -> list[int]:
    """Keep new versions and index those that are the latest of their object.

    `version.seq` is ignored: the store issues it, and this returns it for each. Among several
    versions of one object the caller marks one as latest; whatever was latest before is not any
    more.
    """
    newest = [each for each in new if each.version.latest]
    _forget_index(tx, origin, [each.version.stix_id for each in newest if not each.first])
    next_seq = (tx.execute(select(func.max(object_version.c.seq))).scalar() or 0) + 1
    numbered = list(enumerate(new, start=next_seq))
    # The columns are the fields of a Version, with the origin after the number.
    rows = [(seq, origin, *each.version[1:]) for seq, each in numbered]
    insert_rows(tx, object_version, rows)
    partitions.ensure(tx, next_seq + len(new))
    insert_rows(tx, object_raw, [(seq, each.raw) for seq, each in numbered])
    _index(tx, origin, newest)
    return [seq for seq, _ in numbered]


def erase(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    """Forget every version of `ids`, bytes and index: what a recall demands of us."""
    for kept in versions_of(tx, origin, ids).values():
        seqs = [each.seq for each in kept]
        tx.execute(delete(object_raw).where(among(object_raw.c.seq, seqs)))
        tx.execute(delete(object_version).where(among(object_version.c.seq, seqs)))
    _unindex(tx, origin, ids)


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
    columns = [relation.c[name] for name in Relation._fields]
    query = select(*columns).where(relation.c.origin == origin)
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
    for each in (_TARGETS, _SIGHTED):
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


def _index(tx: Tx, origin: str, newest: Sequence[NewVersion]) -> None:
    rows = [(origin, *each) for new in newest for each in dict.fromkeys(new.relations)]
    insert_rows(tx, relation, rows)
    insert_rows(
        tx,
        reference,
        [
            (origin, new.version.stix_id, role, target)
            for new in newest
            for role, target in dict.fromkeys(new.references)
            if not new.relations or role not in _ENDS
        ],
    )
    insert_rows(
        tx,
        topic_key,
        [(origin, key, new.version.stix_id) for new in newest for key in new.keys],
        ignore=True,
    )


def _ends(stated: Relation) -> list[Reference]:
    """A relation as the references that it is: its row in `relation` is the only one."""
    via, kind, source, target = stated
    if kind == MEMBER:
        return [Reference(via, "object_refs", target)]
    return [Reference(via, "source_ref", source), Reference(via, "target_ref", target)]


def _forget_index(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    """Take the index of older versions away; most ids are new and have none."""
    known = list(latest(tx, origin, ids))
    clear_latest = (
        update(object_version)
        .where(
            object_version.c.origin == origin,
            object_version.c.stix_id == bindparam("known_id"),
            object_version.c.latest,
        )
        .values(latest=False)
    )
    if known:
        tx.execute(clear_latest, [{"known_id": each} for each in known])
    _unindex(tx, origin, known)


def _unindex(tx: Tx, origin: str, ids: Sequence[str]) -> None:
    for chunk in in_chunks(ids):
        for table, column in (
            (relation, relation.c.via_id),
            (reference, reference.c.from_id),
            (topic_key, topic_key.c.stix_id),
        ):
            tx.execute(delete(table).where(table.c.origin == origin, among(column, chunk)))


def _relations(tx: Tx, origin: str, column: str, ids: Iterable[str]) -> list[Relation]:
    return list(map(Relation._make, _RELATIONS[column].among(tx, ids, origin=origin)))


def _references(tx: Tx, origin: str, column: str, ids: Iterable[str]) -> list[Reference]:
    return list(map(Reference._make, _REFERENCES[column].among(tx, ids, origin=origin)))
