"""What was decided and released under each agreement, and what came in under it.

`head` has one row for each agreement and issues its positions and moments; `decision` is the
standing answer for every object that concerns the agreement, `release` the table that pages are
served from.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    Table,
    bindparam,
    delete,
    func,
    select,
    sql,
    text,
    update,
)

from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata
from tearline.store.objects import OURS, object_raw, object_version
from tearline.store.partitions import BY_AGREEMENT

head = Table(
    "head",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
decision = Table(
    "decision",
    metadata,
    Column("agreement_id", Text, nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("delivered_id", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("attested", Text, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    PrimaryKeyConstraint("stix_id", "agreement_id"),
    Index("decision_until", "until_at"),
)
WITHDRAWN = "withdrawn"
"""The basis of a revoked version that stands in the place of what was withdrawn."""

STANDS = text(f"live AND basis <> '{WITHDRAWN}'")
"""What the receiver may read and was not withdrawn: as the index says it, word for word."""

release = Table(
    "release",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("delivered_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("seq", BigInteger),
    Column("cut_raw", LargeBinary),
    Column("leaf", BigInteger, nullable=False),
    Column("item", Integer, nullable=False),
    Column("live", Boolean, nullable=False),
    Index("release_object", "agreement_id", "delivered_id", "position"),
    Index("release_at", "agreement_id", "at"),
    Index(
        "release_stands",
        "agreement_id",
        "position",
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    ),
    postgresql_partition_by=BY_AGREEMENT,
)


class Head(NamedTuple):
    """Where an agreement stands: the version decided under, the last position and moment issued."""

    agreement_id: str
    hash: str
    position: int
    last_at: int


class Standing(NamedTuple):
    """The standing decision on one object, and what they hold of it.

    `position` is that of the release that they hold, 0 where they hold none; it is `live` while
    we serve it. What only waits is not served and not recalled: held, and not live.
    """

    stix_id: str
    outcome: str
    clause: str
    reasons: str
    delivered_id: str
    basis: str
    path: str
    attested: str
    until_at: int
    position: int
    live: bool


class Release(NamedTuple):
    """One release: what was made available, at which position, and where its slip is logged.

    Exactly one of `seq` (a stored version, byte for byte) and `cut_raw` is there.
    """

    position: int
    delivered_id: str
    type: str
    version: str
    at: int
    until_at: int
    hash: str
    basis: str
    seq: int | None
    cut_raw: bytes | None
    leaf: int
    item: int
    live: bool


class Row(NamedTuple):
    """One object of a served page: position, moment added, id, version, limit, exact bytes."""

    position: int
    at: int
    delivered_id: str
    type: str
    version: str
    until_at: int
    raw: bytes


_HEADS = Statement(select(head))
_HEAD = Statement(select(head).where(head.c.agreement_id == bindparam("agreement_id")))
_DROP_HEADS = Statement(delete(head).where(among(head.c.agreement_id, bindparam("ids"))))
_STANDING_ALL = select(*(decision.c[name] for name in Standing._fields)).where(
    decision.c.agreement_id == bindparam("agreement_id")
)
_STANDING = Statement(_STANDING_ALL.where(among(decision.c.stix_id, bindparam("ids"))))
_STANDING_EVER = Statement(_STANDING_ALL)
_STANDING_ON = Statement(
    select(decision.c.agreement_id, decision.c.stix_id).where(
        among(decision.c.stix_id, bindparam("ids"))
    )
)
_STANDING_AMONG = Statement(
    select(decision.c.agreement_id, *(decision.c[name] for name in Standing._fields)).where(
        among(decision.c.stix_id, bindparam("ids"))
    )
)
_DROP_STANDING = Statement(
    delete(decision).where(
        decision.c.agreement_id == bindparam("agreement_id"),
        among(decision.c.stix_id, bindparam("ids")),
    )
)


def heads(tx: Tx) -> list[Head]:
    """Every agreement that has decided anything."""
    return [Head(*row) for row in _HEADS.rows(tx)]


def head_of(tx: Tx, agreement_id: str) -> Head:
    """The head of one agreement; one that starts at 0 if there is none yet."""
    found = _HEAD.rows(tx, agreement_id=agreement_id)
    return Head(*found[0]) if found else Head(agreement_id, "", 0, 0)


def put_head(tx: Tx, new: Head) -> None:
    """Write a head back, in the transaction that used its numbers."""
    put_heads(tx, [new])


def put_heads(tx: Tx, new: Sequence[Head]) -> None:
    """Write heads back, in the transaction that used their numbers."""
    _DROP_HEADS(tx, ids=[each.agreement_id for each in new])
    insert_rows(tx, head, new)


def standing(tx: Tx, agreement_id: str, ids: Iterable[str]) -> dict[str, Standing]:
    """The standing decisions on `ids`; an object never decided is left out."""
    found = _STANDING.among(tx, ids, agreement_id=agreement_id)
    return {row[0]: _standing(row) for row in found}


def standing_all(tx: Tx, agreement_id: str) -> dict[str, Standing]:
    """Every standing decision under an agreement."""
    return {row[0]: _standing(row) for row in _STANDING_EVER.rows(tx, agreement_id=agreement_id)}


def sides(tx: Tx, agreement_id: str) -> dict[str, Any]:
    """The outcome on each object that goes or waits under an agreement."""
    query = select(decision.c.stix_id, decision.c.outcome).where(
        decision.c.agreement_id == agreement_id, decision.c.outcome != "withhold"
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def revoked_held(tx: Tx, agreement_id: str) -> dict[str, str]:
    """Objects of ours that are revoked and that they hold: the clause under which they do."""
    own = object_version.c
    query = (
        select(decision.c.stix_id, decision.c.clause)
        .join_from(decision, object_version, own.stix_id == decision.c.stix_id)
        .where(
            decision.c.agreement_id == agreement_id,
            decision.c.position > 0,
            own.origin == OURS,
            own.latest,
            own.revoked,
        )
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _standing(row: Sequence[Any]) -> Standing:
    """Read a standing decision; SQLite has numbers for truth values."""
    return Standing._make((*row[:-1], bool(row[-1])))


def standing_on(tx: Tx, ids: Iterable[str]) -> dict[str, set[str]]:
    """By agreement, those of `ids` on which it has a standing decision."""
    found: dict[str, set[str]] = {}
    for agreement_id, stix_id in _STANDING_ON.among(tx, ids):
        found.setdefault(agreement_id, set()).add(stix_id)
    return found


def standing_among(tx: Tx, ids: Iterable[str]) -> dict[str, dict[str, Standing]]:
    """By agreement, the standing decisions on `ids`."""
    found: dict[str, dict[str, Standing]] = {}
    for agreement_id, *row in _STANDING_AMONG.among(tx, ids):
        found.setdefault(agreement_id, {})[row[0]] = _standing(row)
    return found


def put_standing(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """Keep standing decisions on objects on which there is none: agreement, then a `Standing`."""
    # In the order of the key, which takes half the time: neighbours go to one page.
    insert_rows(tx, decision, sorted(rows, key=itemgetter(1, 0)))


def drop_standing(tx: Tx, agreement_id: str, ids: Iterable[str]) -> None:
    """Forget the standing decisions on `ids`."""
    listed = list(ids)
    if listed:
        _DROP_STANDING(tx, ids=listed, agreement_id=agreement_id)


_TURNING = Statement(
    select(decision.c.agreement_id, decision.c.stix_id).where(
        decision.c.until_at <= bindparam("now")
    )
)


def turning(tx: Tx, now: int) -> dict[str, set[str]]:
    """By agreement, objects whose decision has reached a moment at which a time limit turns."""
    found: dict[str, set[str]] = {}
    for agreement_id, stix_id in _TURNING(tx, now=now):
        found.setdefault(agreement_id, set()).add(stix_id)
    return found


_OF_AGREEMENT = release.c.agreement_id == bindparam("of")
_SUPERSEDE = Statement(
    update(release)
    .where(_OF_AGREEMENT, among(release.c.delivered_id, bindparam("ids")), release.c.live)
    .values(live=sql.false())
)
_END = Statement(
    update(release)
    .where(_OF_AGREEMENT, among(release.c.position, bindparam("ids")))
    .values(live=sql.false())
)
_RELEASES = select(*(release.c[name] for name in Release._fields)).where(_OF_AGREEMENT)
_AT = Statement(_RELEASES.where(among(release.c.position, bindparam("ids"))))
_DELIVERED = Statement(_RELEASES.where(among(release.c.delivered_id, bindparam("ids"))))


def add_releases(tx: Tx, agreement_id: str, rows: Sequence[Release]) -> None:
    """Append releases; whatever was live of the same delivered object is superseded."""
    if rows:
        _SUPERSEDE(tx, of=agreement_id, ids=[row.delivered_id for row in rows])
        append_releases(tx, [(agreement_id, *row) for row in rows])


def append_releases(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append releases under any agreements, each its agreement and then a `Release`.

    The caller has ended whatever was live of the same delivered objects.
    """
    insert_rows(tx, release, rows)


