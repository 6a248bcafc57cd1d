"""Our logs before an outside witness: one of ours that speaks the protocol, and a real one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tearline.agreement.home import Home
from tearline.errors import MisuseError, PartnerError, ProofError
from tearline.exchange import cosigned
from tearline.exchange.link import Reply
from tearline.log import checkpoint, committing, record, witness
from tearline.log.checkpoint import cosigned_at
from tearline.log.tiles import cosigned_note
from tearline.log.witness import Known
from tearline.node.publisher import publish_grown, publish_node
from tearline.store import logs, witnessing
from tests.exchange.nodes import Nodes, free_socket, make_nodes, url_of
from tests.log.made_log import made_store
from tests.log.test_witness import SOUTH, WITNESS_VKEY

MINUTE = 60_000_000
LOG = committing.LOG


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = make_nodes(tmp_path)
    made.agree(reach=2)
    yield made
    made.close()


class Stranger:
    """A witness that knows one log, as an outside one would: by its origin and key alone."""

    def __init__(self, folder: Path, home: Home) -> None:
        self._store = made_store(folder / "stranger.db")
        self.store = self._store.__enter__()
        origin = record.origin_of(home.slug, record.NODE)
        self.known = {origin: Known(home.log_vkey(record.NODE), home.slug)}
        self.asked = 0
        self.now = 0

    def close(self) -> None:
        self._store.__exit__(None, None, None)

    def post(self, body: bytes) -> Reply:
        self.asked += 1
        try:
            given = witness.parse_submission(body)
        except ProofError:
            return Reply(400, {}, b"")
        with self.store.write() as tx:
            found = witness.add_checkpoint(tx, SOUTH, given, self.known, now=self.now)
        if found.status == 409:
            return Reply(409, {"content-type": "text/x.tlog.size"}, f"{found.size}\n".encode())
        return Reply(found.status, {"content-type": "text/plain"}, found.lines.encode())


@pytest.fixture
def stranger(tmp_path: Path, nodes: Nodes) -> Iterator[Stranger]:
    made = Stranger(tmp_path, nodes.north)
    yield made
    made.close()


def publish(nodes: Nodes) -> int:
    now = nodes.tick(MINUTE)
    publish_grown(nodes.north, now=now)
    publish_node(nodes.north, now=now)
    return now


def send(nodes: Nodes, stranger: Stranger, now: int) -> cosigned.Sent | None:
    stranger.now = now
    return cosigned.submit(nodes.north, LOG, (WITNESS_VKEY,), stranger.post, now=now)


def test_an_outside_witness_cosigns_each_new_head_once(nodes: Nodes, stranger: Stranger) -> None:
    now = 0
    for size in (1, 2, 3):
        now = publish(nodes)
        assert send(nodes, stranger, now) == cosigned.Sent(LOG, size, "")
        assert send(nodes, stranger, now) is None
    assert stranger.asked == 3
    with nodes.north.store.read() as tx:
        signed = logs.last_checkpoint(tx, LOG)
        assert signed is not None
        note = cosigned_note(tx, LOG, signed, None)
    assert cosigned_at(note, WITNESS_VKEY) == now // 1_000_000


def test_who_does_not_know_what_it_has_cosigned_asks(nodes: Nodes, stranger: Stranger) -> None:
    publish(nodes)
    publish(nodes)
    send(nodes, stranger, publish(nodes))
    with nodes.north.store.write() as tx:
        tx.exec_driver_sql("DELETE FROM cosignature")
    now = publish(nodes)
    assert send(nodes, stranger, now) == cosigned.Sent(LOG, 4, "")
    assert stranger.asked == 3


def test_a_refusal_is_told_and_changes_nothing(nodes: Nodes, stranger: Stranger) -> None:
    now = publish(nodes)
    stranger.known = {}
    sent = send(nodes, stranger, now)
    assert sent is not None
    assert "404" in sent.problem


@pytest.mark.parametrize("body", [b"", b"nothing", b"\xff", "— south/witness AAAA\n".encode()])
def test_what_is_no_cosignature_is_not_kept(nodes: Nodes, body: bytes) -> None:
    now = publish(nodes)
    sent = cosigned.submit(
        nodes.north, LOG, (WITNESS_VKEY,), lambda _: Reply(200, {}, body), now=now
    )
    assert sent is not None
    assert "does not hold" in sent.problem
    with nodes.north.store.read() as tx:
        assert witnessing.cosignatures(tx) == []


def test_a_size_beyond_ours_is_no_reason_to_lie(nodes: Nodes) -> None:
    """It has seen more than we hold: a restored backup, which no proof can mend."""
    now = publish(nodes)
    reply = Reply(409, {"content-type": "text/x.tlog.size"}, b"99\n")
    sent = cosigned.submit(nodes.north, LOG, (WITNESS_VKEY,), lambda _: reply, now=now)
    assert sent is not None
    assert "99 leaves already" in sent.problem


def with_witness(home: Home, **values: str) -> Home:
    settings = home.settings.model_copy(update=values)
    return Home(home.path, settings, home.store, home.card, home.keys)


def test_the_settings_name_the_witness(nodes: Nodes) -> None:
    now = publish(nodes)
    assert cosigned.outside(nodes.north, now=now) == []
    away = "http://127.0.0.1:1"
    with pytest.raises(MisuseError, match="no key"):
        cosigned.outside(with_witness(nodes.north, witness_url=away), now=now)
    wrong = with_witness(nodes.north, witness_url=away, witness_vkey=nodes.north.card.log)
    with pytest.raises(ProofError, match="of a witness"):
        cosigned.outside(wrong, now=now)
    right = with_witness(nodes.north, witness_url=away, witness_vkey=WITNESS_VKEY)
    with pytest.raises(PartnerError, match="could not be reached"):
        cosigned.outside(right, now=now)


# ----------------------------------------------------------------------------- one we did not write


@contextmanager
def aics(folder: Path, logs_: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Run aics-witness, where it is installed; its address and its verifier key."""
    place = Path(os.environ.get("TEARLINE_AICS_WITNESS", Path(sys.prefix, "witness")))
    if not Path(place, "aics_witness").is_dir():
        pytest.skip(f"no outside witness is in {place}: `make test` puts aics-witness there")
    own = os.environ | {"PYTHONPATH": str(place)}
    with free_socket() as sock:
        address = url_of(sock)
    config = folder / "witness.json"
    base = [sys.executable, "-m", "aics_witness"]
    run = [
        *base,
        "init",
        "-c",
        str(config),
        "--name",
        "witness.example/w1",
        "--listen",
        address.split("//")[1],
    ]
    made = subprocess.run(run, check=True, capture_output=True, text=True, env=own)
    vkey = made.stdout.split()[-1]
    for origin, key in logs_.items():
        added = [*base, "add-log", "-c", str(config), "--origin", origin, "--vkey", key]
        subprocess.run(added, check=True, capture_output=True, env=own)
    serve = [*base, "serve", "-c", str(config)]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, env=own) as running:
        try:
            _wait(lambda: httpx.get(f"{address}/healthz", trust_env=False).status_code == 200)
            yield address, vkey
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(10)


