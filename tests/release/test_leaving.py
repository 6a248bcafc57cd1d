"""From the last word to the last receipt: what is open at an end, and when nothing is."""

import json
from pathlib import Path

import pytest

from tearline.agreement import signing
from tearline.errors import MisuseError, ProofError, RefusedError
from tearline.log import record
from tearline.log.checkpoint import vkey_for
from tearline.log.receipt import verify_receipt
from tearline.release import certifying, expiring
from tearline.release.delivery import delivery_hash
from tearline.release.leaving import leave, leaving
from tearline.store import releases
from tearline.store.recalls import certificates, put_certificate
from tests.pair import DAY, START, Pair, make_pair, rel, sdo

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


def test_each_side_certifies_that_it_holds_nothing_more(pair: Pair) -> None:
    (north,) = leaving(pair.north, "south-isac", now=pair.now)
    assert (north.their_certificate, north.lacks) == (None, ())
    signing.terminate(pair.north, pair.agreement_id, "the purpose is met", now=pair.tick())
    pair.carry()
    pair.reconcile()
    (north,) = leave(pair.north, "south-isac", now=pair.now)
    assert north.lacks == ("theirs",)
    pair.sync()
    (north,) = leave(pair.north, "south-isac", now=pair.now)
    assert (north.lacks, north.is_done) == ((), True)
    (south,) = leave(pair.south, "north-cert", now=pair.now)
    assert (south.lacks, south.is_done) == ((), True)
    key = vkey_for(record.origin_of("south-isac", pair.agreement_id), pair.south.card.log)
    for document in (json.loads(north.their_certificate or ""), south.certificate or {}):
        said = verify_receipt(document, key)
        assert (said["kind"], said["party"], said["objects"]) == ("certificate", "south-isac", 3)
        with pair.north.store.read() as tx:
            given = releases.releases_at(tx, pair.agreement_id, [1, 2, 3])
        assert said["hash"] == delivery_hash((at, each.hash) for at, each in given.items())
        altered = document | {"record": document["record"].replace("south-isac", "north-cert")}
        with pytest.raises(ProofError):
            verify_receipt(altered, key)


def test_a_receiver_whose_clock_says_so_certifies_before_it_is_asked(pair: Pair) -> None:
    pair.now = START + 400 * DAY
    (south,) = leave(pair.south, "north-cert", now=pair.now)
    assert (south.held, south.certificate is not None) == (0, True)
    pair.carry()
    pair.reconcile()
    (north,) = leave(pair.north, "south-isac", now=pair.now)
    assert (north.open_recalls, north.lacks) == (0, ())


def test_a_certificate_over_other_releases_is_refused(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.terminate(pair.south, pair.agreement_id, "the purpose is met", now=pair.tick())
    gone = certifying._gone  # noqa: SLF001  # what it is to state falsely
    monkeypatch.setattr(certifying, "_gone", lambda *of: gone(*of) | {1: "sha256:" + "0" * 64})
    leave(pair.south, "north-cert", now=pair.tick())
    with pytest.raises(RefusedError, match="not over what we released"):
        pair.carry()
    (north,) = leaving(pair.north, "south-isac", now=pair.now)
    assert north.their_certificate is None


def test_a_certificate_that_speaks_of_less_leaves_the_end_open(pair: Pair) -> None:
    signing.terminate(pair.south, pair.agreement_id, "the purpose is met", now=pair.tick())
    leave(pair.south, "north-cert", now=pair.tick())
    pair.carry()
    pair.reconcile()
    (before,) = leaving(pair.north, "south-isac", now=pair.now)
    assert before.lacks == ()
    with pair.north.store.write() as tx:
        held = certificates(tx, pair.agreement_id)[False]
        put_certificate(tx, pair.agreement_id, held._replace(spans="[[1,2]]"))
    (after,) = leaving(pair.north, "south-isac", now=pair.now)
    assert (after.lacks, after.is_done) == (("theirs",), False)


def test_a_certificate_speaks_of_what_expired_and_was_given_again(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.put(heron, loader, rel(heron, "uses", loader))
    pair.agree(age="10")
    pair.sync()
    with pair.north.store.read() as tx:
        (until,) = {each.until_at for each in releases.standing_all(tx, pair.agreement_id).values()}
    pair.now = until
    assert expiring.expire_all(pair.south, now=pair.now) == 3
    pair.agree(age="3650")
    pair.carry()
    pair.sync()
    assert len(pair.delivered()) == 3  # the same bytes, as other releases
    signing.terminate(pair.north, pair.agreement_id, "the purpose is met", now=pair.tick())
    pair.carry()
    pair.reconcile()
    pair.sync()
    (north,) = leave(pair.north, "south-isac", now=pair.now)
    assert {each.position for each in north.recalled} == {1, 2, 3, 4, 5, 6}
    assert (north.lacks, north.is_done) == ((), True)
