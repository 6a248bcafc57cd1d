import gc
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import InputError
from tearline.stix.bundle import Limits, split_bundle, split_envelope

BUNDLE_ID = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d"
HEAD = f'"type":"bundle","id":"{BUNDLE_ID}"'.encode()
SECRET = b"harbour-master"

texts = st.text(max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def bundle(*objects: bytes) -> bytes:
    return b"{" + HEAD + b',"objects":[' + b",".join(objects) + b"]}"


def refused(document: bytes, limits: Limits | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        split_bundle(document, limits or Limits())
    assert SECRET.decode() not in str(caught.value)
    assert caught.value.do
    return caught.value


def test_slices_are_the_exact_bytes() -> None:
    odd = b'{ "a" : 1.0,\n\t"b":"\\u00e9" ,"a2":1e2 }'
    document = b" \n" + bundle(b"{}", odd, b" [1 , 2]").replace(b"{}", b" {} ") + b"\r\n"
    assert split_bundle(document) == [b"{}", odd, b"[1 , 2]"]


@given(st.lists(st.dictionaries(texts, plain, max_size=4), max_size=5), st.sampled_from([None, 2]))
def test_what_is_cut_is_what_was_put_in(objects: list[Any], indent: int | None) -> None:
    parts = [json.dumps(one, ensure_ascii=False, indent=indent).encode() for one in objects]
    assert split_bundle(bundle(*parts)) == parts


@given(st.dictionaries(texts.filter(lambda name: name not in {"type", "objects"}), plain))
def test_other_members_of_a_bundle_do_no_harm(others: dict[str, Any]) -> None:
    for first in (True, False):
        mine = {"type": "bundle", "objects": [{"a": "]"}, 2]}
        document = json.dumps({**others, **mine} if first else {**mine, **others}).encode()
        assert split_bundle(document) == [b'{"a": "]"}', b"2"]


def test_a_single_object_is_a_list_of_one() -> None:
    one = b'{"type":"url","value":"https://harbour.example/"}'
    assert split_bundle(b"\n" + one + b" ") == [one]


@pytest.mark.parametrize("document", [b"{" + HEAD + b"}", bundle()])
def test_a_bundle_may_be_empty(document: bytes) -> None:
    assert split_bundle(document) == []


@pytest.mark.parametrize(
    "inside",
    [
        b"NaN",
        b"-Infinity",
        b'{"a":1',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":01}',
        b'{"a":"\x01"}',
        b'{"a":"\\x"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xc0\xaf"}',
        b'{"a":1} harbour-master',
        b'{"harbour-master":tru}',
        b"// harbour-master\n1",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"[" * 1_000_000,
    ],
)
def test_a_document_that_does_not_parse_gives_nothing(inside: bytes) -> None:
    refused(bundle(b'{"sound":1}', inside))


def test_the_place_of_a_fault_is_named() -> None:
    assert refused(bundle(b"NaN")).place == f"byte {bundle().index(b']')}"
    assert refused(b'{"a":"' + b"\xc3\xa9" * 3 + b'\xff"}').place == "byte 12"


def test_the_place_of_a_bad_byte_is_right_across_pieces() -> None:
    start = b'{"a":"'
    for padding in ((1 << 20) - 7, (1 << 20) - 6, (2 << 20) - 7):
        good = start + b"x" * padding + b"\xe2\x82\xac"
        bad = good + b"\xff" + b'"}'
        assert refused(bad).place == f"byte {len(good)}"
        cut_short = start + b"x" * padding + b"\xe2\x82"
        assert refused(cut_short).place == f"byte {len(start) + padding}"


def test_a_byte_order_mark_is_named() -> None:
    assert "byte order mark" in str(refused(b"\xef\xbb\xbf" + bundle()))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_other_encodings_are_refused(encoding: str) -> None:
    refused(bundle(b"{}").decode().encode(encoding))


@pytest.mark.parametrize(
    "document",
    [
        b"{" + HEAD + b',"objects":[{"a":1}],"objects":[{"b":1}]}',
        b"{" + HEAD + b',"objects":[{"a":1}],"objects":[{"a":1}]}',
        b"{" + HEAD + b',"objects":[],"obj\\u0065cts":[]}',
        b"{" + HEAD + b',"objects":[{"a":1}],"objects":null}',
        b'{"type":"x-harmless",' + HEAD + b',"objects":[]}',
        b"{" + HEAD + b',"x":{"type":"bundle"},"x":[[{"}":"{"}]],"objects":[]}',
        b"{" + HEAD + b',"objects":[1], "id" :"bundle--x"}',
        b"{" + HEAD + b',"\\ud800":1,"\\ud800":2}',
    ],
)
def test_a_member_that_comes_twice_is_refused(document: bytes) -> None:
    assert "twice" in str(refused(document)) or "not JSON" in str(refused(document))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" ",
        b"[]",
        b"7",
        b'"bundle"',
        b"null",
        b"{}",
        b'{"objects":[]}',
        b"{" + HEAD + b',"objects":{}}',
        b"{" + HEAD + b',"objects":"harbour-master"}',
        b"{" + HEAD + b',"objects":null}',
    ],
)
def test_what_is_no_bundle_and_no_object_is_refused(document: bytes) -> None:
    refused(document)


def test_limits_hold() -> None:
    document = bundle(b"1", b"2", b"3")
    assert len(split_bundle(document, Limits(max_objects=3, max_bytes=len(document)))) == 3
    assert "TEARLINE_MAX_OBJECTS" in str(refused(document, Limits(max_objects=2)))
    too_large = refused(document, Limits(max_bytes=len(document) - 1))
    assert "TEARLINE_MAX_DOCUMENT_BYTES" in str(too_large)


def test_the_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    split_bundle(bundle(b"{}"))
    refused(bundle(b"{"))
    assert gc.isenabled()


def test_an_envelope_is_cut_like_a_bundle() -> None:
    page = split_envelope(b'{"more":true,"next":"n2","objects":[ {"a": 1} ]}')
    assert (page.objects, page.more, page.next) == ([b'{"a": 1}'], True, "n2")
    empty = split_envelope(b"{}")
    assert (empty.objects, empty.more, empty.next) == ([], False, None)


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b'{"more":"harbour-master"}',
        b'{"objects":[1],"objects":[1]}',
        b'{"objects":[1]',
        b'{"objects":["\xff"]}',
    ],
)
def test_an_envelope_of_the_wrong_form_is_refused(document: bytes) -> None:
    with pytest.raises(InputError) as caught:
        split_envelope(document)
    assert SECRET.decode() not in str(caught.value)


def test_an_envelope_has_limits_too() -> None:
    with pytest.raises(InputError, match="limit"):
        split_envelope(b'{"objects":[1,2]}', Limits(max_objects=1))
    with pytest.raises(InputError, match="limit"):
        split_envelope(b'{"objects":[1,2]}', Limits(max_bytes=3))
