import json
from typing import Any

import pytest

from tearline.errors import InputError
from tearline.stix.objects import IDENTIFIER, Limits, read, references

UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
TOOL = {
    "type": "tool",
    "spec_version": "2.1",
    "id": f"tool--{UUID}",
    "created": "2026-01-02T03:04:05.678Z",
    "modified": "2026-02-02T03:04:05.678901Z",
    "name": "harbour-master",
}


def refused(raw: bytes, limits: Limits | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        read(raw, limits or Limits())
    assert "harbour-master" not in str(caught.value)
    return caught.value


def changed(**members: object) -> bytes:
    return json.dumps(TOOL | members).encode()


def test_an_object_keeps_the_bytes_that_came() -> None:
    raw = b"{ " + json.dumps(TOOL, indent=1).encode()[1:]
    tool = read(raw)
    assert tool.raw is raw
    assert tool.doc == TOOL
    assert (tool.id, tool.type, tool.revoked) == (TOOL["id"], "tool", False)
    assert tool.created_at == 1_767_323_045_678_000
    assert tool.modified_at == 1_770_001_445_678_901


def test_an_observable_has_no_moments() -> None:
    url = read(f'{{"type":"url","id":"url--{UUID}","value":"x"}}'.encode())
    assert (url.created_at, url.modified_at) == (None, None)


def test_a_revoked_object_says_so() -> None:
    assert read(changed(revoked=True)).revoked
    assert not read(changed(revoked=False)).revoked


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"type": None}, "type"),
        ({"type": 7}, "type"),
        ({"type": ["tool"]}, "type"),
        ({"type": "Tool"}, "type"),
        ({"type": "to"}, "type"),
        ({"type": "x" * 251}, "type"),
        ({"type": "a--b"}, "type"),
        ({"type": "tool\n"}, "type"),
        ({"type": "bundle", "id": f"bundle--{UUID}"}, "type"),
        ({"id": None}, "id"),
        ({"id": {}}, "id"),
        ({"id": "tool"}, "id"),
        ({"id": f"tool--{UUID}\n"}, "id"),
        ({"id": f"tool-{UUID}"}, "id"),
        ({"id": f"malware--{UUID}"}, "id"),
        ({"id": "tool--00000000-0000-0000-0000-000000000000"}, "id"),
        ({"id": "tool--../../etc/passwd"}, "id"),
        ({"created": None}, "created"),
        ({"created": 1767323045}, "created"),
        ({"created": "yesterday"}, "created"),
        ({"modified": "2026-02-30T00:00:00.000Z"}, "modified"),
        ({"modified": "2026-02-02T00:00:00+01:00"}, "modified"),
        ({"revoked": "true"}, "revoked"),
        ({"revoked": 1}, "revoked"),
        ({"revoked": None}, "revoked"),
    ],
)
def test_a_wrong_header_is_refused_with_its_place(members: dict[str, Any], place: str) -> None:
    assert refused(changed(**members)).place == place


@pytest.mark.parametrize("missing", ["type", "id"])
def test_type_and_id_must_be_there(missing: str) -> None:
    doc = {name: value for name, value in TOOL.items() if name != missing}
    assert refused(json.dumps(doc).encode()).place == missing


@pytest.mark.parametrize("raw", [b"[]", b"7", b"null", b'"harbour-master"', b"true"])
def test_other_values_are_no_objects(raw: bytes) -> None:
    assert "JSON object" in str(refused(raw))


def test_the_last_word_is_not_silently_kept() -> None:
    twice = changed()[:-1] + b',"object_marking_refs":[],"object_marking_refs":["harbour-master"]}'
    assert "object_marking_refs" in str(refused(twice))


@pytest.mark.parametrize("value", ["9007199254740993", "NaN", "[" * 10_000 + "]" * 10_000])
def test_what_readers_disagree_about_is_refused(value: str) -> None:
    refused(changed()[:-1] + f',"x_value":{value}}}'.encode())


def test_limits_hold() -> None:
    raw = changed(x_deep=[[[1]]])
    assert read(raw, Limits(max_object_bytes=len(raw), max_depth=4)).raw == raw
    assert "TEARLINE_MAX_OBJECT_BYTES" in str(refused(raw, Limits(max_object_bytes=len(raw) - 1)))
    assert "TEARLINE_MAX_DEPTH" in str(refused(raw, Limits(max_depth=3)))


def test_an_id_names_its_type() -> None:
    match = IDENTIFIER.fullmatch(f"x-new-thing--{UUID}")
    assert match is not None
    assert match[1] == "x-new-thing"


A, B, C = (f"url--{UUID[:-1]}{digit}" for digit in "abc")


@pytest.mark.parametrize(
    ("doc", "found"),
    [
        ({}, []),
        ({"source_ref": A, "target_ref": B}, [("source_ref", A), ("target_ref", B)]),
        ({"created_by_ref": A}, [("created_by_ref", A)]),
        ({"object_refs": [A, B, A]}, [("object_refs", A), ("object_refs", B), ("object_refs", A)]),
        ({"extensions": {"x": {"y_ref": A}}}, [("extensions.x.y_ref", A)]),
        (
            {"body_multipart": [{"body_raw_ref": A}, {"body_raw_ref": B}]},
            [("body_multipart.body_raw_ref", A), ("body_multipart.body_raw_ref", B)],
        ),
        ({"x_odd_refs": [{"inner_ref": A}]}, [("x_odd_refs.inner_ref", A)]),
        ({"x_odd_ref": {"inner_refs": [A]}}, [("x_odd_ref.inner_refs", A)]),
        ({"x_lists": [[[{"deep_refs": [C]}]]]}, [("x_lists.deep_refs", C)]),
        ({"object_refs": A}, [("object_refs", A)]),
        ({"source_ref": [A]}, [("source_ref", A)]),
        ({"x_ticket_ref": "AB-1", "x_refs": [None, 7, "no"]}, []),
        ({"name": A, "ref": A, "x_reference": A, "labels": [A]}, []),
        ({"object_marking_refs": [A]}, []),
        ({"granular_markings": [{"marking_ref": A, "selectors": ["name"]}]}, []),
        (
            {"objects": {"0": {"object_marking_refs": [A], "dst_ref": B}}},
            [("objects.0.dst_ref", B)],
        ),
    ],
)
def test_references_are_found_at_any_depth(
    doc: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert sorted(references(doc)) == sorted(found)


def test_references_do_not_descend_by_recursion() -> None:
    doc: dict[str, Any] = {"end_ref": A}
    for _ in range(50_000):
        doc = {"x": doc}
    assert [target for _, target in references(doc)] == [A]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"name": "a\0b"}, "name"),
        ({"labels": ["fine", "a\0b"]}, "labels"),
        ({"aliases": ["a\0"]}, "aliases"),
        ({"relationship_type": "\0"}, "relationship_type"),
        ({"created_by_ref": f"identity--{UUID}\0"}, "created_by_ref"),
        ({"external_references": [{"external_id": "T\0"}]}, "external_references.external_id"),
        ({"x_own": {"some_refs": ["tool--\0"]}}, "x_own.some_refs"),
        ({"x_own": {"a\0b": 1}}, "x_own"),
    ],
)
def test_nul_is_refused_in_what_objects_are_found_by(more: dict[str, Any], place: str) -> None:
    raw = json.dumps(TOOL | {"name": "x"} | more).encode()
    assert refused(raw).place == place


def test_nul_in_any_other_text_is_kept_as_it_came() -> None:
    doc = TOOL | {"description": "\0", "name": r"\u0000", "x_command_line": ["sh\0-c"]}
    assert read(json.dumps(doc).encode()).doc == doc
