"""Stored tiles against the pure tree, and folders against a writer of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import tiles, tree
from tearline.log.tiles import StoredTree
from tearline.log.tree import Tile
from tearline.log.verify import verify_folder, verify_growth
from tearline.store import logs
from tearline.store.database import Store, Tx
from tests.log.made_log import (
    LOG,
    NOW,
    VKEY,
    append,
    entry,
    folder_of,
    made_store,
    note,
    publish,
    write_log,
)

LONG = 66_000


@pytest.fixture(scope="module")
def leaf_hashes() -> list[bytes]:
    return [tree.leaf_hash(entry(number)) for number in range(LONG)]


@pytest.fixture(scope="module")
def long_store(
    tmp_path_factory: pytest.TempPathFactory, leaf_hashes: list[bytes]
) -> Iterator[Store]:
    with made_store(tmp_path_factory.mktemp("long") / "a.db") as store:
        with store.write() as tx:
            leaves = [(entry(number), digest) for number, digest in enumerate(leaf_hashes)]
            logs.add_leaves(tx, LOG, leaves, at=NOW)
            tiles.derive(tx, LOG)
            logs.add_checkpoint(tx, LOG, LONG, note(leaf_hashes), at=NOW)
        yield store


SIZES = st.sampled_from([1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, LONG])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=SIZES | st.integers(1, LONG), place=st.integers(0, LONG - 1))
def test_stored_proofs_are_those_of_the_tree(
    long_store: Store, leaf_hashes: list[bytes], size: int, place: int
) -> None:
    index = place % size
    with long_store.read() as tx:
        stored = StoredTree(tx, LOG)
        root = stored.root(size)
        inclusion = stored.inclusion_proof(index, size)
        consistency = stored.consistency_proof(index + 1, size)
    assert root == tree.root(leaf_hashes[:size])
    assert inclusion == tree.inclusion_proof(leaf_hashes, index, size)
    old_root = tree.root(leaf_hashes[: index + 1])
    tree.verify_consistency(index + 1, size, old_root, root, consistency)


def test_proofs_do_not_need_the_derived_tiles(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 600)
        with store.read() as tx:
            before = StoredTree(tx, LOG).root(600)
            assert logs.tile_count(tx, LOG, 1) == 0
        publish(store)
        with store.read() as tx:
            assert logs.tile_count(tx, LOG, 1) == 2
            assert StoredTree(tx, LOG).root(600) == before


def _prove(tx: Tx, index: int) -> None:
    """Make the proof of a leaf, and check it."""
    stored, leaf = StoredTree(tx, LOG), logs.hashes(tx, LOG, 0, index, index + 1)[0]
    tree.verify_inclusion(leaf, index, 600, stored.inclusion_proof(index, 600), stored.root(600))


def test_hashes_within_a_tile_that_were_altered_prove_nothing(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 600)
        publish(store)
        with store.read() as tx:
            true = StoredTree(tx, LOG).inclusion_proof(5, 600)
        for altered in ("zeroblob(512)", "zeroblob(31)"):
            with store.write() as tx:
                tx.exec_driver_sql(f"UPDATE log_tile SET within = {altered}")
            with store.read() as tx, pytest.raises(ProofError):
                _prove(tx, 5)
        with store.write() as tx:
            tiles.rebuild(tx, LOG)
        with store.read() as tx:
            assert StoredTree(tx, LOG).inclusion_proof(5, 600) == true


def test_deriving_by_steps_equals_deriving_at_once(tmp_path: Path) -> None:
    rows = []
    for name, steps in (("a", [700]), ("b", [100, 156, 1, 255, 188])):
        with made_store(tmp_path / f"{name}.db") as store, store.write() as tx:
            done = 0
            for step in steps:
                leaves = [tree.leaf_hash(entry(done + place)) for place in range(step)]
                logs.add_leaves(tx, LOG, [(b"", digest) for digest in leaves], at=NOW)
                tiles.derive(tx, LOG)
                done += step
            rows.append(logs.hashes(tx, LOG, 1, 0, 100))
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2


def _files(directory: Path) -> dict[str, bytes]:
    paths = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("size", [0, 1, 256, 300, 513, LONG])
def test_a_folder_is_what_the_specification_says(
    tmp_path: Path, leaf_hashes: list[bytes], size: int
) -> None:
    with made_store(tmp_path / "a.db") as store:
        with store.write() as tx:
            leaves = [(entry(number), leaf_hashes[number]) for number in range(size)]
            logs.add_leaves(tx, LOG, leaves, at=NOW)
        publish(store)
        written = folder_of(store, tmp_path / "log", with_records=False)
    expected = write_log(tmp_path / "expected", [entry(number) for number in range(size)])
    assert _files(written) == _files(expected)


def test_a_folder_with_records_verifies_and_grows_in_place(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 260, items=5)
        publish(store)
        append(store, 3)
        old = folder_of(store, tmp_path / "old")
        verdict = verify_folder(old, VKEY)
        assert (verdict.problems, verdict.size, verdict.records) == ([], 260, 1300)
        publish(store)
        new = folder_of(store, tmp_path / "new")
        assert verify_growth(old, new, VKEY).problems == []
        folder_of(store, old)
        verdict = verify_folder(old, VKEY)
        assert (verdict.problems, verdict.size, verdict.records) == ([], 263, 1303)


def test_there_is_no_folder_before_the_first_checkpoint(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 1)
        with pytest.raises(ProofError, match="no signed checkpoint"):
            folder_of(store, tmp_path / "log")


def test_only_what_is_signed_is_served(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 300)
        publish(store)
        append(store, 300)
        with store.read() as tx:
            for tile in (Tile(None, 0), Tile(None, 1, 44), Tile(0, 1, 10), Tile(1, 0, 1)):
                assert tiles.read_tile(tx, LOG, tile), tile
            for tile in (Tile(None, 1), Tile(None, 1, 45), Tile(1, 0, 2), Tile(2, 0, 1)):
                assert tiles.read_tile(tx, LOG, tile) is None, tile
            assert tiles.read_tile(tx, "ours/other", Tile(None, 0)) is None


def test_a_durable_write_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    for data in (b"one", b"two"):
        tiles.write_durably(path, data)
        assert path.read_bytes() == data
    assert [one.name for one in path.parent.iterdir()] == ["file"]
