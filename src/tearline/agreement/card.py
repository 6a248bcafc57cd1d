"""A party's card: who it is, its public keys, where it answers; signed by its root key.

The card is canonical JSON under a root signature. Which root key is the right one, no signature can
say: people compare the eight check words by telephone. Trust on first use is refused.
"""

import base64
import binascii
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from tearline.agreement.document import Hash, Line, Slug, Vkey
from tearline.errors import InputError, ProofError
from tearline.log.checkpoint import COSIGNATURE, ED25519, parse_vkey
from tearline.stix import canonical
from tearline.stix.timestamp import parse_timestamp

SCHEMA: Literal["tearline-card/1"] = "tearline-card/1"
MAX_BYTES = 16 * 1024
USES = ("root", "sign", "log", "witness")
"""What each of the keys on a card is for; it is named after it."""

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORDS = 8

Moment = Annotated[str, Meta(max_length=40)]


class Card(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a party says of itself.

    `root` signs cards, `sign` signs agreements and statements, `log` signs checkpoints, `witness`
    cosigns those of others: verifier keys named slug/root, slug/sign, slug/log and slug/witness.
    `next_root` is the hash of the root key to come. `tls` names the keys that its address may show:
    the hashes of their SubjectPublicKeyInfo.
    """

    schema: Literal["tearline-card/1"] = SCHEMA
    name: Line
    slug: Slug
    root: Vkey
    sign: Vkey
    log: Vkey
    witness: Vkey
    next_root: Hash
    url: Annotated[str, Meta(pattern=r"\Ahttps?://[!-~]{1,500}\Z")] | None
    tls: Annotated[tuple[Hash, ...], Meta(max_length=8)] = ()
    issued: Moment
    expires: Moment

    @property
    def expires_at(self) -> int:
        """The first moment at which this card no longer counts, in microseconds."""
        return parse_timestamp(self.expires)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    card: msgspec.Raw
    signature: str


def write_card(card: Card, root_key: Ed25519PrivateKey) -> bytes:
    """Return the file that carries `card`: the card, and the root key's signature of its bytes."""
    body = card_bytes(card)
    signature = base64.b64encode(root_key.sign(body)).decode()
    return canonical.canonical({"card": canonical.parse_canonical(body), "signature": signature})


def read_card(document: bytes) -> Card:
    """Return the card in a file, once its root key is seen to have signed it.

    InputError when it is no card; ProofError when a signature, key or name does not hold.
    """
    if len(document) > MAX_BYTES:
        raise InputError("This is too large for a card.", do="Ask the party for its card file.")
    try:
        file = msgspec.json.decode(document.strip(), type=_File)
        card = msgspec.json.decode(file.card, type=Card)
        span = parse_timestamp(card.issued), parse_timestamp(card.expires)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(
            f"This is not a card: {error}.",
            do="Ask the party for what `tearline card --out` writes.",
        ) from error
    if span[0] >= span[1] or not card.name.isprintable():
        raise InputError("The dates or the name of this card are not in order.", do="Refuse it.")
    _check_keys(card)
    _check_signature(card, bytes(file.card), file.signature)
    return card


def card_bytes(card: Card) -> bytes:
    """Return the bytes that the root key signs: RFC 8785."""
    return canonical.canonical(msgspec.to_builtins(card))


def card_hash(card: Card) -> str:
    """Return the name of this card: `sha256:` and 64 hex digits over its signed bytes."""
    return canonical.sha256(card_bytes(card))


def check_words(name: str) -> str:
    """Return the eight words that people compare by voice: proquints of half the card hash.

    128 bits: nobody can make a second card with the same words.
    """
    digest = bytes.fromhex(name.removeprefix("sha256:"))
    pairs = [int.from_bytes(digest[i : i + 2], "big") for i in range(0, 2 * _WORDS, 2)]
    return "-".join(_proquint(pair) for pair in pairs)


def same_words(card: Card, words: str) -> bool:
    """Whether `words`, as someone typed them, are the check words of `card`."""
    typed = "-".join(words.casefold().replace("-", " ").split())
    return typed == check_words(card_hash(card))


def _proquint(pair: int) -> str:
    """Sixteen bits as one word that can be said: consonant, vowel, consonant, vowel, consonant."""
    return (
        _CONSONANTS[pair >> 12]
        + _VOWELS[pair >> 10 & 3]
        + _CONSONANTS[pair >> 6 & 15]
        + _VOWELS[pair >> 4 & 3]
        + _CONSONANTS[pair & 15]
    )


def kind_of(use: str) -> bytes:
    """Return the type of the verifier key for a use, as C2SP signed-note numbers them."""
    return COSIGNATURE if use == "witness" else ED25519


def _check_keys(card: Card) -> None:
    keys = {}
    for use in USES:
        name, public = parse_vkey(getattr(card, use), kind_of(use))
        if name != f"{card.slug}/{use}":
            raise ProofError(
                f"The {use} key of this card is named {name}.",
                means="Each key is named after the party and its use, so that none stands in.",
                do="Refuse the card and ask the party for its own.",
            )
        keys[public] = use
    if len(keys) != len(USES):
        raise ProofError(
            "This card uses one key twice.",
            means="A signature for one use could be shown as one for another.",
            do="Refuse it; the party makes a card with `tearline init`.",
        )


def _check_signature(card: Card, sent: bytes, signature: str) -> None:
    body = card_bytes(card)
    _, public = parse_vkey(card.root)
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(base64.b64decode(signature, validate=True), body)
        holds = body == sent
    except (InvalidSignature, binascii.Error, ValueError):
        holds = False
    if not holds:
        raise ProofError(
            "The signature of this card does not hold.",
            means="The card was changed, or someone else made it.",
            do="Refuse it and ask the party for its card again.",
        )
