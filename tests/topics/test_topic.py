import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.topics.topic import (
    AGAINST,
    ALONG,
    CARRIERS,
    NAMED_TYPES,
    WHERE,
    keys_for,
    keys_of,
    keys_of_anything,
    name_key,
    step,
    type_of,
)

# The table of the design, word for word: a change of one is a change of what two sides signed.
DESIGNED_ALONG = "uses delivers drops downloads exploits targets controls hosts"
DESIGNED_AGAINST = "indicates attributed-to variant-of"
DESIGNED_WHERE = "located-at originates-from"
DESIGNED_CARRIERS = "threat-actor intrusion-set campaign malware infrastructure"
DESIGNED_NAMED = "threat-actor intrusion-set campaign malware"


def test_the_table_is_the_one_of_the_design() -> None:
    assert set(DESIGNED_ALONG.split()) == ALONG
    assert set(DESIGNED_AGAINST.split()) == AGAINST
    assert set(DESIGNED_WHERE.split()) == WHERE
    assert set(DESIGNED_CARRIERS.split()) == CARRIERS
    assert set(DESIGNED_NAMED.split()) == NAMED_TYPES


@pytest.mark.parametrize("kind", DESIGNED_ALONG.split())
def test_along_goes_from_source_to_target_and_never_back(kind: str) -> None:
    assert step(kind, "malware--1", "tool--2") == ("malware--1", "tool--2")


@pytest.mark.parametrize("kind", DESIGNED_AGAINST.split())
def test_against_goes_from_target_to_source_and_never_on(kind: str) -> None:
    assert step(kind, "indicator--1", "malware--2") == ("malware--2", "indicator--1")


@pytest.mark.parametrize("kind", ["related-to", "similar", "duplicate-of", "mitigates", "USES", ""])
def test_every_other_word_carries_nothing(kind: str) -> None:
    assert step(kind, "malware--1", "malware--2") is None


@pytest.mark.parametrize("kind", DESIGNED_WHERE.split())
def test_a_place_is_reached_and_nothing_else_by_where_something_is(kind: str) -> None:
    assert step(kind, "identity--1", "location--2") == ("identity--1", "location--2")
    assert step(kind, "identity--1", "malware--2") is None


def test_a_container_leads_to_its_member() -> None:
    assert step("member", "report--1", "indicator--2") == ("report--1", "indicator--2")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gray Heron", "gray heron"),
        ("GRAY  HERON", " gray\theron "),
        ("Straße", "STRASSE"),
        ("Gray\N{NO-BREAK SPACE}Heron", "gray heron"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER H}eron", "heron"),
        ("He\N{LATIN SMALL LIGATURE FF}", "heff"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Heron", "Herons"), ("Gray Heron", "GrayHeron"), ("APT1", "APT10")]
)
def test_names_that_are_merely_alike_have_two(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("type_", sorted(NAMED_TYPES))
def test_names_and_every_kind_of_alias_count_on_threats(type_: str) -> None:
    doc = {
        "type": type_,
        "name": "Gray Heron",
        "aliases": ["HERON-7"],
        "x_mitre_aliases": ["Pond Walker"],
    }
    assert keys_of(doc) == ["name:gray heron", "name:heron-7", "name:pond walker"]


@pytest.mark.parametrize("type_", ["tool", "identity", "location", "report", "indicator"])
def test_names_count_on_nothing_else_but_labels_and_numbers_do(type_: str) -> None:
    doc = {
        "type": type_,
        "name": "Gray Heron",
        "aliases": ["HERON-7"],
        "labels": ["gray-heron"],
        "external_references": [{"source_name": "mitre-attack", "external_id": "S9001"}],
    }
    found = [each for each in keys_of(doc) if not each.startswith("called:")]
    assert found == ["attack:S9001", "label:gray-heron"]


@pytest.mark.parametrize("type_", ["tool", "identity", "location", "report", "vulnerability"])
def test_whatever_has_a_name_can_be_kept_back_by_it(type_: str) -> None:
    assert keys_of({"type": type_, "name": "Harbour  CLINIC"}) == ["called:harbour clinic"]
    assert "called:harbour clinic" in keys_of_anything(["Harbour Clinic"])


def test_a_location_carries_its_country() -> None:
    assert keys_of({"type": "location", "country": "SE"}) == ["country:SE"]


def test_a_number_counts_only_under_the_name_of_attack() -> None:
    references = [
        {"source_name": "mitre-mobile-attack", "external_id": "S9001"},
        {"source_name": "some blog", "external_id": "G9999"},
        {"source_name": "mitre-attack", "url": "https://example.org"},
        {"source_name": "mitre-attack", "external_id": 7},
        "no reference",
    ]
    assert keys_of({"type": "malware", "external_references": references}) == ["attack:S9001"]


@pytest.mark.parametrize("name", ["name", "aliases", "labels", "external_references"])
@pytest.mark.parametrize("odd", [None, 7, [7], {}])
def test_what_has_the_wrong_form_is_no_key(name: str, odd: object) -> None:
    assert keys_of({"type": "malware", name: odd}) == []


def test_labels_are_compared_letter_by_letter() -> None:
    assert keys_of({"type": "tool", "labels": ["Heron"]}) == ["label:Heron"]
    assert keys_for(labels=["heron"]) == {"label:heron"}


@given(st.lists(st.text()), st.lists(st.text()))
def test_a_topic_recognises_what_carries_one_of_its_names(
    names: list[str], more: list[str]
) -> None:
    carried = set(keys_of({"type": "malware", "aliases": [*names, *more]}))
    assert keys_for(names=names) <= carried


def test_the_type_is_what_stands_before_the_id() -> None:
    assert type_of("attack-pattern--0a") == "attack-pattern"
    assert type_of("odd") == "odd"
