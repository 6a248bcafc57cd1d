"""Servers that are really there, read as sources: medallion, our own node; and `kill -9`."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tearline import clock
from tearline.agreement.home import Home, create_home, open_home
from tearline.exchange import sources
from tearline.exchange.foreign_find import find
from tearline.exchange.foreign_line import Line, Login, ShutOutError
from tearline.exchange.sources import Polled
from tearline.store import objects
from tearline.store import sources as rows
from tearline.store.objects import object_version
from tearline.store.sources import Reading, Source, Walk
from tests.exchange.foreign_server import ONE, Foreign, foreign
from tests.exchange.local import PASSWORD, TAXII, shelf
from tests.exchange.nodes import Nodes, both_serving, free_socket, give, serving, url_of
from tests.pair import START, sdo
from tests.plain import give_key

LOGIN = Login("basic", "admin", "Password0")
SECOND = 1_000_000
CHILD = """
import sys
from pathlib import Path
from tearline import clock
from tearline.agreement.home import open_home
from tearline.exchange import sources

sources.poll(
    open_home(Path(sys.argv[1])),
    "feed",
    sys.argv[2],
    progress=lambda came: print(came, flush=True),
    now=clock.now(),
)
"""


def add(home: Home, url: str, login: Login, page: int) -> Reading:
    """Find what stands at an address, and add its first collection as a source called feed."""
    with Line(url, login) as line:
        first = next(each for each in find(line).collections if each.can_read)
    reading = Reading("feed", first.url, first.id, first.title, first.version, Walk())
    entry = Source(
        name="feed",
        url=url,
        way=login.way,
        login=login.user,
        secret=login.secret,
        plain_http=False,
        marking=None,
        grade=None,
        page=page,
        every_s=300,
        since_at=START,
        ended_at=None,
    )
    sources.add(home, entry, [reading], now=START)
    return reading


def poll(home: Home, reading: Reading) -> Polled:
    return sources.poll(home, "feed", reading.url, now=clock.now())


def held(home: Home) -> set[str]:
    with home.store.read() as tx:
        return set(objects.ids_from(tx, "taxii:feed"))


def tally(home: Home, reading: Reading) -> rows.Tally:
    with home.store.read() as tx:
        found = rows.reading_at(tx, "feed", reading.url)
    assert found is not None
    return found.tally


def signs(number: int, name: str = "sign") -> list[dict[str, Any]]:
    return [sdo("indicator", f"{name} {place}") for place in range(number)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = create_home(tmp_path / "reader", "North CERT", None, START)
    yield made
    made.store.close()


# ------------------------------------------------------------------------------------- medallion


@dataclass
class Medallion:
    """A running medallion and its collection."""

    url: str

    def post(self, docs: list[dict[str, Any]]) -> None:
        done = httpx.post(
            f"{self.url}/api1/collections/{ONE}/objects/",
            content=json.dumps({"objects": docs}),
            headers={"Accept": TAXII, "Content-Type": TAXII},
            auth=("admin", "Password0"),
            trust_env=False,
        )
        assert done.status_code == 202, done.text


@pytest.fixture(scope="module")
def medallion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Medallion]:
    folder = tmp_path_factory.mktemp("medallion")
    with free_socket() as sock:
        url = url_of(sock)
    data = {
        "/discovery": {"title": "Made up", "api_roots": [f"{url}/api1/"]},
        "api1": {
            "information": {"title": "Root", "versions": [TAXII], "max_content_length": 9_000_000},
            "status": [],
            "collections": [
                {
                    "id": ONE,
                    "title": "Made up",
                    "can_read": True,
                    "can_write": True,
                    "media_types": ["application/stix+json;version=2.1"],
                    "objects": [],
                    "manifest": [],
                }
            ],
        },
    }
    (folder / "data.json").write_text(json.dumps(data))
    backend = {
        "module": "medallion.backends.memory_backend",
        "module_class": "MemoryBackend",
        "filename": str(folder / "data.json"),
    }
    config = {"backend": backend, "users": {LOGIN.user: LOGIN.secret}}
    (folder / "config.json").write_text(json.dumps(config | {"taxii": {"max_page_size": 1000}}))
    program = Path(sys.executable).with_name("medallion")
    port = url.rpartition(":")[2]
    command = [str(program), "--host", "127.0.0.1", "--port", port, str(folder / "config.json")]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=folder) as running:
        try:
            _wait_for(f"{url}/taxii2/")
            yield Medallion(url)
        finally:
            running.kill()


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} does not answer")


def test_medallion_is_read_whole_though_its_moments_are_equal(
    home: Home, medallion: Medallion
) -> None:
    """Its objects of one POST share a moment, and it repeats its `next`; see walk.py."""
    docs = signs(59)
    medallion.post(docs)
    reading = add(home, f"{medallion.url}/", LOGIN, 7)
    done = poll(home, reading)
    assert done.problem is None
    assert {each["id"] for each in docs} <= held(home)
    medallion.post(signs(9, "new"))
    assert poll(home, reading).result.stored == 9
    assert poll(home, reading).problem is None
    shut = pytest.raises(ShutOutError)
    with Line(medallion.url, LOGIN._replace(secret="wrong")) as line, shut:
        find(line)


@pytest.mark.parametrize("server", ["medallion", "ours to make"])
def test_a_poll_that_is_killed_goes_on_and_loses_nothing(
    home: Home, request: pytest.FixtureRequest, server: str
) -> None:
    docs = signs(90, f"killed {server}")
    if server == "medallion":
        running: Medallion = request.getfixturevalue("medallion")
        running.post(docs)
        _kill_and_finish(home, add(home, f"{running.url}/", LOGIN, 7), docs)
        return
    with foreign(Foreign()) as made:
        made.put(*docs, at=START, step=1)
        _kill_and_finish(home, add(home, f"{made.url}/", Login(), 7), docs)
        repeated = sum(int(each["limit"]) for each in made.pages) - len(docs)
    assert repeated < 4 * 2 * 7, "at most a page, and the rest of one, for each kill"


def _kill_and_finish(home: Home, reading: Reading, docs: list[dict[str, Any]]) -> None:
    chance = random.Random(len(reading.url))
    said = 0
    for _ in range(3):
        said += _killed(home, reading, chance)
    assert said > 0
    assert poll(home, reading).problem is None
    wanted = {each["id"] for each in docs}
    assert wanted <= held(home)
    with home.store.read() as tx:
        versions = Counter(tx.execute(select(object_version.c.stix_id)).scalars())
    assert {versions[each] for each in wanted} == {1}
    assert tally(home, reading).stored == len(held(home)), "nothing is counted twice"


def _killed(home: Home, reading: Reading, chance: random.Random) -> int:
    """Poll in a child, kill it at a random moment; return how many objects it said came."""
    said = 0
    command = [sys.executable, "-c", CHILD, str(home.path), reading.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(chance.randint(1, 4)):
            said = int(child.stdout.readline() or said)
        time.sleep(chance.uniform(0, 0.02))
        child.kill()
    again = open_home(home.path)
    assert len(held(again)) >= said, "what it said came is there"
    again.store.close()
    return said


# ---------------------------------------------------------------------------------- our own node


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with both_serving(tmp_path_factory.mktemp("nodes")) as made:
        made.plain_key = give_key(made, reach=2)
        give(made, 20)
        yield made


def test_a_node_is_read_as_any_client_reads_it(home: Home, nodes: Nodes) -> None:
    login = Login("basic", "east-clinic", nodes.plain_key)
    reading = add(home, f"{nodes.north.card.url}/taxii2/", login, 9)
    assert poll(home, reading).problem is None
    assert held(home) == set(nodes.delivered())
    assert poll(home, reading).result.stored == 0


def test_what_is_written_while_we_read_is_seen(home: Home, tmp_path: Path) -> None:
    docs = signs(120)
    with shelf(tmp_path) as server, free_socket() as sock, serving(server.home, sock) as url:
        reading = add(home, f"{url}/", Login("basic", "reader", PASSWORD), 7)
        where = url + server.path("feed")

        def write(part: list[dict[str, Any]]) -> None:
            with httpx.Client(auth=("poster", PASSWORD), trust_env=False) as client:
                for start in range(0, len(part), 5):
                    body = json.dumps({"objects": part[start : start + 5]})
                    headers = {"Accept": TAXII, "Content-Type": TAXII}
                    done = client.post(where, content=body, headers=headers)
                    assert done.status_code == 202

        writers = [threading.Thread(target=write, args=(docs[n::3],)) for n in range(3)]
        for each in writers:
            each.start()
        while any(each.is_alive() for each in writers):
            assert poll(home, reading).problem is None
        assert poll(home, reading).problem is None
    assert held(home) == {each["id"] for each in docs}
