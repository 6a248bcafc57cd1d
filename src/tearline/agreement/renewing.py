"""Issue a new card of ours: renew it, rotate a key of it, revoke one.

Each is the same course, and a kill at any point leaves a node that works, with the old card or the
new one:

1. the new private keys are on the disk;
2. one transaction: the card is in our store and in our logs, and a message to every partner is in
   the outbox. From here on it counts;
3. the card takes the place of the old one in the home. Whoever opens a home whose store is ahead
   does this step first (`home.finish_card`);
4. private keys that no card needs any more are overwritten and removed. A file system that keeps
   copies of its own, or a backup, may still have them.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.agreement.card import (
    USES,
    Card,
    CardFile,
    Former,
    card_hash,
    raw_key_hash,
    read_file,
    write_card,
)
from tearline.agreement.cards_held import our_cards
from tearline.agreement.fitting import LIVE
from tearline.agreement.home import Home, expires, finish_card, write_card_file
from tearline.agreement.key_files import Keys, key_file, read_key, vkey_of, write_key
from tearline.agreement.outbox import enqueue
from tearline.agreement.rotation import Cards
from tearline.agreement.signing import say, suspend_all
from tearline.errors import MisuseError, RefusedError
from tearline.log import record
from tearline.log.committing import LOG as NODE_LOG
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, cards, logs, owner, parties
from tearline.store.database import Tx

OVERLAP_DAYS = 30
MOST_OVERLAP_DAYS = 366
_US_PER_DAY = 86_400_000_000
_LONGEST = 300


class _Draft(NamedTuple):
    """A card to issue: what it says, its keys, and those of them to write first.

    `prior` is the root key before, where the root key changes.
    """

    card: Card
    keys: Keys
    made: Mapping[Path, Ed25519PrivateKey]
    prior: Ed25519PrivateKey | None


class _Ahead(Home):
    """Our home as it will be once a card that counts already stands in its file."""

    __slots__ = ()

    @property
    def identity(self) -> tuple[Card, Keys]:
        """The card and keys to come."""
        return self._held[1:]


def renew(home: Home, url: str | None, *, tls: tuple[str, ...] | None = None, now: int) -> CardFile:
    """Issue our card again, with another address, other TLS keys and a new span; our keys stay."""
    with _alone(home):
        card, keys = home.identity
        draft = msgspec.structs.replace(
            card, url=url.rstrip("/") if url else None, tls=card.tls if tls is None else tls
        )
        return _issue(home, _Draft(draft, keys, {}, None), now)


def rotate(
    home: Home,
    use: str,
    *,
    overlap_days: int = OVERLAP_DAYS,
    next_root: Path | None = None,
    now: int,
) -> CardFile:
    """Put a new key in the place of one of ours; both count for `overlap_days`.

    The root key changes at once and to the one that our card committed to: its file is `next_root`
    or lies in the home. MisuseError for another use or span, RefusedError when that key is missing.
    """
    _check_use(use)
    if not 0 <= overlap_days <= MOST_OVERLAP_DAYS:
        raise MisuseError(f"Keys overlap for 0 to {MOST_OVERLAP_DAYS} days.", do="Give a number.")
    with _alone(home):
        card, keys = home.identity
        if use == "root":
            return _issue(home, _with_next_root(home, card, keys, next_root), now)
        until = format_timestamp(now + overlap_days * _US_PER_DAY, digits=6)
        aside = Former(use=use, key=getattr(card, use), until=until)
        card = msgspec.structs.replace(card, former=(*card.former, aside))
        return _issue(home, _with_fresh(home, card, keys, use), now)


def revoke(
    home: Home,
    use: str,
    since_at: int,
    reason: str,
    *,
    next_root: Path | None = None,
    now: int,
) -> CardFile:
    """Say that someone else may have a key of ours since a moment, and put a new one in its place.

    Keys of that use that still overlap are revoked with it. Partners suspend what they have with
    us until a person there has compared the words of the new card. MisuseError when the moment is
    ahead or the reason is missing.
    """
    _check_use(use)
    if not reason.strip() or len(reason) > _LONGEST or not reason.isprintable():
        raise MisuseError(
            "A revocation needs a reason.", do=f"Say why, in {_LONGEST} characters at most."
        )
    if since_at > now:
        raise MisuseError(
            "A key cannot be revoked as of a moment to come.",
            do="Name the moment since which someone else may have had it.",
        )
    with _alone(home):
        card, keys = home.identity
        if use == "root":
            draft = _with_next_root(home, card, keys, next_root)
        else:
            draft = _with_fresh(home, card, keys, use)
        former = _revoked(card, use, since_at, reason.strip(), now)
        card = msgspec.structs.replace(draft.card, former=former)
        why = f"We revoked our {use} key: {reason.strip().rstrip('.')}."
        return _issue(home, draft._replace(card=card), now, stop=why)


def _revoked(card: Card, use: str, since_at: int, reason: str, now: int) -> tuple[Former, ...]:
    """Put aside the key in use and those that overlap with it, as revoked."""
    overlapping = [
        each
        for each in card.former
        if each.use == use and each.revoked is None and each.until_at > now
    ]
    rest = tuple(each for each in card.former if each not in overlapping)
    gone = [getattr(card, use), *(each.key for each in overlapping)]
    since = format_timestamp(since_at, digits=6)
    return (*rest, *(Former(use=use, key=each, until=since, revoked=reason) for each in gone))


def _check_use(use: str) -> None:
    if use not in USES:
        raise MisuseError(f"A card has no {use!r} key.", do=f"It has {', '.join(USES)}.")


def _with_fresh(home: Home, card: Card, keys: Keys, use: str) -> _Draft:
    key = Ed25519PrivateKey.generate()
    vkey = vkey_of(card.slug, use, key)
    card = msgspec.structs.replace(card, **{use: vkey})
    changed: dict[str, Any] = {use: key}
    return _Draft(card, replace(keys, **changed), {key_file(home.path, use, vkey): key}, None)


def _with_next_root(home: Home, card: Card, keys: Keys, file: Path | None) -> _Draft:
    """Make the root key that the card committed to the root key, and commit to a fresh one."""
    root, to_come = _next_root(home, card, file), Ed25519PrivateKey.generate()
    vkey = vkey_of(card.slug, "root", root)
    after = vkey_of(card.slug, "next", to_come)
    made = {
        key_file(home.path, "root", vkey): root,
        key_file(home.path, "next-root", after): to_come,
    }
    card = msgspec.structs.replace(card, root=vkey, next_root=raw_key_hash(after))
    return _Draft(card, replace(keys, root=root), made, keys.root)


def _next_root(home: Home, card: Card, file: Path | None) -> Ed25519PrivateKey:
    files = [file] if file else sorted((home.path / "keys").glob("next-root*.pem"))
    for each in files:
        if not each.exists():
            raise MisuseError(f"{each} is missing.", do="Name the file of the next root key.")
        key = read_key(each)
        if raw_key_hash(vkey_of(card.slug, "next", key)) == card.next_root:
            return key
    raise RefusedError(
        "The root key that our card committed to is not here.",
        means="Partners take no other root key without comparing words again.",
        do="Give the file that was moved to a safe place, with --next-root.",
    )


# ------------------------------------------------------------------------------------- issuing


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Change our card in one process at a time, from the newest card that the store has."""
    with os.fdopen(os.open(home.path / "card.lock", os.O_RDWR | os.O_CREAT, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        finish_card(home.path, home.store, home.card)
        yield


def _issue(home: Home, draft: _Draft, now: int, *, stop: str | None = None) -> CardFile:
    before = home.card
    issued_at = max(now, before.issued_at + 1)
    card = msgspec.structs.replace(
        draft.card,
        replaces=card_hash(before),
        issued=format_timestamp(issued_at, digits=6),
        expires=expires(issued_at),
        former=tuple(each for each in draft.card.former if each.revoked or each.until_at > now),
    )
    file = read_file(write_card(card, draft.keys.root, draft.prior))
    for path, key in draft.made.items():
        write_key(path, key)
    _keep(_Ahead(home.path, home.settings, home.store, card, draft.keys), file, now, stop)
    write_card_file(home.path, file.document)
    erase_unused(home, now=now)
    return file


def _keep(home: Home, file: CardFile, now: int, stop: str | None) -> None:
    """Make a card of ours count: store, logs and a message to each partner, all or nothing.

    With `stop`, suspend what runs, so that our new key answers for what we said before.
    """
    with home.store.write() as tx:
        held = our_cards(tx, home)
        chain = Cards((*held.files, file))
        place = cards.chain(tx, home.slug)[-1].place + 1
        row = cards.CardRow(home.slug, place, card_hash(file.card), file.document, now, now)
        cards.add(tx, row)
        owner.set_root(tx, file.card.root)
        log_card(tx, file, logs.names(tx), now=now)
        body = {"cards": [canonical.parse_canonical(each.document) for each in chain.files]}
        for partner in parties.partners(tx):
            if partner.card is not None:
                agreements.drop_pending(tx, "card", partner.slug)
                enqueue(tx, "card", partner.slug, body, now=now)
        if stop is not None:
            _stop(tx, home, stop, now)


def _stop(tx: Tx, home: Home, why: str, now: int) -> None:
    """Suspend what runs, and withdraw what is open: its text names the key that was revoked."""
    versions = [each for each in agreements.every_version(tx) if not each.one_sided]
    suspend_all(tx, home, [each for each in versions if each.state in LIVE], why, now=now)
    for each in versions:
        if each.state == "proposed" and each.ours:
            say(tx, home, each, "withdrawn", why, now=now)


def log_card(tx: Tx, file: CardFile, names: list[str], *, now: int) -> None:
    """Append a card, ours or a partner's, to those of our logs that are named."""
    entry: dict[str, Any] = {
        "kind": "card",
        "party": file.card.slug,
        "card": card_hash(file.card),
        "replaces": file.card.replaces,
        "file": canonical.parse_canonical(file.document),
    }
    for name in names:
        if name == record.PRIVATE or (name.startswith("ours/") and name != NODE_LOG):
            record.append(tx, name, "card", [entry], at=now, agreement=None)


# ------------------------------------------------------------------------------------- erasing


def erase_unused(home: Home, *, now: int) -> list[str]:
    """Overwrite and remove the private keys that our card needs no more; return their files.

    A key that was put aside goes when its overlap is over, a revoked one at once.
    """
    card = home.card
    needed = {getattr(card, use) for use in USES}
    needed |= {each.key for each in card.former if not each.revoked and each.until_at > now}
    erased = []
    for path in sorted((home.path / "keys").glob("*.pem")):
        use = _use_of(path)
        if use not in {*USES, "next-root"}:  # the keys of TLS go their own way
            continue
        key = read_key(path)
        if use == "next-root":
            kept = raw_key_hash(vkey_of(card.slug, "next", key)) == card.next_root
        else:
            kept = vkey_of(card.slug, use, key) in needed
        if not kept:
            _erase(path)
            erased.append(path.name)
    return erased


def _use_of(path: Path) -> str:
    stem = path.stem
    return "next-root" if stem.startswith("next-root") else stem.partition("-")[0]


def _erase(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def erase_expired(home: Home, *, now: int) -> list[str]:
    """Do what `erase_unused` does, unless someone changes our card just now."""
    if not any(each.until_at <= now for each in home.card.former if not each.revoked):
        return []
    with os.fdopen(os.open(home.path / "card.lock", os.O_RDWR | os.O_CREAT, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return []
        return erase_unused(home, now=now)
