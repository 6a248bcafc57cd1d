"""Whether an agreement fits: us, a confirmed partner with exactly its keys, the clock, the past."""

from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.agreement.terms import Terms, agreement_hash, to_bytes
from tearline.errors import RefusedError
from tearline.store import agreements, parties
from tearline.store.agreements import Version
from tearline.store.database import Tx
from tearline.store.parties import Partner

_OPEN = frozenset({"proposed", "countersigned"})
LIVE = frozenset({"countersigned", "active", "suspended"})
"""States in which both signatures stand."""


def match(tx: Tx, home: Home, terms: Terms, *, now: int) -> Version:
    """Return the version as it would be kept, once it fits us, a pinned partner and the past.

    RefusedError when we are neither party, the partner is unknown, blocked or has other keys than
    its card, or the version does not follow on the one it replaces.
    """
    our_slot = terms.slot_of(home.slug)
    if our_slot is None:
        raise RefusedError(
            "This agreement is between two others.",
            means=f"Neither party has the short name {home.slug}.",
            do="Copy `slug`, `key` and `log` from `tearline card`.",
        )
    their_slot = terms.other(our_slot)
    them = terms.party[their_slot]
    if now >= home.card.expires_at:
        raise RefusedError(
            "Our card has expired.",
            means="Partners take nothing that its keys sign.",
            do="Issue it again with `tearline card renew`.",
        )
    _check_keys(terms, our_slot, our_cards(tx, home), now)
    if not terms.one_sided:
        _check_keys(terms, their_slot, pinned(tx, them.slug, now=now), now)
    elif terms.party[our_slot].key is None:
        raise RefusedError("We are the side without keys here.", do="Only the other side signs it.")
    version = Version(
        hash=agreement_hash(to_bytes(terms)),
        agreement_id=terms.id,
        version=terms.version,
        title=terms.title,
        terms=to_bytes(terms),
        signed=b"",
        our_slot=our_slot,
        their_slot=their_slot,
        partner=them.slug,
        one_sided=terms.one_sided,
        from_at=terms.valid.from_at,
        until_at=terms.valid.until_at,
        state="none",
        ours=False,
        serving=False,
        accepting=False,
        arrived_at=now,
    )
    _check_follows(tx, version, terms)
    return version


def pinned(tx: Tx, slug: str, *, now: int) -> Cards:
    """Return the cards of a partner that is not blocked; RefusedError otherwise."""
    partner = parties.partner_of(tx, slug)
    if partner is None or partner.card is None:
        raise RefusedError(
            f"{slug} is not a partner yet.",
            means="Its keys were never confirmed, so nobody knows whose they are.",
            do="Get its card, compare the words by telephone, and run `tearline party add`.",
        )
    check_listening(partner)
    return known_cards(tx, partner, now=now)


def known_cards(tx: Tx, partner: Partner, *, now: int) -> Cards:
    """Return the cards of a partner; RefusedError when it has none, or the newest has expired."""
    cards = cards_of(tx, partner.slug)
    if cards is None or now >= cards.newest.expires_at:
        raise RefusedError(
            f"The card of {partner.name} has expired.",
            means="Its keys count no longer.",
            do="It issues a new one with `tearline card renew`; take that first.",
        )
    return cards


def check_listening(partner: Partner) -> None:
    """Raise RefusedError when the partner is blocked, or people have to compare words again."""
    if partner.blocked_at is not None:
        raise RefusedError(
            f"{partner.name} is blocked: {partner.blocked_reason}.",
            do="Unblock it first, if the reason is gone.",
        )
    if partner.doubted_at is not None:
        raise RefusedError(
            f"{partner.name} has to be confirmed again: {partner.doubt}",
            means="Someone else may speak as this partner.",
            do="Have it read out the words of its card, and run `tearline party confirm`.",
        )


def _check_keys(terms: Terms, slot: str, cards: Cards, now: int) -> None:
    """See that the keys in the text are a party's: on its card, or put aside and counting still."""
    party = terms.party[slot]
    of_card = party.key in cards.valid("sign", now) and party.log in cards.valid("log", now)
    if not of_card or party.slug != cards.newest.slug:
        raise RefusedError(
            f"The keys of {party.name} in this agreement are not those of its card.",
            means="What it signs could not be checked, or someone else could sign for it.",
            do="Copy `key` and `log` from the card that was confirmed.",
        )


def _check_follows(tx: Tx, version: Version, terms: Terms) -> None:
    others = _others(tx, version)
    same = ("our_slot", "their_slot", "partner", "one_sided")
    if any(getattr(each, name) != getattr(version, name) for each in others for name in same):
        raise _not_next("Its parties are not those of the other versions under its id.")
    replaced = next((each for each in others if each.hash == terms.replaces), None)
    if version.version > 1 and (replaced is None or replaced.version != version.version - 1):
        raise _not_next("It does not name the version just before it.")


def check_open(tx: Tx, version: Version, *, now: int) -> None:
    """Let a version be proposed: nothing else is on the table, and nothing was terminated."""
    _check_span(version, now)
    others = _others(tx, version)
    if any(each.state in _OPEN for each in others):
        raise _not_next("Another version waits to be signed, rejected or activated.")
    if any(each.state == "terminated" for each in others):
        raise _not_next("The agreement was terminated.")
    if any(each.version >= version.version for each in others):
        raise _not_next("There is a newer version already.")


def check_free(tx: Tx, version: Version, *, now: int) -> None:
    """Let a proposed version be countersigned: no other could become active beside it."""
    _check_span(version, now)
    others = _others(tx, version)
    if any(each.state == "proposed" and each.ours for each in others):
        raise _not_next("We proposed a version ourselves that is still open.")
    if any(each.state == "countersigned" for each in others):
        raise _not_next("Another version is countersigned and not active yet.")
    if any(each.state == "terminated" for each in others):
        raise _not_next("The agreement was terminated.")
    if any(each.version >= version.version and each.state in LIVE for each in others):
        raise _not_next("A newer version is running already.")


def _check_span(version: Version, now: int) -> None:
    if now >= version.until_at:
        raise RefusedError("This agreement is already over.", do="Give it a later `until`.")


def _others(tx: Tx, version: Version) -> list[Version]:
    versions = agreements.versions(tx, version.agreement_id)
    return [each for each in versions if each.hash != version.hash]


def _not_next(what: str) -> RefusedError:
    return RefusedError(
        what,
        means="A version follows on the one it replaces, one at a time.",
        do="Look at `tearline agreement show`; a terminated agreement needs a new id.",
    )
