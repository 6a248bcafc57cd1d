"""The cards of every party, ours among them, as a chain: each row follows on the one before.

Who can write here can let a stranger's key in; that no partner sent that card and nobody confirmed
it shows in our logs, which have a leaf for each, and in the signatures: each card is checked again
when the chain is read.
"""

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

card = Table(
    "card",
    metadata,
    Column("party", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
    UniqueConstraint("party", "hash"),
)


vouch = Table(
    "vouch",
    metadata,
    Column("card", Text, primary_key=True),
    Column("by", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)


class Vouch(NamedTuple):
    """That a party vouches for a card, by the card's hash: what it signed, and when that came."""

    card: str
    by: str
    document: bytes
    at: int


class CardRow(NamedTuple):
    """A card of a party: its place in the chain here, its file, and when we took it.

    `confirmed_at` is when people compared its words; None for one that came by itself.
    """

    party: str
    place: int
    hash: str
    document: bytes
    taken_at: int
    confirmed_at: int | None


_CHAIN = select(card).where(card.c.party == bindparam("party")).order_by(card.c.place)


def chain(tx: Tx, party: str) -> list[CardRow]:
    """Return the cards of a party, oldest first."""
    return [CardRow(*row) for row in tx.execute(_CHAIN, {"party": party})]


def documents(tx: Tx) -> dict[str, tuple[bytes, ...]]:
    """Return the files of every party's cards, oldest first, by party."""
    found: dict[str, tuple[bytes, ...]] = {}
    rows = select(card.c.party, card.c.document).order_by(card.c.party, card.c.place)
    for party, document in tx.execute(rows):
        found[party] = (*found.get(party, ()), bytes(document))
    return found


def is_held(tx: Tx, party: str, name: str) -> bool:
    """Whether a card with this hash is in the chain of a party."""
    found = select(card.c.place).where(card.c.party == party, card.c.hash == name)
    return tx.execute(found).one_or_none() is not None


def add(tx: Tx, row: CardRow) -> None:
    """Keep a card at its place."""
    tx.execute(insert(card).values(row._asdict()))


def cut(tx: Tx, party: str, place: int) -> None:
    """Drop the cards of a party from a place on."""
    tx.execute(delete(card).where(card.c.party == party, card.c.place >= place))


def set_confirmed(tx: Tx, party: str, name: str, *, at: int) -> None:
    """Keep that people compared the words of a card."""
    where = card.c.party == party, card.c.hash == name
    tx.execute(update(card).where(*where).values(confirmed_at=at))


def keep_vouch(tx: Tx, given: Vouch) -> None:
    """Keep what a party signed of a card, in the place of what it signed of it before."""
    tx.execute(delete(vouch).where(vouch.c.card == given.card, vouch.c.by == given.by))
    tx.execute(insert(vouch).values(given._asdict()))


def vouches(tx: Tx, name: str) -> list[Vouch]:
    """Return who vouches for the card with this hash."""
    rows = select(vouch).where(vouch.c.card == name).order_by(vouch.c.by)
    return [Vouch(*row) for row in tx.execute(rows)]
