"""A node moves from its file into a database, whole or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tearline.agreement import home as homes
from tearline.agreement.home import Home, open_home
from tearline.errors import HomeError, ProofError, RefusedError
from tearline.log import record
from tearline.log.tiles import StoredTree
from tearline.node import moving as act
from tearline.node.moving import Moved, MovedLog
from tearline.release import replay
from tearline.store import jobs, logs, moving, owner
from tearline.store.database import Store
from tearline.store.schema import open_store
from tests.cluster import Cluster
from tests.pair import Pair, copy_log, make_pair, rel, sdo

HERON = sdo("intrusion-set", "Gray Heron")
LOADER = sdo("malware", "Mud Loader")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """North gave South something under an agreement; logs of both sides are signed."""
    made = make_pair(tmp_path)
    made.put(HERON, LOADER, rel(HERON, "uses", LOADER), sdo("tool", "Sieve"))
    made.agree(reach=1)
    made.sync()
    copy_log(made.south, made.north, made.agreement_id, made.tick())
    for home in (made.north, made.south):
        home.publish(None, now=made.tick())
    yield made
    made.north.store.close()
    made.south.store.close()


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    made = postgres.fresh()
    yield made
    postgres.drop(made)


def move(home: Home, url: str, *, now: int = 1, fails_at: float = 2) -> Moved:
    def tell(done: int, total: int) -> None:
        if done >= fails_at * total:
            raise KeyboardInterrupt

    return act.move(home, url, tell=tell, now=now)


def held(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return moving.row_counts(tx)


def assert_empty(url: str) -> None:
    store = open_store(url)
    assert not any(held(store).values())
    store.close()


def test_a_node_goes_on_in_the_database_as_it_was(
    pair: Pair, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, delivered = held(pair.north.store), pair.delivered()
    seen: list[tuple[int, int]] = []
    moved = act.move(
        pair.north, url, tell=lambda done, all_: seen.append((done, all_)), now=pair.tick()
    )
    assert seen[-1] == (sum(before.values()), sum(before.values()))
    assert moved.rows == before
    assert {each.log for each in moved.logs} == {
        record.PRIVATE,
        record.our_log(pair.agreement_id),
        record.their_log(pair.agreement_id),
    }
    assert all(each.checkpoints for each in moved.logs)
    path = pair.north.path
    monkeypatch.setattr(homes, "store_of", lambda at: url if at == path else at / "node.db")
    pair.north = open_home(path)
    assert held(pair.north.store) == before
    assert pair.delivered() == delivered
    # What is issued goes on where it was: messages, positions, leaves, checkpoints.
    pair.put(sdo("malware", "Late"), rel(HERON, "uses", sdo("malware", "Late")))
    assert pair.reconcile().released
    assert pair.sync().accepted
    pair.agree(reach=0)
    pair.north.publish(None, now=pair.tick())
    assert replay.replay(pair.north).differing == ()


def test_the_file_is_set_aside_and_not_taken_for_the_store_again(pair: Pair, url: str) -> None:
    moved = move(pair.north, url)
    assert moved.kept.is_file()
    assert not (pair.north.path / "node.db").exists()
    with pytest.raises(HomeError, match="TEARLINE_STORE"):
        open_home(pair.north.path)
    assert not (pair.north.path / "node.db").exists()
    with closing(sqlite3.connect(moved.kept)) as kept:
        assert kept.execute("SELECT slug FROM owner").fetchall() == [("north-cert",)]


@pytest.mark.parametrize("fails_at", [0, 0.5, 1])
def test_a_break_leaves_nothing_there_and_all_here(pair: Pair, url: str, fails_at: float) -> None:
    before = held(pair.north.store)
    with pytest.raises(KeyboardInterrupt):
        move(pair.north, url, fails_at=fails_at)
    assert_empty(url)
    assert held(pair.north.store) == before
    assert move(pair.north, url).rows == before


def test_a_running_node_is_not_moved(pair: Pair, url: str) -> None:
    with pair.north.store.write() as tx:
        jobs.take(tx, "decide", "somebody", now=100, span_us=15_000_000)
    with pytest.raises(RefusedError, match="running"):
        move(pair.north, url, now=101)
    assert_empty(url)
    assert move(pair.north, url, now=15_000_101).rows


def test_a_database_that_is_not_empty_is_refused(pair: Pair, url: str) -> None:
    move(pair.north, url)
    with pytest.raises(HomeError, match="north-cert"):
        move(pair.south, url)
    assert (pair.south.path / "node.db").is_file()
    store = open_store(url)
    with store.read() as tx:
        found = owner.owner_of(tx)
    store.close()
    assert found is not None
    assert found.slug == "north-cert"


def test_a_database_of_something_else_is_refused(pair: Pair, url: str, postgres: Cluster) -> None:
    postgres.ask("CREATE TABLE theirs (a int)", url.rpartition("/")[2])
    with pytest.raises(HomeError, match="something else"):
        move(pair.north, url)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE log_leaf SET leaf = CAST('x' AS BLOB) WHERE log LIKE 'ours/%' AND idx = 0",
        "UPDATE log_leaf SET leaf = CAST('x' AS BLOB) WHERE log LIKE 'theirs/%' AND idx = 0",
        "UPDATE log_head SET size = size - 1 WHERE log = 'private'",
        "UPDATE log_checkpoint SET note = rtrim(note, char(10)) || 'AAAA' || char(10)",
    ],
)
def test_a_log_that_does_not_hold_is_not_moved(pair: Pair, url: str, harm: str) -> None:
    with pair.north.store.write() as tx:
        tx.exec_driver_sql(harm)
    with pytest.raises(ProofError):
        move(pair.north, url)
    assert_empty(url)


def test_a_copy_that_differs_is_seen(pair: Pair, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the copying wrong, the logs or the counts would show it before anything is kept."""
    whole = moving.copy

    def wrong(source: object, target: object, *more: object) -> None:
        whole(source, target, *more)  # type: ignore[arg-type]  # as it was called
        target.exec_driver_sql(harm)  # type: ignore[attr-defined]  # a transaction

    monkeypatch.setattr(moving, "copy", wrong)
    harm = "UPDATE log_leaf SET leaf = leaf || 'x'::bytea WHERE log = 'private' AND idx = 0"
    with pytest.raises(ProofError, match="private"):
        move(pair.north, url)
    harm = "DELETE FROM release WHERE position = 1"
    with pytest.raises(ProofError, match="release"):
        move(pair.north, url)
    assert_empty(url)


def test_a_node_in_a_database_is_not_moved_on(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "store_of", lambda _path: url)
    home = homes.create_home(tmp_path / "home", "North CERT", None, 1)
    with pytest.raises(RefusedError, match="already"):
        move(home, url)
    home.store.close()


def test_a_log_is_told_with_its_root(pair: Pair, url: str) -> None:
    with pair.north.store.read() as tx:
        stored = StoredTree(tx, record.PRIVATE)
        size = logs.head(tx, record.PRIVATE).size
        expected = MovedLog(record.PRIVATE, size, 1, stored.root(size).hex())
    assert expected in move(pair.north, url).logs
