"""Checking logs and receipts of anyone, with a key that was given or that is pinned here."""

from pathlib import Path
from typing import Any

import orjson

from tearline.agreement.card import read_cards
from tearline.agreement.log_keys import key_for
from tearline.agreement.rotation import Cards
from tearline.cli.options import open_home, place_of, read_bytes
from tearline.cli.terminal import count, joined
from tearline.errors import InputError, MisuseError, ProofError
from tearline.log.checkpoint import parse_vkey
from tearline.log.verify import Verdict, verify_folder, verify_growth, verify_receipt

_ORIGIN = 500
_NOTE = 1 << 20


def check_folder(
    directory: Path, since: Path | None, vkey: str | None, card: Path | None, home: Path | None
) -> Verdict:
    """Check a log folder, and that it only grew since an older one if that is named."""
    if not directory.is_dir():
        raise MisuseError(f"{directory} is not a folder.", do="Name the folder of a log.")
    note = _note_of(directory)
    key = vkey or _card_key(note, card) or _pinned(note, home)
    return verify_growth(since, directory, key) if since else verify_folder(directory, key)


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


def check_receipt(
    path: Path, vkey: str | None, card: Path | None, home: Path | None
) -> dict[str, Any]:
    """Return what a receipt proves; ProofError when it does not hold or no key here fits it."""
    try:
        document = orjson.loads(read_bytes(path))
    except orjson.JSONDecodeError as error:
        raise InputError("This is not a receipt: no JSON.", place=str(path)) from error
    note = document.get("checkpoint") if isinstance(document, dict) else None
    if not isinstance(note, str):
        raise ProofError(
            "The receipt is not of the form that receipts have.", do="Ask for it again."
        )
    origin = _origin_of(note)
    key = vkey or _card_key(note, card) or _pinned(note, home)
    if key is None:
        raise ProofError(
            f"No key here is of the log {origin!r}.",
            means="Without its key a receipt proves nothing.",
            do="Give the owner's --card, or the log's --vkey.",
        )
    record = verify_receipt(document, key)
    origin = parse_vkey(key)[0]
    return {"good": True, "origin": origin, "leaf": document["index"], "record": record}


def receipt_lines(found: dict[str, Any]) -> list[str]:
    """Say what a receipt proves."""
    content = orjson.dumps(found["record"], option=orjson.OPT_INDENT_2).decode()
    line = f"The receipt holds. Leaf {found['leaf']} of {found['origin']} has this record:"
    return [line, *content.splitlines()]


def _note_of(directory: Path) -> str:
    try:
        with (directory / "checkpoint").open("rb") as file:
            return file.read(_NOTE).decode("utf-8", "replace")
    except OSError:
        return ""


def _origin_of(note: str) -> str:
    return note.partition("\n")[0][:_ORIGIN]


def _card_key(note: str, path: Path | None) -> str | None:
    """Derive the log's key from its owner's cards; ProofError when the log is not of that party."""
    if path is None:
        return None
    cards, origin = Cards(read_cards(read_bytes(path))), _origin_of(note)
    if not _is_of(cards, origin):
        raise ProofError(
            f"The log {origin!r} is not of {cards.newest.name}.", do="Give the card of its owner."
        )
    return cards.log_key(origin, note)


def _pinned(note: str, home: Path | None) -> str | None:
    """Derive the log's key from our cards or pinned ones, when its name says that it is theirs."""
    if not (place_of(home).expanduser() / "card.json").exists():
        return None
    opened = open_home(home)
    with opened.store.read() as tx:
        return key_for(tx, opened, note)


def _is_of(cards: Cards, origin: str) -> bool:
    return origin.startswith(f"{cards.newest.slug}/log/")
