"""Reading and writing agreements: closed vocabulary, one form of bytes."""

import tomllib
import uuid
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tearline.agreement.document import moment
from tearline.agreement.faults import PROTECTED
from tearline.agreement.terms import (
    agreement_hash,
    collection_id,
    parse_json,
    parse_toml,
    to_bytes,
)
from tearline.errors import InputError, ProofError
from tearline.stix import canonical
from tests.agreement.sides import ID, Sides, paper_terms, terms, text


def test_toml_becomes_bytes_and_bytes_become_the_same_agreement(sides: Sides) -> None:
    made = terms(sides)
    assert parse_json(to_bytes(made)) == made
    assert agreement_hash(to_bytes(made)) == f"sha256:{sha256(to_bytes(made)).hexdigest()}"


def test_a_one_sided_agreement_can_be_written_and_read(sides: Sides) -> None:
    made = paper_terms(sides.north)
    assert parse_json(to_bytes(made)) == made


def test_a_date_of_toml_is_the_same_as_its_text(sides: Sides) -> None:
    written = text(sides)
    dated = written.replace('"2026-01-01"', "2026-01-01").replace(
        '"2026-12-31"', "2026-12-31T00:00:00Z"
    )
    made = parse_toml(dated)
    assert (made.valid.from_, made.valid.until) == ("2026-01-01", "2026-12-31T00:00:00Z")


def test_a_bare_last_day_counts_to_its_end() -> None:
    assert moment("2026-12-31", end=True) == moment("2027-01-01")
    assert moment("2026-12-31T00:00:00Z", end=True) == moment("2026-12-31")


REVIEW = "review = { when = ['harm'], approvals = 1, within_hours = 1, silence = 'withhold' }"
HARM = "[[category]]\nid = 'harm'\nlabels = ['a']\n\n"

