import enum
import gzip
import json
import math
import os
import re
import struct
import uuid
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from tearline.errors import InputError, ProofError
from tearline.stix import canonical as module
from tearline.stix.canonical import Json, canonical, parse_canonical, sha256

TEST_DATA = os.environ.get("TEARLINE_TEST_DATA", "")
GIVEN = Path(TEST_DATA) / "canonical-json"
needs_data = pytest.mark.skipif(
    not (TEST_DATA and GIVEN.is_dir()),
    reason="the published RFC 8785 vectors are not here; set TEARLINE_TEST_DATA",
)

LARGEST = 2**53 - 1

# Keys around the two places where UTF-8 and UTF-16 sort differently, and what must be escaped.
odd_characters = st.sampled_from(
    '\x00\x08\x1f"\\/\x7f\x80é\u2028\ud7ff\ue000\ufb33\uffff😀\U0010ffffaA1'
)
odd_texts = st.text(odd_characters, max_size=6) | st.text(max_size=6)
odd_numbers = (
    st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 1.0, 1e21, 1e-7, 1e16, 5e-324, float(LARGEST + 1), 123456.0])
)
values = st.recursive(
    st.none() | st.booleans() | odd_numbers | odd_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({}, "{}"),
        ([], "[]"),
        ("", '""'),
        (None, "null"),
        (True, "true"),
        ([1, 1.0, -0.0, 0, -1], "[1,1,0,0,-1]"),
        ([1e21, 1e20, 1e-6, 1e-7], "[1e+21,100000000000000000000,0.000001,1e-7]"),
        ([LARGEST, -LARGEST], f"[{LARGEST},{-LARGEST}]"),
        ([0.1, 1.5e300, 5e-324], "[0.1,1.5e+300,5e-324]"),
        ({"b": 1, "a": 2, "": 3, "B": 4}, '{"":3,"B":4,"a":2,"b":1}'),
        ({"10": 1, "9": 2, "1": 3}, '{"1":3,"10":1,"9":2}'),
        # Sorted as UTF-16: the surrogate pair of the face comes before U+FB33.
        ({"\ufb33": 1, "😀": 2, "é": 3}, '{"é":3,"😀":2,"\ufb33":1}'),
        ("\x00\x08\t\n\x0c\r\x1f\x7f\u2028/", '"\\u0000\\b\\t\\n\\f\\r\\u001f\x7f\u2028/"'),
        ('"\\', '"\\"\\\\"'),
        ("1.0e5 -0.0", '"1.0e5 -0.0"'),
    ],
)
def test_a_value_has_one_form(value: Json, written: str) -> None:
    assert canonical(value) == written.encode()
    assert rfc8785.dumps(value) == written.encode()


@settings(max_examples=400)
@given(values)
def test_the_fast_path_agrees_with_rfc8785(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(values)
def test_canonical_bytes_are_read_back_and_nothing_else_is(value: Json) -> None:
    data = canonical(value)
    try:
        assert canonical(parse_canonical(data)) == data
    except ProofError:
        assert re.search(rb"\d{16}", data), "only whole numbers beyond 2^53-1 are not"
    with pytest.raises(ProofError):
        parse_canonical(data + b" ")


def test_plain_values_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "_slow")
    assert (
        canonical({"b": ["ü", 1, None], "a": "1.5e3"}) == '{"a":"1.5e3","b":["ü",1,null]}'.encode()
    )


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        LARGEST + 1,
        -LARGEST - 1,
        2**64,
        math.nan,
        math.inf,
        -math.inf,
        {1: 2},
        {None: 2},
        "\ud800",
        {"\udfff": 1},
        b"bytes",
        {1, 2},
        object(),
        uuid.UUID(int=0),
        Colour.RED,
    ],
)
def test_what_json_cannot_hold_is_refused(value: Json) -> None:
    with pytest.raises(InputError):
        canonical(value)
    with pytest.raises(InputError):
        canonical([{"inside": value}])


def test_endless_nesting_is_refused() -> None:
    value: list[Json] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InputError):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" {}",
        b"{}\n",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"1.0",
        b"-0",
        b"1e2",
        b"NaN",
        b"9007199254740993",
        b"18446744073709551616",
        b'"\\u0061"',
        b'"\\/"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b"[" * 10_000 + b"]" * 10_000,
    ],
)
def test_bytes_that_are_not_canonical_prove_nothing(data: bytes) -> None:
    with pytest.raises(ProofError):
        parse_canonical(data)


def test_a_digest_names_its_algorithm() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256(b"") == f"sha256:{empty}"


@needs_data
def test_the_published_vectors_hold() -> None:
    vectors = json.loads((GIVEN / "rfc8785-vectors.json").read_text("utf-8"))["vectors"]
    assert vectors
    for vector in vectors:
        written = canonical(json.loads(vector["input"]))
        assert written == bytes.fromhex(vector["output_hex"]), vector["name"]
        assert canonical(parse_canonical(written)) == written


@needs_data
def test_the_published_numbers_hold() -> None:
    lines = gzip.decompress((GIVEN / "es6-numbers-10000.txt.gz").read_bytes()).decode().split()
    assert len(lines) == 10_000
    for line in lines:
        bits, written = line.split(",")
        number = struct.unpack(">d", bytes.fromhex(bits.rjust(16, "0")))[0]
        assert canonical(number) == written.encode(), bits
