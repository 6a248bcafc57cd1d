"""What expires at the receiver: by its own clock, shown, logged, and known to the giver."""

import json
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement import force, outbox, signing
from tearline.agreement.terms import parse_toml
from tearline.errors import InputError
from tearline.log import record
from tearline.release import expiring, inbound, recall, reconcile, replay
from tearline.release.holding import Holding, holdings, is_over
from tearline.release.preview import preview
from tearline.release.rules import HOUR
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, logs, objects, received, releases
from tests.pair import DAY, START, Pair, make_pair, rel, sdo

pytestmark = pytest.mark.usefixtures("either_store")

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
USES = rel(heron, "uses", loader)
ENDS_AT = START + 10 * DAY
sign = sdo("indicator", "loader domain", valid_until=format_timestamp(ENDS_AT))
INDICATES = rel(sign, "indicates", loader)
ALL = (heron, loader, USES, sign, INDICATES)


def started(folder: Path, **limits: object) -> Pair:
    pair = make_pair(folder)
    pair.put(*ALL)
    pair.agree(reach=2, **limits)
    pair.sync()
    return pair


def held(pair: Pair) -> set[str]:
    """What South has the bytes of."""
    with pair.south.store.read() as tx:
        ids = {each.stix_id for each in objects.latest_all(tx, pair.agreement_id)}
        rows = received.in_state(tx, pair.agreement_id, *received.HELD)
    assert {row.delivered_id for row in rows if row.raw} == ids
    return ids


def told(pair: Pair, kind: str) -> list[dict[str, Any]]:
    """The records of a kind in South's log of the agreement."""
    log = record.our_log(pair.agreement_id)
    with pair.south.store.read() as tx:
        size = logs.head(tx, log).size
        entries = [json.loads(row[3]) for row in logs.records(tx, log, 0, size)]
    return [each for each in entries if each["kind"] == kind]


def shown(pair: Pair) -> dict[str, Holding]:
    return {each.delivered_id: each for each in holdings(pair.south, "north-cert", now=pair.now)}


def test_what_expired_goes_by_the_receivers_own_clock(tmp_path: Path) -> None:
    pair = started(tmp_path)
    assert shown(pair)[sign["id"]].until_at == ENDS_AT
    assert shown(pair)[loader["id"]].until_at is None
    pair.now = ENDS_AT - 1
    assert expiring.expire_all(pair.south, now=pair.now) == 0
    pair.now = ENDS_AT
    assert shown(pair)[sign["id"]].state == "expired"  # before anything carried it out
    assert expiring.expire_all(pair.south, now=pair.now) == 1
    assert sign["id"] not in held(pair)
    assert shown(pair)[sign["id"]][4:] == ("expired", shown(pair)[sign["id"]].came_at, ENDS_AT)
    with pair.south.store.read() as tx:
        assert is_over(tx, pair.agreement_id, sign["id"], now=pair.now) == ENDS_AT
        assert is_over(tx, pair.agreement_id, loader["id"], now=pair.now) is None
    (line,) = told(pair, "expiry")
    assert (line["object"], line["reason"]) == (sign["id"], "expired")
    assert expiring.expire_all(pair.south, now=pair.now) == 0


def test_the_giver_knows_without_a_recall_and_the_recall_is_answered(tmp_path: Path) -> None:
    pair = started(tmp_path)
    pair.now = ENDS_AT
    expiring.expire_all(pair.south, now=pair.now)
    pair.carry()
    (early,) = recall.recalls(pair.north, now=pair.now)
    assert (early.delivered_id, early.reason, early.state) == (sign["id"], "expired", "confirmed")
    pair.reconcile()
    ordered = {each.delivered_id: each for each in recall.recalls(pair.north, now=pair.now)}
    assert ordered[sign["id"]].state == "confirmed"
    assert ordered[INDICATES["id"]].state == "open"
    pair.sync()
    assert {each.state for each in recall.recalls(pair.north, now=pair.now)} == {"confirmed"}
    answers = {each["object"]: each.get("expired") for each in told(pair, "recall-receipt")}
    assert answers == {
        sign["id"]: format_timestamp(ENDS_AT, digits=6),
        INDICATES["id"]: None,
    }


def test_what_the_partner_never_gave_cannot_be_called_expired(tmp_path: Path) -> None:
    pair = started(tmp_path)
    pair.now = ENDS_AT
    expiring.expire_all(pair.south, now=pair.now)
    log = record.our_log(pair.agreement_id)
    with pair.south.store.write() as tx:
        (message,) = [each for each in agreements.pending(tx, None) if each.leaf is not None]
        version = agreements.version_of(tx, message.agreement or "")
        body = json.loads(message.body) | {"releases": [9_999]}
        leaf = logs.head(tx, log).size - 1
        kind, to = "recall-receipt", "north-cert"
        outbox.enqueue(tx, kind, to, body, now=pair.now, version=version, leaf=leaf)
    pair.carry()
    known = recall.recalls(pair.north, now=pair.now)
    assert [each.delivered_id for each in known] == [sign["id"]]


def test_what_is_given_again_is_taken_again(tmp_path: Path) -> None:
    pair = started(tmp_path)
    pair.now = ENDS_AT
    pair.sync()
    assert sign["id"] not in held(pair)
    renewed = sign | {"modified": format_timestamp(ENDS_AT)}
    renewed["valid_until"] = format_timestamp(ENDS_AT + DAY)
    pair.put(renewed)
    pair.reconcile()
    assert pair.sync().quarantined == 0
    assert held(pair) == {each["id"] for each in ALL}
    assert shown(pair)[sign["id"]].until_at == ENDS_AT + DAY


