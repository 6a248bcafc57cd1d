"""Evidence that a party signed two faces: made, kept, and checked by anyone without us.

A document of evidence is canonical JSON `{"schema":"tearline-evidence/1","kind","party","cards",
"both"}`. `cards` are the party's card files from the one that people confirmed; `both` are the two
things that cannot stand beside each other:

    two-statements  two signed statements (JWS) of one agreement that name the same one before them
    two-cards       two card files that both follow on the last of `cards`

Whoever compares the words of the first card knows whose evidence it is.
"""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from tearline.agreement import jws
from tearline.agreement.card import CardFile, card_hash, check_words, read_file
from tearline.agreement.document import Slug
from tearline.agreement.rotation import MOST_CARDS, Cards, Fork, check_follows
from tearline.agreement.state import Statement, parse_statement
from tearline.errors import InputError, ProofError
from tearline.log import record
from tearline.stix import canonical
from tearline.store import evidence
from tearline.store.database import Tx
from tearline.store.evidence import Evidence

SCHEMA = "tearline-evidence/1"
MAX_BYTES = 8 << 20
Kind = Literal["two-statements", "two-cards"]


class Finding(NamedTuple):
    """What evidence proves, against whom; `card` and `words` are of the card it begins with."""

    kind: str
    party: str
    name: str
    card: str
    words: str
    said: tuple[str, str]


class _Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    schema: Annotated[str, Meta(pattern=r"\Atearline-evidence/1\Z")]
    kind: Kind
    party: Slug
    cards: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=MOST_CARDS)]
    both: tuple[dict[str, Any], dict[str, Any]]


# -------------------------------------------------------------------------------------- making


def of_statements(
    cards: Cards, agreement_id: str, one: jws.Signed, other: jws.Signed, *, at: int
) -> Evidence:
    """Return the evidence that two statements of a party follow on the same one."""
    both = [jws.builtins(each) for each in (one, other)]
    names = [canonical.sha256(each.body) for each in (one, other)]
    return _made("two-statements", cards, both, names, agreement_id, at)


def of_cards(cards: Cards, fork: Fork, *, at: int) -> Evidence:
    """Return the evidence that two cards of a party follow on the same one of `cards`."""
    place = cards.hashes.index(str(fork.first.card.replaces))
    files = fork.first, fork.second
    both = [canonical.parse_canonical(each.document) for each in files]
    names = [card_hash(each.card) for each in files]
    return _made("two-cards", Cards(cards.files[: place + 1]), both, names, None, at)


def _made(
    kind: Kind, cards: Cards, both: list[Any], names: list[str], agreement_id: str | None, at: int
) -> Evidence:
    """Write it so that the same two things make evidence of the same name, found as it may be."""
    ordered = [each for _, each in sorted(zip(names, both, strict=True), key=lambda pair: pair[0])]
    party = cards.newest.slug
    document = {
        "schema": SCHEMA,
        "kind": kind,
        "party": party,
        "cards": [canonical.parse_canonical(each.document) for each in cards.files],
        "both": ordered,
    }
    name = canonical.sha256(canonical.canonical([kind, party, *sorted(names)]))
    return Evidence(name, kind, party, agreement_id, canonical.canonical(document), at)


def keep(tx: Tx, found: Evidence, *, now: int) -> bool:
    """Keep evidence and log that we have it; False when we had it before."""
    if not evidence.add(tx, found):
        return False
    content = {
        "kind": "evidence",
        "evidence": found.hash,
        "proves": found.kind,
        "party": found.party,
        "document": canonical.sha256(found.document),
    }
    record.append(tx, record.PRIVATE, "evidence", [content], at=now, agreement=None)
    return True


# ------------------------------------------------------------------------------------ checking


def check(document: bytes) -> Finding:
    """Return what a document of evidence proves; it needs nothing but itself.

    InputError when it is none, ProofError when it proves nothing.
    """
    if len(document) > MAX_BYTES:
        raise InputError("This is too large for evidence.", do="Refuse it.")
    try:
        read = msgspec.convert(canonical.parse_canonical(document.strip()), _Document)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(
            f"This is no evidence: {error}.", do="Ask for what `tearline evidence export` writes."
        ) from error
    cards = Cards([_file(each) for each in read.cards])
    if cards.newest.slug != read.party:
        raise _nothing("Its cards are of another party.")
    said = _cards(cards, read) if read.kind == "two-cards" else _statements(cards, read)
    first = cards.hashes[0]
    return Finding(read.kind, read.party, cards.newest.name, first, check_words(first), said)


def _cards(cards: Cards, read: _Document) -> tuple[str, str]:
    first, second = (_file(each) for each in read.both)
    for each in (first, second):
        check_follows(cards, each)
    if card_hash(first.card) == card_hash(second.card):
        raise _nothing("Both are the same card.")
    return _of_card(first), _of_card(second)


def _of_card(file: CardFile) -> str:
    return f"card {card_hash(file.card)}, issued {file.card.issued}"


def _statements(cards: Cards, read: _Document) -> tuple[str, str]:
    first, second = (_statement(cards, jws.convert(each)) for each in read.both)
    if first == second:
        raise _nothing("Both are the same statement.")
    if (first.id, first.by, first.previous) != (second.id, second.by, second.previous):
        raise _nothing("The two do not follow on the same statement.")
    return _of_statement(first), _of_statement(second)


def _statement(cards: Cards, signed: jws.Signed) -> Statement:
    """Return a statement that a key of the party signed; a revoked key proves nothing of it."""
    statement = parse_statement(jws.verify(signed, *signed.kids[:1]))
    if signed.kids[0] not in cards.not_revoked("sign"):
        raise _nothing("A key signed it that is none of this party's, or was revoked.")
    return statement


def _of_statement(statement: Statement) -> str:
    return f"{statement.step} {statement.agreement}, at {statement.at}"


def _file(value: dict[str, Any]) -> CardFile:
    return read_file(canonical.canonical(value))


def _nothing(what: str) -> ProofError:
    return ProofError(f"This evidence proves nothing. {what}", do="Do not rely on it.")
