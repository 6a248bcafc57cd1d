"""What the records in the log of an agreement say, read from a folder; pure but for the reading.

Only what two logs are compared by is read; a record of another kind is passed over. Whatever does
not have its form is told, with its place, and not believed.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from tearline.errors import ProofError
from tearline.log.checkpoint import parse_vkey
from tearline.log.verify import Opening, parse_opening
from tearline.stix.canonical import parse_canonical, sha256

Line = Annotated[str, Meta(max_length=2_000)]
Position = Annotated[int, Meta(ge=0, le=2**53)]
Spans = tuple[tuple[Position, Position], ...]
_MOST = 5_000_000
"""The most objects in one delivery, as at the node that takes it."""


class Place(NamedTuple):
    """Where a record stands: the log by its origin, the leaf, the item in the leaf."""

    log: str
    leaf: int
    item: int


class Release(Struct, frozen=True, tag_field="kind", tag="release"):
    """A slip: what was released, under which clause, by which path, and what is attested."""

    agreement: Line
    position: Position
    object: Line
    hash: Line
    clause: Line
    at: Line
    until: Line | None
    path: tuple[Line, ...]
    attested: dict[str, Any]
    start: Line = ""
    version: Line = ""


class Withdrawal(Struct, frozen=True, tag_field="kind", tag="withdraw"):
    """The end of a release, and whether it is recalled too."""

    position: Position
    object: Line
    release: Position
    reason: Line
    recall: bool
    at: Line


class Delivery(Struct, frozen=True, tag_field="kind", tag="delivery"):
    """The giver's word that something was acknowledged."""

    positions: Spans
    hash: Line
    at: Line


class Acceptance(Struct, frozen=True, tag_field="kind", tag="accept"):
    """The receiver's word of what came, and up to where it had read the giver's log."""

    positions: Spans
    hash: Line
    to: Position
    at: Line


class Confirmed(Struct, frozen=True, tag_field="kind", tag="recall-confirmed"):
    """The giver's word that the receiver confirmed recalls."""

    releases: tuple[Position, ...]
    at: Line


class RecallReceipt(Struct, frozen=True, tag_field="kind", tag="recall-receipt"):
    """The receiver's word that a recall was carried out; without an object, how far it went on."""

    release: Position
    at: Line
    object: Line | None = None


class Expiry(Struct, frozen=True, tag_field="kind", tag="expiry"):
    """The receiver's word that something was over by its clock, and is erased."""

    release: Position
    object: Line
    at: Line
    reason: Line


class Certificate(Struct, frozen=True, tag_field="kind", tag="certificate"):
    """The receiver's word that nothing is left of these releases."""

    party: Line
    objects: Position
    positions: Spans
    hash: Line
    at: Line


class Certified(Struct, frozen=True, tag_field="kind", tag="certified"):
    """The giver's word that it took a certificate."""

    hash: Line
    at: Line


class Question(Struct, frozen=True, tag_field="kind", tag="onward-request"):
    """A question about passing an object on, in the log of who asked or who was asked."""

    item: Line
    object: Line
    to: Line
    at: Line


class Answer(Struct, frozen=True, tag_field="kind", tag="onward-answer"):
    """A giver's answer to that, in the log of who gave it or who got it."""

    item: Line
    verdict: Line
    signed: Line
    at: Line


class _Signature(Struct, frozen=True):
    protected: Line
    signature: Line


class _Signed(Struct, frozen=True):
    payload: str
    signatures: tuple[_Signature, ...]


class _Logged(Struct, frozen=True, tag_field="kind", tag="statement"):
    agreement: Line
    statement: Line
    signed: _Signed


class Statement(Struct, frozen=True):
    """A signed step of one side. `key` is the verifier key it was signed with, `signer` its owner.

    `previous` is the same signer's statement before it, `seen` the last one of the other side.
    """

    hash: str
    agreement: str
    step: str
    by: str
    at: str
    previous: str | None
    seen: str | None
    reason: str | None
    key: str
    signer: str


Entry: TypeAlias = (
    Release
    | Withdrawal
    | Delivery
    | Acceptance
    | Confirmed
    | RecallReceipt
    | Expiry
    | Certificate
    | Certified
    | Question
    | Answer
    | Statement
)
_KINDS = {
    str(each.__struct_config__.tag): each
    for each in (
        Release,
        Withdrawal,
        Delivery,
        Acceptance,
        Confirmed,
        RecallReceipt,
        Expiry,
        Certificate,
        Certified,
        Question,
        Answer,
        _Logged,
    )
}


class _Payload(Struct, frozen=True):
    agreement: Line
    step: Line
    previous: Line | None
    seen: Line | None
    by: Line
    at: Line
    reason: Line | None


def read_openings(directory: Path, size: int) -> Iterator[Opening]:
    """Give the records of the first `size` leaves of a folder that was checked before."""
    path = directory / "records.jsonl"
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            opening = parse_opening(line)
            if opening.leaf < size:
                yield opening


def read_entry(record: bytes) -> Entry | None:
    """Return what a record says; None for a kind that is not compared; ProofError if misformed."""
    try:
        value = msgspec.json.decode(record)
        kind = _KINDS.get(value["kind"]) if isinstance(value, dict) else None
        if kind is None:
            return None
        entry: Any = msgspec.convert(value, kind)
        return _statement(entry) if isinstance(entry, _Logged) else entry
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise ProofError(f"The record is not of its form: {error}.") from error


def _statement(logged: _Logged) -> Statement:
    """Read a statement once its hash and its one signature hold."""
    body = _unbase64(logged.signed.payload)
    if sha256(body) != logged.statement:
        raise ProofError("The statement is not the one whose hash the record names.")
    if len(logged.signed.signatures) != 1:
        raise ProofError("The statement has not exactly one signature.")
    signature = logged.signed.signatures[0]
    header = parse_canonical(_unbase64(signature.protected))
    if (
        not isinstance(header, dict)
        or header.keys() != {"alg", "kid"}
        or header["alg"] != "Ed25519"
    ):
        raise ProofError("The signature's header is not {alg: Ed25519, kid}.")
    key = str(header["kid"])
    name, public = parse_vkey(key)
    signed = f"{signature.protected}.{logged.signed.payload}".encode()
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(_unbase64(signature.signature), signed)
    except InvalidSignature as error:
        raise ProofError("The signature of the statement does not hold.") from error
    said = msgspec.convert(parse_canonical(body), _Payload)
    return Statement(
        logged.statement,
        said.agreement,
        said.step,
        said.by,
        said.at,
        said.previous,
        said.seen,
        said.reason,
        key,
        name.rpartition("/")[0],
    )


def expand(spans: Spans) -> list[int]:
    """Return the positions of spans, rising; ProofError if they are not exactly that."""
    positions: list[int] = []
    for first, last in spans:
        if last < first or (positions and first <= positions[-1]):
            raise ProofError("The positions are not rising spans.")
        if last - first >= _MOST - len(positions):
            raise ProofError("The positions are more than one delivery holds.")
        positions.extend(range(first, last + 1))
    return positions


def delivery_hash(positions: Iterable[tuple[int, str]]) -> str:
    """Return the one hash over position and hash of each release, as deliveries state it."""
    return sha256("".join(f"{at} {each}\n" for at, each in sorted(positions)).encode())


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("A signed value is not base64url.") from error
