import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tearline import clock
from tearline.agreement import outbox, signing
from tearline.agreement.home import Home, open_home
from tearline.agreement.messages import MAX_BYTES
from tearline.agreement.partners import block_party
from tearline.errors import PartnerError, RefusedError
from tearline.exchange import peer
from tearline.log import record
from tearline.log.verify import parse_leaf
from tearline.release import inbound, recall
from tearline.store import agreements, logs, objects, parties, private, received
from tests.exchange.nodes import (
    Nodes,
    Signs,
    both_serving,
    free_socket,
    give,
    loader,
    make_nodes,
    url_of,
)

NORTH, SOUTH = "north-cert", "south-isac"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with both_serving(tmp_path) as made:
        yield made


def agree_by_network(nodes: Nodes) -> None:
    nodes.propose(reach=2)
    peer.deliver(nodes.north, SOUTH, now=nodes.tick())
    signing.countersign(nodes.south, nodes.agreement_id, now=nodes.tick())
    for us, them in ((nodes.south, NORTH), (nodes.north, SOUTH), (nodes.south, NORTH)):
        assert peer.deliver(us, them, now=nodes.tick()).refused == ()


def sync(nodes: Nodes) -> peer.Synced:
    result = peer.sync(nodes.south, NORTH, now=nodes.tick())
    assert result.delivered.refused == ()
    (done,) = result.agreements
    return done


def leaves(home: Home, log: str) -> list[str]:
    with home.store.read() as tx:
        return [parse_leaf(each).kind for each in logs.leaves(tx, log, 0, logs.head(tx, log).size)]


def taken(nodes: Nodes) -> list[str]:
    with nodes.south.store.read() as tx:
        return [each.hash for each in received.in_state(tx, nodes.agreement_id, "accepted")]


def refusals(home: Home) -> list[str]:
    with home.store.read() as tx:
        return [each.code for each in parties.refusals(tx)]


def state(home: Home, nodes: Nodes) -> str:
    with home.store.read() as tx:
        return agreements.versions(tx, nodes.agreement_id)[-1].state


def ask(nodes: Nodes, path: str, **headers: str) -> httpx.Response:
    """Ask North for something of its log."""
    uuid = nodes.agreement_id.removeprefix("urn:uuid:")
    known = {"Authorization": f"Bearer {nodes.key}", "Tearline-Agreement": nodes.last_hash or ""}
    url = f"{nodes.north.card.url}/peer/agreements/{uuid}/log/{path}"
    return httpx.get(url, headers=known | headers, auth=nodes.signs, trust_env=False)


def send(nodes: Nodes, home: Home, body: bytes) -> httpx.Response:
    """Bring a home a message, as the other one's node does."""
    other = nodes.north if home is nodes.south else nodes.south
    signs = Signs(other, home.card.url, None)
    url = f"{home.card.url}/peer/messages"
    return httpx.post(url, content=body, auth=signs, trust_env=False)


# --------------------------------------------------------------------------------------- course


def test_from_proposal_to_acknowledged_delivery(nodes: Nodes) -> None:
    agree_by_network(nodes)
    assert state(nodes.north, nodes) == state(nodes.south, nodes) == "active"
    released = give(nodes, 5)
    done = sync(nodes)
    assert (done.objects, done.problem) == (released, None)
    assert done.settled == inbound.Settled(accepted=released, quarantined=0, recalled=0)
    assert leaves(nodes.south, record.our_log(nodes.agreement_id))[-1] == "accept"
    assert leaves(nodes.north, record.our_log(nodes.agreement_id))[-1] == "delivery"
    with nodes.south.store.read() as tx:
        held = objects.latest(tx, nodes.agreement_id, nodes.delivered())
    assert held.keys() == nodes.delivered().keys()


def test_a_second_sync_brings_only_what_is_new(nodes: Nodes) -> None:
    agree_by_network(nodes)
    give(nodes, 3)
    sync(nodes)
    again = sync(nodes)
    assert (again.objects, again.settled) == (0, inbound.Settled(0, 0, 0))
    assert give(nodes, 5) == 4
    assert sync(nodes).objects == 4
    assert len(taken(nodes)) == 13


