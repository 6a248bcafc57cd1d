from pathlib import Path

import pytest

from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.release.sorting import as_indexed
from tearline.stix import marking
from tearline.stix.objects import StixObject, read
from tearline.store import annotations, objects, stirred
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tests.pair import DAY, START, Pair, as_object, make_pair, rel, sdo, stix_id

loader = sdo("malware", "Mud Loader")
later = loader | {"modified": "2026-03-02T00:00:00.000Z", "description": "new"}

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def latest(pair: Pair, stix_id: str) -> objects.Version:
    with pair.north.store.read() as tx:
        return objects.latest(tx, OURS, [stix_id])[stix_id]


def test_the_same_bytes_again_are_unchanged(pair: Pair) -> None:
    assert pair.put(loader)[:2] == (1, 0)
    assert pair.put(loader)[:2] == (0, 1)


def test_white_space_makes_no_version(pair: Pair) -> None:
    pair.put(loader)
    spaced = as_object(loader).raw.replace(b": ", b":   ")
    again = arrive.arrive(pair.north, [read(spaced)], source="x", now=pair.tick())
    assert again[:2] == (0, 1)


def test_one_version_with_two_contents_is_refused(pair: Pair) -> None:
    pair.put(loader)
    arrival = pair.put(loader | {"description": "other"})
    assert arrival.stored == 0
    assert [each.stix_id for each in arrival.refused] == [loader["id"]]


def test_an_older_version_that_comes_late_is_kept_and_not_the_latest(pair: Pair) -> None:
    pair.put(later)
    before = latest(pair, loader["id"])
    assert pair.put(loader).stored == 1
    assert latest(pair, loader["id"]) == before
    with pair.north.store.read() as tx:
        assert len(objects.versions_of(tx, OURS, [loader["id"]])[loader["id"]]) == 2


def test_several_versions_at_once_leave_the_newest_as_the_latest(pair: Pair) -> None:
    assert pair.put(later, loader).stored == 2
    assert latest(pair, loader["id"]).version_at == START + DAY


def test_an_observable_is_not_made_young_by_a_new_version(pair: Pair) -> None:
    domain = {
        "type": "domain-name",
        "spec_version": "2.1",
        "id": stix_id("domain-name", "d"),
        "value": "d.example",
    }
    pair.put(domain)
    first = latest(pair, domain["id"])
    pair.tick(40 * DAY)
    pair.put(domain | {"x_note": "seen again"})
    second = latest(pair, domain["id"])
    assert second.version_at > first.version_at
    assert second.arrived_at == first.arrived_at


def test_a_relationship_that_moves_stirs_what_it_tied_before(pair: Pair) -> None:
    heron, kit = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Kit")
    edge = rel(heron, "uses", loader)
    pair.put(heron, loader, kit, edge)
    pair.agree()
    moved = edge | {"target_ref": kit["id"], "modified": later["modified"]}
    pair.put(moved)
    with pair.north.store.read() as tx:
        log = stirred.since(tx, stirred.seen_by(tx).everybody)
    assert {each for _, each in log} == {edge["id"], loader["id"], heron["id"]}
    pair.reconcile()
    assert kit["id"] in pair.delivered()
    assert loader["id"] not in pair.delivered()


def test_a_level_on_parts_alone_does_not_rank_the_object(pair: Pair) -> None:
    part = {"selectors": ["name"], "marking_ref": marking.marking_ref(marking.GREEN)}
    pair.put(loader | {"granular_markings": [part]})
    assert latest(pair, loader["id"]).marking == marking.UNKNOWN


def test_annotations_count_what_they_change(pair: Pair) -> None:
    pair.put(loader, marking=None)
    note = Annotation(marking.GREEN, 22)
    assert arrive.annotate(pair.north, [loader["id"]], note, now=pair.tick()) == 1
    assert arrive.annotate(pair.north, [loader["id"]], note, now=pair.tick()) == 0
    assert arrive.annotate(pair.north, [stix_id("tool", "not held")], note, now=pair.tick()) == 0


def test_an_import_annotates_only_what_says_nothing_itself(pair: Pair) -> None:
    amber = {"object_marking_refs": [marking.marking_ref(marking.AMBER)]}
    marked = sdo("tool", "marked") | amber
    for level, grade in ((marking.GREEN, 22), (marking.RED, 33)):
        arrive.arrive(
            pair.north,
            [as_object(loader), as_object(marked)],
            source="test",
            annotation=Annotation(level, grade),
            now=pair.tick(),
        )
    with pair.north.store.read() as tx:
        said = annotations.annotations(tx, [loader["id"], marked["id"]])
    assert said == {loader["id"]: (marking.GREEN, 22), marked["id"]: (None, 22)}


@pytest.mark.parametrize("order", range(6))
def test_what_comes_at_once_is_what_comes_one_after_the_other(tmp_path: Path, order: int) -> None:
    names = {"type": "domain-name", "spec_version": "2.1", "id": stix_id("domain-name", "d")}
    come = [
        as_object(each)
        for each in (
            loader,
            later,
            loader | {"description": "other"},
            names | {"value": "d.example"},
            later,
            sdo("malware", "Late Loader", modified="9999-12-31T00:00:01.000Z"),
            names | {"value": "d.example"},
        )
    ]
    come = come[order:] + come[:order]
    at_once, in_turn = (make_pair(tmp_path / name).north for name in ("once", "turns"))
    held = []
    for node, parts in ((at_once, [come]), (in_turn, [[each] for each in come])):
        with node.store.write() as tx:
            took = [each for part in parts for each in take_in(tx, part)]
            ids = {each.id for each in come}
            held.append((took, objects.versions_of(tx, OURS, ids), objects.count(tx, OURS)))
    assert held[0] == held[1]


def take_in(tx: Tx, part: list[StixObject]) -> list[tuple[object, ...]]:
    """What became of each, without whether it came first: that is asked of all that came before."""
    found = arrive.take_in(tx, as_indexed(part), source="x", now=START)
    return [each[:-1] for each in found]
