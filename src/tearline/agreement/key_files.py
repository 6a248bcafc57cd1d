"""The private keys of a node, as they lie in its home.

A key made later than the first has its id in the name of its file; the card says which one counts.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tearline.agreement.card import USES, Card, kind_of, read_card
from tearline.errors import HomeError, InputError, ProofError
from tearline.log.checkpoint import vkey


class FormerKey(NamedTuple):
    """A private key that our card puts aside: its use, until when it counts, the key."""

    use: str
    until_at: int
    key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The private keys of a node, and the secret behind its derived identifiers.

    `former` are those put aside that may still count; none that was revoked.
    """

    root: Ed25519PrivateKey
    sign: Ed25519PrivateKey
    log: Ed25519PrivateKey
    witness: Ed25519PrivateKey
    secret: bytes
    former: tuple[FormerKey, ...] = ()


def read_identity(path: Path) -> tuple[Card, Keys]:
    """Read the card of a home and the keys that it names."""
    try:
        card = read_card((path / "card.json").read_bytes())
        secret = _read_secret(path / "keys" / "secret")
        keys = {use: _key_for(path, card, use) for use in USES}
        former = tuple(_former_keys(path, card))
    except FileNotFoundError as error:
        raise HomeError(
            f"{error.filename} is missing, so {path} is no home of a node.",
            do="Run `tearline init`, or name the right folder with --home.",
        ) from error
    except (InputError, ProofError, OSError, ValueError) as error:
        raise HomeError(f"The home {path} cannot be used: {error}", do="Restore it.") from error
    return card, Keys(**keys, secret=secret, former=former)


def _key_for(path: Path, card: Card, use: str) -> Ed25519PrivateKey:
    """Return the private key of one use that the card names; HomeError when it is not there."""
    vkey = getattr(card, use)
    plain = path / "keys" / f"{use}.pem"
    named = key_file(path, use, vkey)
    key = read_key(named if named.exists() else plain)
    if vkey_of(card.slug, use, key) != vkey:
        raise HomeError(
            f"The {use} key of {path} is not the one on its card.",
            means="Partners would refuse everything that this node signs.",
            do="Restore the keys and the card that were made together.",
        )
    return key


def _former_keys(path: Path, card: Card) -> Iterator[FormerKey]:
    for each in card.former:
        if each.revoked is None and each.use != "root":
            for file in (key_file(path, each.use, each.key), path / "keys" / f"{each.use}.pem"):
                if file.exists():
                    key = read_key(file)
                    if vkey_of(card.slug, each.use, key) == each.key:
                        yield FormerKey(each.use, each.until_at, key)
                        break


def key_file(path: Path, use: str, vkey: str) -> Path:
    """Return where the private key behind a verifier key lies that was made after the first."""
    return path / "keys" / f"{use}-{vkey.split('+')[1]}.pem"


def has_keys(path: Path, card: Card) -> bool:
    """Whether the keys of a card are here; on another machine of the node they may be still."""
    try:
        return all(_key_for(path, card, use) for use in USES)
    except (HomeError, OSError):
        return False


def write_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a private key durably, so that only we can read it."""
    write_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def vkey_of(slug: str, use: str, key: Ed25519PrivateKey) -> str:
    """Return the verifier key of a private key: named after the party and its use."""
    return vkey(f"{slug}/{use}", key.public_key().public_bytes_raw(), kind_of(use))


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only we can read, durably: on the disk before this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file; HomeError when others can read it, or it is none."""
    key = load_pem_private_key(_read_secret(path), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise HomeError(f"{path} holds no Ed25519 key.", do="Restore the key that was there.")
    return key


def _read_secret(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise HomeError(
            f"{path} can be read by other users of this machine.",
            means="Whoever reads it can speak for this party.",
            do=f"Run `chmod 600 {path}`.",
        )
    return path.read_bytes()
