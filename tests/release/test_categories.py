"""The rules of each category: what they find, and what settles them."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.document import CATEGORIES, Category
from tearline.release.categories import (
    RULES,
    VICTIM,
    added_in,
    found_in,
    rules_of_category,
    settled,
    words,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "categories.md"

FOUND: list[tuple[str, dict[str, Any]]] = [
    ("personal-data", {"type": "identity", "identity_class": "individual"}),
    ("personal-data", {"type": "identity", "contact_information": "desk 5"}),
    ("personal-data", {"type": "user-account", "user_id": "1001"}),
    ("personal-data", {"type": "email-message", "is_multipart": False}),
    ("personal-data", {"type": "email-addr", "value": "a@b.example", "display_name": "A"}),
    ("source", {"type": "note", "content": "x", "authors": ["A"]}),
    ("source", {"type": "opinion", "opinion": "agree", "authors": ["A"]}),
    ("source", {"type": "identity", "identity_class": "system"}),
    ("source", {"type": "malware-analysis", "product": "x", "host_vm_ref": "software--1"}),
    ("live-operation", {"type": "campaign", "first_seen": "2026-01-01T00:00:00Z"}),
    ("live-operation", {"type": "incident", "name": "x"}),
    ("precise-location", {"type": "location", "latitude": 1.0, "longitude": 2.0}),
    ("precise-location", {"type": "location", "country": "se", "street_address": "Road 1"}),
    ("harm", {"type": "artifact", "payload_bin": "eA=="}),
    ("harm", {"type": "vulnerability", "name": "a hole"}),
    ("harm", {"type": "vulnerability", "external_references": "no list"}),
]
INNOCENT: list[dict[str, Any]] = [
    {"type": "indicator", "pattern": "[file:name = 'x']"},
    {"type": "identity", "identity_class": "organization", "name": "Harbour Lab"},
    {"type": "email-addr", "value": "x@evil.example"},
    {"type": "note", "content": "x"},
    {"type": "campaign", "name": "winter wave"},
    {"type": "location", "country": "se", "administrative_area": "se-o"},
    {"type": "malware", "is_family": False, "sample_refs": ["file--1"]},
    {"type": "vulnerability", "name": "CVE-2026-1234"},
    {"type": "observed-data", "objects": {"0": {"type": "domain-name", "value": "a.example"}}},
    {"type": "observed-data", "objects": {"0": {"type": ["user-account"]}, "1": 5}},
    {"type": "x-unheard-of", "authors": ["A"]},
]


def finds(found: int) -> set[str]:
    return {each for each in CATEGORIES if found & rules_of_category(each)}


def counts(doc: dict[str, Any], *remove: str, coarse_places: bool = False) -> set[str]:
    return finds(found_in(doc) & ~settled((), remove, coarse_places=coarse_places))


@pytest.mark.parametrize(("category", "doc"), FOUND)
def test_what_is_of_a_category_is_found(category: str, doc: dict[str, Any]) -> None:
    assert counts(doc) == {category}
    assert words(found_in(doc))
    inside = {"type": "observed-data", "objects": {"0": doc}}
    assert counts(inside) == {category}


@pytest.mark.parametrize("doc", INNOCENT)
def test_what_is_of_none_is_not(doc: dict[str, Any]) -> None:
    assert counts(doc) == set()


def test_a_secret_is_personal_and_can_do_harm() -> None:
    account = {"type": "user-account", "user_id": "1001", "credential": "swordfish"}
    assert counts(account) == {"personal-data", "harm"}
    assert counts(account, "cred*") == {"personal-data"}


def test_what_a_clause_removes_is_not_found() -> None:
    note = {"type": "note", "authors": ["A"], "content": "x"}
    assert counts(note, "authors") == set()
    assert counts(note, "auth*") == set()
    assert counts(note, "author") == {"source"}
    place = {"type": "location", "country": "se", "city": "Harbour"}
    assert counts(place, "city") == {"precise-location"}  # the rest could be there as well
    assert counts(place, coarse_places=True) == set()


def test_what_a_clause_would_make_look_like_one_is_found() -> None:
    over = {"type": "campaign", "first_seen": "2025-01-01T00:00:00Z", "last_seen": "2025-02-01"}
    assert counts(over) == set()
    assert counts(over, "last_seen") == {"live-operation"}
    assert counts(over, "last_seen", "first_seen") == set()
    known = [{"source_name": "cve", "external_id": "CVE-2026-12345"}]
    hole = {"type": "vulnerability", "name": "Leaky", "external_references": known}
    assert counts(hole) == set()
    assert counts(hole, "external_*") == {"harm"}


ADDED = (
    Category(id="personal-data", types=("x-patient",), properties=("x_patient_*",)),
    Category(id="source", labels=("informant",)),
)


@pytest.mark.parametrize(
    ("doc", "category"),
    [
        ({"type": "x-patient"}, {"personal-data"}),
        ({"type": "malware", "x_patient_id": 5}, {"personal-data"}),
        ({"type": "report", "labels": ["informant"]}, {"source"}),
        ({"type": "report", "labels": ["informants"], "x_patients": 1}, set()),
        ({"type": "observed-data", "objects": {"0": {"type": "x-patient"}}}, {"personal-data"}),
    ],
)
def test_an_agreement_adds_to_a_category(doc: dict[str, Any], category: set[str]) -> None:
    assert finds(added_in(ADDED, doc)) == category


def test_what_an_agreement_adds_is_settled_like_the_rest() -> None:
    doc = {"type": "x-patient", "x_patient_id": 5, "labels": ["informant"]}
    left = added_in(ADDED, doc) & ~settled(ADDED, ("x_patient_*", "labels"), coarse_places=False)
    assert finds(left) == {"personal-data"}
    assert words(left) == "one of the types that the agreement adds"


@given(st.sets(st.sampled_from([name for rule in RULES for name in rule.by])))
def test_to_remove_more_never_finds_more_but_where_it_hides_an_end(remove: set[str]) -> None:
    for _, doc in FOUND:
        assert counts(doc, *remove) <= counts(doc)


def test_every_rule_has_a_bit_of_its_own_in_one_category() -> None:
    assert sum(map(rules_of_category, CATEGORIES)) == (1 << 3 * len(CATEGORIES) + len(RULES)) - 1
    assert finds(VICTIM) == {"victim"}


def test_the_page_has_every_rule() -> None:
    row = r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$"
    rows = re.findall(row, PAGE.read_text("utf-8"), re.MULTILINE)
    assert [(category, text) for category, text, _ in rows] == [
        (rule.category, rule.text) for rule in RULES
    ]
    for (_, _, by), rule in zip(rows, RULES, strict=True):
        assert set(re.findall(r"`([a-z_]+)`", by)) == rule.by
