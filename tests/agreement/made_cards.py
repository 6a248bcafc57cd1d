"""Cards made without a home: an honest owner, and a thief with some of its keys."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.agreement.card import (
    USES,
    Card,
    CardFile,
    Former,
    raw_key_hash,
    read_file,
    write_card,
)
from tearline.agreement.card import card_hash as hash_of
from tearline.agreement.key_files import vkey_of
from tearline.stix.timestamp import format_timestamp

START = 1_767_700_000_000_000
DAY = 86_400_000_000
END = "2036-01-01T00:00:00.000Z"


def key_of(number: int) -> Ed25519PrivateKey:
    """The same key each time for a number, so that failures can be played again."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


@dataclass
class Owner:
    """Who has the keys of a party, and the cards it issued so far."""

    slug: str = "north-cert"
    name: str = "North CERT"
    fresh: int = 1
    now: int = START
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    files: list[CardFile] = field(default_factory=list)

    def new_key(self) -> Ed25519PrivateKey:
        self.fresh += 1
        return key_of(self.fresh)

    def vkey(self, use: str) -> str:
        return vkey_of(self.slug, use, self.keys[use])

    def begin(self) -> "Owner":
        for use in (*USES, "next"):
            self.keys[use] = self.new_key()
        card = Card(
            name=self.name,
            slug=self.slug,
            root=self.vkey("root"),
            sign=self.vkey("sign"),
            log=self.vkey("log"),
            witness=self.vkey("witness"),
            next_root=raw_key_hash(self.vkey("next")),
            url=None,
            issued=format_timestamp(self.now, digits=6),
            expires=END,
        )
        self.files = [read_file(write_card(card, self.keys["root"]))]
        return self

    @property
    def card(self) -> Card:
        return self.files[-1].card

    def issue(self, *, prior: Ed25519PrivateKey | None = None, **changes: Any) -> CardFile:  # noqa: ANN401  # of any field
        """The next card, signed by the root key that it names."""
        self.now += DAY
        fixed: dict[str, object] = {
            "replaces": hash_of(self.card),
            "issued": format_timestamp(self.now, digits=6),
        }
        card = msgspec.structs.replace(self.card, **{**fixed, **changes})
        file = read_file(write_card(card, self.keys["root"], prior))
        self.files.append(file)
        return file

    def renew(self) -> CardFile:
        return self.issue(url="https://north.example")

    def rotate(self, use: str, *, days: int = 30, revoked: str | None = None) -> CardFile:
        ends = format_timestamp(self.now + days * DAY, digits=6)
        aside = Former(use=use, key=self.vkey(use), until=ends, revoked=revoked)
        former = (*self.card.former, aside)
        self.keys[use] = self.new_key()
        changed: dict[str, Any] = {use: self.vkey(use), "former": former}
        return self.issue(**changed)

    def turn_root(self, *, both: bool = True, revoked: str | None = None) -> CardFile:
        old, former = self.keys["root"], self.card.former
        if revoked:
            since = format_timestamp(self.now, digits=6)
            former = (
                *former,
                Former(use="root", key=self.vkey("root"), until=since, revoked=revoked),
            )
        self.keys["root"], self.keys["next"] = self.keys["next"], self.new_key()
        return self.issue(
            prior=old if both else None,
            root=self.vkey("root"),
            next_root=raw_key_hash(self.vkey("next")),
            former=former,
        )

    def twin(self, fresh: int) -> "Owner":
        """Another owner with the same keys and cards: a thief, or a copy of the machine."""
        return Owner(self.slug, self.name, fresh, self.now, dict(self.keys), list(self.files))
