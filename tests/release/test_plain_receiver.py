"""What goes to a receiver without a node, and how it is taken back."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement import signing
from tearline.log import record
from tearline.release import arrive, cut, recall, reconcile
from tearline.release.arrive import Annotation
from tearline.stix import marking
from tearline.stix.check import Checker
from tearline.stix.marking import AMBER, CLEAR, GREEN, RED, marking_ref
from tearline.stix.objects import observable_id
from tearline.store import logs, releases
from tests.pair import DAY, START, Pair, as_object, make_pair, rel, sdo
from tests.plain import sign

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader", object_marking_refs=[marking_ref(GREEN)])
domain = sdo("indicator", "loader domain", description="Seen at a ward.")
uses = rel(heron, "uses", loader)
points = rel(domain, "indicates", loader)
REFS = "object_marking_refs"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    sign(made, reach=2)
    yield made
    made.north.store.close()
    made.south.store.close()


def put(pair: Pair, *docs: dict[str, Any], level: int | None = CLEAR) -> None:
    said = Annotation(level, None)
    objects = [as_object(doc) for doc in docs]
    arrive.arrive(pair.north, objects, source="test", annotation=said, now=pair.tick())
    pair.reconcile()


def called(pair: Pair, name: str) -> dict[str, Any]:
    """The one served object with a name, or of a type that has none."""
    (found,) = [doc for doc in pair.delivered().values() if doc.get("name", doc["type"]) == name]
    return found


def levels(doc: dict[str, Any]) -> list[str]:
    return [marking.level_name(marking.LEVEL_OF[each]) for each in doc[REFS]]


def records(pair: Pair, kind: str) -> list[dict[str, Any]]:
    with pair.north.store.read() as tx:
        rows = logs.records_after(tx, record.our_log(pair.agreement_id), -1)
    return [each for each in (json.loads(row[3]) for row in rows) if each["kind"] == kind]


# -------------------------------------------------------------------------------- our marking


def test_what_carries_no_marking_goes_as_a_cut_version_with_ours(pair: Pair) -> None:
    put(pair, heron, loader, domain, uses, points, level=None)
    assert pair.delivered() == {}, "unmarked objects stay"
    for each in (heron, domain, uses, points):
        arrive.annotate(pair.north, [each["id"]], Annotation(AMBER, None), now=pair.tick())
    pair.reconcile()
    served = pair.delivered()
    assert len(served) == 5
    assert served[loader["id"]] == loader, "it says for itself how far it may go"
    for name in ("Gray Heron", "loader domain"):
        doc = called(pair, name)
        assert levels(doc) == ["TLP:AMBER"]
        assert doc["id"] not in {heron["id"], domain["id"]}
    edge = next(doc for doc in served.values() if doc.get("relationship_type") == "uses")
    assert (edge["source_ref"], edge["target_ref"]) == (
        called(pair, "Gray Heron")["id"],
        loader["id"],
    )
    assert not any(Checker().problems(doc) for doc in served.values())


def test_the_strictest_marking_is_the_one_that_goes(pair: Pair) -> None:
    put(pair, heron, loader, uses)
    arrive.annotate(pair.north, [loader["id"]], Annotation(AMBER, None), now=pair.tick())
    pair.reconcile()
    assert levels(called(pair, "Mud Loader")) == ["TLP:AMBER"]
    assert called(pair, "Mud Loader")["id"] != loader["id"]
    arrive.annotate(pair.north, [loader["id"]], Annotation(CLEAR, None), now=pair.tick())
    pair.reconcile()
    live = [doc for doc in pair.delivered().values() if not doc.get("revoked")]
    (now_served,) = [doc for doc in live if doc["type"] == "malware"]
    assert now_served == loader, "ours is not stricter than its own any more"


def test_a_node_gets_the_unaltered_bytes(tmp_path: Path) -> None:
    nodes = make_pair(tmp_path)
    nodes.put(heron, domain, loader, uses, points, marking=GREEN)
    nodes.agree(reach=2)
    assert nodes.delivered()[heron["id"]] == heron
    nodes.north.store.close()
    nodes.south.store.close()


def test_an_observable_keeps_the_id_that_the_standard_computes() -> None:
    address = {"type": "domain-name", "spec_version": "2.1", "value": "mud.example"}
    name = str(observable_id(address))
    found = cut.identified(cut.marked({**address, "id": name}, AMBER), "derived")
    assert (found["id"], levels(found)) == (name, ["TLP:AMBER"])


@given(
    st.sampled_from([None, [], [marking_ref(GREEN)], ["marking-definition--" + "0" * 36]]),
    st.sampled_from([CLEAR, GREEN, AMBER, RED]),
)
def test_marked_has_one_level_and_all_other_markings(given_refs: Any, level: int) -> None:  # noqa: ANN401
    doc = heron if given_refs is None else {**heron, REFS: given_refs}
    refs = cut.marked(doc, level)[REFS]
    assert [each for each in refs if each in marking.LEVEL_OF] == [marking_ref(level)]
    assert {each for each in given_refs or [] if each not in marking.LEVEL_OF} <= set(refs)


# ------------------------------------------------------------------------------- taking back


def test_a_recalled_pseudonym_is_revoked_and_says_nothing_more(pair: Pair) -> None:
    put(pair, heron, loader, domain, uses, points)
    before = called(pair, "loader domain")
    recall.recall(pair.north, domain["id"], "east-clinic", "given in error", now=pair.tick())
    (after,) = [doc for doc in pair.delivered().values() if doc["id"] == before["id"]]
    assert (after["revoked"], after["created"], levels(after)) == (
        True,
        before["created"],
        ["TLP:CLEAR"],
    )
    assert after["modified"] > before["modified"]
    told = json.dumps(after)
    assert before["name"] not in told
    assert before["pattern"] not in told
    assert "ward" not in told
    assert not Checker().problems(after)


def test_what_is_not_ours_leaves_the_collection(pair: Pair) -> None:
    put(pair, heron, loader, uses)
    recall.recall(pair.north, loader["id"], "east-clinic", "given in error", now=pair.tick())
    served = pair.delivered()
    assert loader["id"] not in served
    revoked = [doc for doc in served.values() if doc.get("revoked")]
    assert {doc["type"] for doc in revoked} <= {"relationship"}
    for doc in revoked:
        assert loader["id"] not in json.dumps(doc), "no answer names what was withheld"


def test_a_recall_ends_unconfirmable_and_the_log_tells_what_was_revoked(pair: Pair) -> None:
    put(pair, heron, loader, domain, uses, points)
    recall.recall(pair.north, domain["id"], "east-clinic", "given in error", now=pair.tick())
    found = recall.recalls(pair.north, now=pair.now)
    assert {each.state for each in found} == {"unconfirmable"}
    assert {each.acknowledged_at for each in found} == {None}
    with pair.north.store.read() as tx:
        rows = releases.page(tx, pair.agreement_id, after=0, now=pair.now, limit=99)
        hashes = {
            each.hash
            for each in releases.releases_at(
                tx, pair.agreement_id, [row.position for row in rows]
            ).values()
        }
        live = releases.live_count(tx, pair.agreement_id)
    told = [each["revoked"] for each in records(pair, "withdraw") if "revoked" in each]
    assert told
    assert set(told) <= hashes
    assert len(rows) == live + len(told)


def test_a_client_that_polls_on_sees_the_revoked_version_next(pair: Pair) -> None:
    put(pair, heron, loader, domain, uses, points)
    with pair.north.store.read() as tx:
        seen = releases.page(tx, pair.agreement_id, after=0, now=pair.now, limit=99)[-1].position
    recall.recall(pair.north, domain["id"], "east-clinic", "given in error", now=pair.tick())
    with pair.north.store.read() as tx:
        rows = releases.page(tx, pair.agreement_id, after=seen, now=pair.now, limit=99)
    assert rows
    assert all(json.loads(row.raw)["revoked"] for row in rows)
    assert "indicator" in {row.type for row in rows}


def test_what_goes_again_is_later_than_its_revocation(pair: Pair) -> None:
    put(pair, heron, loader, domain, uses, points)
    name = called(pair, "loader domain")["id"]
    recall.recall(pair.north, domain["id"], "east-clinic", "given in error", now=pair.tick())
    revoked = pair.delivered()[name]
    arrive.release_hold(pair.north, "object", domain["id"], "it was right", now=pair.tick())
    pair.reconcile()
    again = pair.delivered()[name]
    assert "revoked" not in again
    assert again["modified"] > revoked["modified"]
    assert again["pattern"] == domain["pattern"]


def test_what_only_waits_is_not_revoked(pair: Pair) -> None:
    hospital = sdo("identity", "a hospital")
    put(pair, heron, loader, uses)
    put(pair, hospital, rel(heron, "targets", hospital))
    assert not any(doc.get("revoked") for doc in pair.delivered().values())
    assert records(pair, "withdraw") == []


def test_a_suspension_closes_the_collection_and_resuming_gives_again(pair: Pair) -> None:
    put(pair, heron, loader, uses)
    ids = set(pair.delivered())
    signing.suspend(pair.north, pair.agreement_id, "enough", now=pair.tick())
    pair.reconcile()
    assert pair.delivered() == {}
    assert {each.state for each in recall.recalls(pair.north, now=pair.now)} == {"unconfirmable"}
    signing.resume(pair.north, pair.agreement_id, now=pair.tick())
    pair.reconcile()
    assert set(pair.delivered()) == ids
    assert not any(doc.get("revoked") for doc in pair.delivered().values())


HOLLOW = (
    "attack-pattern",
    "campaign",
    "course-of-action",
    "identity",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "malware",
    "threat-actor",
    "tool",
    "vulnerability",
)


@pytest.mark.parametrize("kind", HOLLOW)
def test_a_revoked_version_of_every_type_is_valid_and_hollow(kind: str) -> None:
    doc = sdo(kind, "A telling name", description="more", labels=["telling"])
    found = cut.withdrawn(doc, lambda _: False, START + DAY)
    assert found is not None
    assert not Checker().problems(found)
    assert "elling" not in json.dumps(found)
    assert found["revoked"]


def test_references_stay_only_where_they_may_be_named() -> None:
    report = sdo("report", "weekly", object_refs=[heron["id"], loader["id"]], published="x")
    found = cut.withdrawn(report, {heron["id"]}.__contains__, START)
    assert found is not None
    assert found["object_refs"] == [heron["id"]]
    assert cut.withdrawn(report, lambda _: False, START) is None
    assert cut.withdrawn(uses, {heron["id"]}.__contains__, START) is None
    assert cut.withdrawn({"type": "domain-name", "id": "x", "value": "y"}, bool, START) is None


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_what_stands_is_what_a_rebuild_gives(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    world = [heron, loader, domain, sdo("tool", "scanner"), sdo("campaign", "wave")]
    world += [uses, points, rel(loader, "uses", world[3]), rel(world[4], "uses", loader)]
    put(pair, *world)
    ids = [each["id"] for each in world]
    for _ in range(25):
        stix, level = chance.choice(ids), chance.choice([CLEAR, GREEN, AMBER, RED])
        act = chance.choice(["mark", "hold", "lift", "newer", "age"])
        if act == "mark":
            arrive.annotate(pair.north, [stix], Annotation(level, None), now=pair.tick())
        elif act == "hold":
            arrive.hold(pair.north, "object", stix, "why", now=pair.tick())
        elif act == "lift":
            arrive.release_hold(pair.north, "object", stix, "why", now=pair.tick())
        elif act == "newer":
            old = next(each for each in world if each["id"] == stix)
            put(pair, {**old, "modified": f"2026-04-{chance.randint(1, 28):02}T00:00:00.000Z"})
        pair.tick(DAY)
        pair.reconcile()
        holds_together(pair, {each["name"] for each in world if "name" in each})


def holds_together(pair: Pair, names: set[str]) -> None:
    checker = Checker()
    served = pair.delivered()
    with pair.north.store.read() as tx:
        live = {
            row.delivered_id
            for row in releases.standing_all(tx, pair.agreement_id).values()
            if row.live
        }
    for stix, doc in served.items():
        assert not checker.problems(doc)
        assert doc.get(REFS), "all that goes is marked"
        assert (stix in live) != bool(doc.get("revoked"))
        if doc.get("revoked"):
            assert not any(name in json.dumps(doc) for name in names)
    assert live <= served.keys()
    done = reconcile.reconcile(pair.north, pair.agreement_id, now=pair.now, whole=True)
    assert done[:2] == (0, 0)
