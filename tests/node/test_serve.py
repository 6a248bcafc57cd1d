"""Nodes as an operator runs them: processes of their own, several workers, ended by signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tearline.agreement import signing
from tearline.agreement.home import Home
from tearline.errors import HomeError
from tearline.node.serve import serve
from tearline.store import agreements, received
from tests.exchange.nodes import Nodes, free_socket, give, make_nodes, signs, url_of

START = "import sys; from pathlib import Path; from tearline.node.serve import serve; "
SERVE = START + "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), int(sys.argv[3]))"


def start(home: Home, workers: int) -> subprocess.Popen[bytes]:
    """Start a node in a group of its own, at the address on its card."""
    port = str(home.card.url).rpartition(":")[2]
    # A pipe that nobody reads would stop the node when it is full.
    with said_by(home).open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-c", SERVE, str(home.path), port, str(workers)],
            env=os.environ | {"TEARLINE_POLL_SECONDS": "1", "TEARLINE_PRIVATE_SECONDS": "1"},
            stderr=said,
            start_new_session=True,
        )


def said_by(home: Home) -> Path:
    return home.path.with_name(f"{home.path.name}-said.txt")


@contextmanager
def node(home: Home, workers: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    process = start(home, workers)
    try:
        until(lambda: answers(home))
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(home: Home) -> bool:
    try:
        reply = httpx.get(f"{home.card.url}/health", trust_env=False, timeout=1)
    except httpx.HTTPError:
        return False
    return reply.status_code == 200


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with free_socket() as north, free_socket() as south:
        addresses = url_of(north), url_of(south)
    made = make_nodes(tmp_path, *addresses)
    yield made
    made.close()


def state(home: Home, nodes: Nodes) -> str:
    with home.store.read() as tx:
        found = agreements.versions(tx, nodes.agreement_id)
    return found[-1].state if found else "none"


def accepted(nodes: Nodes) -> int:
    with nodes.south.store.read() as tx:
        return len(received.in_state(tx, nodes.agreement_id, "accepted"))


def test_two_running_nodes_need_nothing_but_the_two_signatures(nodes: Nodes) -> None:
    with node(nodes.north, 2) as north, node(nodes.south) as south:
        nodes.put(*signs(4))
        nodes.propose(reach=2)
        until(lambda: state(nodes.south, nodes) == "proposed")
        signing.countersign(nodes.south, nodes.agreement_id, now=nodes.tick())
        until(lambda: state(nodes.north, nodes) == state(nodes.south, nodes) == "active")
        until(lambda: accepted(nodes) == 11)
        ends_in_peace(north, nodes.north, workers=2)
        ends_in_peace(south, nodes.south, workers=1)


def ends_in_peace(process: subprocess.Popen[bytes], home: Home, workers: int) -> None:
    """Ask a node to stop; it and its workers do, and give back what they held."""
    process.terminate()
    process.wait(timeout=30)
    told = said_by(home).read_bytes()
    assert process.returncode in {0, -signal.SIGTERM}
    assert told.count(b'"node stopped"') == workers
    assert not answers(home)
    with home.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM lease").scalar() == 0


def test_workers_share_no_connection(nodes: Nodes) -> None:
    """Sixteen clients of mixed accounts: no fault, and no answer of another account."""
    nodes.agree(reach=2)
    give(nodes, 5)
    right = f"{nodes.north.card.url}{nodes.path}objects/"

    def ask(number: int) -> tuple[int, int]:
        key = nodes.key if number % 2 else "wrong"
        with httpx.Client(headers={"X-API-Key": key}, trust_env=False, timeout=30) as client:
            client.auth = nodes.signs
            replies = [client.get(right) for _ in range(20)]
        sizes = {len(each.json().get("objects", [])) for each in replies}
        assert len(sizes) == 1
        codes = {each.status_code for each in replies}
        assert codes <= ({200} if number % 2 else {401, 429})
        return number % 2, sizes.pop()

    with node(nodes.north, 2), ThreadPoolExecutor(16) as pool:
        found = set(pool.map(ask, range(16)))
        counts = httpx.get(f"{nodes.north.card.url}/metrics", trust_env=False).text
    assert '/objects/",status="200"} 160.0' in counts
    assert found == {(1, 13), (0, 0)}


def test_a_killed_node_starts_again_and_goes_on(nodes: Nodes) -> None:
    with node(nodes.north, 2) as process:
        nodes.put(*signs(1))
        until((nodes.north.path / "checkpoints" / "private").exists)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with node(nodes.north), node(nodes.south):
        nodes.propose(reach=2)
        until(lambda: state(nodes.south, nodes) == "proposed")


def test_without_a_home_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="no home"):
        serve(tmp_path, "127.0.0.1", 0, 1)
