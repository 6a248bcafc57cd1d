"""Under which name and key a log that we hold is signed: ours, or our copy of a partner's."""

from tearline.agreement.cards_held import cards_of, everyones, our_cards
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import RefusedError
from tearline.log import record
from tearline.log.checkpoint import signed_by, signer, vkey_for
from tearline.store import agreements, logs, witnessing
from tearline.store.database import Tx

THEIRS = "theirs/"


def key_of(tx: Tx, home: Home, log: str) -> tuple[str, str]:
    """Return the origin of a log, ours or a partner's, and the key of its last checkpoint.

    RefusedError for the log of a partner who has no card.
    """
    origin, vkeys = keys_of(tx, home, log)
    signed = logs.last_checkpoint(tx, log)
    return origin, signer(signed.note if signed else "", vkeys)


def key_for(tx: Tx, home: Home, note: str) -> str | None:
    """Return the key by which a checkpoint of anyone whose cards we have is to be checked.

    None where we have no cards of its owner. A revoked key counts for what lies before the line:
    what the last checkpoint covers that we had taken, or cosigned, before the moment of the
    revocation; beyond it, ProofError.
    """
    origin = note.partition("\n")[0]
    cards = everyones(tx).get(origin.partition("/log/")[0])
    if cards is None:
        return None
    revoked = [
        key
        for key in cards.revoked("log")
        if signed_by(note, vkey_for(origin, key)) and _is_before(tx, home, cards, key, note)
    ]
    good = any(signed_by(note, vkey_for(origin, key)) for key in cards.not_revoked("log"))
    return vkey_for(origin, revoked[0]) if revoked and not good else cards.log_key(origin, note)


def ever_for(tx: Tx, origin: str) -> tuple[str, ...]:
    """Return every key by which a log was ever signed, if we have cards of its owner."""
    cards = everyones(tx).get(origin.partition("/log/")[0])
    return tuple(vkey_for(origin, each) for each in cards.every("log")) if cards else ()


def _is_before(tx: Tx, home: Home, cards: Cards, key: str, note: str) -> bool:
    """Whether a checkpoint covers no more than one that we had before its key was revoked."""
    origin = note.partition("\n")[0]
    slug, _, name = origin.partition("/log/")
    id_ = name if name == record.NODE else f"urn:uuid:{name}"
    ours = record.PRIVATE if name == record.PRIVATE else record.our_log(id_)
    log = ours if slug == home.slug else record.their_log(id_)
    since = cards.spans["log", key].until_at or 0
    had = [each.size for each in logs.checkpoints(tx, log) if each.at < since]
    seen = witnessing.witnessed_of(tx, origin)
    had += [seen.size] if seen and seen.at < since else []
    size = note.split("\n")[1:2]
    return bool(had) and size[0].isdecimal() and int(size[0]) <= max(had)


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
