"""From the last word to the last receipt: what is open at an end, and when nothing is."""

import json
from pathlib import Path

import pytest

from tearline.agreement import signing
from tearline.errors import MisuseError
from tearline.log import record
from tearline.log.checkpoint import vkey_for
from tearline.log.verify import verify_receipt
from tearline.release.leaving import leaving
from tests.pair import Pair, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, loader, rel(heron, "uses", loader))
    made.agree()
    made.sync()
    return made


def test_an_end_is_one_when_every_recall_has_its_receipt(pair: Pair) -> None:
    (north,) = leaving(pair.north, "south-isac", now=pair.now)
    assert (north.has_ended, north.live, north.is_done) == (False, 3, False)
    (south,) = leaving(pair.south, "north-cert", now=pair.now)
    assert (south.held, south.is_done) == (3, False)
    signing.terminate(pair.north, pair.agreement_id, "the purpose is met", now=pair.tick())
    (north,) = leaving(pair.north, "south-isac", now=pair.now)
    assert (north.has_ended, north.undelivered > 0, north.is_done) == (True, True, False)
    pair.carry()
    pair.reconcile()
    (north,) = leaving(pair.north, "south-isac", now=pair.now)
    assert (north.live, north.open_recalls, north.is_done) == (0, 3, False)
    pair.sync()
    (north,) = leaving(pair.north, "south-isac", now=pair.now)
    assert (north.open_recalls, north.undelivered, north.is_done) == (0, 0, True)
    (south,) = leaving(pair.south, "north-cert", now=pair.now)
    assert (south.held, south.is_done) == (0, True)
    origin = record.origin_of("south-isac", pair.agreement_id)
    for receipt in north.receipts:
        found = verify_receipt(json.loads(receipt), vkey_for(origin, pair.south.card.log))
        assert found["kind"] == "recall-receipt"
    assert north.receipts


def test_a_party_that_nobody_knows_has_no_end(pair: Pair) -> None:
    with pytest.raises(MisuseError):
        leaving(pair.north, "nobody", now=pair.now)
