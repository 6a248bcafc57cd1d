"""The state of a store: while it stays the same nobody committed anything, of whichever process."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import text

from tearline.store import watching
from tearline.store.database import Place, Store
from tests.cluster import Cluster, NoPostgresError, cluster

pytestmark = pytest.mark.anyio

READ = text("SELECT value FROM kept ORDER BY value")
PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
OTHERS = """
import sys
from pathlib import Path
from tearline.store.database import Store
place = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
for line in sys.stdin:
    with Store(place).write() as tx:
        tx.exec_driver_sql(f"INSERT INTO kept VALUES ({int(line)})")
    print(flush=True)
"""


@pytest.fixture
def anyio_backend() -> str:
    """What runs the tests that wait."""
    return "asyncio"


@pytest.fixture
def store(empty_place: Place) -> Iterator[Store]:
    made = Store(empty_place)
    with made.write() as tx:
        tx.exec_driver_sql("CREATE TABLE kept (value integer)")
    yield made
    made.close()


def keep(store: Store, value: int) -> None:
    with store.write() as tx:
        tx.exec_driver_sql(f"INSERT INTO kept VALUES ({value})")  # a number


async def known(store: Store) -> Hashable:
    """The state, when there is somebody to ask: a connection is opened beside the event loop."""
    until = time.monotonic() + 10
    await asyncio.sleep(0)  # who asks in the same turn of the loop is told the same
    while (found := await store.state()) is None:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
    return found


async def test_the_state_is_another_after_a_commit_of_this_and_of_another_process(
    store: Store, empty_place: Place
) -> None:
    seen = [await known(store)]
    assert await known(store) == seen[0]
    keep(store, 1)
    seen.append(await known(store))
    command = [sys.executable, "-c", OTHERS, str(empty_place)]
    with subprocess.Popen(  # noqa: ASYNC220  # nothing else is to run meanwhile
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for value in (2, 3):
            other.stdin.write(f"{value}\n".encode())
            other.stdin.flush()
            other.stdout.readline()
            seen.append(await known(store))
            await asyncio.sleep(0.01)
            assert await known(store) == seen[-1]
        other.stdin.close()
    assert len(set(seen)) == len(seen) == 4


async def test_a_read_after_it_shows_all_that_was_committed_then(store: Store) -> None:
    for value in range(20):
        keep(store, value)
        await known(store)
        with store.read() as tx:
            assert len(tx.execute(READ).all()) == value + 1


# ------------------------------------------------------------------- many transactions at once


class Writer:
    """One connection that writes in its own time, past everything of ours."""

    def __init__(self, place: Place) -> None:
        self._wire: Any = (
            sqlite3.connect(place, isolation_level=None, timeout=0)
            if isinstance(place, Path)
            else psycopg.connect(place, autocommit=True, options="-c lock_timeout=20ms")
        )
        self._steps = [
            "BEGIN",
            "INSERT INTO kept VALUES ({})",
            "SAVEPOINT inner_one",
            "ROLLBACK TO SAVEPOINT inner_one",
            "RELEASE SAVEPOINT inner_one",
            "COMMIT",
            "COMMIT",
            "ROLLBACK",
        ]
        if not isinstance(place, Path):
            self._steps += ["PREPARE TRANSACTION '{0}'", "DELETE FROM kept WHERE value % 3 = 0"]

    def step(self, chance: random.Random, number: int) -> None:
        """Do something; what cannot be done now is not done."""
        try:
            self._wire.execute(chance.choice(self._steps).format(number))
        except (sqlite3.Error, psycopg.Error):
            with suppress(sqlite3.Error, psycopg.Error):
                self._wire.execute("ROLLBACK")

    def commit_prepared(self, chance: random.Random) -> None:
        """End a transaction that was prepared, by whomever."""
        found = self._wire.execute(PREPARED).fetchall()
        if found and self._wire.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            end = chance.choice(("COMMIT", "COMMIT", "ROLLBACK"))
            self._wire.execute(f"{end} PREPARED '{chance.choice(found)[0]}'")

    def close(self) -> None:
        self._wire.close()


@pytest.fixture(scope="module")
def preparing() -> Iterator[Cluster]:
    """A server on which transactions can be prepared."""
    options = ("fsync=off", "max_prepared_transactions=9", "max_wal_senders=0")
    started = cluster(options=options)
    try:
        made = started.__enter__()
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    yield made
    started.__exit__(None, None, None)


async def compare(store: Store, place: Place, seed: int) -> None:
    """Whatever others do, and in whichever order they end: the same state, the same rows."""
    chance = random.Random(seed)
    writers = [Writer(place) for _ in range(4)]
    rows: dict[Hashable, list[Any]] = {}
    await known(store)
    for number in range(300):
        chance.choice(writers).step(chance, number)
        if not isinstance(place, Path) and chance.random() < 0.1:
            writers[0].commit_prepared(chance)
        state = await known(store)
        with store.read() as tx:
            now = list(tx.execute(READ).scalars())
        assert rows.setdefault(state, now) == now
        await asyncio.sleep(0)
    assert 10 < len(rows) < 300
    for each in writers:
        each.close()


@pytest.mark.parametrize("seed", range(2))
async def test_the_same_state_shows_the_same_rows_in_a_file(tmp_path: Path, seed: int) -> None:
    store = Store(tmp_path / "node.db")
    with store.write() as tx:
        tx.exec_driver_sql("CREATE TABLE kept (value integer)")
    await compare(store, tmp_path / "node.db", seed)
    store.close()


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_state_shows_the_same_rows_in_postgresql(
    preparing: Cluster, seed: int
) -> None:
    url = preparing.fresh()
    store = Store(url)
    with store.write() as tx:
        tx.exec_driver_sql("CREATE TABLE kept (value integer)")
    await compare(store, url, seed)
    store.close()


# ---------------------------------------------------------------------------- only in PostgreSQL


@pytest.fixture
def remote(postgres: Cluster) -> Iterator[Store]:
    made = Store(postgres.fresh())
    with made.write() as tx:
        tx.exec_driver_sql("CREATE TABLE kept (value integer)")
    yield made
    made.close()


def watcher(store: Store) -> watching.Watcher:
    return cast("watching.Watcher", store._asker._watcher)  # noqa: SLF001  # for tests alone


def process_of(store: Store) -> int:
    """The server's process behind the connection that asks."""
    driver = watcher(store)._driver  # noqa: SLF001
    assert driver is not None
    return driver.info.backend_pid


