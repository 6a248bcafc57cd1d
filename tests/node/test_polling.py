import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.exchange import sources
from tearline.node import polling
from tearline.node.polling import Polling
from tearline.node.runner import all_jobs
from tearline.store import objects
from tearline.store import sources as rows
from tearline.store.sources import Reading, Source
from tests.exchange.foreign_server import ONE, SECOND, TWO, Foreign, foreign
from tests.pair import START, sdo


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = create_home(tmp_path / "home", "North CERT", None, START)
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[Foreign]:
    with foreign(Foreign()) as made:
        made.put(*(sdo("tool", f"tool {place}") for place in range(30)), at=START)
        yield made


def add(home: Home, server: Foreign, name: str, *collections: str, every_s: int = 300) -> None:
    readings = [
        Reading(name, f"{server.url}/root/collections/{each}/", each, each, "2.1")
        for each in collections
    ]
    entry = Source(
        name=name,
        url=f"{server.url}/",
        way="",
        login="",
        secret="",
        plain_http=False,
        marking=None,
        grade=None,
        page=10,
        every_s=every_s,
        since_at=START,
        ended_at=None,
    )
    sources.add(home, entry, readings, now=START)


def held(home: Home, name: str) -> int:
    with home.store.read() as tx:
        return len(objects.ids_from(tx, f"taxii:{name}"))


def test_each_collection_is_read_at_its_own_pace(home: Home, server: Foreign) -> None:
    add(home, server, "feed", ONE, TWO)
    add(home, server, "rare", ONE, every_s=4000)
    add(home, server, "never", ONE, every_s=0)
    job = Polling(home)
    now = clock.now()
    job(now)
    assert held(home, "feed") + held(home, "rare") == 30
    first = len(server.pages)
    job(now + SECOND)
    assert len(server.pages) == first
    job(now + 400 * SECOND)
    assert len(server.pages) == first + 3 + 1, "the first again with the overlap, and what is new"
    assert {name for name, _ in job._due(now + 5000 * SECOND)} == {"feed", "rare"}  # noqa: SLF001


def test_a_large_collection_is_read_in_turns(
    home: Home, server: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_TURN_S", 0.0)
    add(home, server, "feed", ONE)
    job = Polling(home)
    now = clock.now()
    counts = []
    for turn in range(4):
        job(now + turn * SECOND)
        counts.append(held(home, "feed"))
    assert counts == [10, 20, 30, 30]


def test_who_fails_is_asked_less_and_less_and_others_go_on(home: Home, server: Foreign) -> None:
    with foreign(Foreign()) as broken:
        broken.refusals = [(500, {})] * 99
        add(home, broken, "broken", ONE)
        add(home, server, "feed", ONE)
        job = Polling(home)
        now = clock.now()
        tried = []
        for second in range(0, 200, 10):
            job(now + second * SECOND)
            tried.append(len(broken.asked))
    assert tried[-1] == 3
    assert held(home, "feed") == 30


def test_a_source_that_is_shut_out_or_ended_is_not_asked(home: Home, server: Foreign) -> None:
    add(home, server, "feed", ONE)
    server.refusals = [(403, {})]
    job = Polling(home)
    now = clock.now()
    for day in range(3):
        job(now + day * 86_400 * SECOND)
    assert len(server.asked) == 1
    sources.retry(home, "feed")
    job(now)
    assert held(home, "feed") == 30
    sources.end(home, "feed", now=now)
    with home.store.read() as tx:
        assert rows.source_named(tx, "feed") is not None
    asked = len(server.asked)
    job(now + 86_400 * SECOND)
    assert len(server.asked) == asked


def test_the_node_has_the_job(home: Home) -> None:
    names = [job._name for job in all_jobs(home)]  # noqa: SLF001
    assert names == [
        "decide",
        "carry",
        "poll",
        f"import {platform.node()}",
        "served",
        "list",
        "publish",
    ]
    settings = home.settings.model_copy(update={"witness_url": "http://127.0.0.1:1"})
    watched = Home(home.path, settings, home.store, home.card, home.keys)
    assert [job._name for job in all_jobs(watched)] == [*names, "witness"]  # noqa: SLF001
