"""Checking logs and receipts of anyone, with a key that was given or that is pinned here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tearline.agreement import log_keys, receipts
from tearline.agreement.card import CardFile, read_cards
from tearline.agreement.receipts import origin_in, read_receipt
from tearline.agreement.rotation import Cards
from tearline.cli.options import open_home, place_of, read_bytes, write_bytes
from tearline.cli.terminal import count, joined
from tearline.errors import MisuseError, ProofError
from tearline.log.checkpoint import parse_vkey, vkey_for
from tearline.log.verify import Verdict, verify_folder

_NOTE = 1 << 20


class Given(NamedTuple):
    """What logs are checked with: keys, cards, the home that may know more, and older copies."""

    vkeys: Sequence[str] | None = None
    cards: Sequence[Path] | None = None
    home: Path | None = None
    since: Sequence[Path] | None = None


def check_folder(directory: Path, given: Given) -> Verdict:
    """Check a log folder, and that it only grew since older copies and checkpoints of it."""
    if not directory.is_dir():
        raise MisuseError(f"{directory} is not a folder.", do="Name the folder of a log.")
    note = note_of(directory)
    key = key_for(note, given)
    return verify_folder(directory, key, given.since or (), former=former_for(note, given))


def key_for(note: str, given: Given) -> str | None:
    """Return the key that a log's head has to be signed by: given, on a card, or known to the home.

    ProofError where keys or cards were given, and none is of the log.
    """
    origin = origin_in(note)
    named = {parse_vkey(each)[0]: each for each in given.vkeys or ()}
    if origin in named:
        return named[origin]
    cards = cards_in(given)
    owner = next((each for each in cards if _is_of(each, origin)), None)
    if owner is None and cards:
        names = joined(each.newest.name for each in cards)
        raise ProofError(f"The log {origin!r} is not of {names}.", do="Give the card of its owner.")
    if owner is None and named:
        return next(iter(named.values()))
    return owner.log_key(origin, note) if owner else _pinned(note, given.home)


def cards_in(given: Given) -> list[Cards]:
    """Return the cards that were given, of each party as a chain; ProofError where they are none.

    One party's may be in one file or in several.
    """
    found: dict[str, dict[bytes, CardFile]] = {}
    for path in given.cards or ():
        for each in read_cards(read_bytes(path)):
            found.setdefault(each.card.slug, {})[each.document] = each
    return [
        Cards(sorted(files.values(), key=lambda each: each.card.issued_at))
        for files in found.values()
    ]


def former_for(note: str, given: Given) -> tuple[str, ...]:
    """Return the keys by which earlier heads of a log may be signed, revoked since or not.

    That an earlier head fits the log is shown by the log; the key only says whose it was.
    """
    origin = origin_in(note)
    every = [each.every("log") for each in cards_in(given) if _is_of(each, origin)]
    keys = every[0] if every else ()
    if given.cards or given.vkeys or not _is_home(given.home):
        return tuple(vkey_for(origin, each) for each in keys)
    opened = open_home(given.home)
    with opened.store.read() as tx:
        return log_keys.ever_for(tx, origin)


def verdict_value(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON."""
    return {
        "good": verdict.good,
        "pinned": verdict.pinned,
        "origin": verdict.origin,
        "size": verdict.size,
        "root": verdict.root.hex(),
        "kinds": dict(verdict.kinds),
        "records": verdict.records,
        "unopened": verdict.unopened,
        "problems": verdict.problems,
    }


def verdict_lines(verdict: Verdict) -> list[str]:
    """Say what holds and what does not."""
    kinds = joined(f"{number} {kind}" for kind, number in sorted(verdict.kinds.items()))
    unopened = count(verdict.unopened, "leaf", "leaves")
    lines = [
        f"{verdict.origin}: {count(verdict.size, 'leaf', 'leaves')} ({kinds})",
        f"{count(verdict.records, 'record')} opened, {unopened} unopened.",
        f"Root {verdict.root.hex()}",
    ]
    if not verdict.pinned:
        lines.append(
            "Warning: checked with the folder's own key, which shows that it is consistent, not "
            "whose it is. Give --card or --vkey."
        )
    lines += [f"Does not hold: {each}" for each in verdict.problems]
    return [*lines, "Everything holds." if verdict.good else "This log does not hold."]


def check_receipt(path: Path, given: Given) -> dict[str, Any]:
    """Return what a receipt proves; ProofError when it does not hold or no key here fits it."""
    document = read_receipt(read_bytes(path), str(path))
    return receipts.check_receipt(document, lambda note: key_for(note, given))


def split_receipt(path: Path, directory: Path) -> None:
    """Write the leaf of a receipt and its tlog-proof as files that other tools read."""
    document = read_receipt(read_bytes(path), str(path))
    directory.mkdir(parents=True, exist_ok=True)
    write_bytes(directory / "leaf", document["leaf"].encode())
    write_bytes(directory / "leaf.tlog-proof", document["proof"].encode())


def receipt_lines(found: dict[str, Any]) -> list[str]:
    """Say what a receipt proves."""
    content = orjson.dumps(found["record"], option=orjson.OPT_INDENT_2).decode()
    line = f"The receipt holds. Leaf {found['leaf']} of {found['origin']} has this record:"
    return [line, *content.splitlines()]


def note_of(place: Path) -> str:
    """Return the signed head in a folder or a file, unchecked; '' if there is none."""
    file = place / "checkpoint" if place.is_dir() else place
    try:
        with file.open("rb") as opened:
            return opened.read(_NOTE).decode("utf-8", "replace")
    except OSError:
        return ""


def _pinned(note: str, home: Path | None) -> str | None:
    """Derive the log's key from our cards or pinned ones, when its name says that it is theirs."""
    if not _is_home(home):
        return None
    opened = open_home(home)
    with opened.store.read() as tx:
        return log_keys.key_for(tx, opened, note)


def _is_home(home: Path | None) -> bool:
    return (place_of(home).expanduser() / "card.json").exists()


def _is_of(cards: Cards, origin: str) -> bool:
    return origin.startswith(f"{cards.newest.slug}/log/")
