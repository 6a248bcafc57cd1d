"""A node of four workers on PostgreSQL, whose connections and whose server come and go."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from tearline import clock
from tearline.agreement import home as homes
from tearline.agreement.home import Home, create_home
from tearline.exchange import accounts
from tearline.release import collecting
from tests.cluster import PASSWORD, Cluster, NoPostgresError, cluster
from tests.exchange.nodes import free_socket, url_of
from tests.node.test_serve import SERVE, until
from tests.pair import sdo

TAXII = {"Accept": "application/taxii+json;version=2.1"}
CLI = [sys.executable, "-m", "tearline"]
BUNDLE = '{"type": "bundle", "id": "bundle--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11", "objects": [%s]}'


@dataclass
class Running:
    """A home, its server of PostgreSQL, its address, and the process that serves it."""

    home: Home
    server: Cluster
    store: str
    collection: str
    process: subprocess.Popen[bytes]
    url: str

    def get(self, path: str = "", user: str = "alice") -> httpx.Response:
        address = f"{self.url}/taxii2/local/collections/{self.collection}/objects/{path}"
        with httpx.Client(trust_env=False, timeout=30, auth=(user, "correct horse")) as client:
            return client.get(address, headers=TAXII)

    def status(self, path: str = "/health") -> int:
        with suppress(httpx.HTTPError):
            return httpx.get(self.url + path, trust_env=False, timeout=30).status_code
        return 0

    def cli(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CLI, *map(str, arguments), "--home", str(self.home.path)],
            env=os.environ | {"TEARLINE_STORE": self.store},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with free_socket() as sock:
        url = url_of(sock)
    context = cluster()
    try:
        server = context.__enter__()
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    store, now = server.fresh(), clock.now()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(homes, "store_of", lambda _path: store)
        home = create_home(tmp_path_factory.mktemp("away") / "home", "North CERT", url, now)
    made = collecting.add_collection(home, "feed", "", "", now=now)
    accounts.add_account(home, "alice", "correct horse", read=("feed",), write=("feed",), now=now)
    log = (home.path / "served.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home.path), url.rpartition(":")[2], "4"],
        env=os.environ | {"TEARLINE_STORE": store, "TEARLINE_PRIVATE_SECONDS": "1"},
        stderr=log,
        start_new_session=True,
    )
    found = Running(home, server, store, made.id, process, url)
    try:
        until(lambda: found.status() == 200)
        yield found
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()
        home.store.close()
        context.__exit__(None, None, None)


def test_what_the_command_line_imports_is_there_for_the_node(
    running: Running, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(BUNDLE % json.dumps(sdo("malware", "Mud Loader")), "utf-8")
    done = running.cli("import", path, "--mark", "TLP:GREEN")
    assert done.returncode == 0, done.stderr
    put = running.cli("collection", "put", "feed", "--type", "malware")
    assert put.returncode == 0, put.stderr
    reply = running.get()
    assert reply.status_code == 200
    assert [each["name"] for each in reply.json()["objects"]] == ["Mud Loader"]
    shown = running.cli("store", "show")
    assert "postgresql" in shown.stdout
    assert PASSWORD not in shown.stdout


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("?match[id]=malware--%00", "alice", {200, 400}),
        ("?match[type]=%00", "alice", {200, 400}),
        ("?next=%00", "alice", {400}),
        ("malware--%00/", "alice", {400, 404}),
        ("", "al\0ice", {400, 401}),
    ],
)
def test_nul_in_a_request_is_no_fault_of_ours(
    running: Running, path: str, user: str, status: set[int]
) -> None:
    reply = running.get(path, user)
    assert reply.status_code in status, reply.text
    assert running.get().status_code == 200


def test_a_connection_that_is_ended_fails_one_request_alone(running: Running) -> None:
    """One request waits in the database, for a page, when its connection is ended."""
    url = f"{running.url}/taxii2/local/collections/{running.collection}/objects/"
    body, headers = {"objects": [sdo("malware", "Reed Loader")]}, {"Content-Type": TAXII["Accept"]}
    with httpx.Client(trust_env=False, auth=("alice", "correct horse")) as client:
        assert client.post(url, json=body, headers=headers).status_code == 202
    replies: list[httpx.Response] = []
    with psycopg.connect(running.store) as blocking:
        blocking.execute("LOCK TABLE collected IN ACCESS EXCLUSIVE MODE")
        asking = threading.Thread(target=lambda: replies.append(running.get("?limit=7")))
        asking.start()
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: bool(running.server.ask(waits)))
        (pid,) = running.server.ask(waits)[0]
        running.server.ask(f"SELECT pg_terminate_backend({pid}, 5000)")
        asking.join()
    assert replies[0].status_code == 503
    assert replies[0].headers["Retry-After"]
    assert replies[0].json()["title"]
    assert [running.get().status_code for _ in range(12)] == [200] * 12


def test_while_the_server_is_away_the_node_says_so_and_recovers_by_itself(
    running: Running,
) -> None:
    running.server.stop()
    until(lambda: running.get().status_code == 503)
    for _ in range(8):
        reply = running.get()
        assert reply.status_code == 503
        assert reply.headers["Content-Type"].startswith("application/taxii+json")
        assert int(reply.headers["Retry-After"]) > 0
        assert reply.json()["http_status"] == "503"
    assert running.status() == 503
    assert running.status("/peer/messages") in {405, 503}
    gone = running.cli("status")
    assert gone.returncode == 1
    assert "cannot be used now" in gone.stderr
    assert PASSWORD not in gone.stderr
    time.sleep(1.5)  # the jobs meet it too
    assert running.process.poll() is None
    running.server.start()
    until(lambda: running.get().status_code == 200, 30)
    assert [running.get().status_code for _ in range(12)] == [200] * 12
    assert running.status() == 200
    before = running.server.ask("SELECT max(until_at) FROM lease", running.store.rpartition("/")[2])
    until(
        lambda: (
            before
            < running.server.ask(
                "SELECT max(until_at) FROM lease", running.store.rpartition("/")[2]
            )
        ),
        60,
    )
    log = (running.home.path / "served.log").read_text("utf-8")
    assert PASSWORD not in log
    assert log.count('"node started"') == 4
