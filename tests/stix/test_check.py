import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from tearline.stix.check import (
    MOST_PLAIN,
    PLAIN,
    Checker,
    has_plain_names,
    required_properties,
    validator_of,
)
from tearline.stix.marking import LEVEL_OF, RED, marking_ref
from tearline.stix.observable import KNOWN_TYPES, OBSERVABLE_TYPES

UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
MOMENT = "2026-01-02T03:04:05.678Z"
COMMON = {"spec_version": "2.1", "created": MOMENT, "modified": MOMENT}
TOOL = {"type": "tool", "id": f"tool--{UUID}", "name": "crane", **COMMON}
CUSTOM = {"type": "x-crane", "id": f"x-crane--{UUID}", "x_height": 7, **COMMON}
URL = {"type": "url", "id": f"url--{UUID}", "value": "https://harbour.example/"}
TLP_2_AMBER = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "created": "2022-10-01T00:00:00.000Z",
    "name": "TLP:AMBER",
    "extensions": {
        "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
            "extension_type": "property-extension",
            "tlp_2_0": "amber",
        }
    },
}
SECRET = "harbour-master"

problems = Checker().problems


@pytest.mark.parametrize(
    "doc",
    [
        TOOL,
        CUSTOM,
        URL,
        TLP_2_AMBER,
        TOOL | {"tool_types": ["not-in-the-vocabulary"], "x_own": {"a": [1]}},
        {"type": "x-odd-thing", "id": f"x-odd-thing--{UUID}", "value": "7"},
        {"type": "incident", "id": f"incident--{UUID}", "name": "n", **COMMON},
    ],
)
def test_sound_objects_pass(doc: dict[str, Any]) -> None:
    assert problems(doc) == []


def test_the_objects_of_the_stix2_library_pass() -> None:
    marking = {name: value for name, value in stix2.TLP_RED.items() if name != "created"}
    marking["created"] = "2017-01-20T00:00:00.000Z"
    marking["definition"] = {"tlp": "red"}
    assert problems(marking) == []


@pytest.mark.parametrize(
    ("doc", "place"),
    [
        (TOOL | {"name": 7}, "name"),
        (TOOL | {"created": "2026-01-02T03:04:05Z"}, "created"),
        (TOOL | {"spec_version": SECRET}, "spec_version"),
        (TOOL | {"labels": SECRET}, "labels"),
        (TOOL | {"labels": ["a", [SECRET]]}, "labels.1"),
        (TOOL | {"confidence": 101}, "confidence"),
        (TOOL | {"x_empty": None}, "x_empty"),
        (TOOL | {"object_marking_refs": []}, "object_marking_refs"),
        (TOOL | {"external_references": [{"description": SECRET}]}, "external_references.0"),
        (TOOL | {"granular_markings": [{"selectors": [], "marking_ref": SECRET}]}, "granular_"),
        (TOOL | {"severity": SECRET}, "object"),
        (CUSTOM | {"labels": 7}, "labels"),
        (URL | {"id": f"tool--{UUID}"}, "id"),
        (URL | {"defanged": SECRET}, "defanged"),
        ({"type": "file", "id": f"file--{UUID}"}, "object"),
        ({"type": "file", "id": f"file--{UUID}", "hashes": {"MD5": SECRET}}, "hashes.MD5"),
    ],
)
def test_a_problem_names_its_place_and_no_content(doc: dict[str, Any], place: str) -> None:
    found = problems(doc)
    assert found
    assert found[0].startswith(place)
    assert SECRET not in "".join(found)


@pytest.mark.parametrize("missing", ["name", "created", "modified", "spec_version"])
def test_what_is_required_must_be_there(missing: str) -> None:
    doc = {name: value for name, value in TOOL.items() if name != missing}
    assert any(missing in line for line in problems(doc))


def test_messages_are_few_short_and_printable() -> None:
    doc = TOOL | {f"Bad\x1b[31m {number}" + "x" * 5000: 1 for number in range(50)}
    many = problems(TOOL | {"name": 7, "labels": 7, "lang": 7, "confidence": "7"})
    assert len(many) == 3
    found = problems(doc) + problems(TOOL | {"labels": 7, "x_": {"\n": 1}})
    assert found
    assert all(line.isprintable() and len(line) < 300 for line in found)


@pytest.mark.parametrize("member", ["x_deep", "labels", "extensions", "external_references"])
def test_endless_nesting_is_a_problem_and_no_crash(member: str) -> None:
    lists: list[Any] = []
    dicts: dict[str, Any] = {"a": 1}
    for _ in range(10_000):
        lists, dicts = [lists], {"a": dicts}
    assert isinstance(problems(TOOL | {member: lists}), list)
    assert isinstance(problems(TOOL | {member: dicts}), list)


def test_what_is_no_json_is_a_problem() -> None:
    assert problems(TOOL | {"x_odd": object()})


@pytest.mark.parametrize("kind", sorted(KNOWN_TYPES))
def test_every_type_has_a_schema_of_its_own(kind: str) -> None:
    empty = {"type": kind, "id": f"x-other--{UUID}", "created": MOMENT}
    assert problems(empty)
    assert {"type", "id"} <= required_properties(kind)


