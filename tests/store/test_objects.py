"""What objects name is told alike, whichever table it stands in."""

from collections.abc import Iterator

import pytest

from tearline.release.indexing import index
from tearline.store import objects, ties
from tearline.store.database import Place, Store
from tearline.store.objects import OURS, NewVersion, Reference, Version
from tearline.store.schema import open_store
from tests.pair import as_object, rel, sdo

AUTHOR = sdo("identity", "North CERT")
HERON = sdo("intrusion-set", "Gray Heron", created_by_ref=AUTHOR["id"])
LOADER = sdo("malware", "Mud Loader")
USES = rel(HERON, "uses", LOADER, created_by_ref=AUTHOR["id"])
ODD = rel(LOADER, "member", HERON)
REPORT = sdo(
    "report", "weekly", object_refs=[HERON["id"], USES["id"]], published="2026-03-01T00:00:00Z"
)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    store = open_store(place)
    with store.write() as tx:
        objects.keep(tx, OURS, [_new(doc) for doc in (AUTHOR, HERON, LOADER, USES, ODD, REPORT)])
    yield store
    store.close()


def _new(doc: dict[str, object], at: int = 1) -> NewVersion:
    found = index(as_object(doc))
    version = Version(
        seq=0,
        stix_id=found.id,
        version_at=at,
        type=found.type,
        created_at=at,
        arrived_at=at,
        marking=found.marking,
        revoked=False,
        latest=True,
        hash=found.hash,
        source="test",
    )
    return NewVersion(version, found.raw, found.relations, found.references, found.keys)


def _ref(source: dict[str, object], role: str, target: dict[str, object]) -> Reference:
    return Reference(str(source["id"]), role, str(target["id"]))


ALL = {
    _ref(HERON, "created_by_ref", AUTHOR),
    _ref(USES, "created_by_ref", AUTHOR),
    _ref(USES, "source_ref", HERON),
    _ref(USES, "target_ref", LOADER),
    _ref(ODD, "source_ref", LOADER),
    _ref(ODD, "target_ref", HERON),
    _ref(REPORT, "object_refs", HERON),
    _ref(REPORT, "object_refs", USES),
}


def test_all_that_objects_name_is_told_once(store: Store) -> None:
    ids = {each.from_id for each in ALL}
    with store.read() as tx:
        found = ties.references_of(tx, OURS, ids)
        assert len(found) == len(ALL)
        assert set(found) == ALL
        for each in ids:
            of_one = ties.references_of(tx, OURS, [each])
            assert set(of_one) == {ref for ref in ALL if ref.from_id == each}


def test_all_that_name_an_object_are_told_once(store: Store) -> None:
    ids = {each.to_id for each in ALL}
    with store.read() as tx:
        found = ties.references_to(tx, OURS, ids)
        assert len(found) == len(ALL)
        assert set(found) == ALL
        for each in ids:
            to_one = ties.references_to(tx, OURS, [each])
            assert set(to_one) == {ref for ref in ALL if ref.to_id == each}


def test_a_new_version_takes_what_the_old_one_named_away(store: Store) -> None:
    with store.write() as tx:
        objects.keep(tx, OURS, [_new(REPORT | {"object_refs": [LOADER["id"]]}, at=2)])
        found = ties.references_of(tx, OURS, [str(REPORT["id"])])
    assert found == [_ref(REPORT, "object_refs", LOADER)]


def test_what_is_erased_names_nothing(store: Store) -> None:
    with store.write() as tx:
        objects.erase(tx, OURS, [str(USES["id"]), str(REPORT["id"])])
        left = ties.references_to(tx, OURS, [str(LOADER["id"])])
        assert left == [_ref(ODD, "source_ref", LOADER)]
        assert ties.relations_to(tx, OURS, [str(USES["id"])]) == []


def test_the_columns_are_the_fields_of_a_version_with_the_origin_after_the_number() -> None:
    columns = [each.name for each in objects.object_version.columns]
    assert columns == ["seq", "origin", *Version._fields[1:]]
