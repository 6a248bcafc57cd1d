"""A card as it is shown, ours or a partner's."""

from pathlib import Path
from typing import Any

import msgspec

from tearline.agreement.card import Card, card_hash, check_words, read_card
from tearline.stix.canonical import parse_canonical


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
    return [
        f"Name      {card.name}",
        f"Short     {card.slug}",
        f"Address   {card.url or 'none: messages are carried by file'}",
        f"Valid     {card.issued} to {card.expires}",
        f"Signs     {card.sign}",
        f"Logs      {card.log}",
        f"Witnesses {card.witness}",
        f"Hash      {card_hash(card)}",
        f"Words     {check_words(card_hash(card))}",
    ]
