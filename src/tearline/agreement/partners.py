"""Pin a partner's card once people have compared its words, and stop everything with a partner."""

from tearline.agreement.card import Card, CardFile, card_hash, read_file, same_words
from tearline.agreement.cards_held import cards_of
from tearline.agreement.fitting import LIVE
from tearline.agreement.home import Home, slug_of
from tearline.agreement.renewing import log_card
from tearline.agreement.rotation import Cards, check_follows
from tearline.agreement.signing import say, suspend_all
from tearline.agreement.state import Step
from tearline.agreement.succession import logs_with, void_statements
from tearline.agreement.vouching import check_vouch, vouch
from tearline.errors import InputError, MisuseError, RefusedError
from tearline.log import record
from tearline.store import agreements, cards, parties
from tearline.store.cards import CardRow, Vouch
from tearline.store.database import Tx
from tearline.store.parties import Partner


def add_party(
    home: Home, card_file: bytes, words: str | None, *, vouched: bytes | None = None, now: int
) -> Card:
    """Pin the card in a file; `words` are what the partner read out, not what we read off.

    In their place, or beside them, `vouched` is what a partner signed of the card (`vouching`).
    RefusedError when both are missing or the words are not the card's: trust on first use is
    refused.
    RefusedError too when another party has the short name. A card that follows on what is pinned
    takes its place, and so does one that follows on an earlier card, where the partner's root key
    signed two: the words say which one is the partner's. A party that was entered without a card,
    and has a node now, gets its first one.
    """
    file = read_file(card_file)
    card = file.card
    if (words is None and vouched is None) or (words is not None and not same_words(card, words)):
        raise _other_words(card)
    if now >= card.expires_at:
        raise RefusedError(f"The card of {card.name} has expired.", do="Ask for a new one.")
    with home.store.write() as tx:
        if vouched is not None:
            _keep_vouch(tx, check_vouch(tx, vouched, card, now=now), now)
        known = parties.partner_of(tx, card.slug)
        if words is None and known is not None and known.doubted_at is not None:
            raise _other_words(card)  # what left the doubt, people have to talk about
        if known is not None and known.card_hash == card_hash(card):
            return _confirm(tx, known, card, now)
        if card.slug == home.slug:
            raise RefusedError(
                f"{card.slug} is our own short name.", do="One of the two has to take another name."
            )
        held = cards_of(tx, card.slug)
        place = 0 if held is None else _place_of(held, file)
        fresh = Partner(card.slug, card.name, None, None, now, None, None)
        entry = (known or fresh)._replace(card=file.document, card_hash=card_hash(card))
        parties.save_partner(tx, entry._replace(name=card.name))
        cards.cut(tx, card.slug, place)
        cards.add(tx, CardRow(card.slug, place, card_hash(card), file.document, now, now))
        names = [record.PRIVATE, *logs_with(tx, card.slug)] if held else []
        log_card(tx, file, names, now=now)
        act = "renewed" if held else "added"
        _log(tx, {"act": act, "party": card.slug, "card": card_hash(card)}, now)
        parties.set_doubt(tx, card.slug, at=None, doubt=None)
        void_statements(tx, card.slug)
    return card


def vouch_for(home: Home, name: str, *, now: int) -> bytes:
    """Return our signed word for a partner's newest card; errors as in `vouching.vouch`."""
    with home.store.write() as tx:
        partner = find_party(tx, name)
        document = vouch(tx, home, partner, now=now)
        card = str(partner.card_hash)
        _log(tx, {"act": "vouched", "party": partner.slug, "card": card}, now)
    return document


def _keep_vouch(tx: Tx, given: Vouch, now: int) -> None:
    cards.keep_vouch(tx, given)
    _log(tx, {"act": "vouched-for", "card": given.card, "by": given.by}, now)


def confirm_party(home: Home, name: str, words: str, *, now: int) -> Card:
    """Confirm the newest card that we have of a partner, once its words were compared.

    It ends the doubt that a revoked key or a second card left; agreements stay suspended until both
    sides resume. RefusedError when the words are others, or the partner has no card.
    """
    with home.store.write() as tx:
        partner = find_party(tx, name)
        held = cards_of(tx, partner.slug)
        if held is None:
            raise RefusedError(f"{partner.name} has no card.", do="There is nothing to confirm.")
        if not same_words(held.newest, words):
            raise _other_words(held.newest)
        return _confirm(tx, partner, held.newest, now)


def _confirm(tx: Tx, partner: Partner, card: Card, now: int) -> Card:
    name = card_hash(card)
    rows = {row.hash: row for row in cards.chain(tx, partner.slug)}
    if partner.doubted_at is None and rows[name].confirmed_at is not None:
        return card
    cards.set_confirmed(tx, partner.slug, name, at=now)
    parties.set_doubt(tx, partner.slug, at=None, doubt=None)
    _log(tx, {"act": "confirmed", "party": partner.slug, "card": name}, now)
    return card


def _other_words(card: Card) -> RefusedError:
    return RefusedError(
        f"The words are not those of this card of {card.name}.",
        means="The card may be of someone who pretends to be the partner; nothing was kept.",
        do="Have the partner read out the eight words that `tearline card` shows there.",
    )


def _place_of(held: Cards, file: CardFile) -> int:
    """Return the place in a partner's chain that a card takes; RefusedError when it has none."""
    if card_hash(file.card) in held.hashes:
        raise RefusedError("This card is older than the one we have.", do="Ask for the new one.")
    for place in range(len(held.files), 0, -1):
        before = Cards(held.files[:place])
        if file.card.replaces == before.hashes[-1]:
            check_follows(before, file)
            return place
    raise RefusedError(
        f"Another party is called {file.card.slug} already, or cards between are missing.",
        means="This card does not follow on any that we have of it. Two parties of one short name "
        "could be taken for each other.",
        do="Ask for its cards in a message, `tearline agreement export`; a newcomer takes another "
        "name.",
    )


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


def _log(tx: Tx, content: dict[str, str], now: int) -> None:
    entry = {"kind": "party", **content}
    record.append(tx, record.PRIVATE, "party", [entry], at=now, agreement=None)
