"""An object whose `modified` is the last moment that can be written: no version can be later."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tearline.errors import InputError
from tearline.release import arrive, recall
from tearline.release.arrive import Annotation
from tearline.stix.marking import AMBER, CLEAR, GREEN
from tests.pair import Pair, as_object, make_pair, rel, sdo
from tests.plain import sign

LAST = "9999-12-31T23:59:59.999Z"
heron = sdo("intrusion-set", "Gray Heron")
domain = sdo("indicator", "loader domain", modified=LAST, description="Seen at a ward.")
points = rel(domain, "indicates", heron)
stalls = pytest.mark.xfail(reason="the next moment cannot be written", raises=AssertionError)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    sign(made, reach=2)
    put(made, heron, domain, points)
    assert "Seen at a ward." in served(made)
    yield made
    made.north.store.close()
    made.south.store.close()


def put(pair: Pair, *docs: dict[str, Any]) -> None:
    objects = [as_object(doc) for doc in docs]
    said = Annotation(CLEAR, None)
    arrive.arrive(pair.north, objects, source="test", annotation=said, now=pair.tick())
    with suppress(InputError):
        pair.reconcile()


def served(pair: Pair) -> str:
    return json.dumps(list(pair.delivered().values()))


@stalls
def test_a_recall_takes_it_out_of_the_collection(pair: Pair) -> None:
    with suppress(InputError):
        recall.recall(pair.north, domain["id"], "east-clinic", "given in error", now=pair.tick())
    assert "Seen at a ward." not in served(pair)


@stalls
@pytest.mark.parametrize("level", [GREEN, AMBER])
def test_what_is_marked_anew_does_not_hold_up_the_rest(pair: Pair, level: int) -> None:
    arrive.annotate(pair.north, [domain["id"]], Annotation(level, None), now=pair.tick())
    put(pair, rel(heron, "uses", late := sdo("malware", "Late Loader")), late)
    assert "Late Loader" in served(pair)
