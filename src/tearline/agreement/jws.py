"""General JWS (RFC 7515) over exact bytes, Ed25519 alone, each signature bound to a verifier key.

The protected header is `{"alg":"Ed25519","kid":<verifier key>}` and nothing else: the algorithm is
never read from the message (RFC 9864 retires "EdDSA").
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from msgspec import Meta, Struct

from tearline.errors import InputError, ProofError
from tearline.log.checkpoint import parse_vkey
from tearline.stix import canonical

_ALG = "Ed25519"
_MOST_SIGNATURES = 4


class _Sizes(jws.JWSRegistry):
    """What joserfc reads: its own limit of 128 kB would refuse the acknowledgement of a big sync.

    Who reads a document from outside bounds its size before.
    """

    max_payload_length = 64 << 20
    max_header_length = 1000


class Signature(Struct, frozen=True, forbid_unknown_fields=True):
    """One signature: the protected header and the signature, both base64url."""

    protected: Annotated[str, Meta(max_length=1000)]
    signature: Annotated[str, Meta(max_length=200)]


class Signed(Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes with the signatures over them, in the general JSON serialisation of RFC 7515."""

    payload: str
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=_MOST_SIGNATURES)]

    @property
    def body(self) -> bytes:
        """The bytes that were signed; InputError when they are not strict base64url."""
        return _unbase64(self.payload)

    @property
    def kids(self) -> tuple[str, ...]:
        """The verifier keys that the signatures claim to be of."""
        return tuple(kid_of(each) for each in self.signatures)


def sign(body: bytes, key: Ed25519PrivateKey, vkey: str) -> Signed:
    """Return `body` under one signature by `key`, which `vkey` verifies."""
    made = jws.serialize_json(
        [{"protected": {"alg": _ALG, "kid": vkey}}],
        body,
        OKPKey.import_key(key),
        algorithms=[_ALG],
    )
    return convert(made)


def join(first: Signed, second: Signed) -> Signed:
    """Return both sets of signatures over the same bytes; ProofError if the bytes differ."""
    if first.payload != second.payload:
        raise ProofError(
            "The two signatures are over different bytes.",
            means="The parties did not sign the same agreement.",
            do="Have both sign the same bytes.",
        )
    new = tuple(each for each in second.signatures if each not in first.signatures)
    return Signed(first.payload, first.signatures + new)


def verify(signed: Signed, *vkeys: str) -> bytes:
    """Return the signed bytes once each of `vkeys` is seen to have signed them, and nobody else."""
    if sorted(signed.kids) != sorted(vkeys):
        raise ProofError(
            "The signatures are not of the keys they have to be of.",
            means="Someone else signed, or a signature is missing.",
            do="Compare the key with the card that was confirmed by its words.",
        )
    for each in signed.signatures:
        _unbase64(each.signature)  # one spelling only, else the same message has many hashes
    try:
        jws.deserialize_json(
            {
                "payload": signed.payload,
                "signatures": [
                    {"protected": each.protected, "signature": each.signature}
                    for each in signed.signatures
                ],
            },
            lambda part: _public(str(part.headers()["kid"])),
            registry=_Sizes(algorithms=[_ALG]),
        )
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProofError(
            "A signature does not hold.",
            means="The bytes were changed after they were signed, or someone else signed them.",
            do="Refuse them and ask the sender again.",
        ) from error
    return signed.body


def convert(value: Any) -> Signed:  # noqa: ANN401  # any JSON value
    """Return the JWS in a JSON value; InputError when it is none."""
    try:
        return msgspec.convert(value, Signed)
    except msgspec.ValidationError as error:
        raise InputError(f"This is not a JWS: {error}.", do="Refuse it.") from error


def builtins(signed: Signed) -> dict[str, Any]:
    """Return the JWS as a JSON value."""
    return {
        "payload": signed.payload,
        "signatures": [
            {"protected": each.protected, "signature": each.signature} for each in signed.signatures
        ],
    }


def dump(signed: Signed) -> bytes:
    """Return the JWS as canonical JSON."""
    return canonical.canonical(builtins(signed))


def load(document: bytes) -> Signed:
    """Return the JWS in `document`; InputError when it is none."""
    try:
        return msgspec.json.decode(document, type=Signed)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"This is not a JWS: {error}.", do="Refuse it.") from error


def kid_of(signature: Signature) -> str:
    """Return the verifier key that a signature claims to be of; ProofError for a bad header."""
    header = canonical.parse_canonical(_unbase64(signature.protected))
    if not isinstance(header, dict) or set(header) != {"alg", "kid"} or header["alg"] != _ALG:
        raise ProofError(
            "A signature's header is not {alg: Ed25519, kid}.",
            means="Another algorithm could be tricked into accepting it.",
            do="Refuse it.",
        )
    kid = header["kid"]
    if not isinstance(kid, str):
        raise ProofError("A signature's key id is not text.", do="Refuse it.")
    return kid


def _public(vkey: str) -> OKPKey:
    return OKPKey.import_key(Ed25519PublicKey.from_public_bytes(parse_vkey(vkey)[1]))


def _unbase64(text: str) -> bytes:
    try:
        body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        body = b""
    if base64.urlsafe_b64encode(body).rstrip(b"=").decode() != text:
        raise InputError("This is not base64url without padding.", do="Refuse it.")
    return body