@pytest.mark.parametrize("after_end", ["keep", "recall"])
def test_the_end_of_an_agreement_takes_what_nobody_may_keep(tmp_path: Path, after_end: str) -> None:
    end = f'[retention]\nafter_end = "{after_end}"'
    pair = started(tmp_path, until="2026-03-20", end=end)
    pair.now = START + 30 * DAY
    gone = expiring.expire_all(pair.south, now=pair.now)
    kept = {each["id"] for each in ALL} - {sign["id"]} if after_end == "keep" else set()
    assert (gone, held(pair)) == (len(ALL) - len(kept), kept)


def test_a_statement_that_ends_an_agreement_is_enough(tmp_path: Path) -> None:
    pair = started(tmp_path)
    signing.terminate(pair.south, pair.agreement_id, "the purpose is met", now=pair.tick())
    assert expiring.expire_all(pair.south, now=pair.tick()) == 5
    assert held(pair) == set()
    assert {each["reason"] for each in told(pair, "expiry")} == {"agreement-ended"}
    pair.carry()
    pair.reconcile()
    assert {each.state for each in recall.recalls(pair.north, now=pair.now)} == {"confirmed"}


# ---------------------------------------------------------------------------------- keep_days


def keeping(folder: Path, days: int) -> Pair:
    pair = make_pair(folder)
    pair.put(heron, loader, USES)
    pair.agree(end=f"[retention]\nkeep_days = {days}")
    pair.sync()
    return pair


def previewed(pair: Pair) -> int:
    """What would go under the version that runs."""
    with pair.north.store.read() as tx:
        bound = force.in_force(tx, pair.agreement_id, now=pair.now)
    assert bound is not None
    return preview(pair.north, bound.terms, now=pair.now).go


def test_what_was_kept_for_its_days_goes_on_both_sides_and_stays_away(tmp_path: Path) -> None:
    pair = keeping(tmp_path, 30)
    until = START // HOUR * HOUR + 30 * DAY
    assert {each.until_at for each in shown(pair).values()} == {until}
    pair.now = until - HOUR
    pair.reconcile()
    assert len(pair.delivered()) == previewed(pair) == 3
    pair.now = until
    assert expiring.expire_all(pair.south, now=pair.now) == 3
    pair.carry()
    assert pair.reconcile().withdrawn == 3
    assert {each.state for each in recall.recalls(pair.north, now=pair.now)} == {"confirmed"}
    pair.tick(DAY)
    done = reconcile.reconcile(pair.north, pair.agreement_id, now=pair.now, whole=True)
    assert done[:2] == (0, 0)
    assert pair.delivered() == {}
    assert previewed(pair) == 0
    assert replay.replay(pair.north).differing == ()
    pair.put(loader | {"modified": format_timestamp(pair.now)})
    pair.reconcile()
    assert pair.delivered() == {}  # what ties it to the topic may be given no more
    pair.put(*(each | {"modified": format_timestamp(pair.now)} for each in (heron, USES)))
    pair.reconcile()
    assert set(pair.delivered()) == {heron["id"], loader["id"], USES["id"]}
    assert pair.sync().quarantined == 0


def test_another_slip_does_not_begin_the_time_anew(tmp_path: Path) -> None:
    pair = keeping(tmp_path, 30)
    until = START // HOUR * HOUR + 30 * DAY
    pair.tick(20 * DAY)
    pair.put(loader, grade=22)
    pair.reconcile()
    pair.agree(age="3650")
    pair.sync()
    assert {each.until_at for each in shown(pair).values()} == {until}
    with pair.north.store.read() as tx:
        stood = releases.standing_all(tx, pair.agreement_id)
    assert {each.until_at for each in stood.values()} == {until}


def test_a_clause_that_gives_what_has_expired_has_no_days_to_keep(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    text = pair.terms(more="expired = true", end="[retention]\nkeep_days = 30")
    with pytest.raises(InputError, match="gives what has expired") as caught:
        parse_toml(text)
    assert "clause N1" in (caught.value.place or "")


def test_a_random_world_is_the_same_when_it_is_rebuilt(tmp_path: Path) -> None:
    pair = keeping(tmp_path, 5)
    for day in range(12):
        pair.tick(DAY)
        if day % 3 == 0:
            pair.put(loader | {"modified": format_timestamp(pair.now)}, grade=22 + day % 2)
        pair.reconcile()
        expiring.expire_all(pair.south, now=pair.tick())
        assert pair.sync().quarantined == 0
        with pair.north.store.read() as tx:
            before = releases.standing_all(tx, pair.agreement_id)
        done = reconcile.reconcile(pair.north, pair.agreement_id, now=pair.now, whole=True)
        with pair.north.store.read() as tx:
            after = releases.standing_all(tx, pair.agreement_id)
        assert (done[:2], after) == ((0, 0), before)
        assert held(pair) == pair.delivered().keys()
    assert replay.replay(pair.north).differing == ()
    assert inbound.quarantined(pair.south, pair.agreement_id) == []
    assert outbox.export_messages(pair.south, now=pair.now) == []
