"""Checking a receipt that somebody brings: what it proves, or why it proves nothing.

The command line and the page call this; the proof itself is checked by `log.receipt`, which needs
a key and no more.
"""

from collections.abc import Callable
from typing import Any

import orjson

from tearline.errors import InputError, ProofError
from tearline.log.receipt import note_in, prove

_ORIGIN = 500


def read_receipt(raw: bytes, place: str = "") -> dict[str, Any]:
    """Return a receipt, unchecked; InputError for what is no JSON, ProofError for no receipt."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InputError("This is not a receipt: no JSON.", place=place) from error
    if not isinstance(document, dict) or note_in(document) is None:
        raise ProofError(
            "The receipt is not of the form that receipts have.", do="Ask for it again."
        )
    return document


def origin_in(note: str) -> str:
    """Return the origin that a signed head names, unchecked."""
    return note.partition("\n")[0][:_ORIGIN]


def check_receipt(document: dict[str, Any], key_for: Callable[[str], str | None]) -> dict[str, Any]:
    """Return what a receipt proves; ProofError when it does not hold or no key here fits it.

    `key_for` finds the key of a signed head, None where nobody here knows it.
    """
    note = note_in(document) or ""
    key = key_for(note)
    if key is None:
        raise ProofError(
            f"No key here is of the log {origin_in(note)!r}.",
            means="Without its key a receipt proves nothing.",
            do="Give the owner's --card, or the log's --vkey.",
        )
    proven = prove(document, key)
    return {
        "good": True,
        "origin": proven.checkpoint.origin,
        "leaf": proven.leaf,
        "item": proven.item,
        "at": proven.at,
        "size": proven.checkpoint.size,
        "record": proven.record,
    }
