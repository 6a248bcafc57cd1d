import pytest

from tearline.release.indexing import MARKED, index
from tearline.stix import marking
from tearline.stix.objects import read, references
from tearline.store.objects import Relation
from tests.pair import as_object, rel, sdo

HERON, LOADER = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Mud Loader")
TLP_RED, TLP_GREEN = marking.marking_ref(marking.RED), marking.marking_ref(marking.GREEN)


def test_a_relationship_is_a_relation_between_its_ends() -> None:
    doc = rel(HERON, "uses", LOADER)
    found = index(as_object(doc))
    assert found.relations == (Relation(doc["id"], "uses", HERON["id"], LOADER["id"]),)
    assert dict(found.references) == {"source_ref": HERON["id"], "target_ref": LOADER["id"]}


def test_a_container_has_one_relation_for_each_member() -> None:
    ids = [HERON["id"], LOADER["id"]]
    doc = sdo("report", "weekly", object_refs=ids, published="2026-03-01T00:00:00Z")
    found = index(as_object(doc))
    assert found.relations == tuple(Relation(doc["id"], "member", doc["id"], each) for each in ids)


def test_a_relationship_that_calls_itself_member_holds_nothing() -> None:
    found = index(as_object(rel(HERON, "member", LOADER)))
    assert found.relations == ()
    assert len(found.references) == 2


@pytest.mark.parametrize("name", ["relationship_type", "source_ref", "target_ref"])
def test_a_relationship_without_an_end_or_a_word_ties_nothing(name: str) -> None:
    assert index(as_object(rel(HERON, "uses", LOADER) | {name: None})).relations == ()


def test_keys_and_hash_and_bytes_are_those_of_the_object() -> None:
    each = as_object(HERON)
    found = index(each)
    assert found.raw == each.raw
    assert found.hash.startswith("sha256:")
    assert found.keys == ["name:gray heron"]


def test_what_states_no_marking_is_unmarked_and_a_level_on_parts_alone_has_no_rank() -> None:
    assert index(as_object(HERON)).unmarked
    whole = index(as_object(HERON | {"object_marking_refs": [TLP_RED]}))
    assert (whole.marking, whole.unmarked) == (marking.RED, False)
    parts = [{"marking_ref": TLP_GREEN, "selectors": ["name"]}]
    part = index(as_object(HERON | {"granular_markings": parts}))
    assert (part.marking, part.unmarked) == (marking.UNKNOWN, False)


@pytest.mark.parametrize(
    "more",
    [
        "",
        ', "created_by_ref": "identity--1"',
        ', "x": {"found_by_ref": "identity--1"}',
        ', "x": {"found_by\\u005fref": "identity--1"}, "y_ref": "tool--1"',
        ', "x\\u005fref": "identity--1", "y": [{"z_refs": ["tool--1", "tool--2"]}]',
        ', "description": "speaks of created_by_ref", "x_refs": ["tool--1"]',
        ', "description": "a_ref", "x": {"found_by\\u005fref": "identity--1"}',
        ', "object_marking_refs": ["marking-definition--1"]',
        f', "object_marking_refs": ["{TLP_RED}"]',
    ],
)
def test_the_short_way_finds_every_reference_that_the_walk_finds(more: str) -> None:
    raw = '{"type": "tool", "id": "tool--' + "1" * 8 + '-1111-4111-8111-111111111111"' + more + "}"
    found = read(raw.encode())
    named = [each for each in index(found).references if each[0] != MARKED]
    assert sorted(named) == sorted(references(found.doc))
