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
from tearline.provenance.claims import EXTENSION, Claim, claim_of, twice_in
from tearline.provenance.definitions import AUTHOR, CLAIM_DEFINITION
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
    forms = {AUTHOR["id"], CLAIM_DEFINITION["id"]}
    assert set(report["object_refs"]) == set(ids) - {report["id"], us} - forms


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
        if doc not in (AUTHOR, CLAIM_DEFINITION)
        for key in ("name", "description", "abstract", "content", "explanation")
        if key in doc
    ]
    named = {word for text in texts for word in re.findall(r"(?<=[a-z0-9,;] )[A-Z]\w*", text)}
    assert named <= NAMES
    people = [doc for doc in _of_type(story, "identity") if doc != AUTHOR]
    roles = {doc["name"].split()[0] for doc in people}
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


PAGE, CAST, AGENCY = "An online news page", "A broadcaster", "A news agency"
SPOKESWOMAN, ENVOY = "A spokeswoman of the foreign ministry", "A special envoy"
MOVEMENT, WARNERS = "An armed movement", "The proposing state's authorities"
COMMANDER, AUTHOR_OF_PAGE = "A commander of the other power", "The author of the page"
EXPERT, OFFICER = "An expert of a policy institute", "A former intelligence officer"
CHAINS = {
    "An exchange of intelligence is proposed": (PAGE, CAST, SPOKESWOMAN),
    "Exclusively about one threat": (PAGE, CAST, SPOKESWOMAN),
    "Arms might follow": (PAGE, AGENCY, ENVOY),
    "Only with caution": (PAGE, AGENCY, ENVOY),
    "The movement denies it": (PAGE, MOVEMENT),
    "The movement keeps the right to ask": (PAGE, MOVEMENT),
    "The second group is spreading": (PAGE, WARNERS),
    "Money from drugs": (PAGE, WARNERS),
    "More than 3000 fighters": (PAGE, CAST, COMMANDER),
    "The estimate matches the warning": (PAGE, AUTHOR_OF_PAGE),
    "A threat of the gravest kind": (PAGE, AUTHOR_OF_PAGE),
    "Motive one: cut a link": (PAGE, CAST, EXPERT),
    "Motive two: something to pass on": (PAGE, OFFICER),
    "Motive three: show strength": (PAGE, "Unnamed experts"),
    "The author's judgement": (PAGE, AUTHOR_OF_PAGE),
    "A generation earlier": (PAGE, AUTHOR_OF_PAGE),
    "Alliances the other way round": (PAGE, AUTHOR_OF_PAGE),
    "Worry about the movement itself": (PAGE, "Unnamed media"),
    "The page itself": (PAGE,),
}
"""Who said it, through whom: from where we have it to who said it first."""


@pytest.fixture(scope="module")
def claims(story: dict[str, Any]) -> dict[str, Claim]:
    read = {note["abstract"]: claim_of(note) for note in _of_type(story, "note")}
    return {title: claim for title, claim in read.items() if claim is not None}


def test_every_statement_is_a_claim_with_its_chain(
    story: dict[str, Any], claims: dict[str, Claim]
) -> None:
    names = {doc["id"]: doc["name"] for doc in _of_type(story, "identity")}
    found = {
        title: tuple(names[each.identity_ref] for each in claim.source_chain)
        for title, claim in claims.items()
    }
    assert found == CHAINS
    assert len(found) == len(_of_type(story, "note"))
    broadcasters = {
        each.identity_ref
        for claim in claims.values()
        for each in claim.source_chain
        if names[each.identity_ref] == CAST
    }
    assert len(broadcasters) == 1
    assert not [title for title, claim in claims.items() if twice_in(claim.source_chain)]


def test_roles_names_and_interests_stand_in_the_chains(claims: dict[str, Claim]) -> None:
    ends = {title: claim.source_chain[-1] for title, claim in claims.items()}
    assert all(claim.source_chain[0].role == "publisher" for claim in claims.values())
    unnamed = {title for title, end in ends.items() if end.unnamed}
    assert unnamed == {"Motive three: show strength", "Worry about the movement itself"}
    no_origin = {title for title, end in ends.items() if end.role != "origin"}
    assert no_origin == {"Worry about the movement itself", "The page itself"}
    interested = {title for title, end in ends.items() if end.interest}
    assert interested == {
        "An exchange of intelligence is proposed",
        "Exclusively about one threat",
        "Arms might follow",
        "Only with caution",
        "The movement denies it",
        "The movement keeps the right to ask",
        "The second group is spreading",
        "Money from drugs",
        "More than 3000 fighters",
    }


def test_denial_number_judgement_and_gaps_are_fields(
    story: dict[str, Any], claims: dict[str, Claim]
) -> None:
    ids = {note["abstract"]: note["id"] for note in _of_type(story, "note")}
    denied = {title: claim.denies_ref for title, claim in claims.items() if claim.denied}
    assert denied == {"The movement denies it": ids["An exchange of intelligence is proposed"]}
    fighters = claims["More than 3000 fighters"]
    assert fighters.quantity is not None
    assert tuple(getattr(fighters.quantity, each) for each in ("number", "bound", "unit")) == (
        3000,
        "over",
        "fighters",
    )
    assert (fighters.true_from, fighters.true_until, fighters.said) == ("2015-11",) * 3
    assert {title for title, claim in claims.items() if claim.own_judgement} == {
        "The estimate matches the warning",
        "A threat of the gravest kind",
        "The author's judgement",
    }
    complete = {title for title, claim in claims.items() if not claim.missing}
    assert complete == {
        "The author's judgement",
        "A generation earlier",
        "Alliances the other way round",
    }
    assert claims["A generation earlier"].true_from == "1979"


def test_the_note_and_its_extension_say_the_same(
    story: dict[str, Any], claims: dict[str, Claim]
) -> None:
    (report,) = _of_type(story, "report")
    for note in _of_type(story, "note"):
        lines, claim = _lines(note), claims[note["abstract"]]
        assert f"polarity:{claim.polarity}" in note["labels"]
        assert claim.report_ref == report["id"]
        assert {each.identity_ref for each in claim.source_chain} <= set(note["object_refs"])
        assert bool(claim.missing) == ("Not held" in lines)
        interest = claim.source_chain[-1].interest
        assert interest == lines.get("Interest", "")
        assert claim.said in lines["Said"]
        words = " ".join((lines["Wording"], lines["Origin"]))
        assert all(hedge in words for hedge in claim.hedges)


def test_the_form_of_claims_comes_along(story: dict[str, Any]) -> None:
    assert [doc for doc in story["objects"] if doc in (AUTHOR, CLAIM_DEFINITION)] == [
        AUTHOR,
        CLAIM_DEFINITION,
    ]
    assert all(EXTENSION in note["extensions"] for note in _of_type(story, "note"))


def test_the_readme_names_every_line_and_label(story: dict[str, Any]) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert all(f"`{line}`" in readme for line in LINES)
    labels = {label for note in _of_type(story, "note") for label in note["labels"]}
    assert all(label.partition(":")[2] in readme for label in labels if "certainty" in label)
