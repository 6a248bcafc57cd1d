"""What waits for people under each agreement, who they are, and what they said.

Who can write here can enrol a person or take a verdict away. A verdict alone he cannot make: each
is signed with the key of its person. That one is gone shows in the private log, which has them all.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    Table,
    bindparam,
    delete,
    func,
    select,
    sql,
    tuple_,
    update,
)

from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata

person = Table(
    "person",
    metadata,
    Column("name", Text, nullable=False),
    Column("key", Text, primary_key=True),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
review = Table(
    "review",
    metadata,
    Column("agreement_id", Text, nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("delivered_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("seq", BigInteger),
    Column("raw", LargeBinary),
    Column("asked_at", BigInteger, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("stix_id", "agreement_id"),
    Index("review_item", "item"),
    Index("review_state", "state", "asked_at", "item", "agreement_id"),
)
verdict = Table(
    "verdict",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("item", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("signed", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("spent", Boolean, nullable=False),
    Index("verdict_item", "item"),
)


class Person(NamedTuple):
    """Someone who may approve: the name, a key that verifies, and from when until when.

    A person with more than one key is there once for each.
    """

    name: str
    key: str
    since_at: int
    ended_at: int | None


class Review(NamedTuple):
    """Exact bytes that people are asked about, or were: one row for an object under an agreement.

    `item` names them together with agreement, version and clause. Exactly one of `seq` (a stored
    version) and `raw` (a cut one) is there. Who requested them may not approve. `state` is what the
    standing decision makes of it: waits, approved, refused, lapsed or rests.
    """

    agreement_id: str
    stix_id: str
    item: str
    clause: str
    delivered_id: str
    hash: str
    seq: int | None
    raw: bytes | None
    asked_at: int
    requested_by: str
    state: str


class Place(NamedTuple):
    """Where an item stands in the queue: when people were asked, and its name."""

    asked_at: int
    item: str


class Verdict(NamedTuple):
    """What one person said of an item: *approve*, *refuse*, *query* or *request*, and signed.

    It is `spent` when what it was said of has ended, and counts no more.
    """

    seq: int
    item: str
    person: str
    verdict: str
    text: str
    signed: str
    hash: str
    at: int
    spent: bool


# --------------------------------------------------------------------------------------- people


def add_person(tx: Tx, new: Person) -> None:
    """Enrol a person with a key that nobody has."""
    insert_rows(tx, person, [new])


def people(tx: Tx) -> list[Person]:
    """Everybody who is or was enrolled, by name, and the first key first."""
    query = select(person).order_by(person.c.name, person.c.since_at, person.c.key)
    return [Person(*row) for row in tx.execute(query)]


def end_person(tx: Tx, name: str, at: int, *, key: str | None = None) -> None:
    """Let a person say nothing more, with one key or with any; what was said stays."""
    query = update(person).where(person.c.name == name, person.c.ended_at.is_(None))
    if key is not None:
        query = query.where(person.c.key == key)
    tx.execute(query.values(ended_at=at))


def keys_by_name(tx: Tx) -> dict[str, tuple[str, ...]]:
    """By name, every key that is or was somebody's: what they said before stays theirs."""
    found: dict[str, tuple[str, ...]] = {}
    for each in people(tx):
        found[each.name] = (*found.get(each.name, ()), each.key)
    return found


# -------------------------------------------------------------------------------------- reviews

_ORDER = review.c.asked_at, review.c.item
_REVIEWS = Statement(select(review).where(among(review.c.stix_id, bindparam("ids"))))
_END = Statement(
    delete(review).where(
        review.c.agreement_id == bindparam("agreement_id"),
        among(review.c.stix_id, bindparam("ids")),
    )
)


def reviews_on(tx: Tx, ids: Iterable[str]) -> list[Review]:
    """What people are asked about `ids`, under whichever agreement."""
    return [Review(*row) for row in _REVIEWS.among(tx, ids)]


def of_agreement(tx: Tx, agreement_id: str) -> list[Review]:
    """Every review under an agreement; who was asked first comes first."""
    return queued(tx, None, [agreement_id])


def queued(
    tx: Tx,
    state: str | None,
    agreement_ids: Iterable[str],
    limit: int | None = None,
    after: Place | None = None,
) -> list[Review]:
    """The reviews under some agreements, in one state or any; who was asked first comes first.

    At most `limit` of those after a place.
    """
    query = _after(_queued(state, agreement_ids), after).limit(limit)
    return [Review(*row) for row in tx.execute(query)]


