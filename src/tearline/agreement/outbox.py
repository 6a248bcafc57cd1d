"""Messages on their way out: written with the act that causes them, signed when they leave.

A message that must show that something is in our log carries a receipt, and a receipt needs a
signed checkpoint that covers its leaf. So the message is rendered when it is first delivered or
exported, and stays the same bytes from then on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tearline import clock
from tearline.agreement import jws, messages
from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.log import record
from tearline.log.checkpoint import signed_by, vkey_for
from tearline.log.receipt import note_in
from tearline.stix import canonical
from tearline.store import agreements
from tearline.store.agreements import Outgoing, Version
from tearline.store.database import Tx


def enqueue(
    tx: Tx,
    kind: str,
    to: str,
    body: Mapping[str, Any],
    *,
    now: int,
    version: Version | None = None,
    leaf: int | None = None,
    statement: str | None = None,
) -> str:
    """Put a message into the outbox, in the transaction of the act; return its id.

    With `leaf`, the message will carry the receipt of that leaf of our log of the agreement.
    """
    message = Outgoing(
        seq=0,
        id=clock.fresh_uuid(),
        party=to,
        kind=kind,
        agreement_id=version.agreement_id if version else None,
        agreement=version.hash if version else None,
        body=canonical.canonical(dict(body)),
        leaf=leaf,
        statement=statement,
        rendered=None,
        receipt_hash=None,
        at=now,
        delivered_at=None,
        attempts=0,
    )
    agreements.add_outgoing(tx, message)
    return message.id


def export_messages(home: Home, party: str | None = None, *, now: int) -> list[tuple[str, bytes]]:
    """Return (id, signed bytes) of what has not arrived yet, at one partner or at all, in order."""
    with home.store.read() as tx:
        waiting = agreements.pending(tx, party)
    return [(message.id, _rendered(home, message, now)) for message in waiting]


def delivered(home: Home, message_ids: Sequence[str], *, now: int) -> None:
    """Note that messages arrived: the partner's node said so."""
    with home.store.write() as tx:
        agreements.set_delivered(tx, message_ids, at=now)


def answer_card(home: Home, party: str, *, now: int) -> None:
    """Tell a partner, by file, which card of its we hold: no node said so when its card came.

    Said once each time that the card is carried here: if the answer is lost, the card comes again.
    """
    with home.store.write() as tx:
        held = cards_of(tx, party)
        if held is not None:
            agreements.drop_pending(tx, messages.TAKEN_KIND, party)
            enqueue(tx, messages.TAKEN_KIND, party, {"card": held.hashes[-1]}, now=now)


def carried(home: Home, party: str, *, now: int) -> None:
    """Note that a file was written which has our answers to cards; they are written once."""
    with home.store.write() as tx:
        answers = agreements.undelivered(tx, party)
        done = [each.id for each in answers if each.kind == messages.TAKEN_KIND]
        agreements.set_delivered(tx, done, at=now)


def undelivered(home: Home, message_id: str) -> None:
    """Note that a try to deliver a message failed."""
    with home.store.write() as tx:
        agreements.count_attempt(tx, message_id)


def _rendered(home: Home, message: Outgoing, now: int) -> bytes:
    if message.rendered is not None:
        counting = _still_counting(home, message.rendered, now)
        if counting is not None:
            return counting
    if message.leaf is not None:
        home.publish(message.agreement_id, now=now)
    with home.store.write() as tx:
        body = _resigned(home, our_cards(tx, home), canonical.parse_canonical(message.body))
        receipt_hash = None
        if message.leaf is not None:
            body["receipt"] = _receipt(tx, home, message, message.leaf)
            receipt_hash = canonical.sha256(canonical.canonical(body["receipt"]))
        document = messages.seal(
            home,
            message.kind,
            message.party,
            body,
            message_id=message.id,
            agreement=message.agreement,
            at=message.at,
        )
        if message.rendered is not None:
            agreements.drop_rendered(tx, message.id)
        return agreements.set_rendered(tx, message.id, document, receipt_hash)


def _still_counting(home: Home, document: bytes, now: int) -> bytes | None:
    """Return a signed message if its key counts still, else under our new key.

    None when the key was revoked since, or that of its receipt: then it is made anew.
    """
    signed = jws.load(document)
    with home.store.read() as tx:
        cards = our_cards(tx, home)
    if _is_revoked(cards, signed.signatures[0]) or _has_revoked_receipt(cards, signed):
        return None
    if signed.kids[0] in cards.valid("sign", now):
        return document
    return jws.dump(home.sign(signed.body))


def _resigned(home: Home, cards: Cards, value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Put our new signature in the place of one by a key of ours that was revoked since."""
    if isinstance(value, dict) and value.keys() == {"payload", "signatures"}:
        signed = jws.convert(value)
        rest = [each for each in signed.signatures if not _is_revoked(cards, each)]
        if len(rest) == len(signed.signatures):
            return value
        return jws.builtins(jws.Signed(signed.payload, (*home.sign(signed.body).signatures, *rest)))
    if isinstance(value, dict):
        return {key: _resigned(home, cards, each) for key, each in value.items()}
    return value


def _is_revoked(cards: Cards, signature: jws.Signature) -> bool:
    span = cards.spans.get(("sign", jws.kid_of(signature)))
    return span is not None and span.revoked is not None


def _has_revoked_receipt(cards: Cards, signed: jws.Signed) -> bool:
    receipt = canonical.parse_canonical(signed.body).get("receipt")
    if receipt is None:
        return False
    note = note_in(receipt) or ""
    origin = note.partition("\n")[0]
    keys = [vkey_for(origin, each) for each in cards.not_revoked("log")]
    return not any(signed_by(note, each) for each in keys)


def _receipt(tx: Tx, home: Home, message: Outgoing, leaf: int) -> dict[str, Any]:
    log = record.our_log(str(message.agreement_id))
    origin = record.origin_of(home.slug, message.agreement_id)
    vkey = home.log_vkey(message.agreement_id)
    return record.receipt(tx, log, leaf, 0, origin=origin, vkey=vkey)
