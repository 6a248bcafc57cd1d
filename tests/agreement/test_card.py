"""Cards: signed by their root, compared by words."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.card import (
    card_hash,
    check_words,
    read_card,
    same_words,
    write_card,
)
from tearline.errors import InputError, ProofError
from tests.agreement.sides import Sides


def test_a_card_is_read_as_it_was_written(sides: Sides) -> None:
    document = (sides.north.path / "card.json").read_bytes()
    assert read_card(document) == sides.north.card
    assert read_card(document.strip()) == sides.north.card


def test_a_changed_card_is_refused(sides: Sides) -> None:
    document = (sides.north.path / "card.json").read_bytes()
    for old, new in (
        (b"North CERT", b"North CART"),
        (b"https://north.example", b"https://narth.example"),
        (b'"name":', b'"name": '),
        (b'"signature":"', b'"signature":"A'),
        (b'"name":"North CERT"', b'"name":"North CERT","name":"North CERT"'),
    ):
        assert old in document
        with pytest.raises(ProofError, match="does not hold"):
            read_card(document.replace(old, new))


def test_keys_are_named_after_their_party_and_use(sides: Sides) -> None:
    card, root = sides.north.card, sides.north.keys.root
    for field, value in (
        ("sign", card.log),
        ("log", sides.south.card.log),
        ("root", card.sign),
        ("slug", "south-isac"),
    ):
        forged = write_card(msgspec.structs.replace(card, **{field: value}), root)
        with pytest.raises(ProofError, match="key"):
            read_card(forged)


def test_another_root_cannot_sign_the_card(sides: Sides) -> None:
    forged = write_card(sides.north.card, Ed25519PrivateKey.generate())
    with pytest.raises(ProofError):
        read_card(forged)


@given(st.binary(max_size=200))
def test_what_is_no_card_is_refused(document: bytes) -> None:
    with pytest.raises(InputError):
        read_card(document)


def test_too_large_a_card_is_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        read_card(b" " * 40_000)


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "file:///etc"), ("slug", "North CERT"), ("name", "a\x1b[2J"), ("expires", "2020")],
)
def test_a_card_with_a_bad_line_is_refused(sides: Sides, field: str, value: str) -> None:
    document = json.loads((sides.north.path / "card.json").read_bytes())
    document["card"][field] = value
    with pytest.raises(InputError):
        read_card(json.dumps(document).encode())


def test_words_are_proquints_of_the_hash() -> None:
    # The examples of the proquint proposal: 127.0.0.1 and 63.84.220.193.
    digest = "7f000001" + "3f54dcc1" + "00" * 8 + "ff" * 16
    assert check_words(f"sha256:{digest}").startswith("lusab-babad-gutih-tugad-babab-")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_words_differ_when_the_first_half_differs(one: bytes, other: bytes) -> None:
    same = check_words(f"sha256:{one.hex()}") == check_words(f"sha256:{other.hex()}")
    assert same == (one[:16] == other[:16])


def test_words_may_be_typed_with_spaces_and_capitals(sides: Sides) -> None:
    words = check_words(card_hash(sides.north.card))
    assert len(words.split("-")) == 8
    assert same_words(sides.north.card, words.upper().replace("-", "  "))
    assert not same_words(sides.north.card, words[:-1])
    assert not same_words(sides.north.card, "")
    assert not same_words(sides.south.card, words)