def last_before(
    tx: Tx, state: str, agreement_ids: Iterable[str], before: Place | None = None
) -> str | None:
    """The last item in a state under some agreements that stands before a place, if one does.

    Without a place the last of all.
    """
    query = _before(_queued(state, agreement_ids), before).limit(1)
    found = tx.execute(query.with_only_columns(review.c.item)).first()
    return found[0] if found else None


def number(
    tx: Tx, state: str, agreement_ids: Iterable[str], most: int, before: Place | None = None
) -> int:
    """How many reviews are in a state under some agreements, before a place, up to a number."""
    if before is None:
        return int(_NUMBER.rows(tx, state=state, ids=list(agreement_ids), most=most)[0][0])
    query = _before(_queued(state, agreement_ids), before).limit(most)
    some = query.with_only_columns(review.c.item).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar_one())


_NUMBER = Statement(
    select(func.count()).select_from(
        select(review.c.item)
        .where(among(review.c.agreement_id, bindparam("ids")), review.c.state == bindparam("state"))
        .order_by(*(each.desc() for each in _ORDER))
        .limit(bindparam("most"))
        .subquery()
    )
)


def _queued(state: str | None, agreement_ids: Iterable[str]) -> Select[Any]:
    query = select(review).where(among(review.c.agreement_id, list(agreement_ids)))
    return query if state is None else query.where(review.c.state == state)


def _after(query: Select[Any], after: Place | None) -> Select[Any]:
    """Put reviews in the order of the queue, from a place on."""
    query = query.order_by(*_ORDER)
    return query if after is None else query.where(tuple_(*_ORDER) > after)


def _before(query: Select[Any], before: Place | None) -> Select[Any]:
    """Put reviews in the order of the queue from its end, from a place backwards."""
    query = query.order_by(*(each.desc() for each in _ORDER))
    return query if before is None else query.where(tuple_(*_ORDER) < before)


def put_state(tx: Tx, agreement_id: str, state: str, ids: Iterable[str]) -> None:
    """Note in which state the reviews of some objects are under an agreement."""
    for chunk in in_chunks(ids):
        query = update(review).where(review.c.agreement_id == agreement_id)
        tx.execute(query.where(among(review.c.stix_id, chunk)).values(state=state))


# Between two values, and not by LIKE: for that SQLite uses no index. Behind "f" comes "g".
_NAMED = Statement(
    select(review)
    .where(review.c.item >= bindparam("item"), review.c.item < bindparam("end"))
    .limit(2)
)


def reviews_named(tx: Tx, item: str) -> list[Review]:
    """The reviews whose item begins so, two at most."""
    return [Review(*row) for row in _NAMED.rows(tx, item=item, end=f"{item}g")]


def put_reviews(tx: Tx, rows: Sequence[Review]) -> None:
    """Ask people about what they are not asked about yet."""
    insert_rows(tx, review, rows)


def end_reviews(tx: Tx, agreement_id: str, ended: Sequence[tuple[str, str]]) -> None:
    """Ask no more, of objects and items; what was said of these items counts no more."""
    if ended:
        _END(tx, agreement_id=agreement_id, ids=[stix_id for stix_id, _ in ended])
        spend(tx, [item for _, item in ended])


def ask_again(tx: Tx, item: str, requested_by: str, at: int) -> None:
    """Ask people anew about an item that a person requested."""
    values = {"requested_by": requested_by, "asked_at": at}
    tx.execute(update(review).where(review.c.item == item).values(**values))


# ------------------------------------------------------------------------------------- verdicts

_VERDICTS = Statement(
    select(verdict).where(among(verdict.c.item, bindparam("ids"))).order_by(verdict.c.seq)
)


def add_verdict(tx: Tx, new: Verdict) -> None:
    """Keep what a person said; its number is given here."""
    last = tx.execute(select(func.max(verdict.c.seq))).scalar() or 0
    insert_rows(tx, verdict, [new._replace(seq=last + 1)])


def verdicts_on(tx: Tx, items: Iterable[str]) -> dict[str, list[Verdict]]:
    """All that was ever said of items, in its order."""
    found: dict[str, list[Verdict]] = {}
    for row in _VERDICTS.among(tx, items):
        found.setdefault(row[1], []).append(Verdict._make((*row[:-1], bool(row[-1]))))
    return found


def spend(tx: Tx, items: Iterable[str]) -> None:
    """Let what was said of items count no more."""
    for chunk in in_chunks(items):
        query = update(verdict).where(among(verdict.c.item, chunk))
        tx.execute(query.values(spent=sql.true()))