# (what is replaced, by what, the place that the refusal names)
RELATION = "[[topic]]\nid = 'T9'\nbetween = "
BAD = [
    ('title = "Hospitals"', 'title = "Hospitals"\ncolour = "red"', "agreement"),
    ('title = "Hospitals"', 'title = ""', "title"),
    ('title = "Hospitals"', "", "agreement"),
    ('title = "Hospitals"', 'title = "\u202eslatipsoH"', "title"),
    ("version = 1", "version = 0", "version"),
    ("version = 1", "version = 2", "replaces"),
    ("version = 1", "version = true", "version"),
    ("tearline-agreement/1", "tearline-agreement/2", "schema"),
    ('until = "2026-12-31"', 'until = "2025-12-31"', "valid"),
    ('until = "2026-12-31"', 'until = "31.12.2026"', "valid"),
    ('until = "2026-12-31"', 'until = "2026-13-31"', "valid"),
    ("[party.south]", "[party.South]", "party"),
    ('slug = "south-isac"', 'slug = "north-cert"', "slug"),
    ('slug = "south-isac"', 'slug = "../south"', "slug"),
    ('to = "south"', 'to = "west"', "clause N1"),
    ('to = "south"', 'to = "north"', "clause N1"),
    ('id = "S1"', 'id = "N1"', "clause N1"),
    ('topics = ["T1"]', 'topics = ["T2"]', "clause N1"),
    ('topics = ["T1"]', "topics = []", "topics"),
    ("reach = 1", "reach = 3", "reach"),
    ("reach = 1", 'reach = "*"', "reach"),
    ('"TLP:AMBER"', '"AMBER"', "marking_max"),
    ('"B2"', '"B7"', "grading_min"),
    ("max_age_days = 180", "max_age_days = 0", "max_age_days"),
    ("max_age_days = 180", 'max_age_days = "ever"', "max_age_days"),
    ('names = ["Example Spider"]', "names = []", "topic T1"),
    ('names = ["Example Spider"]', 'names = ["A"]\ncountries = ["SE"]', "topic"),
    ("reach = 1", "reach = 1\nremove = ['*']", "remove"),
    ("reach = 1", "reach = 1\npseudonymise = ['malware.name']", "pseudonymise"),
    ("reach = 1", "reach = 1\npseudonymise = ['name']", "pseudonymise"),
    ("reach = 1", "reach = 1\ncoarsen = { dates = 'year' }", "coarsen"),
    ("reach = 1", "reach = 1\n" + REVIEW.replace("'harm'", ""), "when"),
    ("reach = 1", "reach = 1\n" + REVIEW.replace("harm", "colour"), "when"),
    ("reach = 1", "reach = 1\n" + REVIEW.replace("'harm'", "'harm', 'harm'"), "review"),
    ("[[topic]]", "[[category]]\nid = 'harm'\n\n[[topic]]", "category harm"),
    ("[[topic]]", "[[category]]\nid = 'x'\nlabels = ['a']\n\n[[topic]]", "category"),
    ("[[topic]]", f"{HARM}{HARM}[[topic]]", "category harm"),
    ("reach = 1", "reach = 1\nremove = ['na*']", "remove"),
    ("reach = 1", "reach = 1\nremove = ['aliases']", "remove"),
    ("reach = 1", "reach = 1\nremove = ['object_marking_refs']", "remove"),
    ("reach = 1", "reach = 1\nonward = true", "clause"),
    ("[[topic]]", "[onward]\nallowed = 1\n[[topic]]", "onward"),
    ("[[topic]]", "[onward]\nto = []\n[[topic]]", "onward"),
    ("[[topic]]", "[onward]\nto = ['East CERT']\n[[topic]]", "onward"),
    ("[[topic]]", "[onward]\nmarking_max = '*'\n[[topic]]", "onward"),
    ("[[topic]]", "[onward]\ncountries = ['SE']\n[[topic]]", "onward"),
    ("[[topic]]", "[retention]\nafter_end = 'delete'\n[[topic]]", "retention"),
    ("[[topic]]", "[party.west]\nname = 'W'\nslug = 'w'\n[[topic]]", "party"),
    ('title = "Hospitals"', 'title = "Hospitals"\none_sided = true', "one_sided"),
    ('countries = "*"', "countries = {}", "countries"),
    ('countries = "*"', "countries = { victim = [] }", "countries"),
    ('countries = "*"', 'countries = ["SE"]', "countries"),
    ('countries = "*"', 'countries = { victim = ["Sweden"] }', "countries"),
    ('countries = "*"', 'countries = { owner = ["SE"] }', "countries"),
    ('confidence_min = "*"', "confidence_min = 101", "confidence_min"),
    ('confidence_min = "*"', "confidence_min = 60\nremove = ['confidence']", "remove"),
    ("reach = 1", "reach = 1\nremove = ['valid_until']", "remove"),
    ("reach = 1", "reach = 1\nstatements = []", "statements"),
    ("reach = 1", "reach = 1\npap_max = 'RED'", "pap_max"),
    ("[[topic]]", f"{RELATION}['T1', 'T1']\n[[topic]]", "topic T9"),
    ("[[topic]]", f"{RELATION}['T1']\n[[topic]]", "between"),
    ("[[topic]]", f"{RELATION}['T1', 'T8']\n[[topic]]", "topic T9"),
    ("[[topic]]", f"{RELATION}['T1', 'T9']\n[[topic]]", "topic T9"),
    ("[[topic]]", f"{RELATION}['T1', 'T2']\nlabels = ['x']\n[[topic]]", "topic T9"),
]


@pytest.mark.parametrize(("line", "other", "place"), BAD)
def test_what_is_not_known_or_contradicts_itself_is_refused_with_its_place(
    sides: Sides, line: str, other: str, place: str
) -> None:
    written = text(sides)
    assert line in written
    with pytest.raises(InputError) as caught:
        parse_toml(written.replace(line, other, 1))
    assert place in caught.value.place
    assert caught.value.do


def test_a_party_without_keys_is_refused_unless_the_agreement_is_one_sided(sides: Sides) -> None:
    written = text(sides)
    without = "\n".join(each for each in written.splitlines() if sides.south.card.log not in each)
    with pytest.raises(InputError, match="log"):
        parse_toml(without)


