"""Pin a partner's card once people have compared its words, and stop everything with a partner."""

from tearline.agreement.card import Card, card_hash, read_card, same_words
from tearline.agreement.fitting import LIVE
from tearline.agreement.home import Home, slug_of
from tearline.agreement.signing import say, suspend_all
from tearline.agreement.state import Step
from tearline.errors import InputError, MisuseError, RefusedError
from tearline.log import record
from tearline.store import agreements, parties
from tearline.store.database import Tx
from tearline.store.parties import Partner


def add_party(home: Home, card_file: bytes, words: str, *, now: int) -> Card:
    """Pin the card in a file; `words` are what the partner read out, not what we read off.

    RefusedError when the words are missing or are not the card's: trust on first use is refused.
    RefusedError too when another party has the short name. A card that only renews what is pinned
    (same keys, issued later) takes its place, after its own words were compared. A party that was
    entered without a card, and has a node now, gets its first one.
    """
    card = read_card(card_file)
    if not same_words(card, words):
        raise RefusedError(
            f"The words are not those of this card of {card.name}.",
            means="The card may be of someone who pretends to be the partner; nothing was kept.",
            do="Have the partner read out the eight words that `tearline card` shows there.",
        )
    if now >= card.expires_at:
        raise RefusedError(f"The card of {card.name} has expired.", do="Ask for a new one.")
    with home.store.write() as tx:
        known = parties.partner_of(tx, card.slug)
        if known is not None and known.card_hash == card_hash(card):
            return card
        _check_name(home, known, card)
        fresh = Partner(card.slug, card.name, card_file, card_hash(card), now, None, None)
        entry = known._replace(card=card_file, card_hash=card_hash(card)) if known else fresh
        parties.save_partner(tx, entry._replace(name=card.name))
        act = "renewed" if known and known.card else "added"
        _log(tx, {"act": act, "party": card.slug, "card": card_hash(card)}, now)
    return card


def add_plain(home: Home, name: str, slug: str | None = None, *, now: int) -> Partner:
    """Enter a party that has no node and so no card, only a TAXII client.

    Its short name is made from its name unless it is given; it is the user name of its client.
    InputError when neither gives one, RefusedError when it is taken.
    """
    short = slug or slug_of(name)
    if short != slug_of(short) or not (name.strip() and name.isprintable()):
        raise InputError(
            "A party has a name that can be printed, and a short name of a-z, 0-9 and hyphens.",
            do="Give it another one.",
        )
    with home.store.write() as tx:
        if short == home.slug or parties.partner_of(tx, short) is not None:
            raise RefusedError(
                f"There is a party called {short} already.",
                do="Give the newcomer another short name with --short.",
            )
        partner = Partner(short, name.strip(), None, None, now, None, None)
        parties.save_partner(tx, partner)
        _log(tx, {"act": "added-plain", "party": short, "name": partner.name}, now)
    return partner


def block_party(home: Home, name: str, reason: str, *, now: int) -> Partner:
    """Stop everything with a partner at once: its keys, its messages, every agreement.

    What runs is suspended by statement, what is open is rejected or withdrawn.
    """
    if not reason.strip():
        raise MisuseError("A block needs a reason.", do="Say why in one sentence.")
    with home.store.write() as tx:
        partner = find_party(tx, name)
        if partner.blocked_at is not None:
            return partner
        versions = agreements.every_version(tx, partner=partner.slug)
        running = [each for each in versions if each.state in LIVE]
        suspend_all(tx, home, running, reason, now=now)
        for version in versions:
            if version.state == "proposed":
                step: Step = "withdrawn" if version.ours else "rejected"
                say(tx, home, version, step, reason, now=now)
        parties.set_blocked(tx, partner.slug, at=now, reason=reason)
        _log(tx, {"act": "blocked", "party": partner.slug, "reason": reason}, now)
        return find_party(tx, partner.slug)


def unblock_party(home: Home, name: str, reason: str, *, now: int) -> Partner:
    """Listen to a partner again. Its agreements stay suspended until both sides resume them."""
    if not reason.strip():
        raise MisuseError("Lifting a block needs a reason.", do="Say why in one sentence.")
    with home.store.write() as tx:
        partner = find_party(tx, name)
        if partner.blocked_at is not None:
            parties.set_blocked(tx, partner.slug, at=None, reason=None)
            _log(tx, {"act": "unblocked", "party": partner.slug, "reason": reason}, now)
        return find_party(tx, partner.slug)


def find_party(tx: Tx, name: str) -> Partner:
    """Return the partner with this short name or name; MisuseError when none or more fit."""
    exact = parties.partner_of(tx, name)
    found = [exact] if exact else parties.partners_named(tx, name)
    if len(found) != 1:
        what = "is the name of more than one partner" if found else "is not a partner"
        raise MisuseError(f"{name!r} {what}.", do="Take the short name from `tearline party list`.")
    return found[0]


def find_card(tx: Tx, slug: str) -> Card | None:
    """Return the pinned card of a partner; None when there is none."""
    partner = parties.partner_of(tx, slug)
    return read_card(partner.card) if partner is not None and partner.card is not None else None


def _check_name(home: Home, known: Partner | None, card: Card) -> None:
    if card.slug == home.slug:
        raise RefusedError(
            f"{card.slug} is our own short name.", do="One of the two has to take another name."
        )
    if known is None or known.card is None:
        return
    before = read_card(known.card)
    keys = ("slug", "root", "sign", "log", "witness")
    if any(getattr(before, key) != getattr(card, key) for key in keys):
        raise RefusedError(
            f"Another party is called {card.slug} already.",
            means="Two parties of one short name could be taken for each other.",
            do="Ask the newcomer to take another name.",
        )
    if card.issued <= before.issued:
        raise RefusedError("This card is older than the one we have.", do="Ask for the new one.")


def _log(tx: Tx, content: dict[str, str], now: int) -> None:
    entry = {"kind": "party", **content}
    record.append(tx, record.PRIVATE, "party", [entry], at=now, agreement=None)
