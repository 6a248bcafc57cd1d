"""What waits for a person does not wait beyond its time limits."""

from pathlib import Path

from tearline.release import recall
from tearline.store import releases
from tests.pair import DAY, START, Pair, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
hospital = sdo("identity", "a hospital", at=START - 5 * DAY)
TARGETS = rel(heron, "targets", hospital)
USES = rel(heron, "uses", hospital)


def test_what_waits_and_grows_too_old_is_withheld_and_recalled(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.put(heron, hospital, USES)
    pair.agree(age=10)
    pair.sync()
    assert hospital["id"] in pair.delivered()
    pair.put(TARGETS)
    pair.reconcile()
    assert outcome(pair) == "wait"
    pair.tick(6 * DAY)
    pair.reconcile()
    assert outcome(pair) == "withhold"
    pair.sync()
    ordered = recall.recalls(pair.north, now=pair.now)
    assert hospital["id"] in {each.delivered_id for each in ordered}
    assert all(each.acknowledged_at for each in ordered)


def outcome(pair: Pair) -> str:
    with pair.north.store.read() as tx:
        return releases.standing(tx, pair.agreement_id, [hospital["id"]])[hospital["id"]].outcome
