"""Whose store this is: one row, written when the store is first used.

A database that several nodes can reach must not be taken for another's: a node that opened it would
sign what it never did. Who can write here can make a node refuse its own store, and no more.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Table, select, update

from tearline.store.columns import Text
from tearline.store.database import Tx, insert_rows, metadata

owner = Table(
    "owner",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("root", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
)


class Owner(NamedTuple):
    """The node that a store belongs to: its short name, its root key, and since when."""

    slug: str
    root: str
    since_at: int


def owner_of(tx: Tx) -> Owner | None:
    """Return whose store this is; None where nobody has claimed it."""
    row = tx.execute(select(owner)).one_or_none()
    return Owner(*row) if row else None


def set_root(tx: Tx, root: str) -> None:
    """Keep the root key that our newest card has."""
    tx.execute(update(owner).values(root=root))


def claim(tx: Tx, new: Owner) -> None:
    """Make a store that nobody has claimed ours."""
    insert_rows(tx, owner, [new])
