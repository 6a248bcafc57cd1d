"""Which cards follow on which, and which key counted when; pure.

A party's cards are a chain: each names the hash of the card it replaces. A card follows on another
when the same root key signed it, or a root key whose hash the card before had committed to. The key
that signs what a stranger may not change is so named before it is first used; whoever steals the
root key of today cannot name another root for tomorrow.

A key counts from the card that first names it until the moment at which a later card puts it aside;
between the two both keys count. A revoked key counts for nothing new, whatever moment is written on
what it signed, for who has a stolen key writes what moment he likes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tearline.agreement import jws
from tearline.agreement.card import (
    USES,
    Card,
    CardFile,
    Former,
    card_hash,
    kind_of,
    raw_key_hash,
    signed_before,
)
from tearline.errors import ProofError
from tearline.log.checkpoint import parse_vkey, signed_by, vkey_for
from tearline.stix.timestamp import format_timestamp

MOST_CARDS = 100
"""As many cards as a chain may have; one a month is a hundred in eight years."""
SKEW_US = 600_000_000
"""How far the clock of who made a key may be ahead of the clock that asks: ten minutes."""


class Span(NamedTuple):
    """When a key counts: from, until (None: to this day), and why it was revoked if it was."""

    from_at: int
    until_at: int | None
    revoked: str | None

    def counts(self, at: int) -> bool:
        """Whether the key counts at a moment; a revoked one never does."""
        if self.revoked is not None or at + SKEW_US < self.from_at:
            return False
        return self.until_at is None or at < self.until_at


class Fork(NamedTuple):
    """Two cards that both follow on the same one: whoever signed them has two faces."""

    first: CardFile
    second: CardFile


class Cards:
    """A party's cards, from the one that people confirmed on; never empty, never changed."""

    def __init__(self, files: Sequence[CardFile]) -> None:
        """Bind cards that follow on each other; ProofError when they do not."""
        self.files = tuple(files[:1])
        self.spans = _spans({}, self.files[0].card, first=True)
        for each in files[1:]:
            check_follows(self, each)
            self.spans = _spans(self.spans, each.card, first=False, before=self.newest)
            self.files += (each,)

    @property
    def newest(self) -> Card:
        """The card that counts now."""
        return self.files[-1].card

    @property
    def hashes(self) -> tuple[str, ...]:
        """The names of the cards, oldest first."""
        return tuple(card_hash(each.card) for each in self.files)

    def every(self, use: str) -> tuple[str, ...]:
        """Return the keys of a use that ever were on these cards, newest first."""
        return tuple(key for of, key in reversed(self.spans) if of == use)

    def valid(self, use: str, at: int) -> tuple[str, ...]:
        """Return the keys of a use that count at a moment, newest first."""
        return tuple(key for key in self.every(use) if self.spans[use, key].counts(at))

    def check(self, use: str, key: str, at: int) -> None:
        """Raise ProofError, with what is wrong, unless a key counts at a moment."""
        span = self.spans.get((use, key))
        if span is None:
            raise ProofError(
                f"This is no {use} key of {self.newest.name}.",
                means="It stands on none of the cards that we have of it.",
                do="If it changed its keys, take its new card first.",
            )
        if span.revoked is not None:
            raise ProofError(
                f"The {use} key of {self.newest.name} was revoked, as of "
                f"{format_timestamp(span.until_at or 0)}: {span.revoked.rstrip('.')}.",
                means="Someone else may have had it; nothing new that it signed is taken.",
                do="Ask the partner to sign it again with its new key.",
            )
        if not span.counts(at):
            ended = span.until_at is not None and at >= span.until_at
            moment = format_timestamp((span.until_at if ended else span.from_at) or 0)
            raise ProofError(
                f"This {use} key of {self.newest.name} counts "
                f"{'only until' if ended else 'only from'} {moment}.",
                means="The party changed its keys, and this was signed outside the span of it.",
                do="Ask the partner to sign it again with its new key.",
            )

    def verify(self, signed: jws.Signed, use: str, at: int) -> bytes:
        """Return the signed bytes once one key of `use` that counts at a moment signed them."""
        kids = signed.kids
        if len(kids) != 1:
            raise ProofError("This has to carry one signature.", do="Refuse it.")
        self.check(use, kids[0], at)
        return jws.verify(signed, kids[0])

    def log_key(self, origin: str, note: str, at: int | None = None) -> str:
        """Return the verifier key, for the log `origin`, of the key of ours that signed a note.

        Of the keys that count `at` a moment, or of all that were not revoked. ProofError, with what
        is wrong with its key, where only another key of ours signed. The newest where none did:
        checking with it fails, and says so.
        """
        good = self.valid("log", at) if at is not None else self.not_revoked("log")
        keys = self.every("log")
        for key in (*good, *keys):
            if signed_by(note, vkey_for(origin, key)):
                if key not in good:
                    self.check("log", key, at or 0)
                return vkey_for(origin, key)
        return vkey_for(origin, keys[0])

    def revoked(self, use: str) -> tuple[str, ...]:
        """Return the keys of a use that were revoked, newest first."""
        return tuple(key for key in self.every(use) if self.spans[use, key].revoked is not None)

    def not_revoked(self, use: str) -> tuple[str, ...]:
        """Return the keys of a use that were never revoked, newest first."""
        return tuple(key for key in self.every(use) if self.spans[use, key].revoked is None)


