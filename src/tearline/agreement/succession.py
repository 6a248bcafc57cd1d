"""Take the cards that a partner issues after the one that people confirmed.

A card that follows on what we have is taken without a telephone call: the root key that was
confirmed signed it, or had committed to the root key that did. Two things need people again, and
until they have compared words, what runs with that partner is suspended: a revoked key, for someone
else may have spoken as the partner since then; and two cards that follow on the same one.
"""

from collections.abc import Sequence

from tearline.agreement import evidence, jws
from tearline.agreement.alarm import raise_alarm
from tearline.agreement.card import CardFile, Former, card_hash
from tearline.agreement.cards_held import cards_of
from tearline.agreement.chain import refresh
from tearline.agreement.covering import seen_at
from tearline.agreement.document import Cause
from tearline.agreement.home import Home
from tearline.agreement.renewing import log_card
from tearline.agreement.rotation import Cards, Fork, revoked_by
from tearline.log import record
from tearline.store import agreements, cards, parties
from tearline.store.database import Tx
from tearline.store.parties import Partner


def take(tx: Tx, home: Home, partner: Partner, new: Sequence[CardFile], *, now: int) -> None:
    """Keep cards that were seen to follow on the partner's newest, in our logs too."""
    for each in new:
        held = cards_of(tx, partner.slug)
        if held is None:
            return
        revoked = revoked_by(held, each.card)
        place = cards.chain(tx, partner.slug)[-1].place + 1
        name = card_hash(each.card)
        row = cards.CardRow(partner.slug, place, name, each.document, now, None)
        cards.add(tx, row)
        parties.set_card(tx, partner.slug, each.document, name)
        log_card(tx, each, [record.PRIVATE, *logs_with(tx, partner.slug)], now=now)
        if revoked:
            _revoked(tx, home, partner, revoked, now)


def logs_with(tx: Tx, slug: str) -> list[str]:
    """Return the names of our logs of the agreements with a partner."""
    ids = {each.agreement_id for each in agreements.every_version(tx, partner=slug)}
    return [record.our_log(each) for each in sorted(ids)]


def _revoked(tx: Tx, home: Home, partner: Partner, keys: list[Former], now: int) -> None:
    void_statements(tx, partner.slug)
    uses = ", ".join(dict.fromkeys(each.use for each in keys))
    first = min(keys, key=lambda each: each.until_at)
    reason = str(first.revoked).rstrip(".")
    doubt(
        tx,
        home,
        partner.slug,
        f"{partner.name} revoked its {uses} key, as of {first.until}: {reason}.",
        cause="key-compromise",
        now=now,
    )


def doubt(tx: Tx, home: Home, slug: str, why: str, *, cause: Cause, now: int) -> None:
    """Doubt a partner until a person has compared its words again; nothing new begins with it.

    What runs is suspended where it names `cause`, which is logged with the reason.
    """
    parties.set_doubt(tx, slug, at=now, doubt=why)
    raise_alarm(tx, home, slug, cause, why, now=now)
    content = {"kind": "party", "act": "doubted", "party": slug, "cause": cause, "reason": why}
    record.append(tx, record.PRIVATE, "party", [content], at=now, agreement=None)


# ----------------------------------------------------------------------------------- two faces


def expose(home: Home, slug: str, held: Cards, forks: Sequence[Fork], *, now: int) -> None:
    """Keep that a partner's root key signed two cards that follow on one, and doubt both."""
    with home.store.write() as tx:
        partner = parties.partner_of(tx, slug)
        known = True
        for fork in forks:
            found = evidence.of_cards(held, fork, at=now)
            known &= not evidence.keep(tx, found, now=now)
        if partner is not None and not known:
            why = f"{partner.name} signed two cards that follow on the same one."
            doubt(tx, home, slug, why, cause="key-compromise", now=now)


# ------------------------------------------------------------------------- what no longer counts


def void_statements(tx: Tx, slug: str) -> None:
    """Let statements of a partner count for nothing that only a key without worth stands behind.

    A revoked key stands behind what others had seen in our log before the moment since when someone
    else may have had it: their cosignatures draw the line (`covering.seen_at`). A key on none of
    the cards that we have now stands behind nothing. What a later statement of a good key follows
    on stands: that key answers for it.
    """
    cards = cards_of(tx, slug)
    versions = agreements.every_version(tx, partner=slug)
    for agreement_id in sorted({each.agreement_id for each in versions}) if cards else []:
        theirs = [row for row in agreements.statements(tx, agreement_id) if not row.ours]
        for row in sorted(theirs, key=lambda each: each.place, reverse=True):
            if cards is None or _stands(cards, jws.load(row.signed).kids[0], seen_at(tx, row)):
                break
            agreements.set_void(tx, row.hash, void=True)
        refresh(tx, agreement_id)


def _stands(cards: Cards, key: str, seen: int | None) -> bool:
    span = cards.spans.get(("sign", key))
    if span is None or span.revoked is None:
        return span is not None
    return seen is not None and seen < (span.until_at or 0)
