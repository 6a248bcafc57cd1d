"""Keys change under a running agreement: nothing is lost, refused or put into quarantine."""

from pathlib import Path

import pytest

from tearline.agreement.card import USES
from tearline.agreement.renewing import rotate
from tests.pair import Pair, make_pair, sdo

HERON = sdo("intrusion-set", "Gray Heron")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.agree()
    made.put(HERON)
    made.reconcile()
    made.sync()
    return made


def held(pair: Pair) -> set[str]:
    with pair.south.store.read() as tx:
        assert not received.in_state(tx, pair.agreement_id, "quarantined", "staged")
        return {row.delivered_id for row in received.in_state(tx, pair.agreement_id, "accepted")}


@pytest.mark.parametrize("use", USES)
def test_every_key_of_both_sides_turns_over(pair: Pair, use: str) -> None:
    before = held(pair)
    for number, home in enumerate((pair.north, pair.south)):
        old = getattr(home.card, use)
        rotate(home, use, now=pair.tick())
        assert getattr(home.card, use) != old
        actor = sdo("campaign", f"Gray Heron {number}", aliases=["Gray Heron"])
        pair.put(actor)
        pair.reconcile()
        pair.carry()
        pair.sync()
        before |= {actor["id"]}
        assert held(pair) == before
