"""The node log as it is written: one leaf for a turn, over every log of ours that is signed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline.log import committing, node_log, record
from tearline.log.checkpoint import vkey
from tearline.log.node_log import verify_committed
from tearline.store import logs
from tearline.store.database import Store
from tests.log.made_log import COPY, KEY, LOG, NOW, ORIGIN, append, made_store, publish

SECRET = bytes(range(32))
MINUTE = 60_000_000
NODE = record.origin_of("north", record.NODE)
NODE_VKEY = vkey(NODE, KEY.public_key().public_bytes_raw())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with made_store(tmp_path / "north.db") as store:
        yield store


def leaf(store: Store, turn: int) -> int | None:
    with store.write() as tx:
        return committing.add_leaf(tx, "north", SECRET, at=NOW + turn * MINUTE)


def heads(store: Store, index: int) -> dict[str, int]:
    with store.read() as tx:
        return {each.origin: each.size for each in committing.heads_in(tx, "north", index)}


def test_a_turn_has_one_leaf_whoever_comes_second(store: Store) -> None:
    assert [leaf(store, turn) for turn in (0, 0, 1, 1, 0, 3)] == [0, None, 1, None, None, 2]
    with store.read() as tx:
        assert logs.head(tx, committing.LOG).at == NOW + 3 * MINUTE


def test_a_leaf_commits_to_what_was_signed_and_to_nothing_else(store: Store) -> None:
    append(store, 3)
    append(store, 1, log=record.PRIVATE)
    assert heads(store, leaf(store, 0) or 0) == {}
    publish(store)
    append(store, 2)
    with store.write() as tx:
        logs.add_leaves(tx, COPY, [(b"theirs", bytes(32))], at=NOW)
        logs.add_checkpoint(tx, COPY, 1, "a note of theirs", at=NOW)
    assert heads(store, leaf(store, 1) or 0) == {ORIGIN: 3}
    publish(store)
    private = record.origin_of("north")
    record.publish(store, record.PRIVATE, private, KEY, now=NOW)
    assert heads(store, leaf(store, 2) or 0) == {ORIGIN: 5, private: 1}
    assert [heads(store, each) for each in (0, 1)] == [{}, {ORIGIN: 3}]


def test_the_proof_is_of_the_last_signed_leaf(store: Store) -> None:
    append(store, 3)
    publish(store)

    def shown() -> tuple[int, int] | None:
        with store.read() as tx:
            found = committing.committed(tx, "north", SECRET, LOG, frozenset())
        if found is None:
            return None
        proven = verify_committed(found, NODE_VKEY)
        return proven.leaf, proven.head.size

    assert shown() is None
    leaf(store, 0)
    assert shown() is None
    record.publish(store, committing.LOG, NODE, KEY, now=NOW)
    assert shown() == (0, 3)
    append(store, 4)
    publish(store)
    leaf(store, 1)
    assert shown() == (0, 3)
    record.publish(store, committing.LOG, NODE, KEY, now=NOW)
    assert shown() == (1, 7)


def test_what_a_leaf_hides_opens_with_its_seed(store: Store) -> None:
    append(store, 3)
    publish(store)
    leaf(store, 0)
    with store.read() as tx:
        entry = logs.leaf(tx, committing.LOG, 0)
        found = committing.heads_in(tx, "north", 0)
    assert entry is not None
    node_log.open_leaf(entry, node_log.seed_of(SECRET, 0), found)
