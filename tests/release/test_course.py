"""The spine, once along: agreed, decided, released, taken, recalled."""

import json
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement import signing
from tearline.log import record
from tearline.release import arrive, inbound, preview, recall, replay
from tearline.stix.marking import marking_ref
from tearline.stix.objects import observable_id
from tearline.store import logs, objects, received, releases
from tests.pair import DAY, TYPES, Pair, make_pair, rel, sdo

pytestmark = pytest.mark.usefixtures("either_store")

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
other = sdo("intrusion-set", "Blue Tern")
its = sdo("malware", "Tern Kit")
sign = sdo("indicator", "loader domain")
hospital = sdo("identity", "a hospital")
EDGES = (
    rel(heron, "uses", loader),
    rel(other, "uses", its),
    rel(sign, "indicates", loader),
    rel(heron, "targets", hospital),
)


def started(tmp_path: Path, **limits: object) -> Pair:
    pair = make_pair(tmp_path)
    pair.put(heron, loader, other, its, sign, hospital, *EDGES)
    pair.agree(**limits)
    return pair


def test_only_what_is_about_the_topic_goes_and_arrives(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=2)
    expected = {each["id"] for each in (heron, loader, sign, EDGES[0], EDGES[2])}
    assert set(pair.delivered()) == expected
    settled = pair.sync()
    assert (settled.accepted, settled.quarantined) == (5, 0)
    with pair.south.store.read() as tx:
        held = objects.latest(tx, pair.agreement_id, expected)
        assert held.keys() == expected


def test_a_recall_takes_back_and_is_confirmed(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=2)
    pair.sync()
    recall.recall(pair.north, loader["id"], "south-isac", "given in error", now=pair.tick())
    assert loader["id"] not in pair.delivered()
    pair.sync()
    with pair.south.store.read() as tx:
        assert not objects.latest(tx, pair.agreement_id, [loader["id"], sign["id"]])
        assert len(received.in_state(tx, pair.agreement_id, "accepted")) == 1
    ordered = recall.recalls(pair.north, now=pair.now)
    assert ordered
    assert all(each.acknowledged_at for each in ordered)


def test_a_recall_that_is_not_answered_in_time_is_overdue(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=2)
    pair.sync()
    recall.recall(pair.north, loader["id"], "south-isac", "given in error", now=pair.tick())
    ordered = recall.recalls(pair.north, now=pair.now)
    assert {each.state for each in ordered} == {"open"}
    due_at = max(each.due_at for each in ordered)
    assert due_at - pair.now <= 7 * DAY
    assert {each.state for each in recall.recalls(pair.north, now=due_at - 1)} <= {
        "open",
        "overdue",
    }
    assert {each.state for each in recall.recalls(pair.north, now=due_at)} == {"overdue"}
    pair.now = due_at
    pair.sync()
    assert {each.state for each in recall.recalls(pair.north, now=pair.now)} == {"confirmed"}


def test_every_decision_replays(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=2)
    again = replay.replay(pair.north)
    assert again.decisions == 10
    assert again.differing == ()


def test_a_withdrawal_does_not_tell_why_we_hold_back(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=2)
    recall.recall(pair.north, loader["id"], "south-isac", "a secret", now=pair.tick())
    log = record.our_log(pair.agreement_id)
    with pair.north.store.read() as tx:
        entries = [json.loads(row[3]) for row in logs.records(tx, log, 0, logs.head(tx, log).size)]
    told = {each["reason"] for each in entries if each["kind"] == "withdraw"}
    assert told == {"withdrawn"}
    assert "a secret" not in json.dumps(entries)


