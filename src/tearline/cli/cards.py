"""A card as it is shown, ours or a partner's."""

from pathlib import Path
from typing import Any

import msgspec

from tearline.agreement.card import Card, card_hash, check_words, read_card
from tearline.errors import MisuseError
from tearline.stix.canonical import parse_canonical


def refuse_before_verb(out: Path | None, home: Path | None, *, as_json: bool) -> None:
    """Raise MisuseError when options of `card` itself stand before one of its verbs."""
    if out is not None or home is not None or as_json:
        raise MisuseError("Options stand after the verb.", do="Run the verb with --help.")


def value(home: Path) -> dict[str, Any]:
    """Return our card as JSON: what it says, its words, its hash, and the file for partners."""
    content = (home / "card.json").read_bytes()
    return described(read_card(content)) | {"file": parse_canonical(content.strip())}


def described(card: Card) -> dict[str, Any]:
    """Return what a card says, with its words and its hash."""
    name = card_hash(card)
    return {"card": msgspec.to_builtins(card), "words": check_words(name), "hash": name}


def lines(card: Card) -> list[str]:
    """Return a card as people read it, the check words last."""
    aside = [
        f"Aside     {each.use} {each.key.split('+')[1]}, "
        + (f"revoked as of {each.until}: {each.revoked}" if each.revoked else f"until {each.until}")
        for each in card.former
    ]
    return [
        f"Name      {card.name}",
        f"Short     {card.slug}",
        f"Address   {card.url or 'none: messages are carried by file'}",
        f"Valid     {card.issued} to {card.expires}",
        f"Signs     {card.sign}",
        f"Logs      {card.log}",
        f"Witnesses {card.witness}",
        *aside,
        f"Hash      {card_hash(card)}",
        f"Words     {check_words(card_hash(card))}",
    ]
