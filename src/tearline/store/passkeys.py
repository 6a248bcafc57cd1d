"""The passkeys of the staff, and the challenges that wait for an answer.

A challenge is kept by its hash and taken once. Who can write here can put a passkey of their own
beside somebody's name and sign in as them; approve as them they cannot, for the keys of people who
approve are rows of their own, and each enrolment is in the private log.
"""

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

staff_passkey = Table(
    "staff_passkey",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("suspended_at", BigInteger),
    Index("staff_passkey_name", "name"),
)
staff_challenge = Table(
    "staff_challenge",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("bound_to", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Index("staff_challenge_bound_to", "bound_to"),
)


class Passkey(NamedTuple):
    """A passkey of one of the staff.

    `credential` is its id in base64url, `key` its key text, `counter` the last that it told,
    `suspended_at` when its counter went back: then it opens nothing any more.
    """

    credential: str
    name: str
    label: str
    key: str
    counter: int
    since_at: int
    used_at: int | None = None
    suspended_at: int | None = None


class Challenge(NamedTuple):
    """What an authenticator was asked: its hash, what for, by which browser, and until when.

    `body` is what a person is to sign, or the id of the user whom a passkey is made for.
    """

    hash: str
    purpose: str
    bound_to: str
    body: bytes
    until_at: int


# -------------------------------------------------------------------------------------- passkeys


def add_passkey(tx: Tx, new: Passkey) -> None:
    """Keep a passkey."""
    tx.execute(insert(staff_passkey).values(new._asdict()))


def passkey(tx: Tx, credential: str) -> Passkey | None:
    """The passkey with this id."""
    query = select(staff_passkey).where(staff_passkey.c.credential == credential)
    row = tx.execute(query).one_or_none()
    return Passkey(*row) if row else None


def passkeys(tx: Tx, name: str) -> list[Passkey]:
    """The passkeys of one of the staff, the oldest first."""
    query = select(staff_passkey).where(staff_passkey.c.name == name)
    rows = tx.execute(query.order_by(staff_passkey.c.since_at, staff_passkey.c.credential))
    return [Passkey(*row) for row in rows]


def used(tx: Tx, credential: str, counter: int, at: int) -> None:
    """Note that a passkey was used, and its counter."""
    which = staff_passkey.c.credential == credential
    tx.execute(update(staff_passkey).where(which).values(counter=counter, used_at=at))


def suspend(tx: Tx, credential: str, at: int) -> None:
    """Let a passkey open nothing any more."""
    which = staff_passkey.c.credential == credential
    tx.execute(update(staff_passkey).where(which).values(suspended_at=at))


def rename(tx: Tx, credential: str, label: str) -> None:
    """Call a passkey otherwise."""
    which = staff_passkey.c.credential == credential
    tx.execute(update(staff_passkey).where(which).values(label=label))


def drop_passkey(tx: Tx, credential: str) -> None:
    """Forget a passkey."""
    tx.execute(delete(staff_passkey).where(staff_passkey.c.credential == credential))


# ------------------------------------------------------------------------------------ challenges


def add_challenge(tx: Tx, new: Challenge, *, now: int, most: int) -> None:
    """Keep a challenge, and forget those that are over, and of one browser all but the last.

    Of more than `most` the oldest go: who asks for many makes nobody else's node full.
    """
    table = staff_challenge
    tx.execute(delete(table).where(table.c.until_at <= now))
    mine = (table.c.bound_to == new.bound_to) & (table.c.purpose == new.purpose)
    tx.execute(delete(table).where(mine))
    number = tx.execute(select(func.count()).select_from(table)).scalar_one()
    if number >= most:
        oldest = select(table.c.hash).order_by(table.c.until_at).limit(number - most + 1)
        tx.execute(delete(table).where(table.c.hash.in_(oldest)))
    tx.execute(insert(table).values(new._asdict()))


def take_challenge(tx: Tx, hash_: str, purpose: str, bound_to: str, now: int) -> Challenge | None:
    """Take a challenge out, once: None where it is not there, over, or of another browser."""
    table = staff_challenge
    fits = (table.c.hash == hash_) & (table.c.purpose == purpose) & (table.c.bound_to == bound_to)
    row = tx.execute(select(table).where(fits, table.c.until_at > now)).one_or_none()
    tx.execute(delete(table).where(table.c.hash == hash_))
    return Challenge._make((*row[:3], bytes(row[3]), row[4])) if row else None
