"""The chains of cards that we hold, a partner's or ours, checked as they are read."""

from functools import lru_cache

from tearline.agreement.card import read_file
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.store import cards
from tearline.store.database import Tx


def cards_of(tx: Tx, slug: str) -> Cards | None:
    """Return the cards of a party, None when it has none; ProofError when they do not hold."""
    documents = tuple(bytes(each.document) for each in cards.chain(tx, slug))
    return _read(documents) if documents else None


def our_cards(tx: Tx, home: Home) -> Cards:
    """Return our own cards, the first one first."""
    return cards_of(tx, home.slug) or Cards([read_file((home.path / "card.json").read_bytes())])


def everyones(tx: Tx) -> dict[str, Cards]:
    """Return the cards of every party that has some, ours among them, by short name."""
    return {slug: _read(documents) for slug, documents in cards.documents(tx).items()}


@lru_cache(maxsize=1_024)
def _read(documents: tuple[bytes, ...]) -> Cards:
    return Cards([read_file(each) for each in documents])
