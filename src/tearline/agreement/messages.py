"""Signed messages between two nodes, the same bytes by network and by file.

A message is a general JWS by the sender's signing key over canonical JSON
`{"schema":"tearline-message/1","kind","id","from","to","at","agreement",...}`; what else stands in
it depends on the kind. Whoever is not a partner is refused without a reason: `code` and the
sentences of the error are for our own people and our own log, and a face that answers the outside
says only that the message was not accepted.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta, Struct

from tearline.agreement import jws
from tearline.agreement.card import Card, CardFile, read_file
from tearline.agreement.cards_held import cards_of
from tearline.agreement.document import Hash, Slug
from tearline.agreement.home import Home
from tearline.agreement.rotation import MOST_CARDS, Cards, Fork, extend
from tearline.errors import RefusedError, TearlineError
from tearline.log import record
from tearline.log.receipt import note_in, verify_receipt
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import parties
from tearline.store.database import Tx

SCHEMA = "tearline-message/1"
CARD_KIND = "card"
"""The kind of message that brings the cards of its sender."""

TAKEN_KIND = "card-taken"
"""The kind that says which card of its receiver the sender holds: the answer to one by file."""

MAX_BYTES = 2 * 1024 * 1024
AHEAD_US = 600_000_000
"""How far a sender's clock may be ahead of ours: ten minutes. Behind, a file may lie for days."""

_HOUR_US = 3_600_000_000
_LOGGED_PER_HOUR = 60
_HEADER = ("schema", "kind", "id", "from", "to", "at", "agreement")


class Message(Struct, frozen=True, kw_only=True):
    """A message whose sender is known and whose signature holds; `body` is what the kind adds.

    `document` is the signed bytes, which prove it to others. `cards` are the sender's, with those
    that came in this message and follow on them, `new`.
    """

    kind: str
    id: str
    sender: str
    card: Card
    at: int
    agreement: str | None
    body: dict[str, Any]
    hash: str
    document: bytes = b""
    cards: Cards
    new: tuple[CardFile, ...] = ()


class _Header(Struct, frozen=True, kw_only=True):
    schema: Annotated[str, Meta(pattern=r"\Atearline-message/1\Z")]
    kind: Annotated[str, Meta(pattern=r"\A[a-z][a-z-]{1,40}\Z")]
    id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
    from_: Slug = msgspec.field(name="from")
    to: Slug
    at: Annotated[str, Meta(max_length=40)]
    agreement: Hash | None


class MessageRefusedError(RefusedError):
    """A message that is not taken. `code` says why, to us alone."""

    def __init__(self, code: str, what: str, *, party: str = "") -> None:
        """Keep the code and the partner in whose name it came, `''` when that is no partner."""
        super().__init__(
            what,
            means="It was not taken, and nothing changed.",
            do="If you expected it, ask the partner, by a way that is not this message.",
        )
        self.code = code
        self.party = party


class TwoCardsError(MessageRefusedError):
    """The sender's root key signed two cards that follow on the same one: `forks` prove it."""

    def __init__(self, held: Cards, forks: tuple[Fork, ...]) -> None:
        """Keep the cards that we had, and the two faces."""
        super().__init__(
            "two-cards",
            f"{held.newest.name} signed two cards that follow on the same one.",
            party=held.newest.slug,
        )
        self.held = held
        self.forks = forks


def seal(
    home: Home,
    kind: str,
    to: str,
    body: Mapping[str, Any],
    *,
    message_id: str,
    agreement: str | None,
    at: int,
) -> bytes:
    """Return a signed message of ours to a partner."""
    header = {
        "schema": SCHEMA,
        "kind": kind,
        "id": message_id,
        "from": home.slug,
        "to": to,
        "at": format_timestamp(at, digits=6),
        "agreement": agreement,
    }
    content = canonical.canonical({**body, **header})
    return jws.dump(home.sign(content))


