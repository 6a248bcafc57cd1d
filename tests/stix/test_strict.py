import gc
import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tearline.errors import InputError
from tearline.stix import strict
from tearline.stix.canonical import Json
from tearline.stix.strict import bare, collector_paused, parse_strict, shown

LARGEST = 2**53 - 1
SECRET = "harbour-master"

texts = st.text(max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(["[[[[", "}}", '"', "\\", '\\"[']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


def parse(raw: bytes) -> Json:
    return parse_strict(raw, max_depth=64)


def refused(raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse(raw)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@given(values)
def test_sound_json_is_read_as_json_reads_it(value: Json) -> None:
    for ascii_only in (True, False):
        raw = json.dumps(value, ensure_ascii=ascii_only).encode()
        assert parse(raw) == value
        assert parse(b" \n\r\t" + raw + b" ") == value


@given(values)
def test_depth_is_counted_outside_texts_only(value: Json) -> None:
    def depth(inner: Json) -> int:
        if isinstance(inner, dict):
            return 1 + max(map(depth, inner.values()), default=0)
        if isinstance(inner, list):
            return 1 + max(map(depth, inner), default=0)
        return 0

    raw = json.dumps(value).encode()
    assert parse_strict(raw, max_depth=depth(value)) == value
    if depth(value):
        with pytest.raises(InputError, match="deeper"):
            parse_strict(raw, max_depth=depth(value) - 1)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"b":2,"\\u0061":3}',
        b'[{"x":{"y":[{"a":1,"a":2}]}}]',
        b'{"":1,"":2}',
        b'{"a":{"a":1},"a":"harbour-master"}',
    ],
)
def test_duplicate_members_are_refused_at_any_depth(raw: bytes) -> None:
    assert "twice" in refused(raw)


def test_the_same_name_in_two_objects_is_no_duplicate() -> None:
    assert parse(b'{"a":{"a":1},"b":{"a":2}}') == {"a": {"a": 1}, "b": {"a": 2}}


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b'{"a":[NaN]}', b"1e999"])
def test_what_is_no_number_is_refused(raw: bytes) -> None:
    refused(raw)


def test_whole_numbers_end_at_2_to_the_53() -> None:
    assert parse(str(LARGEST).encode()) == LARGEST
    assert parse(str(-LARGEST).encode()) == -LARGEST
    for number in (LARGEST + 1, LARGEST + 2, -LARGEST - 1, 10**400, -(10**5000)):
        text = str(number) if abs(number) < 10**4000 else "-1" + "0" * 5000
        assert "2^53-1" in refused(f'{{"a":[{text}]}}'.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b'{"a"}',
        b'{"a":harbour-master}',
        b"{'harbour-master':1}",
        b"[1,]",
        b"01",
        b"1 harbour-master",
        b"{}{}",
        b'"\n"',
        b'"\\x"',
        b'"harbour-master',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"\xc2\xa0{}",
    ],
)
def test_what_is_not_json_is_refused_with_its_place(raw: bytes) -> None:
    assert ": " in refused(raw)


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\xed\xa0\x80"', b'"harbour-master \xc0\xaf"'])
def test_bytes_that_are_not_utf_8_are_refused(raw: bytes) -> None:
    assert "UTF-8" in refused(raw)


@pytest.mark.parametrize("raw", [b'"\\ud800"', b'{"\\udc00":1}', b'[{"a":["\\uD83D x"]}]'])
def test_half_a_character_is_refused(raw: bytes) -> None:
    assert "surrogate" in refused(raw)


def test_a_whole_character_may_be_written_as_two_halves() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize("depth", [65, 1_000, 10_000, 1_000_000])
def test_deep_nesting_is_refused_without_descending(depth: int) -> None:
    assert "deeper" in refused(nested(depth))
    assert "deeper" in refused(b'{"a":' * depth + b"1" + b"}" * depth)
    refused(b"[" * depth)


def test_deep_nesting_is_refused_whatever_the_recursion_limit() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        refused(nested(500_000))
    finally:
        sys.setrecursionlimit(limit)


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    assert parse(nested(64))
    assert parse(b"[" + b"[]," * 1000 + b'"[[[[{{{{"' + b"]")


def test_the_collector_comes_back_even_after_an_error() -> None:
    assert gc.isenabled()
    with collector_paused():
        with pytest.raises(InputError), collector_paused():
            parse(b"{")
        assert not gc.isenabled()
    assert gc.isenabled()


def test_foreign_text_is_shown_short_and_on_one_line() -> None:
    assert shown("harbour") == "'harbour'"
    assert shown("\x1b[31m\nred") == "'\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}red'"
    assert len(bare("x" * 10_000)) == 60


# Pieces that meet at the places where two readers of JSON might part ways.
names = st.sampled_from(
    ("a", "b", ":", "\\u0061", "\\u003a", "a\\u003A", "\\u0022", "\\\\", '\\"', "é", "\\u00e9")
)
scalars = st.sampled_from(
    ("1", "-0", "1.0", "1e400", "9007199254740992", "99999999999999999999", "NaN", "null", "01")
) | st.sampled_from(
    ('":"', '"\\u003a"', '"\\ud83d"', '"\\ud83d\\ude00"', '"\\ude00"', '"\x01"', '"\\x"', '"x"')
)
spaces = st.sampled_from(["", " ", "\n\t", "\x0b"])
texts_of_json = st.recursive(
    scalars,
    lambda inner: (
        st.builds(
            lambda pairs, gap: "{" + ",".join(f'"{n}"{gap}:{gap}{v}' for n, v in pairs) + "}",
            st.lists(st.tuples(names, inner), max_size=4),
            spaces,
        )
        | st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
    ),
    max_leaves=10,
)


@settings(max_examples=1_000)
@given(texts_of_json)
def test_the_quick_reader_takes_nothing_that_the_careful_one_refuses(text: str) -> None:
    def read(reader: Callable[[bytes], Json]) -> str:
        try:
            return repr(reader(text.encode()))
        except InputError as error:
            return str(error)

    assert read(parse) == read(lambda raw: strict.read_carefully(raw, 64))


def test_plain_text_is_read_quickly() -> None:
    assert strict.read_plain(b'{"a": {"b:": ["c:d", 1, null]}, "e" : 2.5}') is not strict.DOUBT


@pytest.mark.parametrize(
    "raw", [b'{"a":1,"a":1}', b'{"a":":","a":"\\u003a\\u003a"}', b'{"a":18446744073709551616}']
)
def test_what_is_doubtful_is_read_carefully(raw: bytes) -> None:
    assert strict.read_plain(raw) is strict.DOUBT
