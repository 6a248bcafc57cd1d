"""What ties one object to others, and what was given of it: bounded, for people who look at it.

What has a hundred thousand relations is looked at as far as a limit; whoever asks says how far.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Integer, bindparam, select

from tearline.store.columns import among, aside
from tearline.store.database import Statement, Tx
from tearline.store.objects import object_version, reference, relation
from tearline.store.recalls import recall
from tearline.store.releases import release

MARKINGS = "object_marking_refs"
"""A property that ties nothing: what it names says how an object is marked."""


class Tie(NamedTuple):
    """One tie of an object: its kind, the other end, what states it, and whether it leads there.

    `kind` is a type of relationship, *member*, or the name of the property that names the other.
    """

    kind: str
    other: str
    via: str
    outward: bool


class Given(NamedTuple):
    """One release of an object under an agreement, without its bytes."""

    position: int
    delivered_id: str
    version: str
    at: int
    until_at: int
    hash: str
    basis: str
    leaf: int
    item: int
    live: bool


class Recall(NamedTuple):
    """A recall of one release, and when it was answered."""

    position: int
    reason: str
    at: int
    acknowledged_at: int | None


_OURS = aside(object_version.c.origin) == bindparam("origin")
_MOST = bindparam("most", type_=Integer)
_ENDS = select(relation.c.kind, relation.c.target_id, object_version.c.stix_id).join_from(
    relation, object_version, object_version.c.seq == relation.c.via_seq
)
_FROM = Statement(_ENDS.where(relation.c.source_id == bindparam("id"), _OURS).limit(_MOST))
_TO = Statement(
    _ENDS.with_only_columns(relation.c.kind, relation.c.source_id, object_version.c.stix_id)
    .where(relation.c.target_id == bindparam("id"), _OURS)
    .limit(_MOST)
)
_STATED = Statement(
    select(relation.c.source_id, relation.c.target_id)
    .where(relation.c.via_seq == bindparam("seq"))
    .limit(_MOST)
)
_NAMES = Statement(
    select(reference.c.role, reference.c.to_id)
    .where(reference.c.from_seq == bindparam("seq"), reference.c.role != MARKINGS)
    .limit(_MOST)
)
_NAMED = Statement(
    select(reference.c.role, object_version.c.stix_id)
    .join_from(reference, object_version, object_version.c.seq == reference.c.from_seq)
    .where(reference.c.to_id == bindparam("id"), reference.c.role != MARKINGS, _OURS)
    .limit(_MOST)
)
_GIVEN = Statement(
    select(*(release.c[name] for name in Given._fields)).where(
        release.c.agreement_id == bindparam("of"), among(release.c.delivered_id, bindparam("ids"))
    )
)
_RECALLS = Statement(
    select(*(recall.c[name] for name in Recall._fields)).where(
        recall.c.agreement_id == bindparam("of"), among(recall.c.position, bindparam("ids"))
    )
)


def ties_of(tx: Tx, origin: str, stix_id: str, seq: int, *, most: int) -> tuple[list[Tie], bool]:
    """What ties an object, whose latest version has the number `seq`, to others, and if so all.

    At most so many of each of four sorts: relations from it and to it, what it names, and what
    names it. A relationship is tied to its two ends.
    """
    found: list[Tie] = []
    limit = most + 1
    if stix_id.startswith("relationship--"):
        for source, target in _STATED.rows(tx, seq=seq, most=1):
            found.append(Tie("source_ref", source, stix_id, outward=True))
            found.append(Tie("target_ref", target, stix_id, outward=True))
    ends = {"id": stix_id, "origin": origin, "most": limit}
    sorts = [
        [Tie(kind, to, via, outward=True) for kind, to, via in _FROM.rows(tx, **ends)],
        [Tie(kind, to, via, outward=False) for kind, to, via in _TO.rows(tx, **ends)],
        [Tie(role, to, stix_id, outward=True) for role, to in _NAMES.rows(tx, seq=seq, most=limit)],
        [Tie(role, by, by, outward=False) for role, by in _NAMED.rows(tx, **ends)],
    ]
    for each in sorts:
        found += each[:most]
    whole = all(len(each) <= most for each in sorts)
    return [each for each in found if each.other != stix_id], whole


def given_of(tx: Tx, agreement_id: str, ids: Iterable[str]) -> list[Given]:
    """Every release ever of these delivered ids, oldest first."""
    found = _GIVEN.among(tx, ids, of=agreement_id)
    return sorted(Given._make((*row[:-1], bool(row[-1]))) for row in found)


def recalls_of(tx: Tx, agreement_id: str, positions: Iterable[int]) -> dict[int, Recall]:
    """The recalls of these releases, by position."""
    return {row[0]: Recall._make(row) for row in _RECALLS.among(tx, positions, of=agreement_id)}
