"""Take the partner's messages about agreements, from the network or from a file.

Whatever order they come in, and however often, the same state follows: a message that was taken is
known, one that came too early waits, one that does not hold is refused and noted. Nothing becomes
active without both signatures over the same bytes and, on each side, the other's proof that its log
shows the countersigned hash.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tearline.agreement import evidence, jws, succession
from tearline.agreement.cards_held import our_cards
from tearline.agreement.chain import held, keep, reclaim, state_of
from tearline.agreement.document import Hash
from tearline.agreement.fitting import LIVE, match
from tearline.agreement.home import Home
from tearline.agreement.messages import (
    AHEAD_US,
    CARD_KIND,
    TAKEN_KIND,
    Message,
    MessageRefusedError,
    TwoCardsError,
    open_message,
    receipt_key,
    refuse,
)
from tearline.agreement.rotation import verify_all
from tearline.agreement.signing import activate, suspend_all
from tearline.agreement.state import Statement, check_step, parse_statement
from tearline.agreement.terms import agreement_hash, parse_json
from tearline.agreement.watching import TWO_FACES
from tearline.errors import TearlineError
from tearline.log import record
from tearline.log.receipt import verify_receipt
from tearline.stix import canonical
from tearline.stix.timestamp import parse_timestamp
from tearline.store import agreements, parties
from tearline.store.agreements import StatementRow, Version
from tearline.store.database import Tx
from tearline.store.evidence import Evidence
from tearline.store.parties import Account

Outcome = Literal["taken", "known", "waiting"]
_MOST_WAITING = 64
_MOST_OPEN = 100


class _Proposal(Struct, frozen=True, forbid_unknown_fields=True):
    signed: jws.Signed
    statement: jws.Signed


class _Countersignature(Struct, frozen=True, forbid_unknown_fields=True):
    signed: jws.Signed
    statement: jws.Signed
    receipt: dict[str, Any]
    key_hash: Hash


class _Activation(Struct, frozen=True, forbid_unknown_fields=True):
    statement: jws.Signed
    receipt: dict[str, Any]
    key_hash: Hash


class _Other(Struct, frozen=True, forbid_unknown_fields=True):
    statement: jws.Signed


_Body = _Proposal | _Countersignature | _Activation | _Other
_KINDS: dict[str, tuple[type[_Body], frozenset[str]]] = {
    "proposal": (_Proposal, frozenset({"proposed"})),
    "countersignature": (_Countersignature, frozenset({"countersigned"})),
    "activation": (_Activation, frozenset({"activated"})),
    "statement": (
        _Other,
        frozenset({"rejected", "withdrawn", "suspended", "resume-asked", "resumed", "terminated"}),
    ),
}
KINDS = frozenset({*_KINDS, CARD_KIND, TAKEN_KIND})
"""The kinds of message that `receive` takes."""


class _TwoFacesError(MessageRefusedError):
    """The partner signed two statements that follow on the same one."""

    def __init__(self, message: Message, agreement_id: str, found: Evidence) -> None:
        """Keep the evidence, and of which agreement it is."""
        super().__init__(
            "two-faces",
            f"{message.card.name} signed two statements that follow on the same one.",
            party=message.sender,
        )
        self.agreement_id = agreement_id
        self.found = found


def receive(home: Home, document: bytes, *, now: int) -> Outcome:
    """Take one message; MessageRefusedError, noted in the private log, when it does not hold.

    `known`: it was taken before. `waiting`: it is kept until what it follows on has come.
    """
    sender, outcome = _receive(home, document, now)
    if outcome == "taken":
        _take_waiting(home, sender, now)
    return outcome


def _receive(
    home: Home, document: bytes, now: int, came_at: int | None = None
) -> tuple[str, Outcome]:
    """Take one message by the keys that counted when it came."""
    try:
        with home.store.write() as tx:
            message = open_message(tx, home, document, now=now if came_at is None else came_at)
            if message.kind == CARD_KIND:
                return message.sender, _take_cards(tx, home, message, now)
            if message.kind == TAKEN_KIND:
                return message.sender, _card_arrived(tx, home, message, now)
            outcome = _take(tx, home, message, document, now)
            if outcome != "waiting":
                agreements.stop_waiting(tx, message.hash)
            return message.sender, outcome
    except _TwoFacesError as error:
        _expose(home, error, now)
        refuse(home, error, document, now=now)
    except TwoCardsError as error:
        succession.expose(home, error.party, error.held, error.forks, now=now)
        refuse(home, error, document, now=now)
    except MessageRefusedError as error:
        refuse(home, error, document, now=now)


def _take_cards(tx: Tx, home: Home, message: Message, now: int) -> Outcome:
    partner = parties.partner_of(tx, message.sender)
    if partner is None or not message.new:
        return "known"
    agreements.remember(tx, message.id, message.sender, at=now)
    succession.take(tx, home, partner, message.new, now=now)
    return "taken"


def _card_arrived(tx: Tx, home: Home, message: Message, now: int) -> Outcome:
    """Note that the partner holds our newest card, so that it is not carried there again."""
    if message.body != {"card": our_cards(tx, home).hashes[-1]}:
        return "known"
    sent = agreements.undelivered(tx, message.sender)
    waiting = [each.id for each in sent if each.kind == CARD_KIND]
    agreements.set_delivered(tx, waiting, at=now)
    return "taken" if waiting else "known"


def _take_waiting(home: Home, sender: str, now: int) -> None:
    """Take what waited for the message just taken, as long as that brings one further."""
    taken = True
    while taken:
        taken = False
        with home.store.read() as tx:
            waiting = agreements.waiting(tx, sender)
        for each in waiting:
            try:
                taken |= _receive(home, each.document, now, each.at)[1] == "taken"
            except MessageRefusedError:
                with home.store.write() as tx:
                    agreements.stop_waiting(tx, canonical.sha256(each.document))


def _expose(home: Home, error: _TwoFacesError, now: int) -> None:
    """Keep the evidence of two faces, and stop the agreement until people have talked."""
    with home.store.write() as tx:
        evidence.keep(tx, error.found, now=now)
        versions = agreements.versions(tx, error.agreement_id)
        suspend_all(tx, home, versions, TWO_FACES, now=now)


def _take(tx: Tx, home: Home, message: Message, document: bytes, now: int) -> Outcome:
    refused = _refusing(message)
    with refused("form"):
        if message.kind not in _KINDS:
            raise _no("form", "Messages of this kind are not taken here.", message)
        shape, steps = _KINDS[message.kind]
        body = msgspec.convert(message.body, shape)
        statement = parse_statement(body.statement.body)
    with refused("signature"):
        message.cards.verify(body.statement, "sign", parse_timestamp(statement.at))
    if statement.step not in steps or statement.agreement != message.agreement:
        raise _no("form", "The message and its statement do not belong together.", message)
    if parse_timestamp(statement.at) > now + AHEAD_US:
        raise _no("clock", "The statement is dated ahead of now.", message)
    early = _place(tx, message, statement, body.statement, now)
    if early == "waiting" and len(agreements.waiting(tx, message.sender)) >= _MOST_WAITING:
        raise _no("order", "Too many messages came before what they follow on.", message)
    if early == "waiting":
        agreements.wait(tx, message.sender, message.hash, document, at=now)
    elif agreements.remember(tx, message.id, message.sender, at=now) and early != "known":
        _accept(tx, home, message, body, statement, now)
        return "taken"
    return "waiting" if early == "waiting" else "known"


def _place(
    tx: Tx, message: Message, statement: Statement, signed: jws.Signed, now: int
) -> Literal["next", "known", "waiting"]:
    """Say where a statement belongs in its signer's chain, as far as we hold it."""
    name = canonical.sha256(signed.body)
    rows = agreements.statements(tx, statement.id)
    theirs = {row.hash: row for row in rows if not row.ours}
    if name in theirs:
        return "known"
    last = max(theirs.values(), key=lambda row: row.place, default=None)
    if statement.previous == (last.hash if last else None):
        return "next"
    if statement.previous is not None and statement.previous not in theirs:
        return "waiting"
    place = theirs[statement.previous].place + 1 if statement.previous else 0
    other = next(row for row in theirs.values() if row.place == place)
    _check_partner(tx, message, statement.id)
    if other.void:
        return "next"
    shown = jws.load(other.signed)
    found = evidence.of_statements(message.cards, statement.id, shown, signed, at=now)
    raise _TwoFacesError(message, statement.id, found)


