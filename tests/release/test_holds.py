"""What we hold back: an object, a source, a topic; and what ends with it."""

from pathlib import Path

import pytest

from tearline.release import arrive, reconcile
from tearline.store.annotations import OBJECT, SOURCE, TOPIC
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
    assert arrive.hold(pair.north, kind, value, "a doubt", now=pair.tick())
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
