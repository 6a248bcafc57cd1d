"""A passkey's signature over exact bytes (WebAuthn Level 3), checked with the key text alone.

The browser signs `authenticatorData || SHA-256(clientDataJSON)`, and in the client data stands the
challenge. Where a person says something, the challenge is the SHA-256 of what is said: so the
assertion is a signature over it, and anybody can check it later without the browser and the node.

A key text is `passkey:<rp id>:<credential id>:<public key>`, the last two in base64url, the key as
SubjectPublicKeyInfo (RFC 5280).
"""

import base64
import hashlib
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Meta, Struct

from tearline.errors import InputError, ProofError

_KIND = "passkey"
_HEAD = 37
"""Bytes of authenticator data that are always there: rp id hash, flags, counter (6.1)."""
_PRESENT, _VERIFIED = 0x01, 0x04
_SMALLEST_RSA = 2048
_LOCAL = "localhost"

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey


class Passkey(NamedTuple):
    """What a key text holds: for which host, which credential, and the key as DER."""

    rp_id: str
    credential: bytes
    public: bytes


class Assertion(Struct, frozen=True, forbid_unknown_fields=True):
    """What an authenticator answered, each part in base64url, and the key text it is of."""

    key: Annotated[str, Meta(max_length=4_000)]
    authenticator_data: Annotated[str, Meta(max_length=4_000)]
    client_data: Annotated[str, Meta(max_length=4_000)]
    signature: Annotated[str, Meta(max_length=2_000)]


class Asserted(Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes in base64url, with a passkey's signature over them."""

    payload: str
    assertion: Assertion

    @property
    def body(self) -> bytes:
        """The bytes that were signed; InputError when they are not strict base64url."""
        return unbase64(self.payload)

    @property
    def kids(self) -> tuple[str, ...]:
        """The key text that the signature claims to be of."""
        return (self.assertion.key,)


def key_text(passkey: Passkey) -> str:
    """Return a passkey's public half as text."""
    parts = (_KIND, passkey.rp_id, base64url(passkey.credential), base64url(passkey.public))
    return ":".join(parts)


def is_passkey(text: str) -> bool:
    """Whether a key text is that of a passkey, and not a verifier key."""
    return text.startswith(f"{_KIND}:")


def parse_key(text: str) -> Passkey:
    """Return what a key text holds; InputError when it is none or of another kind of key."""
    kind, *parts = text.split(":")
    if kind != _KIND or len(parts) != len(Passkey._fields) or not parts[0]:
        raise InputError("This is not the key of a passkey.", do="Refuse it.")
    found = Passkey(parts[0], unbase64(parts[1]), unbase64(parts[2]))
    public_key(found.public)
    return found


def public_key(der: bytes) -> PublicKey:
    """Read a public key: ES256, Ed25519 or RS256; InputError for any other."""
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("This is not a public key.", do="Refuse it.") from error
    fits = (
        isinstance(key, Ed25519PublicKey)
        or (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1))
        or (isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_RSA)
    )
    if not fits:
        raise InputError(
            "This passkey has a key of a kind that is not taken.",
            means="ES256, Ed25519 and RS256 of 2048 bits and more are taken.",
            do="Use another authenticator.",
        )
    return key  # type: ignore[return-value]  # one of the three, as was just seen


def challenge_of(body: bytes) -> bytes:
    """The challenge by which a passkey signs `body`: its SHA-256."""
    return hashlib.sha256(body).digest()


def verify(signed: Asserted, key: str) -> bytes:
    """Return the signed bytes once the passkey of a key text is seen to have signed them.

    ProofError when another signed, over other bytes, for another host, or without the person's
    being verified by the authenticator (PIN, finger, face).
    """
    if signed.assertion.key != key:
        raise ProofError("This was signed with another key.", do="Refuse it.")
    check(signed.assertion, challenge_of(signed.body))
    return signed.body


def check(given: Assertion, challenge: bytes) -> int:
    """Check an answer to a challenge (WebAuthn 7.2); returns the authenticator's counter.

    ProofError says what does not hold.
    """
    passkey = parse_key(given.key)
    client = unbase64(given.client_data)
    data = unbase64(given.authenticator_data)
    _check_client(client, challenge, passkey.rp_id)
    if len(data) < _HEAD or data[:32] != hashlib.sha256(passkey.rp_id.encode()).digest():
        raise _broken("It was made for another host.")
    if data[32] & (_PRESENT | _VERIFIED) != _PRESENT | _VERIFIED:
        raise _broken("The authenticator did not verify who used it.")
    signed = data + hashlib.sha256(client).digest()
    if not _holds(public_key(passkey.public), unbase64(given.signature), signed):
        raise _broken("The signature is not that of its key.")
    return int.from_bytes(data[33:_HEAD], "big")


def origin_of(given: Assertion) -> str:
    """The page that asked for the signature, as the browser says."""
    return str(_client(unbase64(given.client_data)).get("origin"))


def _check_client(client: bytes, challenge: bytes, rp_id: str) -> None:
    said = _client(client)
    if said.get("type") != "webauthn.get":
        raise _broken("It answers another question.")
    if said.get("challenge") != base64url(challenge):
        raise _broken("It was made over other bytes.")
    if said.get("crossOrigin", False) is not False:
        raise _broken("It was asked for from within a page of others.")
    if not _is_of(str(said.get("origin")), rp_id):
        raise _broken("It was asked for by a page of another host.")


def _client(client: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(client, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _broken("The client data cannot be read.") from error
    return said


def _is_of(origin: str, rp_id: str) -> bool:
    """Whether a page of `origin` may ask for passkeys of `rp_id` (5.1.4.1, step 8)."""
    try:
        found = urlsplit(origin)
        host = found.hostname or ""
    except ValueError:
        return False
    safe = found.scheme == "https" or (found.scheme == "http" and host == _LOCAL)
    return safe and (host == rp_id or host.endswith(f".{rp_id}"))


def _holds(key: PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, signed, ECDSA(SHA256()))
        else:
            key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def base64url(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64(text: str) -> bytes:
    """The bytes of strict base64url without padding; InputError for any other spelling."""
    try:
        body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        body = b""
    if base64url(body) != text:
        raise InputError("This is not base64url without padding.", do="Refuse it.")
    return body


def _broken(why: str) -> ProofError:
    return ProofError(f"The passkey's answer does not hold: {why}", do="Sign again.")
