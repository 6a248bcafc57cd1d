"""What ties objects to each other: relations, references and keys of the latest versions.

`objects` keeps them; here they are read.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Select, Table, bindparam, func, select

from tearline.store.columns import among, aside
from tearline.store.database import Statement, Tx
from tearline.store.objects import (
    MEMBER,
    Reference,
    Relation,
    object_version,
    reference,
    relation,
    topic_key,
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


def _targeting(column: Column[str]) -> Statement:
    return Statement(
        _rows_by(relation, column)
        .with_only_columns(object_version.c.stix_id, relation.c.target_id)
        .where(relation.c.kind == "targets", relation.c.target_id.startswith("identity--"))
    )


def _sighting(column: Column[str]) -> Statement:
    return Statement(
        _rows_by(reference, column)
        .with_only_columns(object_version.c.stix_id, reference.c.to_id)
        .where(reference.c.role == "where_sighted_refs")
    )


_RELATIONS_BY = Statement(
    _rows_by(relation, relation.c.target_id).where(among(relation.c.kind, bindparam("kinds")))
)


_REFERENCES = {
    "from_id": Statement(_rows_by(reference, object_version.c.stix_id)),
    "to_id": Statement(_rows_by(reference, reference.c.to_id)),
}


_NAMED_BY = Statement(
    select(object_version.c.origin, object_version.c.stix_id, reference.c.to_id)
    .join_from(reference, object_version, object_version.c.seq == reference.c.from_seq)
    .where(
        among(reference.c.to_id, bindparam("ids")),
        aside(object_version.c.type) == bindparam("type"),
    )
)


FATEFUL = frozenset({"sighting_of_ref", "object_refs", "object_ref"})
"""Properties on which the fate of an edge or a container hangs, but for those of a relation."""

TYING = FATEFUL | {"source_ref", "target_ref"}
"""The same with those."""


_VICTIMS = {
    "relationship--": _targeting(object_version.c.stix_id),
    "identity--": _targeting(relation.c.target_id),
    "": _sighting(object_version.c.stix_id),
    "identity": _sighting(reference.c.to_id),
}
"""How whatever begins so names a victim, or is named as one."""


_KEYS = {
    column: Statement(
        select(topic_key.c.key, topic_key.c.stix_id).where(
            topic_key.c.origin == bindparam("origin"), among(topic_key.c[column], bindparam("ids"))
        )
    )
    for column in ("key", "stix_id")
}


def relations_from(tx: Tx, origin: str, ids: Iterable[str]) -> list[Relation]:
    """Relations whose source is one of `ids`."""
    return _relations(tx, origin, "source_id", ids)


def relations_to(tx: Tx, origin: str, ids: Iterable[str]) -> list[Relation]:
    """Relations whose target is one of `ids`."""
    return _relations(tx, origin, "target_id", ids)


def relations_to_by(
    tx: Tx, origin: str, ids: Iterable[str], kinds: Collection[str]
) -> list[Relation]:
    """Relations of some kinds whose target is one of `ids`."""
    rows = _RELATIONS_BY.among(tx, ids, origin=origin, kinds=sorted(kinds))
    return list(map(Relation._make, rows))


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
        found += ends_of(each)
    return found


def references_to(tx: Tx, origin: str, ids: Iterable[str]) -> list[Reference]:
    """Who names `ids`."""
    wanted = set(ids)
    found = _references(tx, origin, "to_id", wanted)
    from_there = relations_from(tx, origin, wanted)
    for each in dict.fromkeys([*from_there, *relations_to(tx, origin, wanted)]):
        found += (end for end in ends_of(each) if end.to_id in wanted)
    return found


def named_by(tx: Tx, ids: Iterable[str], type: str) -> list[tuple[str, str, str]]:
    """What of a type has a property that names one of `ids`: of whose it is, its id, and the one.

    Of every origin at once.
    """
    return [(row[0], row[1], row[2]) for row in _NAMED_BY.among(tx, ids, type=type)]


def naming(tx: Tx, origin: str, ids: Iterable[str]) -> Iterator[str]:
    """Whoever names one of `ids` by a property on which its own fate may hang."""
    rows = _REFERENCES["to_id"].among(tx, ids, origin=origin)
    return (from_id for from_id, role, _ in rows if role in FATEFUL)


def carrying(tx: Tx, origin: str, keys: Iterable[str]) -> list[tuple[str, str]]:
    """Objects that carry one of `keys`: key and object."""
    return [(row[0], row[1]) for row in _KEYS["key"].among(tx, keys, origin=origin)]


def named_like(tx: Tx, origin: str, text: str, limit: int) -> list[str]:
    """Ids of so many objects with a name that holds a text, in the form of keys."""
    key = topic_key.c.key
    query = (
        select(topic_key.c.stix_id)
        .where(topic_key.c.origin == origin, key.startswith("name:"))
        .where(key.contains(text, autoescape=True))
        .group_by(topic_key.c.stix_id)
        .order_by(func.min(func.length(key)), topic_key.c.stix_id)
        .limit(limit)
    )
    return [row[0] for row in tx.execute(query)]


def keys_on(tx: Tx, origin: str, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The keys that `ids` carry: key and object."""
    return [(row[0], row[1]) for row in _KEYS["stix_id"].among(tx, ids, origin=origin)]


def of(
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


def victims(tx: Tx, origin: str, ids: set[str]) -> set[str]:
    """Those of `ids` that name a victim.

    An identity that is the end of *targets* or stands in `where_sighted_refs`, and that
    relationship or sighting itself.
    """
    found: set[str] = set()
    for begins, each in _VICTIMS.items():
        some = [one for one in ids if one.startswith(begins)]
        for row in each.among(tx, some, origin=origin):
            found.update(row)
    return found & ids


def ends_of(stated: Relation) -> list[Reference]:
    """A relation as the references that it is: its row in `relation` is the only one."""
    via, kind, source, target = stated
    if kind == MEMBER:
        return [Reference(via, "object_refs", target)]
    return [Reference(via, "source_ref", source), Reference(via, "target_ref", target)]


def _relations(tx: Tx, origin: str, column: str, ids: Iterable[str]) -> list[Relation]:
    return list(map(Relation._make, _RELATIONS[column].among(tx, ids, origin=origin)))


def _references(tx: Tx, origin: str, column: str, ids: Iterable[str]) -> list[Reference]:
    return list(map(Reference._make, _REFERENCES[column].among(tx, ids, origin=origin)))
