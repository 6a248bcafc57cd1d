"""PAP, IEP and statements, as objects and definitions state them."""

from typing import Any

import pytest

from tearline.stix import marking
from tearline.stix.handling import (
    NO_PAP,
    PAP_OF,
    Handling,
    handling_of,
    meaning,
    others_of,
    pap_of,
)

PAP = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
IEP = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
GREEN = marking.marking_ref(marking.GREEN)
ONE, TWO = "marking-definition--one", "marking-definition--two"
AMBER = next(each for each, level in PAP_OF.items() if level == 2)


def statement(text: str) -> dict[str, Any]:
    return {"definition_type": "statement", "definition": {"statement": text}}


def policy(**stated: object) -> dict[str, Any]:
    return {"extensions": {IEP: {"iep_id": "p1", "tlp": "amber", **stated}}}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (statement("Only for staff"), "statement Only for staff"),
        (statement("pap:red"), "PAP:RED"),
        (statement("x" * 501), None),
        (statement(""), None),
        ({"extensions": {PAP: {"pap": "white"}}}, "PAP:CLEAR"),
        ({"extensions": {PAP: {"pap": "pink"}}}, None),
        ({"extensions": {"extension-definition--x": {}}} | statement("a"), None),
        (statement("custom") | {"x_opencti_definition_type": "PAP"}, None),
        (
            statement("custom")
            | {"x_opencti_definition_type": "PAP", "x_opencti_definition": "PAP:GREEN"},
            "PAP:GREEN",
        ),
        (policy(), "IEP p1 TLP:AMBER"),
        (policy(end_date="2027-01-01T00:00:00Z"), None),
        (policy(tlp=None), None),
        (policy(iep_id="two words"), None),
        ({"extensions": 7}, None),
        ({}, None),
    ],
)
def test_a_definition_has_a_meaning_or_none(definition: dict[str, Any], said: str | None) -> None:
    assert meaning(definition) == said


@pytest.mark.parametrize(
    ("doc", "level"),
    [
        ({}, NO_PAP),
        ({"object_marking_refs": [GREEN]}, NO_PAP),
        ({"object_marking_refs": [AMBER, GREEN]}, 2),
        ({"labels": ["x", "pap:red"]}, 3),
        ({"labels": ["PAP:WHITE", "PAP:CLEAR"]}, 0),
        ({"labels": ["PAP:RED"], "object_marking_refs": [AMBER]}, marking.CONTRADICTORY),
        ({"labels": 3, "object_marking_refs": 4}, NO_PAP),
        ({"granular_markings": [{"marking_ref": AMBER, "selectors": ["name"]}]}, 2),
    ],
)
def test_an_object_states_a_pap_level_by_marking_or_label(doc: dict[str, Any], level: int) -> None:
    assert pap_of(doc) == level


def test_what_definitions_say_counts_together() -> None:
    doc = {"object_marking_refs": [GREEN, ONE, TWO, AMBER]}
    assert others_of(doc) == [ONE, TWO]
    found = handling_of(doc, {ONE: "statement Only  FOR staff", TWO: "IEP p1 TLP:AMBER"})
    assert found == Handling(marking.AMBER, 2, ("only for staff",), ("p1",))


@pytest.mark.parametrize("said", [{}, {ONE: "nonsense"}, {ONE: "IEP p1 TLP:PINK"}])
def test_a_marking_without_a_meaning_cannot_be_ranked(said: dict[str, str]) -> None:
    assert handling_of({"object_marking_refs": [GREEN, ONE]}, said).level == marking.UNKNOWN


def test_a_statement_alone_leaves_an_object_unmarked() -> None:
    found = handling_of({"object_marking_refs": [ONE]}, {ONE: "statement a"})
    assert found.level == marking.UNMARKED
