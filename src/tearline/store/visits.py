"""The last request of each TAXII client, and what plain clients were served in each hour.

One row for each client, overwritten; no content, and no query but what explains why nothing came.
Requests write nothing here: each process gathers, and writes every few seconds. Who can write here
can make a client look busy or silent; what was served also stands in the log of the agreement.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, delete, select

from tearline.store.columns import Text
from tearline.store.database import Tx, insert_rows, metadata

visit = Table(
    "visit",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("agreement_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("added_after", BigInteger),
    Column("types", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("key_hash", Text, nullable=False),
    Column("given_at", BigInteger),
    Column("requests", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("objects_total", BigInteger, nullable=False),
)
served = Table(
    "served",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("key_hash", Text, primary_key=True),
    Column("hour_at", BigInteger, primary_key=True),
    Column("party", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("spans", Text, nullable=False),
)


class Visit(NamedTuple):
    """The last request of one client, and counts over all of its requests.

    `kind` is *partner*, *account* or *stranger*; `agreement_id` is empty where the request did not
    show which is meant. `types` are those that were asked for, with commas; `given_at` is when it
    last got an object.
    """

    kind: str
    name: str
    agreement_id: str
    at: int
    method: str
    resource: str
    collection: str
    status: int
    title: str
    objects: int
    added_after: int | None
    types: str
    agent: str
    address: str
    key_hash: str
    given_at: int | None
    requests: int
    refused: int
    objects_total: int


class Served(NamedTuple):
    """What one key of an agreement was served in one hour; `spans` are positions, as JSON."""

    agreement_id: str
    key_hash: str
    hour_at: int
    party: str
    hash: str
    requests: int
    objects: int
    spans: str


def merge(first: Visit, second: Visit) -> Visit:
    """Add up two rows of one client; the later request is the last."""
    last = max(first, second, key=lambda each: each.at)
    given = [each.given_at for each in (first, second) if each.given_at is not None]
    return last._replace(
        given_at=max(given, default=None),
        requests=first.requests + second.requests,
        refused=first.refused + second.refused,
        objects_total=first.objects_total + second.objects_total,
    )


_KEY = (
    visit.c.kind == bindparam("kind"),
    visit.c.name == bindparam("name"),
    visit.c.agreement_id == bindparam("agreement"),
)
_ONE = select(visit).where(*_KEY)
_DROP = delete(visit).where(*_KEY)


def add_visits(tx: Tx, rows: Iterable[Visit]) -> None:
    """Add what was gathered to what is kept of each client."""
    for each in rows:
        key = {"kind": each.kind, "name": each.name, "agreement": each.agreement_id}
        before = tx.execute(_ONE, key).one_or_none()
        tx.execute(_DROP, key)
        insert_rows(tx, visit, [merge(Visit(*before), each) if before else each])


def visits_of(tx: Tx, kind: str, name: str) -> list[Visit]:
    """The rows of one client, the latest first."""
    rows = select(visit).where(visit.c.kind == kind, visit.c.name == name)
    return [Visit(*row) for row in tx.execute(rows.order_by(visit.c.at.desc()))]


_ROW = (
    served.c.agreement_id == bindparam("agreement"),
    served.c.key_hash == bindparam("key"),
    served.c.hour_at == bindparam("hour"),
)
_SERVED = select(served).where(*_ROW)
_FORGET = delete(served).where(*_ROW)


def served_row(tx: Tx, agreement_id: str, key_hash: str, hour_at: int) -> Served | None:
    """What is gathered of one key in one hour."""
    key = {"agreement": agreement_id, "key": key_hash, "hour": hour_at}
    row = tx.execute(_SERVED, key).one_or_none()
    return Served(*row) if row else None


def put_served(tx: Tx, row: Served) -> None:
    """Keep what is gathered of one key in one hour, in the place of what was there."""
    forget_served(tx, row)
    insert_rows(tx, served, [row])


def forget_served(tx: Tx, row: Served) -> None:
    """Drop what was made a leaf."""
    key = {"agreement": row.agreement_id, "key": row.key_hash, "hour": row.hour_at}
    tx.execute(_FORGET, key)


def served_before(tx: Tx, hour_at: int) -> list[Served]:
    """What was served in hours before this one and is not in the log yet, oldest first."""
    rows = select(served).where(served.c.hour_at < hour_at)
    ordered = rows.order_by(served.c.hour_at, served.c.agreement_id, served.c.key_hash)
    return [Served(*row) for row in tx.execute(ordered)]