def test_required_properties_are_those_of_the_standard() -> None:
    common = {"type", "id", "spec_version", "created", "modified"}
    assert required_properties("tool") == common | {"name"}
    assert required_properties("relationship") == common | {
        "relationship_type",
        "source_ref",
        "target_ref",
    }
    assert required_properties("indicator") == common | {"pattern", "pattern_type", "valid_from"}
    assert required_properties("marking-definition") == common - {"modified"}
    assert required_properties("url") == {"type", "id", "value"}
    assert required_properties("file") == {"type", "id"}
    assert required_properties("x-crane") == common


@pytest.mark.parametrize("kind", sorted(KNOWN_TYPES - {"extension-definition", "indicator"}))
def test_the_stix2_library_demands_the_same_properties(kind: str) -> None:
    """Indicators apart: there the library fills in `valid_from` by itself."""
    registry = stix2.registry.STIX2_OBJ_MAPS["2.1"]
    maker = registry["observables" if kind in OBSERVABLE_TYPES else "objects"][kind]
    fixed = {"id", "type", "spec_version", "created", "modified"}
    theirs = {name for name, rule in maker._properties.items() if rule.required} - fixed  # noqa: SLF001
    assert theirs == required_properties(kind) - fixed


def test_the_predefined_markings_are_in_the_schemas_or_the_extension() -> None:
    assert TLP_2_AMBER["id"] in LEVEL_OF
    assert LEVEL_OF[marking_ref(RED)] == LEVEL_OF[stix2.TLP_RED.id] == RED


def test_making_a_checker_is_quick_and_offline() -> None:
    """The validator package takes seconds to import and brings an HTTP client: never import it."""
    code = (
        "import sys; from tearline.stix.check import Checker; "
        "Checker().problems({'type': 'x-a', 'id': 'x'}); "
        "sys.exit(bool({'stix2validator', 'stix2', 'requests'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0


_NAMES = st.sampled_from(
    [
        *("name", "value", "labels", "aliases", "first_seen", "x_own", "x_own_bin", "x_hex", "X"),
        *("a_bin", "ab", "id", "_id", "1id", "x-own", "severity", "pattern", "revoked", "äbc"),
        *("extensions", "object_marking_refs", "external_references", "n" * 249, "n" * 250),
        "x_bin\n",
    ]
)
_EXTENSIONS = [{"a": [], "abc": None}, {"ABC": 1}, {"abc": 1}, {"a_hex": "7"}, {"abc": []}]
_VALUES = st.sampled_from(
    [
        *(None, [], {}, "", "text", "AAAA", 7, 0.5, True, ["text"], [None], MOMENT, [URL["id"]]),
        *({"x": None}, {"a_bin": 7}, [{"source_name": "cve"}], [{"source_name": "x", "url": "u"}]),
        *({"x-own-ext": each} for each in _EXTENSIONS),
    ]
)


@given(
    st.sampled_from([*sorted(KNOWN_TYPES), "x-crane"]),
    st.sampled_from([COMMON, {}]),
    st.sampled_from(["7", None]),
    st.dictionaries(_NAMES, _VALUES, max_size=3),
)
def test_the_short_check_answers_as_the_whole_one(
    kind: str, moments: dict[str, Any], rest: str | None, more: dict[str, Any]
) -> None:
    doc = {"type": kind, "id": f"{kind}--{UUID}", **moments, **more}
    if rest is not None:
        doc = dict.fromkeys(required_properties(kind), rest) | doc
    _answers_as_the_whole(doc)
    for sound in (TOOL, CUSTOM, URL):
        _answers_as_the_whole(sound | more)


def _answers_as_the_whole(doc: dict[str, Any]) -> None:
    whole = validator_of(doc, whole=True)
    assert validator_of(doc).is_valid(doc) == whole.is_valid(doc) == (problems(doc) == [])


def test_the_short_check_is_used_where_names_are_plain_and_only_there() -> None:
    for doc in (TOOL, CUSTOM, URL):
        assert validator_of(doc) is not validator_of(doc, whole=True)
        odd = doc | {"X-odd": 1}
        assert validator_of(odd) is validator_of(odd, whole=True)


@pytest.mark.parametrize("name", ["id", "abc", "n" * 249])
def test_a_plain_name_matches_the_last_pattern_alone(name: str) -> None:
    assert has_plain_names({name: 1})


@pytest.mark.parametrize(
    "name", ["x_bin", "x_hex", "ab", "n" * 250, "abc\n", "Abc", "1id", "äbc", ""]
)
def test_any_other_name_is_left_to_the_schema(name: str) -> None:
    assert not has_plain_names({"id": 1, name: 1})


def test_few_and_short_sets_of_names_are_remembered() -> None:
    for number in range(2 * MOST_PLAIN):
        assert has_plain_names({f"name_{number}": 1})
        assert len(PLAIN) <= MOST_PLAIN
    assert has_plain_names({f"name_{number}": 1 for number in range(64)})
    assert not has_plain_names({f"name_{number}": 1 for number in range(65)})


@pytest.mark.parametrize("value", [None, []])
@pytest.mark.parametrize("doc", [TOOL, CUSTOM, URL])
def test_a_property_without_a_value_is_a_problem(doc: dict[str, Any], value: object) -> None:
    assert problems(doc | {"x_own": value})
