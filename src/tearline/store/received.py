"""What partners gave us under agreements: staged, accepted, in quarantine, or gone again.

Who can write here can keep what has expired, or let it go early; the giver has our receipt either
way, and what it says is in our log.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Select,
    Table,
    delete,
    func,
    null,
    select,
    text,
)

from tearline.store.columns import Text, among, aside, number_of_each
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata
from tearline.store.objects import object_version, reference
from tearline.store.walking import Order, Place, latest, part

_IN_QUARANTINE = text("state = 'quarantined'")
"""As its index has it: of a parameter, SQLite would not know that the index holds it all."""

received = Table(
    "received",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("delivered_id", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("slip", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Index("received_state", "agreement_id", "state"),
    Index("received_until", "until_at"),
    Index("received_object", "agreement_id", "delivered_id"),
    Index(
        "received_quarantined",
        "agreement_id",
        "at",
        "hash",
        sqlite_where=_IN_QUARANTINE,
        postgresql_where=_IN_QUARANTINE,
    ),
)
cursor = Table(
    "cursor",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("next", Text, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)


NEVER = 2**62
"""A moment after every other: when what has no end ends."""

HELD = ("accepted", "quarantined")
"""The states in which the bytes are here, and were decided on."""


class Received(NamedTuple):
    """Bytes that a partner gave us under an agreement, and the slip they came with.

    `state` is one of expected (the slip came, the bytes have not), staged, accepted, quarantined,
    refused, ended and expired; the bytes of what was refused, ended or expired are gone. It may be
    used before `until_at`, whatever its state says; of what is expired, that is when it was due.
    """

    hash: str
    delivered_id: str
    raw: bytes | None
    slip: str
    state: str
    reasons: str
    at: int
    until_at: int = NEVER


class Cursor(NamedTuple):
    """How far we have read a partner's collection (`next`) and the records of its log (`leaf`)."""

    next: str = ""
    leaf: int = 0


def stage(tx: Tx, agreement_id: str, rows: Sequence[Received]) -> None:
    """Keep what one page brought, undecided; what is here already stays as it is.

    Bytes whose slip came first, and bytes that are gone and are given again, are staged.
    """
    stale = {
        each.hash: each.slip if each.state == "expected" else ""
        for each in by_hash(tx, agreement_id, (row.hash for row in rows))
        if each.state in {"expected", "refused", "ended", "expired"}
    }
    for chunk in in_chunks(stale):
        tx.execute(
            delete(received).where(
                received.c.agreement_id == agreement_id, among(received.c.hash, chunk)
            )
        )
    staged = [(agreement_id, *row._replace(slip=stale.get(row.hash, ""))) for row in rows]
    insert_rows(tx, received, staged, ignore=True)


def by_hash(tx: Tx, agreement_id: str, hashes: Iterable[str]) -> list[Received]:
    """What is known of received bytes, by their hash."""
    columns = [received.c[name] for name in Received._fields]
    found = []
    for chunk in in_chunks(hashes):
        query = select(*columns).where(
            received.c.agreement_id == agreement_id, among(received.c.hash, chunk)
        )
        found += [Received(*row) for row in tx.execute(query)]
    return found


def given_as(tx: Tx, agreement_id: str, ids: Iterable[str], *states: str) -> list[Received]:
    """What was received as objects `ids` and is in one of `states`."""
    columns = [received.c[name] for name in Received._fields]
    found = []
    for chunk in in_chunks(ids):
        query = select(*columns).where(
            received.c.agreement_id == agreement_id,
            among(received.c.delivered_id, chunk),
            received.c.state.in_(states),
        )
        found += [Received(*row) for row in tx.execute(query)]
    return found


def in_state(
    tx: Tx, agreement_id: str, *states: str, without_bytes: bool = False
) -> list[Received]:
    """What came in under an agreement and is in one of `states`, in a fixed order."""
    columns = [
        null().label(name) if without_bytes and name == "raw" else received.c[name]
        for name in Received._fields
    ]
    query = select(*columns).where(
        received.c.agreement_id == agreement_id, received.c.state.in_(states)
    )
    return [Received(*row) for row in tx.execute(query.order_by(received.c.at, received.c.hash))]


def due(tx: Tx, now: int) -> list[str]:
    """Return the agreements under which we hold something whose time is over."""
    query = select(received.c.agreement_id).where(
        received.c.until_at <= now, received.c.state.in_(HELD)
    )
    return sorted(set(tx.execute(query).scalars()))


def over(tx: Tx, agreement_id: str, now: int) -> list[Received]:
    """Return what we hold under an agreement although its time is over, in a fixed order."""
    columns = [received.c[name] for name in Received._fields]
    query = select(*columns).where(
        received.c.agreement_id == agreement_id,
        received.c.until_at <= now,
        received.c.state.in_(HELD),
    )
    return [Received(*row) for row in tx.execute(query.order_by(received.c.at, received.c.hash))]