def test_one_key_for_two_uses_is_refused(sides: Sides) -> None:
    with pytest.raises(InputError, match="twice"):
        parse_toml(text(sides).replace(sides.south.card.log, sides.south.card.sign))


def test_the_party_without_keys_cannot_give(sides: Sides) -> None:
    made = paper_terms(sides.north)
    (clause,) = made.clause
    turned = msgspec.structs.replace(clause, from_="south", to="north")
    with pytest.raises(InputError, match="cannot give"):
        parse_json(to_bytes(msgspec.structs.replace(made, clause=(turned,))))


@pytest.mark.parametrize(
    ("line", "kept"),
    [("labels = ['x']", "labels"), ("attack_ids = ['G0001']", "external_references")],
)
def test_what_a_topic_is_recognised_by_cannot_be_removed(
    sides: Sides, line: str, kept: str
) -> None:
    free = text(sides).replace("reach = 1", f"reach = 1\nremove = ['{kept}']", 1)
    assert parse_toml(free).clause[0].remove == (kept,)
    with pytest.raises(InputError, match=kept):
        parse_toml(free.replace('names = ["Example Spider"]', line))


def test_bytes_that_only_look_the_same_are_refused(sides: Sides) -> None:
    document = to_bytes(terms(sides))
    for other in (
        document.replace(b'"version":1', b'"version":1.0'),
        document + b"\n",
        document.replace(b'"version":1', b'"version":1,"version":1'),
        canonical.canonical({**msgspec.json.decode(document), "one_sided": False}),
    ):
        assert other != document
        with pytest.raises(ProofError):
            parse_json(other)


def test_too_long_an_agreement_is_refused(sides: Sides) -> None:
    with pytest.raises(InputError, match="too long"):
        parse_toml(text(sides) + "# " + "x" * 300_000)
    with pytest.raises(InputError, match="too long"):
        parse_json(b" " * 300_000)


def _keys(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [
            found
            for key, item in value.items()
            for found in [(*path, key), *_keys(item, (*path, key))]
        ]
    if isinstance(value, list):
        return [found for i, item in enumerate(value) for found in _keys(item, (*path, i))]
    return []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_line_can_be_added_or_changed_without_changing_the_hash(
    sides: Sides, data: st.DataObject
) -> None:
    document = msgspec.json.decode(to_bytes(terms(sides)))
    path = data.draw(st.sampled_from(_keys(document)))
    new = data.draw(st.none() | st.booleans() | st.integers(0, 5) | st.text(max_size=5))
    place = document
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    place[path[-1]] = new
    try:
        other = parse_json(canonical.canonical(document))
    except (InputError, ProofError):
        return
    assert (to_bytes(other) == to_bytes(terms(sides))) == (new == old)


def test_the_collection_of_a_direction_is_a_version_4_uuid_as_specified() -> None:
    digest = sha256(f"tearline/collection/1\n{ID}\nnorth".encode()).digest()[:16]
    expected = uuid.UUID(bytes=digest, version=4)
    assert collection_id(ID, "north") == str(expected)
    assert expected.version == 4
    assert collection_id(ID, "north") != collection_id(ID, "south")


def test_slots_topics_and_clauses_are_found(sides: Sides) -> None:
    made = terms(sides)
    assert [clause.id for clause in made.clauses_from("south")] == ["S1"]
    assert made.other("north") == "south"
    assert made.topic_of("T1").names == ("Example Spider",)
    assert made.slot_of("south-isac") == "south"
    assert made.slot_of("far-isac") is None
    with pytest.raises(KeyError):
        made.topic_of("T9")


def test_what_the_standard_requires_cannot_be_removed() -> None:
    assert {"id", "type", "created", "pattern", "source_ref", "hashes"} <= PROTECTED


def test_the_example_is_toml(sides: Sides) -> None:
    assert tomllib.loads(text(sides))["version"] == 1