def test_our_copy_of_their_log_is_their_log(nodes: Nodes) -> None:
    agree_by_network(nodes)
    ours, theirs = record.our_log(nodes.agreement_id), record.their_log(nodes.agreement_id)
    for leaves_more in (3, 250, 0, 1, 300):
        with nodes.north.store.write() as tx:
            for number in range(leaves_more):
                lines = [{"kind": "served", "number": number, "item": item} for item in range(7)]
                record.append(tx, ours, "served", lines, at=nodes.now, agreement=nodes.last_hash)
        done = sync(nodes)
        assert (done.leaves >= leaves_more, done.records >= 7 * leaves_more) == (True, True)
    with nodes.north.store.read() as north, nodes.south.store.read() as south:
        size = logs.head(south, theirs).size
        assert size > 2 * 256
        assert logs.leaves(south, theirs, 0, size) == logs.leaves(north, ours, 0, size)
        assert logs.records(south, theirs, 0, size) == logs.records(north, ours, 0, size)


def test_a_recall_is_confirmed_with_a_receipt(nodes: Nodes) -> None:
    agree_by_network(nodes)
    give(nodes, 3)
    sync(nodes)
    recall.recall(nodes.north, loader["id"], SOUTH, "given in error", now=nodes.tick())
    settled = sync(nodes).settled
    assert settled is not None
    assert settled.recalled > 0
    ordered = recall.recalls(nodes.north, SOUTH, now=nodes.tick())
    assert ordered
    assert all(each.acknowledged_at for each in ordered)


def test_a_rejected_proposal_opens_nothing(nodes: Nodes) -> None:
    nodes.propose(reach=2)
    peer.deliver(nodes.north, SOUTH, now=nodes.tick())
    signing.reject(nodes.south, nodes.agreement_id, "not with you", now=nodes.tick())
    peer.deliver(nodes.south, NORTH, now=nodes.tick())
    assert state(nodes.north, nodes) == "rejected"
    assert give(nodes, 3) == 0
    assert peer.sync(nodes.south, NORTH, now=nodes.tick()).agreements == ()


def test_before_activation_a_sync_finds_nothing_and_no_fault(nodes: Nodes) -> None:
    give(nodes, 3)
    nodes.propose(reach=2)
    peer.deliver(nodes.north, SOUTH, now=nodes.tick())
    signing.countersign(nodes.south, nodes.agreement_id, now=nodes.tick())
    done = sync(nodes)
    assert (done.objects, done.problem) == (0, None)


# -------------------------------------------------------------------------------------- stopping


def test_a_blocked_partner_neither_reads_nor_is_heard(nodes: Nodes) -> None:
    agree_by_network(nodes)
    give(nodes, 3)
    block_party(nodes.north, SOUTH, "it broke its word", now=nodes.tick())
    done = sync(nodes)
    assert done.objects == 0
    assert isinstance(done.problem, PartnerError)
    signing.suspend(nodes.south, nodes.agreement_id, "what happened?", now=nodes.tick())
    (refused,) = peer.deliver(nodes.south, NORTH, now=nodes.tick()).refused
    assert refused.kind == "statement"
    assert "word" not in refused.reason
    assert refusals(nodes.north) == ["blocked"]
    with pytest.raises(RefusedError, match="blocked"):
        peer.sync(nodes.north, SOUTH, now=nodes.tick())


def test_after_a_suspension_pages_end_and_recalls_still_arrive(nodes: Nodes) -> None:
    agree_by_network(nodes)
    given = give(nodes, 3)
    sync(nodes)
    signing.suspend(nodes.north, nodes.agreement_id, "a doubt", now=nodes.tick())
    nodes.reconcile()
    peer.deliver(nodes.north, SOUTH, now=nodes.tick())
    done = sync(nodes)
    assert done.problem is None
    assert done.settled == inbound.Settled(0, 0, given)
    assert taken(nodes) == []


def test_another_hash_stops_one_agreement_with_a_reason(nodes: Nodes) -> None:
    agree_by_network(nodes)
    give(nodes, 3)
    sync(nodes)
    nodes.propose(reach=1)
    peer.deliver(nodes.north, SOUTH, now=nodes.tick())
    signing.countersign(nodes.south, nodes.agreement_id, now=nodes.tick())
    peer.deliver(nodes.south, NORTH, now=nodes.tick())
    peer.deliver(nodes.north, SOUTH, now=nodes.tick())  # South is active, North not yet
    with nodes.south.store.write() as tx:
        waiting = [each.id for each in agreements.pending(tx)]
        agreements.set_delivered(tx, waiting, at=nodes.now)
    done = sync(nodes)
    assert isinstance(done.problem, PartnerError)
    assert "version" in done.problem.means
    with nodes.north.store.read() as tx:
        kinds = [kind for kind, _ in private.pending(tx)]
    assert "refusal" in kinds


