"""The spine, once along: agreed, decided, released, taken, recalled."""

from pathlib import Path

from tearline.release import recall, replay
from tearline.store import objects, received
from tests.pair import Pair, make_pair, rel, sdo

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


def test_every_decision_replays(tmp_path: Path) -> None:
    pair = started(tmp_path, reach=2)
    again = replay.replay(pair.north)
    assert again.decisions == 10
    assert again.differing == ()
