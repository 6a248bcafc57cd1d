"""Under which name and key a log that we hold is signed: ours, or our copy of a partner's."""

from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import RefusedError
from tearline.log import record
from tearline.log.checkpoint import vkey_for
from tearline.store import agreements, logs
from tearline.store.database import Tx

THEIRS = "theirs/"


def key_of(tx: Tx, home: Home, log: str) -> tuple[str, str]:
    """Return the origin of a log, ours or a partner's, and the key of its last checkpoint.

    RefusedError for the log of a partner who has no card.
    """
    origin, cards = _owner(tx, home, log)
    signed = logs.last_checkpoint(tx, log)
    return origin, cards.log_key(origin, signed.note if signed else "")


def keys_of(tx: Tx, home: Home, log: str) -> tuple[str, tuple[str, ...]]:
    """Return the origin of a log, and every key by which it was ever signed, newest first."""
    origin, cards = _owner(tx, home, log)
    return origin, tuple(vkey_for(origin, each) for each in cards.every("log"))


def _owner(tx: Tx, home: Home, log: str) -> tuple[str, Cards]:
    agreement_id = log.partition("/")[2] or None
    if not log.startswith(THEIRS):
        return record.origin_of(home.slug, agreement_id), our_cards(tx, home)
    slug = agreements.versions(tx, str(agreement_id))[0].partner
    cards = cards_of(tx, slug)
    if cards is None:
        raise RefusedError(f"{slug} has no card, and so no log.")
    return record.origin_of(slug, agreement_id), cards