def open_message(tx: Tx, home: Home, document: bytes, *, now: int) -> Message:
    """Return the message in `document`; MessageRefusedError unless a partner signed it for us."""
    if len(document) > MAX_BYTES:
        raise MessageRefusedError("size", f"The message is larger than {MAX_BYTES} bytes.")
    try:
        signed = jws.load(document)
        content = canonical.parse_canonical(signed.body)
        header = msgspec.convert(content, _Header)
        at = parse_timestamp(header.at)
        kids = signed.kids
    except (TearlineError, msgspec.ValidationError) as error:
        raise MessageRefusedError("form", f"This is not a message: {error}") from error
    sender = header.from_
    held = _partner_cards(tx, sender)
    cards, new = _extended(held, content["cards"]) if _has_cards(header, content) else (held, ())
    card = cards.newest
    if now >= card.expires_at:
        raise MessageRefusedError("card", f"The card of {card.name} has expired.", party=sender)
    try:
        cards.verify(signed, "sign", now)
    except TearlineError as error:
        code = "signature" if kids and kids[0] in cards.valid("sign", now) else "key"
        raise MessageRefusedError(
            code,
            f"{card.name} did not sign this message with a key that counts. {error}",
            party=sender,
        ) from error
    if header.to != home.slug:
        raise MessageRefusedError("addressee", "The message is not for us.", party=sender)
    if at > now + AHEAD_US:
        raise MessageRefusedError("clock", "The message is dated ahead of now.", party=sender)
    return Message(
        kind=header.kind,
        id=header.id,
        sender=sender,
        card=card,
        at=at,
        agreement=header.agreement,
        body={key: value for key, value in content.items() if key not in _HEADER},
        hash=canonical.sha256(document),
        document=document,
        cards=cards,
        new=new,
    )


def _has_cards(header: _Header, content: Mapping[str, Any]) -> bool:
    return header.kind == CARD_KIND and isinstance(content.get("cards"), list)


def _extended(held: Cards, sent: list[Any]) -> tuple[Cards, tuple[CardFile, ...]]:
    """Return the sender's cards with those that it sent; they prove themselves, by its root key."""
    slug = held.newest.slug
    try:
        if len(sent) > MOST_CARDS:
            raise RefusedError("There are too many cards in it.")
        found = extend(held, [read_file(canonical.canonical(each)) for each in sent])
    except TearlineError as error:
        raise MessageRefusedError("card-chain", str(error), party=slug) from error
    if found.forks:
        raise TwoCardsError(held, found.forks)
    return found.cards, found.new


def announced(tx: Tx, document: bytes) -> Cards | None:
    """Return the cards of a partner with those that a message brings and that follow on them.

    None where it brings none. The cards are proven, the message is not. Of two faces, the one that
    came.
    """
    try:
        content = canonical.parse_canonical(jws.load(document).body)
        header = msgspec.convert(content, _Header)
        if not _has_cards(header, content):
            return None
        return _extended(_partner_cards(tx, header.from_), content["cards"])[0]
    except TwoCardsError as error:
        fork = error.forks[-1]
        place = error.held.hashes.index(str(fork.second.card.replaces))
        return Cards((*error.held.files[: place + 1], fork.second))
    except (TearlineError, msgspec.ValidationError):
        return None


def _partner_cards(tx: Tx, slug: str) -> Cards:
    partner = parties.partner_of(tx, slug)
    cards = cards_of(tx, slug) if partner and partner.card else None
    if partner is None or cards is None:
        raise MessageRefusedError("unknown", f"{slug} is not a partner whose card was confirmed.")
    if partner.blocked_at is not None:
        raise MessageRefusedError("blocked", f"{partner.name} is blocked.", party=slug)
    return cards


def refuse(home: Home, error: MessageRefusedError, document: bytes, *, now: int) -> NoReturn:
    """Note that a message was refused, and raise the error again.

    The private log gets a leaf without content: moment, code, partner, hash of the message. What
    comes in nobody's name is not logged, and of one partner at most sixty an hour, so that a
    stranger cannot fill the log.
    """
    if error.party:
        entry = parties.Refusal(now, error.party, error.code, canonical.sha256(document))
        with home.store.write() as tx:
            if parties.refusals_since(tx, error.party, now - _HOUR_US) < _LOGGED_PER_HOUR:
                parties.add_refusal(tx, entry)
                content = {
                    "kind": "refusal",
                    "party": entry.party,
                    "code": entry.code,
                    "message": entry.message_hash,
                }
                record.append(tx, record.PRIVATE, "refusal", [content], at=now, agreement=None)
    raise error


def proven(message: Message, agreement_id: str, *kinds: str) -> dict[str, Any]:
    """Return the record whose receipt came along, from the sender's log of the agreement.

    RefusedError where there is no receipt, or it is of a record of another kind; ProofError where
    it does not hold.
    """
    receipt = message.body.get("receipt")
    if not isinstance(receipt, dict):
        raise RefusedError(f"This {message.kind} has no proof from their log.", do="Refuse it.")
    origin = record.origin_of(message.sender, agreement_id)
    found = verify_receipt(receipt, receipt_key(message, origin, receipt))
    if found.get("kind") not in kinds:
        raise RefusedError(
            f"The proof is of another act than this {message.kind}.", do="Refuse it."
        )
    return found


def receipt_key(message: Message, origin: str, receipt: Mapping[str, Any]) -> str:
    """Return the key of the sender's log that signed a receipt, of those never revoked."""
    return message.cards.log_key(origin, note_in(receipt) or "")
