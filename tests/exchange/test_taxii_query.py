from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.exchange.access import TurnedAwayError
from tearline.exchange.taxii_query import (
    Query,
    read_limit,
    read_query,
    read_token,
    token_key,
    write_token,
)
from tearline.stix.timestamp import parse_timestamp

KEY = token_key(b"s" * 32)
HERE = "88b44182-db07-4359-b57f-6a674d852057"
texts = st.text(max_size=60)
queries = st.builds(
    Query,
    after=st.integers(0, 2**62),
    added_after=st.none() | st.integers(-(2**60), 2**60),
    ids=st.lists(texts, max_size=4).map(tuple),
    types=st.lists(texts, max_size=4).map(tuple),
    versions=st.lists(st.integers(-(2**60), 2**60), max_size=4).map(tuple),
    nothing=st.booleans(),
)


@given(queries)
def test_a_token_brings_back_the_walk_it_was_made_of(query: Query) -> None:
    assert read_token(KEY, HERE, write_token(KEY, HERE, query)) == query


@given(queries, st.integers(0), st.integers(1, 255))
def test_a_token_with_one_byte_changed_is_refused(query: Query, place: int, by: int) -> None:
    token = bytearray(write_token(KEY, HERE, query).encode())
    at = place % len(token)
    token[at] = (token[at] + by) % 256
    found = opened(bytes(token))
    # The last digit of base64 has unused bits; whatever else changes, the token is refused.
    assert found is None or (found == query and at == len(token) - 1)


def opened(token: bytes) -> Query | None:
    with suppress(TurnedAwayError, UnicodeDecodeError):
        return read_token(KEY, HERE, token.decode())
    return None


@given(st.text(max_size=200))
def test_no_text_made_up_is_a_token(text: str) -> None:
    with pytest.raises(TurnedAwayError):
        read_token(KEY, HERE, text)


def test_a_token_is_of_one_collection_and_one_node() -> None:
    token = write_token(KEY, HERE, Query(after=5))
    for key, collection in ((KEY, "another"), (token_key(b"t" * 32), HERE)):
        with pytest.raises(TurnedAwayError):
            read_token(key, collection, token)


def test_filters_beside_a_token_are_those_of_the_token() -> None:
    begun = Query(after=5, types=("malware",))
    fields = {
        "next": [write_token(KEY, HERE, begun)],
        "match[type]": ["tool"],
        "added_after": ["not even a moment"],
        "match[nosuch]": ["1"],
    }
    assert read_query(fields, KEY, HERE) == begun


def test_filters_are_read_as_the_standard_writes_them() -> None:
    fields = {
        "added_after": ["2026-01-02T03:04:05.678901Z"],
        "match[id]": ["a--1,b--2", "c--3, a--1"],
        "match[type]": ["malware"],
        "match[version]": ["2026-01-01T00:00:00Z"],
        "match[spec_version]": ["2.0,2.1"],
        "unrelated": ["x"],
    }
    assert read_query(fields, KEY, HERE) == Query(
        added_after=parse_timestamp("2026-01-02T03:04:05.678901Z"),
        ids=("a--1", "b--2", "c--3"),
        types=("malware",),
        versions=(parse_timestamp("2026-01-01T00:00:00Z"),),
    )


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00 00:00"])
def test_utc_may_be_written_as_an_offset(text: str) -> None:
    found = read_query({"added_after": [text]}, KEY, HERE)
    assert found.added_after == parse_timestamp("2026-01-01T00:00:00Z")


@pytest.mark.parametrize("version", ["last", "first", "all", "all,2026-01-01T00:00:00Z"])
def test_named_versions_match_the_only_one_there_is(version: str) -> None:
    query = read_query({"match[version]": [version]}, KEY, HERE)
    assert query.named == (version.partition(",")[0],)
    assert query.matches("2025-05-05T05:05:05.000Z")


def test_another_spec_version_matches_nothing() -> None:
    assert read_query({"match[spec_version]": ["2.0"]}, KEY, HERE).nothing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("added_after", "yesterday"),
        ("match[version]", "newest"),
        ("match[nosuch]", "1"),
        ("match[id]", ",".join(f"a--{n}" for n in range(1001))),
        ("next", "AAAA"),
        ("next", "ä"),
    ],
)
def test_what_cannot_be_understood_is_a_bad_request(name: str, value: str) -> None:
    with pytest.raises(TurnedAwayError) as caught:
        read_query({name: [value]}, KEY, HERE)
    assert caught.value.status == 400
    assert value[:9] not in caught.value.description


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "٣", "1e3"])
def test_a_limit_is_a_number_above_nought(text: str) -> None:
    with pytest.raises(TurnedAwayError):
        read_limit({"limit": [text]}, 1000)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("1000", 1000), ("9" * 400, 1000)])
def test_a_limit_is_capped(text: str, limit: int) -> None:
    assert read_limit({"limit": [text]}, 1000) == limit
    assert read_limit({}, 1000) == 1000