def test_a_wrong_key_brings_nothing(nodes: Nodes) -> None:
    agree_by_network(nodes)
    give(nodes, 3)
    with nodes.south.store.write() as tx:
        tx.exec_driver_sql("UPDATE credential SET secret = 'guessed'")
    done = sync(nodes)
    assert isinstance(done.problem, PartnerError)
    assert (done.objects, taken(nodes)) == (0, [])


def test_a_partner_that_is_away_keeps_our_messages_waiting(tmp_path: Path) -> None:
    with free_socket() as sock:
        away = url_of(sock)
    made = make_nodes(tmp_path, None, away)
    with closing(made.north.store), closing(made.south.store):
        made.propose()
        with pytest.raises(PartnerError, match="could not be reached"):
            peer.deliver(made.north, SOUTH, now=made.tick())
        with made.north.store.read() as tx:
            assert [each.attempts for each in agreements.pending(tx)] == [1]
        with pytest.raises(RefusedError, match="no address"):
            peer.sync(made.south, NORTH, now=made.tick())


# -------------------------------------------------------------------------------------- messages


def changed(document: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Alter the content of a signed message and leave its signature as it was."""
    signed = json.loads(document)
    payload = signed["payload"]
    content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    change(content)
    text = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    signed["payload"] = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
    return json.dumps(signed).encode()


def test_whatever_is_wrong_with_a_message_the_answer_is_the_same(
    nodes: Nodes, tmp_path: Path
) -> None:
    nodes.propose(reach=2)
    ((_, good),) = outbox.export_messages(nodes.north, now=nodes.tick())
    stranger = make_nodes(tmp_path / "strangers")
    stranger.propose()
    ((_, strange),) = outbox.export_messages(stranger.north, now=stranger.tick())
    stranger.close()
    bad = [
        b"",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        strange,
        good[:-10],
        changed(good, lambda content: content.update(to="west-bank")),
        changed(good, lambda content: content.update(kind="acknowledgement")),
        changed(good, lambda content: content.update(kind=["odd"])),
        changed(good, lambda content: content.update({"from": "nobody"})),
    ]
    answers = {
        (reply.status_code, reply.content) for reply in (send(nodes, nodes.south, b) for b in bad)
    }
    assert answers == {(403, b'{"title":"The message was not accepted."}')}
    assert send(nodes, nodes.south, good).json() == {"outcome": "taken"}
    assert send(nodes, nodes.south, good).json() == {"outcome": "known"}


def test_a_tampered_message_changes_nothing_and_leaves_a_line_without_content(
    nodes: Nodes,
) -> None:
    nodes.propose(reach=2)
    ((_, good),) = outbox.export_messages(nodes.north, now=nodes.tick())
    assert (
        send(nodes, nodes.south, changed(good, lambda c: c.update(agreement=None))).status_code
        == 403
    )
    with nodes.south.store.read() as tx:
        assert agreements.agreement_ids(tx) == []
        rows = logs.records(tx, record.PRIVATE, 0, logs.head(tx, record.PRIVATE).size)
    noted = [json.loads(row[3]) for row in rows if b"refusal" in row[3]]
    assert [each.keys() for each in noted] == [{"kind", "party", "code", "message"}]
    assert refusals(nodes.south) == ["signature"]


def test_an_acknowledgement_of_what_was_not_given_is_refused(nodes: Nodes) -> None:
    agree_by_network(nodes)
    give(nodes, 3)
    with nodes.south.store.write() as tx:
        version = agreements.versions(tx, nodes.agreement_id)[-1]
        body = {"positions": [1, 2], "hash": "sha256:" + "0" * 64}
        outbox.enqueue(tx, "acknowledgement", NORTH, body, now=nodes.tick(), version=version)
    (refused,) = peer.deliver(nodes.south, NORTH, now=nodes.tick()).refused
    assert refused.kind == "acknowledgement"
    assert refusals(nodes.north) == ["act"]
    assert "delivery" not in leaves(nodes.north, record.our_log(nodes.agreement_id))


def test_a_message_that_is_too_large_is_not_read(nodes: Nodes) -> None:
    assert send(nodes, nodes.south, b" " * (MAX_BYTES + 1)).status_code == 413
    assert refusals(nodes.south) == []


def test_who_sends_nonsense_is_slowed_down(nodes: Nodes) -> None:
    codes = [send(nodes, nodes.south, b"{}").status_code for _ in range(40)]
    assert codes[0] == 403
    assert codes[-1] == 429


# ------------------------------------------------------------------------------------------- log


def test_the_log_is_shown_to_its_two_parties_alone(nodes: Nodes) -> None:
    agree_by_network(nodes)
    for path in ("checkpoint", "tile/entries/000.p/1", "records?after=-1"):
        assert ask(nodes, path).status_code == 200
        assert ask(nodes, path, Authorization="Bearer wrong").status_code == 401
        assert ask(nodes, path, Authorization="").status_code == 401
        conflict = ask(nodes, path, **{"Tearline-Agreement": "sha256:" + "0" * 64})
        assert (conflict.status_code, conflict.json()["agreement"]) == (409, nodes.last_hash)
    mine = nodes.agreement_id
    nodes.agreement_id = "urn:uuid:00000000-0000-4000-8000-000000000000"
    with nodes.south.store.read() as tx:
        key = parties.credential_of(tx, mine)
    assert ask(nodes, "checkpoint", Authorization=f"Bearer {key}").status_code == 404


def test_the_agreement_has_to_be_named(nodes: Nodes) -> None:
    agree_by_network(nodes)
    uuid = nodes.agreement_id.removeprefix("urn:uuid:")
    url = f"{nodes.north.card.url}/peer/agreements/{uuid}/log/checkpoint"
    signs = Signs(nodes.south, nodes.north.card.url, None)
    reply = httpx.get(url, headers={"X-API-Key": nodes.key}, auth=signs, trust_env=False)
    assert reply.status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/entries/000", 404),
        ("tile/entries/000.p/200", 404),
        ("tile/entries/../../private", 404),
        ("tile/x", 404),
        ("records?after=x", 400),
        ("records?after=-5", 200),
        ("records?after=99999999999999999999", 400),
    ],
)
def test_what_is_not_in_the_log_is_absent(nodes: Nodes, path: str, status: int) -> None:
    agree_by_network(nodes)
    assert ask(nodes, path).status_code == status


# ------------------------------------------------------------------------------------------ kill

SYNC = """
import os, signal, sys
from pathlib import Path
from tearline import clock
from tearline.agreement.home import open_home
from tearline.exchange import peer
from tearline.release import inbound

left = int(sys.argv[2])

def die(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def then_die(act):
    def wrapped(*given, **named):
        result = act(*given, **named)
        die()
        return result
    return wrapped

inbound.settle = then_die(inbound.settle)
peer.delivered = then_die(peer.delivered)
peer._post = then_die(peer._post)
home = open_home(Path(sys.argv[1]))
result = peer.sync(home, "north-cert", now=clock.now(), progress=die)
assert not result.problems, result.problems
"""


def run_sync(home: Path, moments: int) -> int:
    """Sync in a process of its own, which kills itself at the given moment; 0: never."""
    done = subprocess.run(
        [sys.executable, "-c", SYNC, str(home), str(moments)],
        env=os.environ | {"TEARLINE_PAGE_LIMIT": "5"},
        check=False,
        timeout=60,
    )
    return done.returncode


@pytest.mark.timeout(300)
def test_a_sync_killed_anywhere_and_run_again_loses_and_repeats_nothing(nodes: Nodes) -> None:
    agree_by_network(nodes)
    given = give(nodes, 10)
    killed = 0
    for moment in (1, 3, 5, 3, 2, 2):
        code = run_sync(nodes.south.path, moment)
        assert code in {0, -signal.SIGKILL}
        killed += code != 0
    assert run_sync(nodes.south.path, 0) == 0
    assert killed >= 3
    again = open_home(nodes.south.path)
    with closing(again.store), again.store.read() as tx:
        assert len(received.in_state(tx, nodes.agreement_id, "accepted")) == given
        assert received.in_state(tx, nodes.agreement_id, "staged", "quarantined") == []
        assert agreements.pending(tx) == []
    kinds = leaves(nodes.south, record.our_log(nodes.agreement_id))
    assert kinds.count("accept") == 1
    assert leaves(nodes.north, record.our_log(nodes.agreement_id)).count("delivery") == 1
    assert clock.now() > nodes.now