def _wait(ready: Callable[[], bool]) -> None:
    for _ in range(100):
        try:
            if ready():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail("the witness does not answer")


def test_a_witness_that_we_did_not_write_cosigns_our_logs(nodes: Nodes, tmp_path: Path) -> None:
    known = {
        record.origin_of(nodes.north.slug, each): nodes.north.log_vkey(each)
        for each in (record.NODE, nodes.agreement_id)
    }
    with aics(tmp_path, known) as (url, vkey):
        home = with_witness(nodes.north, witness_url=url, witness_vkey=vkey, witness_logs="all")
        for _ in range(5):
            now = publish(nodes)
            nodes.put()
            with home.store.write() as tx:
                records = [{"kind": "served", "number": 1}]
                record.append(
                    tx,
                    record.our_log(nodes.agreement_id),
                    "served",
                    records,
                    at=now,
                    agreement=None,
                )
            sent = cosigned.outside(home, now=now)
            assert {each.problem for each in sent} == {""}
        with home.store.read() as tx:
            for log in (LOG, record.our_log(nodes.agreement_id)):
                signed = logs.last_checkpoint(tx, log)
                assert signed is not None
                assert cosigned_at(cosigned_note(tx, log, signed, None), vkey) is not None
        other = checkpoint.sign_note(
            checkpoint.checkpoint_text(record.origin_of(home.slug, record.NODE), 5, bytes(32)),
            record.origin_of(home.slug, record.NODE),
            home.keys.log,
        )
        reply = httpx.post(
            f"{url}/add-checkpoint", content=f"old 5\n\n{other}".encode(), trust_env=False
        )
        assert reply.status_code == 422
