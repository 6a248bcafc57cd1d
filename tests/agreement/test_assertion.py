"""A passkey's signature, checked offline: what holds, and every way in which it does not."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from webauthn import verify_authentication_response
from webauthn.helpers import encode_cbor

from tearline.agreement import assertion, by_person, jws
from tearline.agreement.assertion import Asserted, base64url, challenge_of, unbase64
from tearline.errors import InputError, ProofError, TearlineError
from tests.authenticator import HOST, Device

BODY = b'{"kind":"verdict"}'
KINDS = ("ES256", "Ed25519", "RS256")


def cose(device: Device) -> bytes:
    """The public key as an authenticator says it (RFC 9053)."""
    public = device.private.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        n = public.public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (n.x, n.y))
        said = {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    elif isinstance(public, rsa.RSAPublicKey):
        n_ = public.public_numbers()
        said = {1: 3, 3: -257, -1: n_.n.to_bytes(256, "big"), -2: n_.e.to_bytes(3, "big")}
    else:
        said = {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
    return encode_cbor(said)


@pytest.mark.parametrize("kind", KINDS)
def test_what_holds_here_holds_for_the_library_that_others_wrote(kind: str) -> None:
    device = Device(kind)
    signed = device.sign(BODY)
    assert by_person.verify(by_person.load(by_person.dump(signed)), device.key) == BODY
    found = verify_authentication_response(
        credential=device.as_json(signed.assertion),
        expected_challenge=challenge_of(BODY),
        expected_rp_id=HOST,
        expected_origin=f"https://{HOST}",
        credential_public_key=cose(device),
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert found.new_sign_count == assertion.check(signed.assertion, challenge_of(BODY)) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type_": "webauthn.create"}, "another question"),
        ({"type_": "payment.get"}, "another question"),
        ({"origin": "https://evil.example"}, "page of another host"),
        ({"origin": f"https://{HOST}.evil.example"}, "page of another host"),
        ({"origin": f"https://evil{HOST}"}, "page of another host"),
        ({"origin": f"http://{HOST}"}, "page of another host"),
        ({"origin": f"https://{HOST}@evil.example"}, "page of another host"),
        ({"origin": "https://[::1"}, "page of another host"),
        ({"host": "evil.example"}, "for another host"),
        ({"flags": 0x01}, "did not verify"),
        ({"flags": 0x04}, "did not verify"),
        ({"flags": 0x00}, "did not verify"),
        ({"more": {"crossOrigin": True}}, "page of others"),
        ({"more": {"crossOrigin": "false"}}, "page of others"),
    ],
)
def test_a_signature_for_something_else_does_not_hold(change: dict[str, object], why: str) -> None:
    device = Device()
    with pytest.raises(ProofError, match=why):
        by_person.verify(device.sign(BODY, **change), device.key)


def test_a_page_below_the_host_may_ask_as_the_standard_says() -> None:
    device = Device()
    assert by_person.verify(device.sign(BODY, origin=f"https://a.{HOST}:8443"), device.key) == BODY
    local = Device(host="localhost")
    assert by_person.verify(local.sign(BODY, origin="http://localhost:8400"), local.key) == BODY


def test_other_bytes_and_other_keys_do_not_hold() -> None:
    device, other = Device(), Device()
    signed = device.sign(BODY)
    moved = Asserted(base64url(BODY + b" "), signed.assertion)
    with pytest.raises(ProofError, match="over other bytes"):
        by_person.verify(moved, device.key)
    with pytest.raises(ProofError, match="not of a key of this person"):
        by_person.verify(signed, other.key)
    with pytest.raises(ProofError, match="not of a key of this person"):
        by_person.verify(signed)
    claimed = other.sign(BODY, key=device.key)
    with pytest.raises(ProofError, match="not that of its key"):
        by_person.verify(claimed, device.key)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_bit_of_an_assertion_can_be_changed(kind: str, data: st.DataObject) -> None:
    device = _devices(kind)
    signed = device.sign(BODY)
    part = data.draw(st.sampled_from(["authenticator_data", "client_data", "signature"]))
    raw = bytearray(unbase64(getattr(signed.assertion, part)))
    bit = data.draw(st.integers(0, 100_000)) % (len(raw) * 8)
    raw[bit // 8] ^= 1 << bit % 8
    changed = msgspec.structs.replace(signed.assertion, **{part: base64url(bytes(raw))})
    with pytest.raises(TearlineError):
        by_person.verify(Asserted(signed.payload, changed), device.key)


_MADE: dict[str, Device] = {}


def _devices(kind: str) -> Device:
    if kind not in _MADE:
        _MADE[kind] = Device(kind)
    return _MADE[kind]


@given(st.binary(max_size=200))
def test_whatever_comes_is_refused_in_words(junk: bytes) -> None:
    key = _devices("ES256").key
    parts = (base64url(junk), base64url(junk[::-1]), base64url(junk))
    with pytest.raises(TearlineError):
        by_person.verify(Asserted(base64url(junk), assertion.Assertion(key, *parts)), key)
    with pytest.raises(TearlineError):
        by_person.load(junk)


def _spki(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "text",
    [
        "passkey:",
        "passkey::AA:AA",
        "passkey:a.example:AA",
        "passkey:a.example:AA:AA",
        "passkey:a.example:A=:AA",
        "cert/ada+0a1b2c3d+AAAA",
    ],
)
def test_a_key_text_is_strict(text: str) -> None:
    with pytest.raises(InputError):
        assertion.parse_key(text)


def test_weak_and_other_keys_are_not_taken() -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    for each in (weak, other):
        with pytest.raises(InputError, match="kind that is not taken"):
            assertion.public_key(_spki(each))


def test_both_kinds_keep_their_form() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    from tearline.log.checkpoint import vkey  # noqa: PLC0415

    name = vkey("north/ada", key.public_key().public_bytes_raw())
    signed = jws.sign(BODY, key, name)
    assert by_person.dump(signed) == jws.dump(signed)
    assert by_person.load(jws.dump(signed)) == signed
    assert by_person.verify(signed, name, Device().key) == BODY