async def test_a_question_answers_only_those_who_came_before_it(remote: Store) -> None:
    before = await known(remote)
    first = asyncio.ensure_future(remote.state())
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it is sent
    time.sleep(0.05)  # noqa: ASYNC251  # it is answered, which nobody here has read yet
    keep(remote, 1)
    second, third = await known(remote), await known(remote)
    assert await first == before
    assert second == third != before


async def test_those_who_come_together_share_a_question(
    remote: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known(remote)
    asked: list[int] = []
    ask = watching.Watcher._ask  # noqa: SLF001  # for tests alone

    def _ask(each: watching.Watcher) -> None:
        asked.append(len(each._next))  # noqa: SLF001
        ask(each)

    monkeypatch.setattr(watching.Watcher, "_ask", _ask)
    found = await asyncio.gather(*(remote.state() for _ in range(16)))
    assert asked == [16]
    assert len(set(found)) == 1


async def test_a_request_that_is_given_up_takes_no_other_with_it(remote: Store) -> None:
    await known(remote)
    tasks = [asyncio.create_task(known(remote)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found[0] == found[2]
    assert isinstance(found[1], asyncio.CancelledError)


async def test_who_gets_no_answer_soon_does_not_wait(remote: Store) -> None:
    state = await known(remote)
    os.kill(process_of(remote), signal.SIGSTOP)
    try:
        start = time.monotonic()
        assert set(await asyncio.gather(remote.state(), remote.state())) == {None}
        assert await remote.state() is None
        assert time.monotonic() - start < 2
    finally:
        os.kill(process_of(remote), signal.SIGCONT)
    assert await known(remote) == state


async def test_a_connection_that_broke_is_made_anew(remote: Store, postgres: Cluster) -> None:
    before = await known(remote)
    postgres.ask(f"SELECT pg_terminate_backend({process_of(remote)})")
    await asyncio.sleep(0.1)
    begun = time.process_time()
    await asyncio.sleep(0.2)
    assert time.process_time() - begun < 0.1  # what is broken is not watched all the time
    assert await remote.state() is None
    after = await known(remote)
    assert after != before
    assert await known(remote) == after


async def test_a_database_that_is_away_is_asked_for_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "_PAUSE_S", 0.05)
    store = Store("postgresql://tearline@127.0.0.1:1/nothing")
    engine: Any = store._engine  # noqa: SLF001
    opened, connect = [], engine.raw_connection

    def _connect() -> object:
        opened.append(1)
        return connect()

    monkeypatch.setattr(engine, "raw_connection", _connect)
    begun = time.monotonic()
    while time.monotonic() - begun < 0.5:
        assert await store.state() is None
        await asyncio.sleep(0.001)
    assert 2 <= len(opened) <= 11
    store.close()


async def test_closing_gives_the_connection_back(remote: Store) -> None:
    await known(remote)
    pool: Any = remote._engine.pool  # noqa: SLF001
    assert pool.checkedout() == 1
    remote._asker.close()  # noqa: SLF001
    assert pool.checkedout() == 0
    assert await known(remote) is not None
    asking = asyncio.ensure_future(remote.state())
    await asyncio.sleep(0)
    remote.close()
    await asking


async def test_a_connection_that_comes_after_closing_is_closed_too(remote: Store) -> None:
    assert await remote.state() is None  # begins to open one
    remote.close()
    await asyncio.sleep(0.3)
    pool: Any = remote._engine.pool  # noqa: SLF001  # for tests alone
    assert (pool.checkedout(), pool.checkedin()) == (0, 0)


def test_event_loops_one_after_the_other_and_at_once(remote: Store) -> None:
    states = [asyncio.run(known(remote)) for _ in range(3)]
    assert len(set(states)) == 1

    async def leave() -> None:
        asyncio.get_running_loop().call_later(0.001, asyncio.get_running_loop().stop)
        while True:
            await remote.state()

    ended = asyncio.new_event_loop()
    task = ended.create_task(leave())
    ended.run_forever()  # stops while a question is under way, or about to be
    assert asyncio.run(known(remote)) is not None
    task.cancel()
    ended.run_until_complete(asyncio.gather(task, return_exceptions=True))
    ended.close()
    found: list[Hashable] = []

    async def some() -> None:
        found.extend([await remote.state() for _ in range(200)])

    threads = [threading.Thread(target=asyncio.run, args=(some(),)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert len(found) == 600
    assert len(set(found) - {None}) == 1


def test_a_forked_process_opens_its_own(remote: Store) -> None:
    asyncio.run(known(remote))
    state: Callable[[], Any] = lambda: asyncio.run(known(remote))  # noqa: E731
    child = os.fork()
    if not child:
        os._exit(0 if state().snapshot else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert state() is not None