def _accept(
    tx: Tx, home: Home, message: Message, body: _Body, statement: Statement, now: int
) -> None:
    """Check a statement that is next in its chain, keep it, and answer it where that is due."""
    refused = _refusing(message)
    reclaim(tx, statement, now=now)
    rows = agreements.statements(tx, statement.id)
    ours = [row.hash for row in rows if row.ours]
    judged = statement
    if statement.seen is not None and statement.seen not in ours:
        if not our_cards(tx, home).revoked("sign"):
            raise _no("seen", "It says it saw a statement that we never made.", message)
        judged = _as_seen(rows, statement)
    if isinstance(body, _Proposal):
        version = _proposed(tx, home, message, body, now)
    else:
        version = _named(tx, message, statement)
    if statement.id != version.agreement_id or statement.by != version.their_slot:
        raise _no("agreement", "The statement is not of that side of that agreement.", message)
    with refused("step"):
        check_step(held(tx, statement.id), judged, one_sided=version.one_sided)
    if isinstance(body, _Activation):
        _check_activation(tx, message, version, body, statement)
    elif isinstance(body, _Countersignature):
        _check_countersignature(tx, home, message, version, body, statement)
    keep(tx, statement, body.statement, ours=False, now=now)
    if statement.seen in ours:
        seen = ours[: ours.index(statement.seen) + 1]
        agreements.set_delivered(tx, agreements.outgoing_for(tx, seen), at=now)
    if isinstance(body, _Countersignature):
        agreements.set_signed(tx, version.hash, jws.dump(body.signed))
    if isinstance(body, _Countersignature | _Activation):
        _answer(tx, home, version, body, now)


