"""Vouch for a partner's card, and take the word of a partner that does.

People who cannot telephone each other may both know a third party: the coordinator of a group. What
it signs says that it holds this card for that party's, and nothing else: a general JWS over
`{"schema":"tearline-vouch/1","by","party","card","at"}`, by its `sign` key. Nobody has to have one.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tearline.agreement import jws
from tearline.agreement.card import Card, card_hash
from tearline.agreement.cards_held import cards_of
from tearline.agreement.document import Hash, Slug
from tearline.agreement.home import Home
from tearline.errors import InputError, ProofError, RefusedError, TearlineError
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import cards, parties
from tearline.store.cards import Vouch
from tearline.store.database import Tx
from tearline.store.parties import Partner

SCHEMA: Literal["tearline-vouch/1"] = "tearline-vouch/1"
MAX_BYTES = 16 << 10


class Said(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed: who vouches, for which card of which party, since when."""

    schema: Literal["tearline-vouch/1"] = SCHEMA
    by: Slug
    party: Slug
    card: Hash
    at: Annotated[str, Meta(max_length=40)]


def vouch(tx: Tx, home: Home, partner: Partner, *, now: int) -> bytes:
    """Return our word for a partner's newest card, once people here compared its words.

    RefusedError while nobody has, while the partner is in doubt or blocked, or has no card.
    """
    newest = cards.chain(tx, partner.slug)[-1:]
    if not newest or newest[0].confirmed_at is None or not _is_trusted(partner):
        raise RefusedError(
            f"Nobody here compared the words of the newest card of {partner.name}.",
            means="We would vouch for what we do not know.",
            do="Compare them by telephone, and run `tearline party confirm`.",
        )
    said = Said(by=home.slug, party=partner.slug, card=newest[0].hash, at=format_timestamp(now))
    return jws.dump(home.sign(canonical.canonical(msgspec.to_builtins(said))))


def check_vouch(tx: Tx, document: bytes, card: Card, *, now: int) -> Vouch:
    """Return what a partner signed of a card; it has to be one that we trust, not the card's owner.

    InputError when it is none, ProofError when it does not hold, RefusedError when who gave it is
    no partner whose card people compared.
    """
    said, signed = _read(document)
    if (said.party, said.card) != (card.slug, card_hash(card)) or said.by == card.slug:
        raise ProofError("This vouches for another card, or the party vouches for itself.")
    partner, held = parties.partner_of(tx, said.by), cards_of(tx, said.by)
    if partner is None or held is None or not _is_trusted(partner):
        raise RefusedError(
            f"{said.by} vouches for this card, and is no partner whose word counts here.",
            means="Anyone can vouch for a card under any name.",
            do="Compare the words of the card itself by telephone.",
        )
    held.verify(signed, "sign", now)
    return Vouch(said.card, said.by, document, now)


def vouchers(tx: Tx, name: str) -> list[str]:
    """Return who vouches for the card with this hash, of those whose word still counts."""
    found = []
    for each in cards.vouches(tx, name):
        partner, held = parties.partner_of(tx, each.by), cards_of(tx, each.by)
        if partner is None or held is None or not _is_trusted(partner):
            continue
        if jws.load(bytes(each.document)).kids[0] in held.not_revoked("sign"):
            found.append(each.by)
    return found


def _is_trusted(partner: Partner) -> bool:
    return partner.doubted_at is None and partner.blocked_at is None


def _read(document: bytes) -> tuple[Said, jws.Signed]:
    try:
        if len(document) > MAX_BYTES:
            raise InputError("It is too large.")
        signed = jws.load(document.strip())
        said = msgspec.convert(canonical.parse_canonical(signed.body), Said)
        parse_timestamp(said.at)
    except (TearlineError, msgspec.ValidationError) as error:
        raise InputError(
            f"This does not vouch for a card: {error}",
            do="Ask the coordinator for what `tearline card vouch` writes.",
        ) from error
    return said, signed
