"""What we hold back: an object, a source, a topic; and what ends with it."""

import json
from pathlib import Path

import pytest

from tearline.agreement import signing
from tearline.log import record
from tearline.release import arrive, reconcile
from tearline.store import logs, releases
from tearline.store.annotations import OBJECT, SOURCE, TOPIC
from tearline.store.recalls import recalls_under
from tests.pair import Pair, make_pair, rel, sdo

pytestmark = pytest.mark.usefixtures("either_store")

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
sign = sdo("indicator", "loader domain")
USES, INDICATES = rel(heron, "uses", loader), rel(sign, "indicates", loader)
ALL = {each["id"] for each in (heron, loader, sign, USES, INDICATES)}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, loader, sign, USES, INDICATES)
    made.agree(reach=2)
    assert set(made.delivered()) == ALL
    return made


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        (OBJECT, loader["id"], {heron["id"]}),
        (SOURCE, "test", set()),
        (TOPIC, "GRAY  heron", set()),
        (TOPIC, "Mud Loader", {heron["id"]}),
        (TOPIC, "loader domain", ALL),  # an indicator is no topic by its name
        (TOPIC, "Blue Tern", ALL),
        (SOURCE, "elsewhere", ALL),
    ],
)
def test_what_is_held_goes_with_what_only_it_ties(
    pair: Pair, kind: str, value: str, left: set[str]
) -> None:
    assert arrive.hold(pair.north, kind, value, "a doubt", now=pair.tick()) is not None
    assert not arrive.hold(pair.north, kind, value, "again", now=pair.tick())
    pair.reconcile()
    assert set(pair.delivered()) == left
    assert reconcile.reconcile(pair.north, pair.agreement_id, now=pair.now, whole=True)[:2] == (
        0,
        0,
    )
    assert arrive.release_hold(pair.north, kind, value, "no doubt", now=pair.tick())
    pair.reconcile()
    assert set(pair.delivered()) == ALL
    assert not arrive.release_hold(pair.north, kind, value, "again", now=pair.tick())


def test_a_topic_is_held_that_comes_later(pair: Pair) -> None:
    arrive.hold(pair.north, TOPIC, "HERON-7", "a doubt", now=pair.tick())
    later = sdo("intrusion-set", "HERON-7")
    pair.put(later)
    pair.reconcile()
    assert set(pair.delivered()) == ALL
    arrive.release_hold(pair.north, TOPIC, "HERON-7", "no doubt", now=pair.tick())
    pair.reconcile()
    assert later["id"] in pair.delivered()


def test_a_hold_takes_back_at_once_and_reconcile_takes_what_follows(pair: Pair) -> None:
    before = pair.delivered().keys()
    ended = arrive.hold(pair.north, OBJECT, loader["id"], "a doubt", now=pair.tick())
    assert ended == {pair.agreement_id: 1}
    assert pair.delivered().keys() == before - {loader["id"]}
    assert recalled(pair) == {loader["id"]: "held"}
    assert withdrawn(pair) == [loader["id"]]
    assert pair.reconcile().withdrawn == 3  # the sign, and both edges
    assert withdrawn(pair)[0] == loader["id"]
    assert sorted(withdrawn(pair)) == sorted(ALL - {heron["id"]})
    assert recalled(pair).keys() == set(withdrawn(pair))
    reason = decided(pair, loader["id"])
    assert reason == ("withhold", '[["held",null]]')


def test_what_a_hold_took_goes_again_with_a_release_of_its_own(pair: Pair) -> None:
    first = positions(pair)[loader["id"]]
    arrive.hold(pair.north, OBJECT, loader["id"], "a doubt", now=pair.tick())
    arrive.release_hold(pair.north, OBJECT, loader["id"], "no doubt", now=pair.tick())
    assert pair.reconcile()[:2] == (1, 0)
    assert set(pair.delivered()) == ALL
    assert positions(pair)[loader["id"]] > max(first, len(ALL))
    assert reconcile.reconcile(pair.north, pair.agreement_id, now=pair.now, whole=True)[:2] == (
        0,
        0,
    )


def test_a_hold_leaves_to_reconcile_what_is_stopped_or_has_no_node(pair: Pair) -> None:
    signing.suspend(pair.north, pair.agreement_id, "a quarrel", now=pair.tick())
    assert arrive.hold(pair.north, SOURCE, "test", "a doubt", now=pair.tick()) == {}
    assert recalled(pair) == {}


def recalled(pair: Pair) -> dict[str, str]:
    with pair.north.store.read() as tx:
        return {row[1]: row[2] for row in recalls_under(tx, pair.agreement_id)}


def withdrawn(pair: Pair) -> list[str]:
    """What our log of the agreement says was withdrawn, in its order."""
    log = record.our_log(pair.agreement_id)
    with pair.north.store.read() as tx:
        rows = logs.records(tx, log, 0, logs.head(tx, log).size)
    entries = [json.loads(row[-1]) for row in rows]
    return [each["object"] for each in entries if each["kind"] == "withdraw"]


def decided(pair: Pair, stix_id: str) -> tuple[str, str]:
    with pair.north.store.read() as tx:
        standing = releases.standing(tx, pair.agreement_id, [stix_id])[stix_id]
    return standing.outcome, standing.reasons


def positions(pair: Pair) -> dict[str, int]:
    with pair.north.store.read() as tx:
        rows = releases.page(tx, pair.agreement_id, after=0, now=pair.now, limit=100)
    return {each.delivered_id: each.position for each in rows}