def end_releases(tx: Tx, agreement_id: str, positions: Iterable[int]) -> None:
    """Take releases out of service."""
    listed = list(positions)
    if listed:
        _END(tx, of=agreement_id, ids=listed)


_RELEASED = Statement(
    select(release.c.delivered_id, release.c.at).where(
        release.c.agreement_id == bindparam("of"),
        among(release.c.delivered_id, bindparam("ids")),
    )
)


def released_at(tx: Tx, agreement_id: str, ids: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each release ever of these delivered ids: the id, and its moment."""
    for row in _RELEASED.among(tx, ids, of=agreement_id):
        yield row[0], row[1]


def releases_at(tx: Tx, agreement_id: str, positions: Iterable[int]) -> dict[int, Release]:
    """Releases by position."""
    return {row[0]: _released(row) for row in _AT.among(tx, positions, of=agreement_id)}


def last_delivered(tx: Tx, agreement_id: str, ids: Iterable[str]) -> dict[str, Release]:
    """The newest release ever of each delivered id, live or not."""
    # Sorted here: told to sort, a database may walk all positions of the agreement for it.
    rows = sorted(_DELIVERED.among(tx, ids, of=agreement_id), key=itemgetter(0))
    return {row[1]: _released(row) for row in rows}


def _released(row: tuple[Any, ...]) -> Release:
    """Read a release; SQLite has numbers for truth values."""
    return Release._make((*row[:-1], bool(row[-1])))


def page(
    tx: Tx,
    agreement_id: str,
    *,
    after: int,
    now: int,
    limit: int,
    added_after: int | None = None,
    ids: Sequence[str] = (),
    types: Sequence[str] = (),
) -> list[Row]:
    """Live releases after a position, in order: what a TAXII page is made of.

    Reads nothing but what was released; a release whose time limit has turned is passed over
    even before the withdrawal is written.
    """
    query = _page(bool(ids), bool(types), added_after is not None)
    values: dict[str, Any] = {"id": agreement_id, "after": after, "now": now, "limit": limit}
    values |= {"added_after": added_after} if added_after is not None else {}
    values |= {"ids": list(ids)} if ids else {}
    values |= {"types": list(types)} if types else {}
    return [Row(*row) for row in tx.execute(query, values)]


@cache
def _page(ids: bool, types: bool, added_after: bool) -> Select[Any]:  # noqa: FBT001  # a cache key
    """Build the statement once for each set of filters."""
    raw = func.coalesce(release.c.cut_raw, object_raw.c.raw)
    query = (
        select(*(release.c[name] for name in Row._fields[:-1]), raw)
        .select_from(release.outerjoin(object_raw, object_raw.c.seq == release.c.seq))
        .where(
            release.c.agreement_id == bindparam("id"),
            release.c.position > bindparam("after"),
            release.c.live,
            release.c.until_at > bindparam("now"),
        )
        .order_by(release.c.position)
        .limit(bindparam("limit", type_=Integer))
    )
    if added_after:
        query = query.where(release.c.at > bindparam("added_after"))
    if ids:
        query = query.where(release.c.delivered_id.in_(bindparam("ids", expanding=True)))
    if types:
        query = query.where(release.c.type.in_(bindparam("types", expanding=True)))
    return query


_POSITION_AT = (
    select(release.c.position)
    .where(release.c.agreement_id == bindparam("id"), release.c.at <= bindparam("at"))
    .order_by(release.c.at.desc())
    .limit(1)
)


def position_at(tx: Tx, agreement_id: str, at: int) -> int:
    """The last position that was issued up to a moment; 0 before the first.

    Positions and moments rise together, so paging after either gives the same rows.
    """
    return tx.execute(_POSITION_AT, {"id": agreement_id, "at": at}).scalar() or 0


def live_count(tx: Tx, agreement_id: str) -> int:
    """How many releases are live; revoked versions of what was withdrawn are none."""
    query = select(func.count()).where(release.c.agreement_id == agreement_id, STANDS)
    return tx.execute(query.select_from(release)).scalar() or 0
