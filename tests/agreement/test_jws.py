"""General JWS: two Ed25519 signatures over exact bytes, and no other algorithm."""

import base64
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement import jws
from tearline.errors import InputError, ProofError
from tearline.log.checkpoint import parse_vkey, vkey

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2)]
NORTH, SOUTH = (
    vkey(f"{name}/sign", key.public_key().public_bytes_raw())
    for name, key in zip(("north", "south"), KEYS, strict=True)
)
ONE = jws.sign(b"the same bytes", KEYS[0], NORTH)
BOTH = jws.join(ONE, jws.sign(b"the same bytes", KEYS[1], SOUTH))


def text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def header(value: object) -> jws.Signed:
    """Return ONE with another protected header."""
    protected = text(json.dumps(value, separators=(",", ":")).encode())
    return replace(ONE, protected=protected)


def replace(signed: jws.Signed, **changed: str) -> jws.Signed:
    first = msgspec.structs.replace(signed.signatures[0], **changed)
    return jws.Signed(signed.payload, (first, *signed.signatures[1:]))


def test_two_signatures_over_the_same_bytes() -> None:
    assert jws.verify(BOTH, NORTH, SOUTH) == jws.verify(BOTH, SOUTH, NORTH) == b"the same bytes"
    assert jws.verify(jws.load(jws.dump(BOTH)), NORTH, SOUTH) == b"the same bytes"
    assert jws.join(BOTH, ONE) == BOTH


def test_what_acknowledges_a_million_objects_can_be_verified() -> None:
    """The joserfc package on its own refuses more than 128,000 characters."""
    large = b"[" + b"1000000," * 1_000_000 + b"0]"
    assert jws.verify(jws.sign(large, KEYS[0], NORTH), NORTH) == large


def test_anyone_can_check_it_without_us() -> None:
    """RFC 7515 section 5.2 by hand: the signature is over `protected.payload`."""
    document = json.loads(jws.dump(BOTH))
    for each, key in zip(document["signatures"], (NORTH, SOUTH), strict=True):
        protected = base64.urlsafe_b64decode(each["protected"] + "==")
        assert json.loads(protected) == {"alg": "Ed25519", "kid": key}
        Ed25519PublicKey.from_public_bytes(parse_vkey(key)[1]).verify(
            base64.urlsafe_b64decode(each["signature"] + "=="),
            f"{each['protected']}.{document['payload']}".encode(),
        )


def test_every_signature_has_to_be_there_and_no_other() -> None:
    for signed, keys in ((ONE, (NORTH, SOUTH)), (BOTH, (NORTH,)), (ONE, (SOUTH,)), (BOTH, ())):
        with pytest.raises(ProofError):
            jws.verify(signed, *keys)
    twice = jws.Signed(ONE.payload, ONE.signatures * 2)
    with pytest.raises(ProofError):
        jws.verify(twice, NORTH, SOUTH)


def test_signatures_over_different_bytes_cannot_be_joined() -> None:
    with pytest.raises(ProofError, match="different bytes"):
        jws.join(ONE, jws.sign(b"other bytes", KEYS[1], SOUTH))


@pytest.mark.parametrize(
    "value",
    [
        {"alg": "none", "kid": NORTH},
        {"alg": "EdDSA", "kid": NORTH},
        {"alg": "HS256", "kid": NORTH},
        {"alg": "Ed25519"},
        {"alg": "Ed25519", "crit": ["b64"], "kid": NORTH},
        {"alg": "Ed25519", "kid": [NORTH]},
        ["Ed25519"],
    ],
)
def test_no_other_header_is_believed(value: object) -> None:
    with pytest.raises(ProofError):
        jws.verify(header(value), NORTH)


@given(st.integers(0, 63), st.integers(0, 7))
def test_a_signature_with_another_bit_does_not_hold(place: int, bit: int) -> None:
    signature = bytearray(base64.urlsafe_b64decode(ONE.signatures[0].signature + "=="))
    signature[place] ^= 1 << bit
    with pytest.raises(ProofError):
        jws.verify(replace(ONE, signature=text(bytes(signature))), NORTH)


@pytest.mark.parametrize("signature", ["", "AA", "!!", text(bytes(64)), "A" * 87])
def test_a_signature_of_no_use_does_not_hold(signature: str) -> None:
    with pytest.raises((ProofError, InputError)):
        jws.verify(replace(ONE, signature=signature), NORTH)


def test_the_second_signature_is_checked_too() -> None:
    first, second = BOTH.signatures
    swapped = msgspec.structs.replace(second, signature=first.signature)
    with pytest.raises(ProofError):
        jws.verify(jws.Signed(BOTH.payload, (first, swapped)), NORTH, SOUTH)


@given(st.binary(max_size=80))
def test_what_is_no_jws_is_refused(document: bytes) -> None:
    with pytest.raises(InputError):
        jws.load(document)


def test_base64_has_one_spelling() -> None:
    for payload in (ONE.payload + "=", ONE.payload + "\n", "a+b/", "QQ=", "QR"):
        with pytest.raises((InputError, ProofError)):
            jws.verify(jws.Signed(payload, ONE.signatures), NORTH)
    signature = ONE.signatures[0].signature
    last = "AQgw"["AQgw".index(signature[-1])]
    other = chr(ord(last) + 1)  # the same bytes for a lenient reader
    with pytest.raises(InputError):
        jws.verify(replace(ONE, signature=signature[:-1] + other), NORTH)