def test_what_waits_again_and_is_then_withheld_is_recalled(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.put(heron, loader, EDGES[0])
    pair.agree()
    pair.sync()
    contradictory = {"object_marking_refs": [marking_ref(0), marking_ref(2)]}
    pair.put(loader | contradictory | {"modified": "2026-03-02T00:00:00.000Z"})
    pair.reconcile()
    pair.sync()
    assert loader["id"] not in pair.delivered()
    assert recall.recalls(pair.north, now=pair.now) == []
    arrive.hold(pair.north, "object", loader["id"], "a reason", now=pair.tick())
    pair.reconcile()
    pair.sync()
    ordered = {each.delivered_id for each in recall.recalls(pair.north, now=pair.now)}
    assert ordered == {loader["id"], EDGES[0]["id"]}


def test_what_comes_back_after_a_suspension_is_taken_though_word_of_it_is_late(
    tmp_path: Path,
) -> None:
    pair = started(tmp_path, reach=2)
    pair.sync()
    signing.suspend(pair.south, pair.agreement_id, "a question", now=pair.tick())
    pair.carry()
    pair.reconcile()
    assert pair.delivered() == {}
    signing.resume(pair.south, pair.agreement_id, now=pair.tick())
    pair.carry()
    signing.resume(pair.north, pair.agreement_id, now=pair.tick())
    pair.reconcile()
    pair.read_pages()
    pair.copy_log()
    settled = inbound.settle(pair.south, pair.agreement_id, now=pair.tick())
    assert (settled.accepted, settled.quarantined) == (0, 0)
    pair.carry()
    settled = pair.sync()
    assert (settled.accepted, settled.quarantined) == (5, 0)
    assert all(each.acknowledged_at for each in recall.recalls(pair.north, now=pair.now))


def test_a_victim_that_only_the_targeting_ties_to_the_topic_waits_with_it(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=1)
    explained = {
        each: preview.explain(pair.north, each, "south-isac", now=pair.now)[0]
        for each in (hospital["id"], EDGES[3]["id"])
    }
    for told in explained.values():
        assert told.outcome == "wait"
        assert "victim" in {reason.code for reason in told.reasons}
    told = explained[hospital["id"]]
    assert "path-waits" in {reason.code for reason in told.reasons}
    assert [step.id for step in told.path] == [heron["id"], EDGES[3]["id"], hospital["id"]]
    assert not explained.keys() & pair.delivered().keys()


def test_what_waits_stops_waiting_when_what_ties_it_to_the_topic_grows_too_old(
    tmp_path: Path,
) -> None:
    pair = make_pair(tmp_path)
    clinic = sdo("identity", "a clinic", at=pair.now + 20 * DAY)
    young = sdo("intrusion-set", "Gray Heron", at=pair.now + 20 * DAY)
    pair.tick(21 * DAY)
    pair.put(young, clinic, rel(young, "targets", clinic, at=pair.now - 21 * DAY))
    pair.agree(age="30")
    with pair.north.store.read() as tx:
        before = releases.standing(tx, pair.agreement_id, [clinic["id"]])
    pair.tick(10 * DAY)
    pair.reconcile()
    with pair.north.store.read() as tx:
        after = releases.standing(tx, pair.agreement_id, [clinic["id"]])
    assert before[clinic["id"]].outcome == "wait"
    assert after == {}  # nothing ties it to the topic, so no decision stands


def test_an_observable_that_goes_as_it_once_did_is_held_as_it_goes(tmp_path: Path) -> None:
    """Its bytes carry no version: what counts at the receiver is what was released last."""
    there = {"type": "domain-name", "spec_version": "2.1", "value": "there.example"}
    there["id"] = str(observable_id(there))
    here: dict[str, Any] = {"type": "domain-name", "spec_version": "2.1"}
    here |= {"value": "here.example", "resolves_to_refs": [there["id"]]}
    here |= {"id": str(observable_id(here))}
    pair = make_pair(tmp_path)
    pair.put(heron, here, there, rel(heron, "uses", here), rel(heron, "uses", there))
    pair.agree(types=json.dumps([*TYPES, "domain-name"]))
    for turn in range(4):
        pair.sync()
        with pair.south.store.read() as tx:
            held = objects.latest(tx, pair.agreement_id, [here["id"]])[here["id"]]
            raw = objects.raw_of(tx, [held.seq])[held.seq]
        assert json.loads(raw) == pair.delivered()[here["id"]]
        assert ("resolves_to_refs" in json.loads(raw)) is (turn % 2 == 0)
        change = arrive.release_hold if turn % 2 else arrive.hold
        change(pair.north, "object", there["id"], "a reason", now=pair.tick())
        pair.reconcile()
