import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import stix2
from stix2validator import ValidationOptions, validate_instance

from tearline.agreement.home import create_home
from tearline.exchange.files import import_files
from tearline.stix.bundle import split_bundle
from tearline.stix.objects import StixObject, references
from tearline.stix.sift import sift

FOLDER = Path(__file__).parents[2] / "examples" / "founding-story"
STORY = FOLDER / "story.json"
NOW = 1_798_761_600_000_000
LINES = ("Origin", "Relay", "Publisher", "Wording", "Said", "True", "Interest", "Not held")
# Roles stand for persons, states and organisations; only places and dates have names.
NAMES = {"Afghanistan", "Asia", "Central", "European", "Iraq", "Kunduz", "Syria", "Time"}
NAMES |= {"December", "November", "Tearline"}


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(STORY.read_text("utf-8"))
    return document


def _of_type(story: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [doc for doc in story["objects"] if doc["type"] == kind]


def _lines(note: dict[str, Any]) -> dict[str, str]:
    _, _, tail = note["content"].partition("\n\n")
    return dict(line.split(": ", 1) for line in tail.splitlines())


def test_the_oasis_validator_has_neither_error_nor_warning(story: dict[str, Any]) -> None:
    result = validate_instance(story, ValidationOptions(version="2.1"))
    assert result.is_valid
    assert list(map(str, result.warnings or [])) == []


def test_another_library_reads_it_without_custom_content(story: dict[str, Any]) -> None:
    assert len(stix2.parse(story, allow_custom=False).objects) == len(story["objects"])


def test_our_checks_find_nothing() -> None:
    slices = split_bundle(STORY.read_bytes())
    assert [each for each in sift(slices) if not isinstance(each, StixObject)] == []


def test_every_reference_is_in_the_bundle_and_the_report_holds_all(story: dict[str, Any]) -> None:
    ids = [doc["id"] for doc in story["objects"]]
    assert len(set(ids)) == len(ids)
    assert {to for doc in story["objects"] for _, to in references(doc)} <= set(ids)
    (report,) = _of_type(story, "report")
    us = report["created_by_ref"]
    assert set(report["object_refs"]) == set(ids) - {report["id"], us}


def test_every_claim_says_where_it_comes_from_and_how_sure_it_is(story: dict[str, Any]) -> None:
    for note in _of_type(story, "note"):
        lines = _lines(note)
        assert tuple(lines) == tuple(name for name in LINES if name in lines)
        assert set(LINES[:6]) <= set(lines), note["abstract"]
        kinds = Counter(label.partition(":")[0] for label in note["labels"])
        assert kinds["claim"] == kinds["polarity"] == kinds["certainty"] == 1
        assert note["authors"]
        assert note["abstract"]


def test_an_origin_that_speaks_for_itself_is_called_interested(story: dict[str, Any]) -> None:
    notes = _of_type(story, "note")
    interested = {note["authors"][0] for note in notes if "Interest" in _lines(note)}
    assert {
        "A spokeswoman of the foreign ministry",
        "A special envoy",
        "An armed movement",
        "The proposing state's authorities",
    } <= interested


def test_nobody_is_named(story: dict[str, Any]) -> None:
    texts = [
        doc[key]
        for doc in story["objects"]
        for key in ("name", "description", "abstract", "content", "explanation")
        if key in doc
    ]
    named = {word for text in texts for word in re.findall(r"(?<=[a-z0-9,;] )[A-Z]\w*", text)}
    assert named <= NAMES
    roles = {doc["name"].split()[0] for doc in _of_type(story, "identity")}
    assert roles <= {"A", "An", "The", "Another", "Some", "Unnamed", "Fighters", "Armed",
                     "Neighbouring", "Tearline"}  # fmt: skip


def test_the_denial_stands_beside_what_it_denies(story: dict[str, Any]) -> None:
    offer = next(n for n in _of_type(story, "note") if "proposed" in n["abstract"])
    (denial,) = (o for o in _of_type(story, "opinion") if "polarity:denied" in o["labels"])
    assert denial["opinion"] == "strongly-disagree"
    assert offer["id"] in denial["object_refs"]
    denied = [n for n in _of_type(story, "note") if "polarity:denied" in n["labels"]]
    assert len(denied) == 1


def test_the_whole_story_is_told(story: dict[str, Any]) -> None:
    told = Counter(
        label for note in _of_type(story, "note") for label in note["labels"] if ":" in label
    )
    assert told["hypothesis:motive"] == 3
    assert told["quantity:over-3000"] == 1
    assert told["certainty:own-judgement"] == 1
    through = Counter(_lines(note)["Relay"] for note in _of_type(story, "note"))
    assert through["a broadcaster"] == 4
    content = " ".join(note["content"] for note in _of_type(story, "note"))
    for said in ("2015-12-23", "2015-12-25", "2015-12-26", "2015-11", "1979 to 1989"):
        assert said in content
    places = {doc["name"] for doc in _of_type(story, "location")}
    assert {"Afghanistan", "Iraq", "Kunduz", "Syria"} <= places


def test_it_can_be_imported_twice(tmp_path: Path, story: dict[str, Any]) -> None:
    home = create_home(tmp_path / "home", "Northgate CERT", None, now=NOW)
    first = import_files(home, [STORY], mark=0, now=NOW)
    assert (first.stored, first.refused) == (len(story["objects"]), ())
    second = import_files(home, [STORY], mark=0, now=NOW + 1)
    assert (second.stored, second.unchanged, second.refused) == (0, first.stored, ())


def test_the_readme_names_every_line_and_label(story: dict[str, Any]) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert all(f"`{line}`" in readme for line in LINES)
    labels = {label for note in _of_type(story, "note") for label in note["labels"]}
    assert all(label.partition(":")[2] in readme for label in labels if "certainty" in label)
