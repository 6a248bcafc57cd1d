"""What a receiver makes of a giver that goes on deciding while it is being read."""

from pathlib import Path

from tearline.release import inbound
from tearline.store import objects, received
from tests.pair import DAY, Pair, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
other = sdo("malware", "Salt Kit")
sign = sdo("indicator", "loader domain")
USES = rel(heron, "uses", loader)
SIGNS = rel(sign, "indicates", loader)
OF_OTHER = (rel(heron, "uses", other), rel(sign, "indicates", other))


def given(tmp_path: Path) -> Pair:
    """South holds the sign by way of the loader."""
    pair = make_pair(tmp_path)
    pair.put(heron, loader, sign, USES, SIGNS)
    pair.agree(reach=2)
    pair.sync()
    return pair


def settle(pair: Pair) -> inbound.Settled:
    return inbound.settle(pair.south, pair.agreement_id, now=pair.tick())


def in_state(pair: Pair, *states: str) -> set[str]:
    with pair.south.store.read() as tx:
        rows = received.in_state(tx, pair.agreement_id, *states)
    return {row.delivered_id for row in rows}


def held(pair: Pair) -> set[str]:
    with pair.south.store.read() as tx:
        return {each.stix_id for each in objects.latest_all(tx, pair.agreement_id)}


def another_path(pair: Pair) -> None:
    """North ties the sign to the topic by another path, after South has read the pages."""
    pair.put(other, *OF_OTHER)
    pair.put({**SIGNS, "modified": "2026-03-02T00:00:00.000Z", "revoked": True})
    pair.reconcile()


def test_what_misses_bytes_that_are_on_their_way_is_decided_when_they_came(tmp_path: Path) -> None:
    pair = given(tmp_path)
    another_path(pair)
    pair.copy_log()
    assert settle(pair).quarantined == 0
    assert sign["id"] in in_state(pair, "staged")
    assert sign["id"] not in held(pair)
    assert pair.sync().quarantined == 0
    assert in_state(pair, "staged", "expected", "quarantined") == set()
    assert in_state(pair, "accepted") == held(pair) == pair.delivered().keys()


def test_bytes_that_do_not_come_in_a_day_are_not_waited_for(tmp_path: Path) -> None:
    pair = given(tmp_path)
    another_path(pair)
    pair.copy_log()
    settle(pair)
    pair.tick(2 * DAY)
    assert settle(pair).quarantined == 1
    assert in_state(pair, "quarantined") == {sign["id"]}
    assert sign["id"] not in held(pair)


def test_a_revocation_of_what_was_overtaken_unread_is_taken(tmp_path: Path) -> None:
    pair = given(tmp_path)
    kit = sdo("malware", "Salt Kit")
    pair.put(kit, rel(heron, "uses", kit))
    pair.reconcile()
    pair.copy_log()
    settle(pair)
    pair.read_pages()
    pair.put({**kit, "modified": "2026-03-02T00:00:00.000Z", "revoked": True}, marking=4)
    pair.reconcile()
    pair.copy_log()
    settle(pair)
    assert pair.sync().quarantined == 0
    assert kit["id"] in in_state(pair, "accepted")
    assert in_state(pair, "expected", "staged") == set()


def test_a_revocation_of_what_was_never_read_is_taken(tmp_path: Path) -> None:
    pair = given(tmp_path)
    kit = sdo("malware", "Salt Kit")
    pair.put(kit, rel(heron, "uses", kit))
    pair.reconcile()
    pair.copy_log()
    settle(pair)
    pair.put({**kit, "modified": "2026-03-02T00:00:00.000Z", "revoked": True}, marking=4)
    pair.reconcile()
    pair.copy_log()
    settle(pair)
    assert pair.sync().quarantined == 0
    assert kit["id"] in in_state(pair, "accepted")


def test_a_slip_that_was_overtaken_is_expected_no_more(tmp_path: Path) -> None:
    pair = given(tmp_path)
    pair.put(sdo("intrusion-set", "Gray Heron", at=pair.now, description="once"))
    pair.reconcile()
    pair.copy_log()
    settle(pair)
    assert in_state(pair, "expected") == {heron["id"]}
    pair.put(sdo("intrusion-set", "Gray Heron", at=pair.now, description="twice"))
    pair.reconcile()
    assert pair.sync().quarantined == 0
    assert in_state(pair, "expected", "staged") == set()
    assert held(pair) == pair.delivered().keys()
