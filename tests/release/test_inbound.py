"""The receiver's own check: what a lying giver, with real keys and a valid log, gets past it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement import outbox
from tearline.errors import RefusedError
from tearline.log import record
from tearline.release import inbound
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import logs, objects, received, releases
from tests.pair import DAY, Pair, make_pair, rel, sdo, take

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
kit = sdo("malware", "Tern Kit")
use = rel(heron, "uses", loader)

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    both = make_pair(tmp_path)
    both.put(heron, loader, use)
    both.agree(age="90", floor="B2")
    both.put(heron, loader, use, grade=22)
    both.reconcile()
    both.sync()
    return both


def lie(pair: Pair, doc: dict[str, Any], *, slip: bool = True, **said: object) -> None:
    """Release an object as North, past its own decision: bytes in the table, slip in the log."""
    raw = json.dumps(doc).encode()
    with pair.north.store.write() as tx:
        head = releases.head_of(tx, pair.agreement_id)
        now = pair.tick()
        head = head._replace(position=head.position + 1, last_at=now)
        entry = {
            "kind": "release",
            "agreement": head.hash,
            "position": head.position,
            "object": doc["id"],
            "version": doc.get("modified", ""),
            "hash": canonical.sha256(raw),
            "clause": "N1",
            "at": format_timestamp(now, digits=6),
            "until": None,
            "start": "name:gray heron",
            "path": [heron["id"], use["id"], doc["id"]],
            "attested": {"marking": "TLP:CLEAR", "grade": "B2"},
        } | said
        leaf = 0
        if slip:
            log = record.our_log(pair.agreement_id)
            leaf = record.append(tx, log, "release", [entry], at=now, agreement=head.hash)
        row = releases.Release(
            position=head.position,
            delivered_id=doc["id"],
            type=doc["type"],
            version=str(entry["version"]),
            at=now,
            until_at=2**60,
            hash=canonical.sha256(raw),
            basis="",
            seq=None,
            cut_raw=raw,
            leaf=leaf,
            item=0,
            live=True,
        )
        releases.add_releases(tx, pair.agreement_id, [row])
        releases.put_head(tx, head)


def reasons(pair: Pair) -> list[str]:
    pair.sync()
    aside = inbound.quarantined(pair.south, pair.agreement_id)
    return [reason for row in aside for reason in json.loads(row.reasons)]


def held(pair: Pair) -> set[str]:
    with pair.south.store.read() as tx:
        return {each.stix_id for each in objects.latest_all(tx, pair.agreement_id)}


def test_what_fits_is_taken(pair: Pair) -> None:
    assert held(pair) == {heron["id"], loader["id"], use["id"]}
    assert reasons(pair) == []


def test_a_path_that_does_not_hold_is_seen(pair: Pair) -> None:
    lie(pair, kit)
    assert reasons(pair) == ["not-about"]
    assert kit["id"] not in held(pair)


def test_a_path_over_another_object_is_seen_even_if_there_is_a_true_one(pair: Pair) -> None:
    second = sdo("malware", "Mud Loader two")
    pair.put(second, rel(heron, "uses", second), grade=22)
    lie(pair, second, path=[heron["id"], use["id"], second["id"]])
    lie(pair, rel(heron, "uses", second), start="ends", path=[rel(heron, "uses", second)["id"]])
    assert sorted(reasons(pair)) == ["end-stays", "path-does-not-hold"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"attested": {"marking": "TLP:RED", "grade": "B2"}}, "marking-above"),
        ({"attested": {"marking": "TLP:CLEAR", "grade": "C2"}}, "grade-below"),
        ({"attested": {"marking": "TLP:CLEAR"}}, "ungraded"),
        ({"attested": {"grade": "B2"}}, "unmarked"),
        ({"clause": "N9"}, "clause-unknown"),
        ({"agreement": "sha256:" + "0" * 64}, "agreement-unknown"),
        ({"at": "2027-01-01T00:00:00.000000Z"}, "slip-from-the-future"),
        ({"at": "2026-12-31T23:59:59.000000Z"}, "slip-from-the-future"),
        ({"at": "not a moment"}, "slip-missing"),
        ({"attested": {"marking": "TLP:MAUVE"}}, "slip-missing"),
        ({"more": "than a slip has"}, "slip-missing"),
        ({"hash": "sha256:" + "1" * 64}, "slip-missing"),
        ({"object": heron["id"]}, "slip-missing"),
    ],
)
def test_a_slip_that_says_another_thing_is_seen(
    pair: Pair, said: dict[str, Any], reason: str
) -> None:
    variant = sdo("malware", "Mud Loader v")
    lie(pair, rel(variant, "variant-of", loader), start="ends", path=["x"])
    lie(pair, variant | {"name": "HERON-7"}, start="name:heron-7", path=[variant["id"]], **said)
    assert reason in reasons(pair)
    assert variant["id"] not in held(pair)


def test_bytes_marked_above_the_ceiling_are_seen_whatever_the_slip_says(pair: Pair) -> None:
    red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
    lie(pair, sdo("malware", "HERON-7", object_marking_refs=[red]), path=["x"])
    assert "marking-above" in reasons(pair)


def test_an_old_object_is_seen_by_its_own_date(pair: Pair) -> None:
    old = sdo("malware", "HERON-7", at=pair.now - 200 * DAY)
    lie(pair, old, path=[old["id"]], start="name:heron-7")
    assert reasons(pair) == ["too-old"]


def test_what_has_no_slip_waits_outside(pair: Pair) -> None:
    lie(pair, sdo("malware", "HERON-7"), slip=False)
    assert reasons(pair) == ["slip-missing"]


@pytest.mark.parametrize(
    "raw",
    [b"{", b'{"type":"malware"}', b"\xff\xfe", b'{"type":"x","type":"y"}', b"[" * 10_000],
)
def test_bytes_that_are_no_object_wait_outside(pair: Pair, raw: bytes) -> None:
    inbound.stage(pair.south, pair.agreement_id, [raw], next_="9", now=pair.tick())
    pair.copy_log()
    settled = inbound.settle(pair.south, pair.agreement_id, now=pair.tick())
    assert (settled.accepted, settled.quarantined) == (0, 1)


def test_a_full_object_cannot_pass_as_a_revocation(pair: Pair) -> None:
    after = {"modified": format_timestamp(pair.now), "revoked": True}
    lie(pair, loader | after | {"description": "all that we know"}, start="*", path=[loader["id"]])
    assert reasons(pair) == ["revocation-not-bare"]


def test_one_version_with_other_content_is_seen(pair: Pair) -> None:
    lie(pair, loader | {"description": "other"})
    assert "version-conflict" in reasons(pair)


def test_one_lie_does_not_spoil_the_honest_rest(pair: Pair) -> None:
    third = sdo("malware", "Third")
    pair.put(third, rel(heron, "uses", third), grade=22)
    pair.reconcile()
    lie(pair, kit)
    assert reasons(pair) == ["not-about"]
    assert third["id"] in held(pair)


def test_a_person_may_take_or_refuse_what_waits(pair: Pair) -> None:
    lie(pair, kit)
    pair.sync()
    waiting = inbound.quarantined(pair.south, pair.agreement_id)[0]
    inbound.accept_quarantined(
        pair.south, pair.agreement_id, waiting.hash, "known to us", now=pair.tick()
    )
    assert kit["id"] in held(pair)
    lie(pair, sdo("malware", "Fourth"))
    pair.sync()
    inbound.refuse_quarantined(
        pair.south, pair.agreement_id, sdo("malware", "Fourth")["id"], "not ours", now=pair.tick()
    )
    assert inbound.quarantined(pair.south, pair.agreement_id) == []
    with pair.south.store.read() as tx:
        refused = received.in_state(tx, pair.agreement_id, "refused")
    assert [row.raw for row in refused] == [None]
    with pytest.raises(RefusedError):
        inbound.refuse_quarantined(pair.south, pair.agreement_id, "nothing", "x", now=pair.tick())


def test_the_giver_is_told_that_bytes_arrived_and_no_more(pair: Pair) -> None:
    lie(pair, kit)
    pair.read_pages()
    pair.copy_log()
    inbound.settle(pair.south, pair.agreement_id, now=pair.tick())
    [(_, message)] = outbox.export_messages(pair.south, now=pair.tick())
    assert b"not-about" not in message
    take(pair.north, message, now=pair.tick())
    log = record.our_log(pair.agreement_id)
    with pair.south.store.read() as tx:
        entries = [json.loads(row[3]) for row in logs.records(tx, log, 0, 10**6)]
    accept = [each for each in entries if each["kind"] == "accept"]
    assert all("not-about" not in json.dumps(each) for each in accept)


def test_bytes_read_before_their_slip_are_decided_when_it_comes(pair: Pair) -> None:
    """The page was read, then more was released, then the log was copied: nothing is lost."""
    pair.read_pages()
    third = sdo("malware", "Third")
    pair.put(third, rel(heron, "uses", third), grade=22)
    pair.reconcile()
    pair.copy_log()
    inbound.settle(pair.south, pair.agreement_id, now=pair.tick())
    assert third["id"] not in held(pair)
    assert reasons(pair) == []
    assert third["id"] in held(pair)