def accepted_among(tx: Tx, agreement_id: str, ids: Iterable[str]) -> set[str]:
    """Return those of `ids` that were accepted under an agreement, and are held."""
    found: set[str] = set()
    for chunk in in_chunks(ids):
        query = select(received.c.delivered_id).where(
            received.c.agreement_id == agreement_id,
            among(received.c.delivered_id, chunk),
            received.c.state == "accepted",
        )
        found.update(tx.execute(query).scalars())
    return found


def named_by(tx: Tx, agreement_id: str, origin: str) -> set[str]:
    """Return what names, in its latest version of an origin, something accepted from a partner."""
    return set(tx.execute(_naming(agreement_id, origin)).scalars())


def _naming(agreement_id: str, origin: str) -> Select[Any]:
    """Begin with what came: it is mostly less than all that is of an origin."""
    return (
        select(object_version.c.stix_id)
        .join(reference, reference.c.from_seq == object_version.c.seq)
        .join(received, received.c.delivered_id == reference.c.to_id)
        .where(
            received.c.agreement_id == agreement_id,
            received.c.state == "accepted",
            aside(object_version.c.origin) == origin,
            aside(object_version.c.latest),
        )
        .distinct()
    )


def holds_any(tx: Tx, agreement_id: str, *states: str) -> bool:
    """Whether anything is in one of `states` under an agreement."""
    query = select(received.c.hash).where(
        received.c.agreement_id == agreement_id, received.c.state.in_(states)
    )
    return tx.execute(query.limit(1)).first() is not None


def expired_since(tx: Tx, agreement_id: str, at: int) -> bool:
    """Whether something that was held under an agreement expired after a moment."""
    query = select(received.c.hash).where(
        received.c.agreement_id == agreement_id,
        received.c.state == "expired",
        received.c.until_at > at,
    )
    return tx.execute(query.limit(1)).first() is not None


def usable(tx: Tx, agreement_id: str, now: int) -> int:
    """How many objects of a partner's may be used now."""
    query = select(func.count()).where(
        received.c.agreement_id == agreement_id,
        received.c.state == "accepted",
        received.c.until_at > now,
    )
    return int(tx.execute(query).scalar_one())


_USABLE = Statement(
    number_of_each(
        "received WHERE agreement_id = its.value AND state = 'accepted' AND until_at > :now"
    )
)
# In the order of the index that has only these: SQLite would take the one on any state.
_NUMBERS = Statement(
    number_of_each(f"received WHERE agreement_id = its.value AND {_IN_QUARANTINE} ORDER BY at")
)


def usable_numbers(tx: Tx, agreements: Iterable[str], now: int, most: int) -> dict[str, int]:
    """How many objects may be used now, by agreement, each counted up to a number."""
    return dict(_USABLE.among(tx, agreements, now=now, most=most))


def quarantined(
    tx: Tx, agreements: Iterable[str], limit: int, before: Place | None = None
) -> list[tuple[str, Received]]:
    """What is in quarantine under some agreements, each with its own, without the bytes.

    The last comes first; no more than `limit`, of those before a place.
    """
    parts = (_quarantined(each, limit, before) for each in agreements)
    return [(row[1], Received._make(row[3:])) for row in latest(tx, parts, limit)]


def quarantined_numbers(tx: Tx, agreements: Iterable[str], most: int) -> dict[str, int]:
    """How many are in quarantine, by agreement, each counted up to a number."""
    return dict(_NUMBERS.among(tx, agreements, most=most))


def _quarantined(agreement_id: str, limit: int, before: Place | None) -> Select[Any]:
    of = received.c
    columns = [null() if name == "raw" else of[name] for name in Received._fields]
    query = select(of.at, of.agreement_id, of.hash, *columns)
    query = query.where(of.agreement_id == agreement_id, _IN_QUARANTINE)
    return part(query, Order(of.at, of.hash), agreement_id, limit, before)


def settle(tx: Tx, agreement_id: str, rows: Sequence[Received]) -> None:
    """Write what became of things received."""
    for chunk in in_chunks(row.hash for row in rows):
        tx.execute(
            delete(received).where(
                received.c.agreement_id == agreement_id, among(received.c.hash, chunk)
            )
        )
    insert_rows(tx, received, [(agreement_id, *row) for row in rows])


def cursor_of(tx: Tx, agreement_id: str) -> Cursor:
    """Where our reading of a partner stands."""
    query = select(cursor.c.next, cursor.c.leaf).where(cursor.c.agreement_id == agreement_id)
    row = tx.execute(query).first()
    return Cursor(*row) if row else Cursor()


def put_cursor(tx: Tx, agreement_id: str, new: Cursor) -> None:
    """Move our reading on, in the transaction that kept what was read."""
    tx.execute(delete(cursor).where(cursor.c.agreement_id == agreement_id))
    insert_rows(tx, cursor, [(agreement_id, *new)])
