"""Three databases, a running node, clients at work: the primary is killed, and nothing is lost."""

from collections.abc import Iterator

import pytest

from soak.failover import Play, play
from tearline.store.database import Store
from tests.cluster import Cluster, NoPostgresError
from tests.trio import until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    playing = play(tmp_path_factory.mktemp("failover"))
    try:
        made = playing.__enter__()
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    yield made
    playing.__exit__(None, None, None)


def test_what_was_acknowledged_outlives_its_primary(running: Play) -> None:
    """The quorum holds; the old primary comes back and loses nothing; without it, things are lost.

    One course, for it takes long to begin: the third part shows that the first two could fail.
    """
    running.more(20)
    # The head is signed at intervals: twenty objects can be kept before the first is.
    until(lambda: running.watcher.notes)
    signed = len(running.watcher.notes)
    old = killed(running)
    running.more(20)
    returned(running, old)
    running.more(20)
    with running.standing():
        assert running.problems() == []
    assert len(running.watcher.notes) > signed
    assert len(running.acknowledged) >= 60

    without_quorum(running)
    with running.standing(2):
        problems = running.problems()
    assert any("acknowledged and lost" in each for each in problems)
    assert any("and not there" in each for each in problems)


def killed(running: Play) -> Cluster:
    """Kill the primary under load; the node goes on with the standby that has most."""
    old = running.servers[running.servers.primary]
    running.kill_and_promote()
    return old


def returned(running: Play, old: Cluster) -> None:
    """Have the old primary back as one of two primaries, the first of the node's address."""
    old.start()
    assert old.ask("SELECT pg_is_in_recovery()") == [(False,)]
    primary = running.servers[running.servers.primary]
    # Every connection of the node's breaks, and each is made again.
    primary.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tearline'"
    )
    # What was on its way to the old one can be there; what came later cannot.
    before = old.ask("SELECT count(*) FROM collected", running.database)
    running.more(20)
    assert old.ask("SELECT count(*) FROM collected", running.database) == before
    # Who starts now and finds the old one first goes on to the new one.
    ports = f"127.0.0.1:{old.port},127.0.0.1:{primary.port}"
    store = Store(f"postgresql://tearline@{ports}/{running.database}")
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE owner SET since_at = since_at + 1")
    store.close()
    query = "SELECT since_at FROM owner"
    assert old.ask(query, running.database) != primary.ask(query, running.database)
    old.stop()


def without_quorum(running: Play) -> None:
    """Have commits wait for nobody, cut the standby off, and kill the primary after some more.

    The node finds by itself that its log lost leaves that it signed, and does not sign it again.
    """
    servers = running.servers
    (standby,) = servers.standbys
    servers.configure(servers.primary, "synchronous_standby_names", "")
    servers.configure(standby, "primary_conninfo", "")
    servers.wait_for_standbys(0)
    signed = len(running.watcher.notes)
    running.more(20)
    until(lambda: len(running.watcher.notes) > signed)
    servers.kill_primary()
    servers.configure(standby, "synchronous_standby_names", "")
    servers.promote()
    until(lambda: "were signed before" in running.told.read_text())
