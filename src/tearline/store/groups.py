"""Groups: the editions of their templates, and which agreements are pairs of which group.

What became of a pair is in its own statements and nowhere here. Who can write here can show another
list of members, or offer them another text; each still signs only the words that it reads.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, insert, select

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

group_edition = Table(
    "group_edition",
    metadata,
    Column("name", Text, primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
group_pair = Table(
    "group_pair",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("group_pair_name", "name", "at"),
)


class Edition(NamedTuple):
    """One text of a group's template: its number from 1 on, its canonical bytes and their hash."""

    name: str
    edition: int
    hash: str
    body: bytes
    at: int


def names(tx: Tx) -> list[str]:
    """Return the names of all groups, in order."""
    found = select(group_edition.c.name).distinct().order_by(group_edition.c.name)
    return list(tx.execute(found).scalars())


def editions(tx: Tx, name: str) -> list[Edition]:
    """Return the editions of a group's template, oldest first; none without such a group."""
    rows = select(group_edition).where(group_edition.c.name == name)
    return [Edition(*row) for row in tx.execute(rows.order_by(group_edition.c.edition))]


def named_by(tx: Tx, template: str) -> list[str]:
    """Return the names of the groups that ever had the template with this hash."""
    rows = select(group_edition.c.name).distinct().where(group_edition.c.hash == template)
    return list(tx.execute(rows.order_by(group_edition.c.name)).scalars())


def add_edition(tx: Tx, edition: Edition) -> None:
    """Keep another text of a group's template."""
    tx.execute(insert(group_edition).values(edition._asdict()))


def add_pair(tx: Tx, agreement_id: str, name: str, *, at: int) -> None:
    """Keep that an agreement is a pair of a group."""
    tx.execute(insert(group_pair).values(agreement_id=agreement_id, name=name, at=at))


def pairs(tx: Tx, name: str) -> list[str]:
    """Return the ids of the agreements that are pairs of a group, the first made first."""
    rows = select(group_pair.c.agreement_id).where(group_pair.c.name == name)
    ordered = rows.order_by(group_pair.c.at, group_pair.c.agreement_id)
    return list(tx.execute(ordered).scalars())


def group_of(tx: Tx, agreement_id: str) -> str | None:
    """Return the name of the group that an agreement is a pair of."""
    rows = select(group_pair.c.name).where(group_pair.c.agreement_id == agreement_id)
    found = tx.execute(rows).scalar_one_or_none()
    return None if found is None else str(found)
