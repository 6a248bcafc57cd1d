"""Agreements: their versions, the statements of both sides, and the messages between them.

The statements are what counts: `state`, `serving` and `accepting` of a version are folded from them
and kept beside, so that a page need not fold. Who can write here can pretend to a state; but every
statement is signed, and each has a leaf in the log that the partner reads.
"""

from collections.abc import Iterable, Sequence
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
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, metadata

agreement_version = Table(
    "agreement_version",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("agreement_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("terms", LargeBinary, nullable=False),
    Column("signed", LargeBinary, nullable=False),
    Column("our_slot", Text, nullable=False),
    Column("their_slot", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("one_sided", Boolean, nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("serving", Boolean, nullable=False),
    Column("accepting", Boolean, nullable=False),
    Column("arrived_at", BigInteger, nullable=False),
    Index("agreement_version_id", "agreement_id", "version"),
    Index("agreement_version_partner", "partner"),
    Index("agreement_version_title", "title"),
)
statement = Table(
    "statement",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("agreement_id", Text, nullable=False),
    Column("agreement", Text, nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("place", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("signed", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("void", Boolean, nullable=False, default=False),
    UniqueConstraint("agreement_id", "ours", "place"),
)
message_out = Table(
    "message_out",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("agreement_id", Text),
    Column("agreement", Text),
    Column("body", LargeBinary, nullable=False),
    Column("leaf", BigInteger),
    Column("statement", Text),
    Column("rendered", LargeBinary),
    Column("receipt_hash", Text),
    Column("at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    Index("message_out_pending", "party", "delivered_at"),
)
message_in = Table(
    "message_in",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
message_waiting = Table(
    "message_waiting",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("party", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Column("document", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)


class Version(NamedTuple):
    """One version of an agreement; `state` without the clock, `ours` when we proposed it."""

    hash: str
    agreement_id: str
    version: int
    title: str
    terms: bytes
    signed: bytes
    our_slot: str
    their_slot: str
    partner: str
    one_sided: bool
    from_at: int
    until_at: int
    state: str
    ours: bool
    serving: bool
    accepting: bool
    arrived_at: int


class StatementRow(NamedTuple):
    """A statement: its signed bytes, whose it is, its place in that side's chain, its leaf.

    `void` while only a revoked key stands behind it: it counts for nothing.
    """

    hash: str
    agreement_id: str
    agreement: str
    ours: bool
    place: int
    body: bytes
    signed: bytes
    at: int
    leaf: int
    void: bool = False


class Outgoing(NamedTuple):
    """A message to a partner; `rendered` once it was signed, with its receipt if it has one."""

    seq: int
    id: str
    party: str
    kind: str
    agreement_id: str | None
    agreement: str | None
    body: bytes
    leaf: int | None
    statement: str | None
    rendered: bytes | None
    receipt_hash: str | None
    at: int
    delivered_at: int | None
    attempts: int


class Undelivered(NamedTuple):
    """A message that a partner does not have: what it is, since when, how often it was tried."""

    id: str
    kind: str
    at: int
    attempts: int


class Waiting(NamedTuple):
    """A message that came before the one it follows on, and when it came."""

    seq: int
    party: str
    document: bytes
    at: int


# ------------------------------------------------------------------------------------ versions


_OF_HASH = Statement(select(agreement_version).where(agreement_version.c.hash == bindparam("hash")))
_TERMS = Statement(
    select(agreement_version.c.hash, agreement_version.c.terms, agreement_version.c.our_slot).where(
        among(agreement_version.c.hash, bindparam("ids"))
    )
)
_VERSIONS = Statement(
    select(agreement_version)
    .where(agreement_version.c.agreement_id == bindparam("id"))
    .order_by(agreement_version.c.version, agreement_version.c.arrived_at)
)

_BY_ARRIVAL = select(agreement_version).order_by(
    agreement_version.c.arrived_at, agreement_version.c.version
)
_EVERY = Statement(_BY_ARRIVAL)
_WITH = Statement(_BY_ARRIVAL.where(agreement_version.c.partner == bindparam("partner")))


def add_version(tx: Tx, version: Version) -> None:
    """Keep a version of an agreement."""
    tx.execute(insert(agreement_version).values(version._asdict()))


def version_of(tx: Tx, agreement: str) -> Version | None:
    """Return the version with this hash."""
    found = _OF_HASH.rows(tx, hash=agreement)
    return _version(found[0]) if found else None


def terms_of(tx: Tx, hashes: Iterable[str]) -> dict[str, tuple[bytes, str]]:
    """Return the terms and our slot in them of the versions with these hashes."""
    return {row[0]: (row[1], row[2]) for row in _TERMS.among(tx, hashes)}


def _version(row: tuple[Any, ...]) -> Version:
    """Read a version; SQLite has numbers for truth values."""
    version = Version(*row)
    return version._replace(
        one_sided=bool(version.one_sided),
        ours=bool(version.ours),
        serving=bool(version.serving),
        accepting=bool(version.accepting),
    )


def versions(tx: Tx, agreement_id: str) -> list[Version]:
    """Return all versions of an agreement, oldest first."""
    return [_version(row) for row in _VERSIONS.rows(tx, id=agreement_id)]


def every_version(tx: Tx, *, partner: str | None = None) -> list[Version]:
    """Return the versions of all agreements, or of those with one partner, newest last."""
    rows = _EVERY.rows(tx) if partner is None else _WITH.rows(tx, partner=partner)
    return [_version(row) for row in rows]


def agreement_ids(tx: Tx, *, state: str | None = None) -> list[str]:
    """Return the ids of the agreements that have a version, or one in this state, in order."""
    ids = select(agreement_version.c.agreement_id).distinct()
    if state is not None:
        ids = ids.where(agreement_version.c.state == state)
    return list(tx.execute(ids.order_by(agreement_version.c.agreement_id)).scalars())


_TITLED = Statement(
    select(agreement_version.c.agreement_id)
    .where(agreement_version.c.title == bindparam("title"))
    .distinct()
    .limit(2)
)


def titled(tx: Tx, title: str) -> list[str]:
    """Return the ids of the agreements of which a version has this title, two at most."""
    return [row[0] for row in _TITLED.rows(tx, title=title)]


def set_signed(tx: Tx, agreement: str, signed: bytes) -> None:
    """Replace the signatures kept with a version."""
    where = agreement_version.c.hash == agreement
    tx.execute(update(agreement_version).where(where).values(signed=signed))


def set_state(tx: Tx, agreement: str, state: str, *, serving: bool, accepting: bool) -> None:
    """Keep what the statements of a version fold to."""
    where = agreement_version.c.hash == agreement
    values = {"state": state, "serving": serving, "accepting": accepting}
    tx.execute(update(agreement_version).where(where).values(values))


# ---------------------------------------------------------------------------------- statements


def add_statement(tx: Tx, row: StatementRow) -> None:
    """Keep a statement at the end of its side's chain."""
    tx.execute(insert(statement).values(row._asdict()))


def statements(tx: Tx, agreement_id: str) -> list[StatementRow]:
    """Return the statements of both sides about an agreement, as they came here."""
    rows = tx.execute(
        select(statement).where(statement.c.agreement_id == agreement_id).order_by(statement.c.leaf)
    )
    return [_statement(row) for row in rows]


def _statement(row: Any) -> StatementRow:  # noqa: ANN401  # a row of the table
    """Read a statement; SQLite has numbers for truth values."""
    return StatementRow(*row)._replace(void=bool(row.void))


def last_statement(tx: Tx, agreement_id: str, *, ours: bool) -> StatementRow | None:
    """Return the end of one side's chain, of the statements that count."""
    row = tx.execute(
        select(statement)
        .where(statement.c.agreement_id == agreement_id, statement.c.ours == ours)
        .where(statement.c.void.is_(False))
        .order_by(statement.c.place.desc())
        .limit(1)
    ).one_or_none()
    return _statement(row) if row else None


def last_leaves(tx: Tx) -> dict[str, int]:
    """Return the leaf of the newest statement about each agreement, in our log of it."""
    last = select(statement.c.agreement_id, func.max(statement.c.leaf))
    return {row[0]: row[1] for row in tx.execute(last.group_by(statement.c.agreement_id))}


def set_void(tx: Tx, name: str, *, void: bool) -> None:
    """Keep whether a statement counts for nothing: a revoked key alone stands behind it."""
    tx.execute(update(statement).where(statement.c.hash == name).values(void=void))


def drop_statement(tx: Tx, name: str) -> None:
    """Take a statement out of its side's chain, where another one takes its place."""
    tx.execute(delete(statement).where(statement.c.hash == name))


# ------------------------------------------------------------------------------------ messages


def add_outgoing(tx: Tx, message: Outgoing) -> None:
    """Put a message at the end of what goes to a partner; `seq` is given by the store."""
    values = message._asdict()
    del values["seq"]
    tx.execute(insert(message_out).values(values))


def pending(tx: Tx, party: str | None = None) -> list[Outgoing]:
    """Return the messages that are not known to have arrived, in the order they were written.

    A card comes first: what follows may be signed with its keys.
    """
    return [Outgoing(*row) for row in tx.execute(_pending(select(message_out), party))]


def undelivered(tx: Tx, party: str | None = None) -> list[Undelivered]:
    """Return the same messages in the same order, without what they say."""
    columns = select(*(message_out.c[name] for name in Undelivered._fields))
    return [Undelivered(*row) for row in tx.execute(_pending(columns, party))]


def _pending(rows: Select[Any], party: str | None) -> Select[Any]:
    rows = rows.where(message_out.c.delivered_at.is_(None))
    if party is not None:
        rows = rows.where(message_out.c.party == party)
    return rows.order_by(case((message_out.c.kind == "card", 0), else_=1), message_out.c.seq)


def set_rendered(tx: Tx, message_id: str, document: bytes, receipt_hash: str | None) -> bytes:
    """Keep the signed form of a message; return the one that was kept first."""
    tx.execute(
        update(message_out)
        .where(message_out.c.id == message_id, message_out.c.rendered.is_(None))
        .values(rendered=document, receipt_hash=receipt_hash)
    )
    held = select(message_out.c.rendered).where(message_out.c.id == message_id)
    return bytes(tx.execute(held).scalar_one())


def drop_rendered(tx: Tx, message_id: str) -> None:
    """Drop the signed form of a message, so that it is made anew."""
    where = message_out.c.id == message_id
    tx.execute(update(message_out).where(where).values(rendered=None, receipt_hash=None))


def count_attempt(tx: Tx, message_id: str) -> None:
    """Count a try to deliver that failed."""
    tx.execute(
        update(message_out)
        .where(message_out.c.id == message_id)
        .values(attempts=message_out.c.attempts + 1)
    )


def set_delivered(tx: Tx, message_ids: Sequence[str], *, at: int) -> None:
    """Mark messages as arrived."""
    tx.execute(
        update(message_out)
        .where(message_out.c.id.in_(message_ids), message_out.c.delivered_at.is_(None))
        .values(delivered_at=at)
    )


def outgoing_for(tx: Tx, statements_seen: Sequence[str]) -> list[str]:
    """Return the ids of the messages that carried these statements."""
    rows = select(message_out.c.id).where(message_out.c.statement.in_(statements_seen))
    return list(tx.execute(rows).scalars())


def receipt_sent(tx: Tx, agreement: str, receipt_hash: str) -> bool:
    """Whether we sent the receipt with this hash in a message about a version."""
    found = select(func.count()).where(
        message_out.c.agreement == agreement, message_out.c.receipt_hash == receipt_hash
    )
    return bool(tx.execute(found).scalar_one())


def remember(tx: Tx, message_id: str, party: str, *, at: int) -> bool:
    """Keep that a message was taken; False when it had been taken before."""
    found = select(message_in.c.at).where(
        message_in.c.id == message_id, message_in.c.party == party
    )
    if tx.execute(found).one_or_none() is not None:
        return False
    tx.execute(insert(message_in).values(id=message_id, party=party, at=at))
    return True


def wait(tx: Tx, party: str, name: str, document: bytes, *, at: int) -> None:
    """Keep a message that came too early; once for each `name`, the hash of its bytes."""
    held = select(message_waiting.c.seq).where(message_waiting.c.hash == name)
    if tx.execute(held).one_or_none() is None:
        values = {"party": party, "hash": name, "document": document, "at": at}
        tx.execute(insert(message_waiting).values(values))


def waiting(tx: Tx, party: str) -> list[Waiting]:
    """Return a partner's messages that came too early, as they came."""
    rows = tx.execute(
        select(message_waiting)
        .where(message_waiting.c.party == party)
        .order_by(message_waiting.c.seq)
    )
    return [Waiting(row.seq, row.party, row.document, row.at) for row in rows]


def stop_waiting(tx: Tx, name: str) -> None:
    """Drop the message whose bytes have this hash from those that wait."""
    tx.execute(delete(message_waiting).where(message_waiting.c.hash == name))


def drop_pending(tx: Tx, kind: str, party: str) -> None:
    """Drop the messages of a kind to a partner that have not arrived: a newer one says it all."""
    where = message_out.c.kind == kind, message_out.c.party == party
    tx.execute(delete(message_out).where(*where, message_out.c.delivered_at.is_(None)))
