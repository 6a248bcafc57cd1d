"""A party's card: who it is, its public keys, where it answers; signed by its root key.

The card is canonical JSON under a root signature. Which root key is the right one, no signature can
say: people compare the eight check words by telephone. Trust on first use is refused.

A card names the card it replaces, and the keys that it puts aside: `rotation` says what follows.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple

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
CARDS_SCHEMA = "tearline-cards/1"
MAX_BYTES = 32 * 1024
USES = ("root", "sign", "log", "witness")
"""What keys are for, as cards name them; each key has one use and no other."""

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORDS = 8

Moment = Annotated[str, Meta(max_length=40)]


class Former(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key that a card puts aside: the moment from which it counts no longer.

    `revoked` says why, where someone else may have had the key since that moment.
    """

    use: Annotated[str, Meta(pattern=r"\A[a-z]{2,16}\Z")]
    key: Vkey
    until: Moment
    revoked: Line | None = None

    @property
    def until_at(self) -> int:
        """The first moment at which it counts no longer, in microseconds."""
        return parse_timestamp(self.until)


class Card(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a party says of itself.

    `root` signs cards, `sign` signs agreements and statements, `log` signs checkpoints, `witness`
    cosigns those of others: verifier keys named slug/root, slug/sign, slug/log and slug/witness.
    `next_root` is the hash of the root key to come. `tls` names the keys that its address may show:
    the hashes of their SubjectPublicKeyInfo. `replaces` is the hash of the card before this one;
    `former` are the keys it puts aside.
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
    replaces: Hash | None = None
    former: Annotated[tuple[Former, ...], Meta(max_length=64)] = ()

    @property
    def issued_at(self) -> int:
        """The moment from which this card counts, in microseconds."""
        return parse_timestamp(self.issued)

    @property
    def expires_at(self) -> int:
        """The first moment at which this card no longer counts, in microseconds."""
        return parse_timestamp(self.expires)


class CardFile(NamedTuple):
    """A card with its file; `prior` is the signature of the root key that was pinned before."""

    card: Card
    document: bytes
    prior: str | None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    card: msgspec.Raw
    signature: str
    prior: str | None = None


class _Several(Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal["tearline-cards/1"]
    cards: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=1000)]


def write_card(
    card: Card, root_key: Ed25519PrivateKey, prior: Ed25519PrivateKey | None = None
) -> bytes:
    """Return the file that carries `card`: the card, and the root key's signature of its bytes.

    With `prior`, also the signature of the root key before it, which a new root key needs.
    """
    body = card_bytes(card)
    file: dict[str, Any] = {
        "card": canonical.parse_canonical(body),
        "signature": _signature(root_key, body),
    }
    if prior is not None:
        file["prior"] = _signature(prior, body)
    return canonical.canonical(file)


def read_card(document: bytes) -> Card:
    """Return the card in a file, once its root key is seen to have signed it.

    InputError when it is no card; ProofError when a signature, key or name does not hold.
    """
    return read_file(document).card


def read_file(document: bytes) -> CardFile:
    """Return the card in a file with the file itself, checked as `read_card` does."""
    if len(document) > MAX_BYTES:
        raise InputError("This is too large for a card.", do="Ask the party for its card file.")
    try:
        file = msgspec.json.decode(document.strip(), type=_File)
        card = msgspec.json.decode(file.card, type=Card)
        span = parse_timestamp(card.issued), parse_timestamp(card.expires)
        ends = [each.until_at for each in card.former]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(
            f"This is not a card: {error}.",
            do="Ask the party for what `tearline card --out` writes.",
        ) from error
    texts = [card.name, *(each.revoked for each in card.former if each.revoked)]
    if span[0] >= span[1] or not all(map(str.isprintable, texts)):
        raise InputError("The dates or the name of this card are not in order.", do="Refuse it.")
    _check_keys(card)
    _check_former(card, dict(zip(card.former, ends, strict=True)))
    if not _is_signed(card.root, bytes(file.card), file.signature) or card_bytes(card) != bytes(
        file.card
    ):
        raise ProofError(
            "The signature of this card does not hold.",
            means="The card was changed, or someone else made it.",
            do="Refuse it and ask the party for its card again.",
        )
    return CardFile(card, document.strip(), file.prior)


def write_cards(files: Iterable[CardFile]) -> bytes:
    """Return the file that carries several cards of one party, oldest first."""
    cards = [canonical.parse_canonical(each.document) for each in files]
    return canonical.canonical({"schema": CARDS_SCHEMA, "cards": cards})


def read_cards(document: bytes) -> list[CardFile]:
    """Return the cards in a file that carries one or several, each checked as `read_card` does."""
    try:
        found = msgspec.json.decode(document.strip(), type=_Several)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return [read_file(document)]
    return [read_file(bytes(each)) for each in found.cards]


def signed_before(file: CardFile, root: str) -> bool:
    """Whether the root key before, `root`, signed the card in `file` too."""
    return file.prior is not None and _is_signed(root, card_bytes(file.card), file.prior)


def raw_key_hash(key: str) -> str:
    """Return the hash by which a card commits to a root key to come: of its 32 raw bytes."""
    return canonical.sha256(parse_vkey(key)[1])


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


def _check_former(card: Card, ends: dict[Former, int]) -> None:
    """See that no key is put aside and in use at once, or put aside twice."""
    current = {parse_vkey(getattr(card, use), kind_of(use))[1] for use in USES}
    aside = [parse_vkey(each.key, kind_of(each.use)) for each in ends]
    named = all(
        name == f"{card.slug}/{each.use}" for (name, _), each in zip(aside, ends, strict=True)
    )
    public = {each for _, each in aside}
    if not named or len(public) != len(card.former) or public & current:
        raise ProofError(
            "The keys that this card puts aside are not in order.",
            means="One is another party's, is named twice, or is in use still.",
            do="Refuse the card and ask the party for its own.",
        )
    if any(end > card.expires_at for end in ends.values()):
        raise ProofError("A key is put aside for after this card's end.", do="Refuse the card.")


def _signature(key: Ed25519PrivateKey, body: bytes) -> str:
    return base64.b64encode(key.sign(body)).decode()


def _is_signed(vkey: str, body: bytes, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(parse_vkey(vkey)[1])
        key.verify(base64.b64decode(signature, validate=True), body)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
