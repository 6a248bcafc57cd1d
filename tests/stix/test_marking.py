from itertools import product
from typing import Any

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import InputError
from tearline.stix.marking import (
    AMBER,
    AMBER_STRICT,
    CLEAR,
    CONTRADICTORY,
    GREEN,
    LEVEL_OF,
    NO_GRADE,
    RED,
    UNKNOWN,
    UNMARKED,
    grade_name,
    is_marked,
    level_name,
    marking_of,
    marking_ref,
    meets,
    parse_grade,
    parse_level,
    strictest,
)

LEVELS = [CLEAR, GREEN, AMBER, AMBER_STRICT, RED]
STRANGE = "marking-definition--11111111-1111-4111-8111-111111111111"
OLD_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"


def granular(*refs: str) -> list[dict[str, Any]]:
    return [{"selectors": ["name"], "marking_ref": ref} for ref in refs]


def test_the_levels_rise_as_tlp_does() -> None:
    assert sorted(LEVELS) == LEVELS
    names = [level_name(level) for level in LEVELS]
    assert names == ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_read_as_it_is_written(level: int) -> None:
    assert parse_level(level_name(level)) == level
    assert parse_level(f" {level_name(level).lower()} ") == level
    assert marking_of({"object_marking_refs": [marking_ref(level)]}) == level


def test_white_is_the_old_name_of_clear() -> None:
    assert parse_level("tlp:white") == CLEAR


@pytest.mark.parametrize("text", ["", "AMBER", "TLP:", "TLP:BLUE", "unmarked", "TLP:AMBER STRICT"])
def test_other_labels_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="TLP level"):
        parse_level(text)


def test_the_ids_of_tlp_1_are_those_of_the_stix2_library() -> None:
    theirs = {
        stix2.TLP_WHITE.id: CLEAR,
        stix2.TLP_GREEN.id: GREEN,
        stix2.TLP_AMBER.id: AMBER,
        stix2.TLP_RED.id: RED,
    }
    assert theirs.items() <= LEVEL_OF.items()
    assert len(LEVEL_OF) == len(theirs) + len(LEVELS)


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        ({}, UNMARKED),
        ({"object_marking_refs": []}, UNMARKED),
        ({"object_marking_refs": [OLD_AMBER]}, AMBER),
        ({"object_marking_refs": [OLD_AMBER, marking_ref(AMBER)]}, AMBER),
        ({"object_marking_refs": [OLD_AMBER, OLD_AMBER]}, AMBER),
        ({"object_marking_refs": [OLD_AMBER, marking_ref(RED)]}, CONTRADICTORY),
        ({"object_marking_refs": [marking_ref(AMBER), marking_ref(AMBER_STRICT)]}, CONTRADICTORY),
        ({"object_marking_refs": [STRANGE]}, UNKNOWN),
        ({"object_marking_refs": [marking_ref(CLEAR), STRANGE]}, UNKNOWN),
        ({"object_marking_refs": [marking_ref(CLEAR), marking_ref(RED), STRANGE]}, UNKNOWN),
        ({"object_marking_refs": marking_ref(CLEAR)}, CLEAR),
        ({"object_marking_refs": [7]}, UNKNOWN),
        ({"object_marking_refs": [[marking_ref(CLEAR)]]}, UNKNOWN),
        ({"object_marking_refs": [marking_ref(CLEAR).upper()]}, UNKNOWN),
        ({"granular_markings": granular(marking_ref(GREEN), marking_ref(RED))}, RED),
        ({"granular_markings": granular(STRANGE)}, UNKNOWN),
        ({"granular_markings": [{"selectors": ["name"], "lang": "sv"}]}, UNMARKED),
        ({"granular_markings": ["odd"]}, UNKNOWN),
        ({"granular_markings": [{"marking_ref": None}]}, UNKNOWN),
    ],
)
def test_markings_say_how_far_an_object_may_go(doc: dict[str, Any], expected: int) -> None:
    assert marking_of(doc) == expected


@pytest.mark.parametrize(("whole", "part"), list(product(LEVELS, LEVELS)))
def test_a_part_can_only_tighten_the_whole(whole: int, part: int) -> None:
    doc: dict[str, Any] = {
        "object_marking_refs": [marking_ref(whole)],
        "granular_markings": granular(marking_ref(part)),
    }
    assert marking_of(doc) == max(whole, part)


def test_a_marked_part_does_not_lift_a_contradiction() -> None:
    doc: dict[str, Any] = {
        "object_marking_refs": [marking_ref(CLEAR), marking_ref(GREEN)],
        "granular_markings": granular(marking_ref(RED)),
    }
    assert marking_of(doc) == CONTRADICTORY


def test_observables_inside_observed_data_bind_it() -> None:
    inside: dict[str, Any] = {"0": {"type": "url", "object_marking_refs": [marking_ref(RED)]}}
    doc = {"object_marking_refs": [marking_ref(GREEN)], "objects": inside}
    assert marking_of(doc) == RED
    inside["0"] = {"type": "url", "granular_markings": granular(STRANGE)}
    assert marking_of(doc) == UNKNOWN


def test_a_statement_that_limits_nothing_can_be_passed_over() -> None:
    doc = {"object_marking_refs": [STRANGE, marking_ref(GREEN)]}
    assert marking_of(doc, silent={STRANGE}) == GREEN
    assert marking_of({"object_marking_refs": [STRANGE]}, silent={STRANGE}) == UNMARKED


def test_what_a_marking_definition_claims_counts_for_nothing() -> None:
    posing = {"type": "marking-definition", "id": marking_ref(CLEAR), "name": "TLP:CLEAR"}
    assert marking_of(posing) == UNMARKED


def test_only_a_level_for_the_whole_object_marks_it() -> None:
    assert is_marked({"object_marking_refs": [marking_ref(GREEN)]})
    assert not is_marked({"granular_markings": granular(marking_ref(GREEN))})
    assert not is_marked({"object_marking_refs": [STRANGE]})


any_level = st.sampled_from([*LEVELS, UNMARKED, UNKNOWN, CONTRADICTORY])


@given(any_level, any_level, any_level)
def test_strictest_does_not_depend_on_order(first: int, second: int, third: int) -> None:
    assert strictest(first, second) == strictest(second, first)
    assert strictest(strictest(first, second), third) == strictest(first, strictest(second, third))
    assert strictest(first, first) == first
    assert strictest(first, UNMARKED) == first
    assert strictest(first, UNKNOWN) == UNKNOWN


def test_a_grade_is_letter_and_digit() -> None:
    assert parse_grade("B2") == 22
    assert parse_grade(" f6 ") == 66
    for letter, digit in product("ABCDEF", "123456"):
        assert grade_name(parse_grade(letter + digit)) == letter + digit
    assert grade_name(NO_GRADE) == "ungraded"


@pytest.mark.parametrize("text", ["", "B", "2", "2B", "G1", "A0", "A7", "B22", "B٢", "*"])
def test_other_grades_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="grade"):
        parse_grade(text)


@pytest.mark.parametrize(
    ("grade", "passes"),
    [("B2", True), ("A1", True), ("B3", False), ("C1", False), ("A2", True), ("C2", False)],
)
def test_a_floor_demands_letter_and_digit(grade: str, *, passes: bool) -> None:
    assert meets(parse_grade(grade), parse_grade("B2")) is passes


def test_no_grade_fails_every_floor() -> None:
    assert not meets(NO_GRADE, parse_grade("F6"))