def verify_all(signed: jws.Signed, at: int, theirs: Cards, ours: Cards) -> bytes:
    """Return the bytes that both parties signed, each with a key of its own.

    Theirs has to count at the moment `at`; ours is one that we ever had: we know what we signed.
    """
    mine = [each for each in signed.kids if each in ours.every("sign")]
    other = [each for each in signed.kids if each not in mine]
    for each in other:
        theirs.check("sign", each, at)
    return jws.verify(
        signed, *(mine[:1] or [ours.newest.sign]), *(other[:1] or [theirs.newest.sign])
    )


def _spans(
    known: dict[tuple[str, str], Span], card: Card, *, first: bool, before: Card | None = None
) -> dict[tuple[str, str], Span]:
    """Add what a card says of keys; a later card may shorten a span, never lengthen it."""
    spans = dict(known)
    begins = 0 if first else card.issued_at
    for each in card.former:
        span = spans.get((each.use, each.key), Span(0, None, None))
        until = each.until_at if span.until_at is None else min(span.until_at, each.until_at)
        spans[each.use, each.key] = Span(span.from_at, until, span.revoked or each.revoked)
    for use in USES:
        key = getattr(card, use)
        old = getattr(before, use) if before else key
        aside = spans.get((use, old))
        if old != key and aside is not None and aside.until_at is None:
            spans[use, old] = aside._replace(until_at=card.issued_at)
        spans.setdefault((use, key), Span(begins, None, None))
    return spans


def revoked_by(cards: Cards, card: Card) -> list[Former]:
    """Return the keys that a card revokes and that were not revoked before."""
    known = {key for key, span in cards.spans.items() if span.revoked is not None}
    return [each for each in card.former if each.revoked and (each.use, each.key) not in known]


# ------------------------------------------------------------------------------------ following


def check_follows(cards: Cards, new: CardFile) -> None:
    """Raise ProofError unless `new` follows on the newest of `cards`."""
    old, card = cards.newest, new.card
    if (card.slug, card.name) != (old.slug, old.name):
        raise _broken("It is of another party, or under another name.")
    if card.replaces != card_hash(old):
        raise _broken("It does not name the card that we have as the one it replaces.")
    if card.issued_at <= old.issued_at:
        raise _broken("It is dated before the card that it replaces.")
    _check_root(cards, new)
    if any((each.use, each.key) not in cards.spans for each in card.former):
        raise _broken("It puts a key aside that was on no card before.")
    public = {parse_vkey(key, kind_of(use))[1] for use, key in cards.spans}
    fresh = [(getattr(card, use), use) for use in USES if getattr(card, use) != getattr(old, use)]
    if any(parse_vkey(key, kind_of(use))[1] in public for key, use in fresh):
        raise _broken("It brings back a key that was put aside.")
    if len(cards.files) >= MOST_CARDS:
        raise _broken(f"There are more than {MOST_CARDS} cards.")


def _check_root(cards: Cards, new: CardFile) -> None:
    old, card = cards.newest, new.card
    if card.root == old.root:
        if card.next_root != old.next_root:
            raise _broken("It names another root key to come, which a root key may not change.")
        return
    if raw_key_hash(card.root) != old.next_root:
        raise _broken("Its root key is neither the one that we have nor the one to come.")
    if card.next_root == old.next_root:
        raise _broken("It commits to no new root key to come.")
    revoked = any(each.revoked for each in revoked_by(cards, card) if each.use == "root")
    if not revoked and not signed_before(new, old.root):
        raise _broken("The root key before has not signed it, and it does not revoke that key.")


def _broken(what: str) -> ProofError:
    return ProofError(
        f"This card does not follow on the one we have. {what}",
        means="Someone else may have made it; it was not taken.",
        do="Have the partner read out the words of its card, and run `tearline party confirm`.",
    )


# ------------------------------------------------------------------------------------ extending


class Extended(NamedTuple):
    """What came of cards that arrived: the chain now, what is new in it, and any two faces."""

    cards: Cards
    new: tuple[CardFile, ...]
    forks: tuple[Fork, ...]


def extend(cards: Cards, arrived: Iterable[CardFile]) -> Extended:
    """Take those of the cards that arrived, in any order, that follow on what we have.

    ProofError when any of them fits nowhere. Where two follow on the same card, neither does more
    than stand as evidence: what we had stays.
    """
    by_hash = {card_hash(each.card): each for each in arrived}
    rest = {name: each for name, each in by_hash.items() if name not in cards.hashes}
    older = cards.files[0].card.replaces
    while older in rest:  # what led to the card that people confirmed, they confirmed with it
        older = rest.pop(older).card.replaces
    forks = _forks_behind(cards, rest)
    new: list[CardFile] = []
    while True:
        after = [name for name, each in rest.items() if each.card.replaces == cards.hashes[-1]]
        for name in after:
            check_follows(cards, rest[name])
        if len(after) > 1:
            found = [rest.pop(name) for name in sorted(after)]
            forks += [Fork(found[0], each) for each in found[1:]]
        if len(after) != 1:
            break
        new.append(rest.pop(after[0]))
        cards = Cards((*cards.files, new[-1]))
    if forks:
        return Extended(Cards(cards.files[: len(cards.files) - len(new)]), (), tuple(forks))
    for each in rest.values():
        if card_hash(each.card) not in cards.hashes:
            check_follows(cards, each)
    return Extended(cards, tuple(new), ())


def _forks_behind(cards: Cards, rest: dict[str, CardFile]) -> list[Fork]:
    """Take out of `rest` what follows on a card of ours that another card followed on already."""
    forks = []
    for place, (name, held) in enumerate(zip(cards.hashes, cards.files[1:], strict=False)):
        for other, each in sorted(rest.items()):
            if each.card.replaces == name:
                check_follows(Cards(cards.files[: place + 1]), each)
                forks.append(Fork(held, each))
                del rest[other]
    return forks
