"""A replica answers pages where it stands exactly as the primary does, and nothing else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tearline.agreement import home as homes
from tearline.errors import HomeError
from tearline.exchange import accounts
from tearline.release import collecting
from tearline.store import primary, replica
from tearline.store.database import Store
from tearline.store.replica import Counts
from tests.cluster import NoPostgresError
from tests.exchange.local import Shelf, indicator, post, shelf
from tests.trio import QUORUM, Trio, trio, until


@pytest.fixture(scope="module")
def servers() -> Iterator[Trio]:
    started = trio()
    try:
        made = started.__enter__()
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    yield made
    started.__exit__(None, None, None)


@pytest.fixture
def node(servers: Trio, tmp_path: Path) -> Iterator[Shelf]:
    """A node with a collection of five objects, whose pages come from s2."""
    name = servers["s1"].fresh().rpartition("/")[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(homes, "store_of", lambda _path: servers.url(name))
        with shelf(tmp_path) as made:
            made.home.store.use_replica(servers.url(name, "s2"))
            put(made, 5)
            caught_up(servers)
            yield made
    servers["s1"].drop(servers.url(name, "s1"))


def put(node: Shelf, count: int) -> list[str]:
    """Post new indicators; return their ids."""
    some = [indicator() for _ in range(count)]
    with node.client("alice") as client:
        assert post(client, node.path("feed"), *some).status_code == 202
    return [each["id"] for each in some]


def seen(node: Shelf, name: str = "feed", user: str = "reader") -> list[str]:
    """Read a page of a collection; the ids on it."""
    with node.client(user) as client:
        reply = client.get(node.path(name))
    assert reply.status_code == 200, reply.text
    return [each["id"] for each in reply.json().get("objects", [])]


def counts(node: Shelf) -> Counts:
    assert node.home.store.replica is not None
    return node.home.store.replica.counts


def caught_up(servers: Trio) -> None:
    """Wait until s2 shows all that the primary does."""
    (here,) = servers["s1"].ask("SELECT pg_current_wal_lsn()")
    query = f"SELECT pg_last_wal_replay_lsn() >= '{here[0]}'"
    until(lambda: servers["s2"].ask(query) == [(True,)])


@contextmanager
def paused(servers: Trio) -> Iterator[None]:
    """Have s2 show what it shows now, whatever comes."""
    servers["s2"].ask("SELECT pg_wal_replay_pause()")
    until(lambda: servers["s2"].ask("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
    try:
        yield
    finally:
        servers["s2"].ask("SELECT pg_wal_replay_resume()")
        caught_up(servers)


def test_a_page_comes_from_the_replica_and_is_the_primarys_page(node: Shelf) -> None:
    with node.client("reader") as client:
        there = client.get(node.path("feed"), params={"limit": "3"})
        assert counts(node) == Counts(answered=1)
        node.home.store.replica = None
        here = client.get(node.path("feed"), params={"limit": "3"})
    assert there.content == here.content
    assert there.headers["X-TAXII-Date-Added-Last"] == here.headers["X-TAXII-Date-Added-Last"]


def test_a_replica_that_lags_shows_nothing_old(node: Shelf, servers: Trio) -> None:
    """What was added is not passed over, and what was taken out does not come back."""
    first = seen(node)
    with paused(servers):
        added = put(node, 2)
        collecting.take_out(node.home, node.ids["feed"], first[:1], now=0)
        assert seen(node) == [*first[1:], *added]
        node.collection("later")
        accounts.grant(node.home, "reader", read=("later",), write=(), now=0)
        collecting.put(node.home, "later", added, now=0)
        assert seen(node, "later") == added
        assert counts(node) == Counts(answered=1, behind=2)
    assert seen(node) == [*first[1:], *added]
    assert counts(node).answered == 2


def test_who_may_read_is_never_asked_of_a_replica(node: Shelf, servers: Trio) -> None:
    assert len(seen(node)) == 5
    with paused(servers), node.client("reader") as client:
        accounts.deny(node.home, "reader", read=("feed",), write=(), now=0)
        assert client.get(node.path("feed")).status_code == 404
        accounts.end_account(node.home, "reader", now=0)
        assert client.get(node.path("feed")).status_code == 401


def test_a_replica_that_is_ahead_shows_nothing_that_may_yet_be_lost(
    node: Shelf, servers: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """s2 has what the primary still waits for s3 to have, and nobody was told that it is kept."""
    monkeypatch.setattr(primary, "BELIEVED_S", 60.0)
    store = node.home.store
    with store.read(), store.read(), store.read():
        pass
    first = seen(node)
    with only_s3_counts(servers):
        writer = threading.Thread(target=put, args=(node, 1))
        writer.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        until(lambda: servers["s1"].ask(waits))
        caught_up(servers)
        name = store.shown.rpartition("/")[2]
        assert servers["s2"].ask("SELECT count(*) FROM collected", name) == [(6,)]
        assert seen(node) == first
        assert counts(node).behind == 1
    writer.join(20)
    assert len(seen(node)) == 6


@contextmanager
def only_s3_counts(servers: Trio) -> Iterator[None]:
    """Have commits wait for s3 alone, which is cut off."""
    servers.configure("s3", "primary_conninfo", "")
    servers.wait_for_standbys(1)
    servers.configure("s1", "synchronous_standby_names", "s3")
    until(lambda: servers["s1"].ask("SHOW synchronous_standby_names") == [("s3",)])
    try:
        yield
    finally:
        servers.configure("s1", "synchronous_standby_names", QUORUM)
        servers.configure("s3", "primary_conninfo", servers.conninfo("s3"))
        servers.wait_for_standbys(2)


def test_a_replica_that_is_gone_is_left_alone_for_a_while(
    node: Shelf, servers: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_FIRST_S", 0.5)
    assert len(seen(node)) == 5
    servers["s2"].stop()
    with capture_logs() as logs:
        for _ in range(3):
            assert len(seen(node)) == 5
    assert [each["event"] for each in logs].count("the replica is left alone") == 1
    assert counts(node) == Counts(answered=1, failed=1)
    servers["s2"].start()
    servers.wait_for_standbys(2)
    until(lambda: len(seen(node)) == 5 and counts(node).answered == 2)


def test_a_file_has_no_replica(tmp_path: Path) -> None:
    store = Store(tmp_path / "node.db")
    with pytest.raises(HomeError, match="file has no replica"):
        store.use_replica("postgresql://127.0.0.1/x")
    store.close()
