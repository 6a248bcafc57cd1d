"""A PostgreSQL server is believed when it proves that its standbys agree, and not before."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tearline.errors import StoreError
from tearline.store import primary
from tearline.store.database import Store
from tearline.store.primary import one_by_one
from tests.cluster import NoPostgresError
from tests.trio import QUORUM, Trio, trio, until

COUNT = text("SELECT count(*) FROM kept")
KEEP = text("INSERT INTO kept VALUES (:value)")


@pytest.fixture(scope="module")
def running() -> Iterator[Trio]:
    started = trio()
    try:
        made = started.__enter__()
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    made[made.primary].ask("CREATE TABLE kept (value integer)")
    yield made
    started.__exit__(None, None, None)


@pytest.fixture
def servers(running: Trio) -> Trio:
    """Three servers with nothing in their table."""
    running[running.primary].ask("DELETE FROM kept")
    return running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof is waited for not so long, and asked for again at every use."""
    monkeypatch.setattr(primary, "_PROOF_S", 1.0)
    monkeypatch.setattr(primary, "BELIEVED_S", 0.0)


def keep(store: Store, value: int) -> None:
    with store.write() as tx:
        tx.execute(KEEP, {"value": value})


def count(store: Store) -> int:
    with store.read() as tx:
        return int(tx.execute(COUNT).scalar_one())


def waiting(servers: Trio) -> list[tuple[object, ...]]:
    """Who waits on the primary until a standby has what it committed."""
    query = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    return servers[servers.primary].ask(query)


@pytest.mark.usefixtures("quick")
def test_the_course_of_a_primary_that_is_replaced_and_comes_back(servers: Trio) -> None:
    first = servers.primary
    everyone, alone = Store(servers.url("postgres")), Store(servers.url("postgres", first))
    keep(everyone, 1)
    assert count(everyone) == count(alone) == 1

    # It dies and is replaced: the same store goes on with the new one.
    old = servers.kill_primary()
    servers.promote()
    servers.wait_for_standbys(1)
    keep(everyone, 2)
    assert count(everyone) == 2

    # It comes back and calls itself the primary: neither an old store nor a new one believes it.
    old.start()
    assert old.ask("SELECT pg_is_in_recovery()") == [(False,)]
    with pytest.raises(StoreError, match="waits for standbys that do not answer"):
        count(alone)
    with pytest.raises(StoreError, match="waits for standbys"):
        keep(alone, 3)
    servers.servers = {first: old, **servers.servers}
    newcomer = Store(servers.url("postgres", *servers.servers))
    assert count(everyone) == count(newcomer) == 2
    keep(newcomer, 4)
    assert old.ask("SELECT count(*) FROM kept") == [(1,)]
    for store in (everyone, alone, newcomer):
        store.close()
    old.stop()
    servers.join(first)
    servers.wait_for_standbys(2)


def test_the_state_is_asked_of_nobody_who_is_not_believed(
    servers: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor of whom the pool has left for another: it shows nothing of what is written there."""
    store = Store(servers.url("postgres"))
    loop = asyncio.new_event_loop()

    def state() -> object:
        return loop.run_until_complete(store.state())

    until(lambda: state() is not None)
    with servers.cut_off():
        assert state() is not None  # for some seconds, like every connection
        monkeypatch.setattr(primary, "_PROOF_S", 0.5)
        monkeypatch.setattr(primary.Proven, "is_believed", False)
        assert state() is None
        monkeypatch.undo()
    keep(store, 1)
    until(lambda: state() is not None)
    # The pool's next connection finds another server of its address first.
    with store.read() as tx:
        found = tx.connection.driver_connection
        assert isinstance(found, primary.Proven)
    turned: Any = found.is_first
    assert turned()
    turned.func.__self__._each.reverse()  # noqa: SLF001  # for tests alone
    assert not turned()
    assert state() is None
    loop.close()
    store.close()


@pytest.mark.usefixtures("quick")
def test_who_is_cut_off_while_it_serves_is_soon_not_believed(servers: Trio) -> None:
    """Open connections too: what was revoked elsewhere would still open here."""
    store = Store(servers.url("postgres"))
    keep(store, 1)
    with servers.cut_off(), pytest.raises(StoreError, match="waits for standbys"):
        count(store)
    assert count(store) == 1
    store.close()


def test_a_commit_whose_wait_was_ended_is_not_acknowledged(servers: Trio) -> None:
    """PostgreSQL answers such a commit as if all were well, with a warning beside it."""
    store = Store(servers.url("postgres"))
    keep(store, 1)
    caught: list[StoreError] = []

    def _keep() -> None:
        try:
            keep(store, 2)
        except StoreError as error:
            caught.append(error)

    writer = threading.Thread(target=_keep)
    with servers.cut_off():
        writer.start()
        until(lambda: waiting(servers))
        servers[servers.primary].ask(f"SELECT pg_cancel_backend({waiting(servers)[0][0]})")
        writer.join(10)
    assert "cancel" in str(caught[0])
    assert "may not have been kept" in str(caught[0])
    store.close()


def test_a_role_that_waits_for_no_standby_is_made_to_wait(servers: Trio) -> None:
    servers[servers.primary].ask("ALTER ROLE tearline SET synchronous_commit = 'local'")
    store = Store(servers.url("postgres"))
    with store.read() as tx:
        assert tx.execute(text("SHOW synchronous_commit")).scalar() == "on"
    store.close()


def test_a_server_without_standbys_is_believed_for_good(servers: Trio) -> None:
    servers.configure(servers.primary, "synchronous_standby_names", "")
    until(lambda: servers[servers.primary].ask("SHOW synchronous_standby_names") == [("",)])
    made = Store(servers.url("postgres"))
    with made.read() as tx:
        driver = tx.connection.driver_connection
        assert isinstance(driver, primary.Proven)
        assert driver.believed_until == float("inf")
    made.close()
    servers.configure(servers.primary, "synchronous_standby_names", QUORUM)


def test_the_servers_of_an_address_are_taken_one_by_one() -> None:
    both = {"host": "a,b", "port": "1,2", "dbname": "x"}
    assert one_by_one(both) == [
        {"host": "a", "port": "1", "dbname": "x"},
        {"host": "b", "port": "2", "dbname": "x"},
    ]
    assert [each["port"] for each in one_by_one({"host": "a,b,c", "port": "5"})] == ["5"] * 3
    assert one_by_one({"dbname": "x"}) == [{"dbname": "x"}]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**one_by_one({"host": "a,b", "port": "1,2,3"})[0])
