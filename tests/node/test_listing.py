"""The standing job that sorts in what arrived, and stands aside while somebody brings objects."""

from pathlib import Path

import pytest

from tearline.node import runner
from tearline.node.runner import Listing
from tearline.release import listing
from tests.pair import Pair, make_pair, sdo


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def left(pair: Pair) -> int:
    with pair.north.store.read() as tx:
        return listing.behind(tx)


def test_what_arrived_is_sorted_in(pair: Pair) -> None:
    job = Listing(pair.north)
    pair.put(*(sdo("tool", f"a spade {n}") for n in range(20)))
    assert left(pair) == 20
    job(pair.now)
    assert left(pair) == 0
    job(pair.now)


def test_an_import_in_course_is_left_alone_but_not_for_ever(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "STEP", 5)
    monkeypatch.setattr(runner, "_STAND_ASIDE", 2)
    job = Listing(pair.north)
    for turn in range(3):
        pair.put(*(sdo("tool", f"a spade {turn} {n}") for n in range(10)))
        job(pair.now)
        assert (left(pair) == 0) == (turn == 2)
    pair.put(*(sdo("tool", f"the last spade {n}") for n in range(10)))
    job(pair.now)
    assert left(pair) == 10
    job(pair.now)
    assert left(pair) == 0
