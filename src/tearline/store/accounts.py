"""Our own organisation's accounts for TAXII: names, password hashes, keys, rights.

A password is kept as its slow hash, a key (256 random bits that we made) as its SHA-256. Rights
are for each account and collection. Partners' keys are in `parties`. Who can write here can read
and write our local collections; nothing under an agreement opens to these accounts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from tearline.store.collections import Collection, collection
from tearline.store.columns import Text
from tearline.store.database import Statement, Store, Tx, metadata

local_account = Table(
    "local_account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
account_key = Table(
    "account_key",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("account_key_account", "account"),
)
account_right = Table(
    "account_right",
    metadata,
    Column("account", Text, primary_key=True),
    Column("collection", Integer, primary_key=True, autoincrement=False),
    Column("can_read", Boolean, nullable=False),
    Column("can_write", Boolean, nullable=False),
)


class LocalAccount(NamedTuple):
    """An account of ours; `password` is a PHC string of Argon2id."""

    name: str
    password: str
    since_at: int
    ended_at: int | None


class Key(NamedTuple):
    """A key of an account, by its hash."""

    key_hash: str
    account: str
    since_at: int


class Right(NamedTuple):
    """A collection that is served, and what one account may do with it."""

    collection: Collection
    can_read: bool
    can_write: bool


# ------------------------------------------------------------------------------------- accounts


def save_account(tx: Tx, entry: LocalAccount) -> None:
    """Insert an account, or replace what is kept under its name."""
    values = entry._asdict()
    changed = tx.execute(
        update(local_account).where(local_account.c.name == entry.name).values(values)
    )
    if not changed.rowcount:
        tx.execute(insert(local_account).values(values))


_ACCOUNT = select(local_account).where(local_account.c.name == bindparam("name"))


def account_named(tx: Tx, name: str) -> LocalAccount | None:
    """The account of a name, ended or not."""
    row = tx.execute(_ACCOUNT, {"name": name}).one_or_none()
    return LocalAccount(*row) if row else None


def accounts(tx: Tx) -> list[LocalAccount]:
    """Every account, by name, ended ones included."""
    rows = tx.execute(select(local_account).order_by(local_account.c.name))
    return [LocalAccount(*row) for row in rows]


_PROVEN = Statement(
    _ACCOUNT.with_only_columns(local_account.c.name).where(
        local_account.c.password == bindparam("password"), local_account.c.ended_at.is_(None)
    )
)


def is_proven(tx: Tx, name: str, password: str) -> bool:
    """Whether an account is open, and its password still the one with this hash."""
    return _PROVEN(tx, name=name, password=password).first() is not None


# ----------------------------------------------------------------------------------------- keys


def add_key(tx: Tx, entry: Key) -> None:
    """Let a key of an account in."""
    tx.execute(insert(account_key).values({**entry._asdict(), "ended_at": None}))


_KEYED = Statement(
    select(account_key.c.account)
    .join(local_account, local_account.c.name == account_key.c.account)
    .where(
        account_key.c.key_hash == bindparam("key_hash"),
        account_key.c.ended_at.is_(None),
        local_account.c.ended_at.is_(None),
    )
)


def account_keyed(tx: Tx, key_hash: str) -> str | None:
    """The name of the open account behind the hash of a key."""
    row = _KEYED(tx, key_hash=key_hash).one_or_none()
    return str(row[0]) if row else None


def keys_of(tx: Tx, name: str) -> list[Key]:
    """The open keys of an account, oldest first."""
    query = select(account_key.c.key_hash, account_key.c.account, account_key.c.since_at).where(
        account_key.c.account == name, account_key.c.ended_at.is_(None)
    )
    ordered = query.order_by(account_key.c.since_at, account_key.c.key_hash)
    return [Key(*row) for row in tx.execute(ordered)]


def open_keys(tx: Tx) -> frozenset[str]:
    """The hashes of all keys that open an account of ours now."""
    rows = select(account_key.c.key_hash).where(account_key.c.ended_at.is_(None))
    return frozenset(tx.execute(rows).scalars())


def end_keys(tx: Tx, hashes: Sequence[str], *, at: int) -> None:
    """Close keys."""
    tx.execute(
        update(account_key)
        .where(account_key.c.key_hash.in_(hashes), account_key.c.ended_at.is_(None))
        .values(ended_at=at)
    )


# --------------------------------------------------------------------------------------- rights


def put_right(tx: Tx, name: str, number: int, *, can_read: bool, can_write: bool) -> None:
    """Set what an account may do with a collection; neither takes the right away."""
    of = (account_right.c.account == name, account_right.c.collection == number)
    tx.execute(delete(account_right).where(*of))
    if can_read or can_write:
        values = {"account": name, "collection": number}
        values |= {"can_read": can_read, "can_write": can_write}
        tx.execute(insert(account_right).values(values))


def clear_rights(tx: Tx, name: str) -> None:
    """Take all rights of an account away."""
    tx.execute(delete(account_right).where(account_right.c.account == name))


_RIGHTS = (
    select(collection, account_right.c.can_read, account_right.c.can_write)
    .join(account_right, account_right.c.collection == collection.c.number)
    .where(account_right.c.account == bindparam("name"), collection.c.ended_at.is_(None))
)
_RIGHT = Statement(_RIGHTS.where(collection.c.id == bindparam("id")))


def rights_of(tx: Tx, name: str) -> list[Right]:
    """What an account may do, for each collection that it may know of, oldest first."""
    rows = tx.execute(_RIGHTS.order_by(collection.c.number), {"name": name})
    return [_right(row) for row in rows]


def right_of(tx: Tx, name: str, collection_id: str) -> Right | None:
    """What an account may do with one collection; None when it may not know of it."""
    row = _RIGHT(tx, name=name, id=collection_id).one_or_none()
    return _right(row) if row else None


class Opened(NamedTuple):
    """An open account, and what it may do with the collection that was asked for."""

    account: str
    right: Right


_OPENED = (
    select(collection, account_right.c.can_read, account_right.c.can_write, local_account.c.name)
    .select_from(
        local_account.join(account_right, account_right.c.account == local_account.c.name).join(
            collection, collection.c.number == account_right.c.collection
        )
    )
    .where(
        collection.c.id == bindparam("id"),
        collection.c.ended_at.is_(None),
        local_account.c.ended_at.is_(None),
    )
)
_BY_PASSWORD = Statement(
    _OPENED.where(
        local_account.c.name == bindparam("name"),
        local_account.c.password == bindparam("password"),
    )
)
_BY_KEY = Statement(
    _OPENED.join(account_key, account_key.c.account == local_account.c.name).where(
        account_key.c.key_hash == bindparam("key_hash"), account_key.c.ended_at.is_(None)
    )
)


def opened_by_password(store: Store, name: str, password: str, collection_id: str) -> Opened | None:
    """Who may knock, by one question: an account whose password still has this hash."""
    return _opened(store.ask(_BY_PASSWORD, name=name, password=password, id=collection_id))


def opened_by_key(store: Store, key_hash: str, collection_id: str) -> Opened | None:
    """Who may knock, by one question: the open account behind the hash of a key."""
    return _opened(store.ask(_BY_KEY, key_hash=key_hash, id=collection_id))


def _opened(rows: Sequence[tuple[Any, ...]]) -> Opened | None:
    return Opened(rows[0][-1], _right(rows[0][:-1])) if rows else None


def _right(row: Sequence[Any]) -> Right:
    return Right(Collection(*row[:-2]), bool(row[-2]), bool(row[-1]))
