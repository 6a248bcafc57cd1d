"""The last moment that can be written: what would leave no room for a later version is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tearline.release import arrive, recall
from tearline.release.arrive import Annotation
from tearline.stix.marking import AMBER, CLEAR
from tests.pair import Pair, as_object, make_pair, rel, sdo
from tests.plain import sign

LAST = "9999-12-31T23:59:59.999Z"
LATE = "9999-12-31T00:00:00.000Z"
heron = sdo("intrusion-set", "Gray Heron")


def seen(modified: str) -> dict[str, Any]:
    return sdo("indicator", "loader domain", modified=modified, description="Seen at a ward.")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    sign(made, reach=2)
    yield made
    made.north.store.close()
    made.south.store.close()


def put(pair: Pair, *docs: dict[str, Any]) -> arrive.Arrival:
    objects = [as_object(doc) for doc in docs]
    said = Annotation(CLEAR, None)
    arrival = arrive.arrive(pair.north, objects, source="test", annotation=said, now=pair.tick())
    pair.reconcile()
    return arrival


def served(pair: Pair) -> str:
    return json.dumps(list(pair.delivered().values()))


def test_a_version_after_which_none_can_come_is_refused_alone(pair: Pair) -> None:
    last = seen(LAST)
    arrival = put(pair, heron, last, rel(last, "indicates", heron))
    assert [each.stix_id for each in arrival.refused] == [last["id"]]
    assert "Seen at a ward." not in served(pair)
    assert "Gray Heron" in served(pair)


def test_the_latest_that_is_taken_can_be_recalled_and_marked_anew(pair: Pair) -> None:
    late = seen(LATE)
    put(pair, heron, late, rel(late, "indicates", heron))
    assert "Seen at a ward." in served(pair)
    arrive.annotate(pair.north, [late["id"]], Annotation(AMBER, None), now=pair.tick())
    pair.reconcile()
    assert "Seen at a ward." in served(pair)
    recall.recall(pair.north, late["id"], "east-clinic", "given in error", now=pair.tick())
    assert "Seen at a ward." not in served(pair)