def _as_seen(rows: list[StatementRow], statement: Statement) -> Statement:
    """Judge a statement that saw what a thief of our key made by what it saw of us before."""
    before = [parse_statement(row.body).seen for row in rows if not row.ours]
    places = {row.hash: row.place for row in rows if row.ours}
    known = max((each for each in before if each in places), key=places.__getitem__, default=None)
    return msgspec.structs.replace(statement, seen=known)


def _proposed(tx: Tx, home: Home, message: Message, body: _Proposal, now: int) -> Version:
    refused = _refusing(message)
    with refused("signature"):
        at = parse_timestamp(parse_statement(body.statement.body).at)
        document = message.cards.verify(body.signed, "sign", at)
    if agreement_hash(document) != message.agreement:
        raise _no("agreement", "The message names another agreement than it carries.", message)
    with refused("agreement"):
        version = match(tx, home, parse_json(document), now=now)
    open_ones = agreements.every_version(tx, partner=message.sender)
    if sum(each.state == "proposed" and not each.ours for each in open_ones) >= _MOST_OPEN:
        raise _no("order", "Too many proposals of this partner are open.", message)
    if version.partner != message.sender or version.one_sided:
        raise _no("agreement", "The sender is not the other party of this agreement.", message)
    ours = agreements.version_of(tx, version.hash)
    if ours is not None:
        agreements.set_signed(tx, ours.hash, _joined(ours, body.signed))
        return ours
    version = version._replace(signed=jws.dump(body.signed))
    agreements.add_version(tx, version)
    return version


def _joined(version: Version, signed: jws.Signed) -> bytes:
    """Add the partner's signatures to ours, when both proposed the same bytes."""
    return jws.dump(jws.join(jws.load(version.signed), signed))


def _named(tx: Tx, message: Message, statement: Statement) -> Version:
    version = agreements.version_of(tx, statement.agreement)
    if version is None or version.partner != message.sender:
        raise _no("agreement", "We have no such agreement with this partner.", message)
    return version


def _check_partner(tx: Tx, message: Message, agreement_id: str) -> None:
    versions = agreements.versions(tx, agreement_id)
    if any(each.partner != message.sender for each in versions):
        raise _no("agreement", "We have no such agreement with this partner.", message)


def _check_countersignature(
    tx: Tx,
    home: Home,
    message: Message,
    version: Version,
    body: _Countersignature,
    statement: Statement,
) -> None:
    refused = _refusing(message)
    with refused("signature"):
        at = parse_timestamp(statement.at)
        document = verify_all(body.signed, at, message.cards, our_cards(tx, home))
    if document != version.terms:
        raise _no("agreement", "Other bytes were countersigned than we signed.", message)
    with refused("proof"):
        name = canonical.sha256(body.statement.body)
        _check_receipt(message, version, body.receipt, {name: 0})


def _check_activation(
    tx: Tx, message: Message, version: Version, body: _Activation, statement: Statement
) -> None:
    with _refusing(message)("proof"):
        _check_receipt(message, version, body.receipt, _countersigned(tx, version))
    if not agreements.receipt_sent(tx, version.hash, statement.proof or ""):
        raise _no("proof", "It relies on a receipt that we never sent.", message)


def _check_receipt(
    message: Message, version: Version, receipt: dict[str, Any], countersigned: dict[str, int]
) -> None:
    """See that the sender's log of this agreement holds one of the countersigned statements."""
    origin = record.origin_of(message.sender, version.agreement_id)
    proven = verify_receipt(receipt, receipt_key(message, origin, receipt))
    expected = {"kind": "statement", "agreement": version.hash}
    if str(proven.get("statement")) not in countersigned or not expected.items() <= proven.items():
        raise _no("proof", "The receipt proves another statement.", message)


def _answer(
    tx: Tx, home: Home, version: Version, body: _Countersignature | _Activation, now: int
) -> None:
    """Let the partner's key in, and activate from our side, where that is still to be done."""
    entry = Account(body.key_hash, version.agreement_id, version.partner, now)
    parties.add_account(tx, entry)
    state = state_of(tx, version)
    if state.name in LIVE and version.our_slot not in state.activated_by:
        leaf = min(_countersigned(tx, version).values())
        proof = canonical.sha256(canonical.canonical(body.receipt))
        activate(tx, home, version, leaf, proof, now=now)


def _countersigned(tx: Tx, version: Version) -> dict[str, int]:
    """The statements that countersigned a version, with their leaves in our log."""
    return {
        row.hash: row.leaf
        for row in agreements.statements(tx, version.agreement_id)
        if row.agreement == version.hash and parse_statement(row.body).step == "countersigned"
    }


def _no(code: str, what: str, message: Message) -> MessageRefusedError:
    return MessageRefusedError(code, what, party=message.sender)


def _refusing(message: Message) -> "Callable[[str], Any]":
    """Return a block that turns what goes wrong inside it into a refusal with this code."""

    @contextmanager
    def _as(code: str) -> Iterator[None]:
        try:
            yield
        except MessageRefusedError:
            raise
        except (TearlineError, msgspec.ValidationError) as error:
            raise _no(code, str(error), message) from error

    return _as
