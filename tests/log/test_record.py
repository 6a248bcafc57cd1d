"""Appending, publishing without ever showing two histories, and the guard outside the store."""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tearline.errors import MisuseError, ProofError
from tearline.log import record, tree
from tearline.log.checkpoint import open_checkpoint
from tearline.log.verify import Opening, check_openings, parse_leaf, verify_folder
from tearline.store import logs
from tearline.store.database import Store
from tests.log.made_log import (
    AGREEMENT,
    AGREEMENT_ID,
    COPY,
    KEY,
    LOG,
    NOW,
    ORIGIN,
    OTHER_KEY,
    OTHER_VKEY,
    VKEY,
    append,
    folder_of,
    made_store,
    new_store,
    publish,
    release,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with made_store(tmp_path / "node.db") as store:
        yield store


def _file(store: Store) -> Path:
    assert store.path is not None
    return store.path


def _sql(store: Store, statement: str) -> None:
    """Change the store behind the program's back."""
    connection = sqlite3.connect(_file(store))
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


# -------------------------------------------------------------------------------------- append


def test_names_and_origins() -> None:
    assert record.our_log(AGREEMENT_ID) == f"ours/{AGREEMENT_ID}"
    assert record.their_log(AGREEMENT_ID) == f"theirs/{AGREEMENT_ID}"
    assert record.origin_of("north", AGREEMENT_ID).startswith("north/log/0b9f6f0e-")
    assert record.origin_of("north") == "north/log/private"


def test_a_leaf_says_kind_count_moment_and_agreement_and_nothing_else(store: Store) -> None:
    append(store, 2, items=3)
    with store.read() as tx:
        entry = logs.leaf(tx, LOG, 1)
    assert entry is not None
    value = json.loads(entry)
    root = value.pop("root")
    assert len(bytes.fromhex(root)) == 32
    assert value == {
        "v": 1,
        "kind": "release",
        "at": "2026-01-01T00:00:00.000001Z",
        "count": 3,
        "agreement": AGREEMENT,
    }


def test_equal_records_have_different_commitments(store: Store) -> None:
    with store.write() as tx:
        for _ in range(2):
            record.append(tx, LOG, "release", [release(1)] * 2, at=NOW, agreement=None)
    with store.read() as tx:
        rows = logs.records(tx, LOG, 0, 2)
    assert len({record.commitment(salt, text) for _, _, salt, text in rows}) == 4


def test_append_and_the_rest_of_the_transaction_are_one(store: Store) -> None:
    append(store, 1)

    def act() -> None:
        with store.write() as tx:
            assert record.append(tx, LOG, "release", [release(1)], at=NOW, agreement=None) == 1
            raise KeyError

    with pytest.raises(KeyError):
        act()
    with store.read() as tx:
        assert logs.head(tx, LOG).size == 1
        assert len(logs.records(tx, LOG, 0, 9)) == 1


def test_logs_are_apart(store: Store) -> None:
    append(store, 3)
    append(store, 2, log=record.PRIVATE)
    with store.read() as tx:
        assert [logs.head(tx, log).size for log in (LOG, "private", "ours/x")] == [3, 2, 0]
        assert logs.names(tx) == [LOG, "private"]


@pytest.mark.parametrize(
    ("log", "kind", "records", "agreement"),
    [
        (COPY, "release", [{}], None),
        (LOG, "release", [], None),
        (LOG, "Release", [{}], None),
        (LOG, "", [{}], None),
        (LOG, "release", [{}], "sha256:1"),
        (LOG, "release", [{}], AGREEMENT_ID),
    ],
)
def test_what_makes_no_leaf_is_refused(
    store: Store, log: str, kind: str, records: list[dict[str, Any]], agreement: str | None
) -> None:
    with store.write() as tx, pytest.raises(MisuseError):
        record.append(tx, log, kind, records, at=NOW, agreement=agreement)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(-9, 9)), min_size=1))
def test_what_is_appended_opens_its_leaf(store: Store, records: list[dict[str, Any]]) -> None:
    with store.write() as tx:
        index = record.append(tx, LOG, "import", records, at=NOW, agreement=None)
        entry = logs.leaf(tx, LOG, index)
        rows = [Opening(*row) for row in logs.records(tx, LOG, index, index + 1)]
    assert entry is not None
    check_openings(parse_leaf(entry), rows)
    assert [json.loads(row.record) for row in rows] == records


# ------------------------------------------------------------------------------------- publish


def test_each_checkpoint_is_of_the_log_as_it_is(store: Store) -> None:
    hashes: list[bytes] = []
    for count in (0, 1, 254, 1, 1, 255, 1):
        append(store, count)
        opened = open_checkpoint(publish(store), VKEY, ORIGIN)
        with store.read() as tx:
            hashes = logs.hashes(tx, LOG, 0, 0, 10**6)
        assert (opened.size, opened.root) == (len(hashes), tree.root(hashes))
    assert len(hashes) == 513


def test_nothing_new_is_signed_when_nothing_was_appended(store: Store, tmp_path: Path) -> None:
    append(store, 3)
    guard = tmp_path / "guard.txt"
    note = publish(store, guard=guard)
    before = guard.stat().st_ino
    assert publish(store, guard=guard) == note
    assert guard.stat().st_ino == before
    guard.unlink()
    assert publish(store, guard=guard) == note
    assert guard.read_text("utf-8") == note


def test_a_partners_log_is_not_ours_to_sign(store: Store) -> None:
    with pytest.raises(MisuseError):
        record.publish(store, COPY, ORIGIN, KEY, now=NOW)


@pytest.mark.parametrize("size", [3, 300, 513])
@pytest.mark.parametrize("guarded", [True, False])
def test_history_that_was_altered_is_not_signed_again(
    store: Store, tmp_path: Path, size: int, *, guarded: bool
) -> None:
    options = {"guard": tmp_path / "guard.txt"} if guarded else {}
    append(store, size)
    note = publish(store, **options)
    _sql(store, f"UPDATE log_leaf SET leaf_hash = zeroblob(32) WHERE idx = {size - 1}")
    append(store, 1)
    with pytest.raises(ProofError, match="not those that were signed"):
        publish(store, **options)
    with store.read() as tx:
        assert logs.last_checkpoint(tx, LOG) == (size, note, NOW)
    if guarded:
        assert options["guard"].read_text("utf-8") == note


def test_an_altered_tile_root_is_not_signed(store: Store) -> None:
    append(store, 300)
    publish(store)
    _sql(store, "UPDATE log_tile SET hash = zeroblob(32) WHERE level = 1 AND idx = 0")
    append(store, 1)
    with pytest.raises(ProofError, match="not those that were signed"):
        publish(store)


def test_a_log_that_lost_leaves_is_not_signed(store: Store) -> None:
    append(store, 5)
    publish(store)
    _sql(store, "DELETE FROM log_leaf WHERE idx = 4")
    _sql(store, "DELETE FROM log_record WHERE idx = 4")
    _sql(store, "UPDATE log_head SET size = 4")
    with pytest.raises(ProofError, match="5 were signed before"):
        publish(store)
    append(store, 2)
    with pytest.raises(ProofError, match="not those that were signed"):
        publish(store)


@pytest.mark.parametrize("place", [0, 255, 300, 598, 599])
def test_a_hole_in_the_log_is_named(store: Store, place: int) -> None:
    append(store, 600)
    _sql(store, f"DELETE FROM log_leaf WHERE idx = {place}")
    with pytest.raises(ProofError, match="lacks hashes"):
        publish(store)


@pytest.mark.parametrize("added", [0, 1, 2, 300])
def test_a_restored_backup_is_not_signed(store: Store, tmp_path: Path, added: int) -> None:
    """The store is put back to 3 leaves after 5 were signed, then written on."""
    guard = tmp_path / "checkpoints" / f"{LOG}.txt"
    append(store, 3)
    publish(store, guard=guard)
    backup = sqlite3.connect(tmp_path / "backup.db")
    with sqlite3.connect(_file(store)) as live:
        live.backup(backup)
    live.close()
    backup.close()
    append(store, 2)
    note = publish(store, guard=guard)
    store.close()
    for name in ("node.db-wal", "node.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "backup.db").replace(_file(store))
    restored = Store(_file(store))
    try:
        append(restored, added)
        with pytest.raises(ProofError, match=r"restored backup"):
            publish(restored, guard=guard)
        assert guard.read_text("utf-8") == note
    finally:
        restored.close()


def test_a_crash_between_guard_and_store_is_healed(store: Store, tmp_path: Path) -> None:
    guard = tmp_path / "guard.txt"
    append(store, 5)
    note = publish(store, guard=guard)
    _sql(store, "DELETE FROM log_checkpoint")
    append(store, 1)
    publish(store, guard=guard)
    assert guard.read_text("utf-8") != note
    with store.read() as tx:
        signed = logs.last_checkpoint(tx, LOG)
    assert signed is not None
    assert signed.size == 6


@pytest.mark.parametrize("content", [b"hello\n", b"\xff", b"\n\n"])
def test_a_guard_that_is_no_checkpoint_stops_signing(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "guard.txt").write_bytes(content)
    append(store, 1)
    with pytest.raises(ProofError):
        publish(store, guard=tmp_path / "guard.txt")


def test_another_key_does_not_go_on_where_ours_stopped(store: Store) -> None:
    append(store, 1)
    publish(store)
    append(store, 1)
    with pytest.raises(ProofError, match="no signature"):
        record.publish(store, LOG, ORIGIN, OTHER_KEY, now=NOW)


def test_the_guard_is_on_disk_before_the_checkpoint_is_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(store, 1)
    synced: list[int] = []
    fsync = os.fsync

    def sync(file: int) -> None:
        synced.append(file)
        fsync(file)

    monkeypatch.setattr(os, "fsync", sync)

    def fail(*_: object, **__: object) -> None:
        assert len(synced) == 2
        raise KeyError

    monkeypatch.setattr(logs, "add_checkpoint", fail)
    with pytest.raises(KeyError):
        publish(store, guard=tmp_path / "guard.txt")
    assert "north/log" in (tmp_path / "guard.txt").read_text("utf-8")


def test_two_publishers_sign_one_history(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 4)
        other = Store(_file(store))
        assert publish(store) == publish(other)
        append(other, 4)
        assert publish(other) == publish(store)
        other.close()


def test_publishing_reads_few_hashes_of_a_long_log(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as tx:
        digests = [tree.leaf_hash(b"%d" % number) for number in range(70_000)]
        logs.add_leaves(tx, LOG, [(b"x", digest) for digest in digests], at=NOW)
    publish(store)
    append(store, 1)
    read: list[int] = []
    hashes = logs.hashes

    def counted(*arguments: Any) -> list[bytes]:  # noqa: ANN401
        found = hashes(*arguments)
        read.append(len(found))
        return found

    monkeypatch.setattr(logs, "hashes", counted)
    publish(store)
    assert sum(read) < 1000


# ------------------------------------------------------------------------------------ receipts


def _receipt(store: Store, index: int, item: int = 0, **options: str) -> dict[str, Any]:
    with store.read() as tx:
        given = {"origin": ORIGIN, "vkey": VKEY, **options}
        return record.receipt(tx, LOG, index, item, **given)


def test_no_receipt_before_the_checkpoint(store: Store) -> None:
    append(store, 1)
    with pytest.raises(ProofError, match="No checkpoint covers"):
        _receipt(store, 0)
    publish(store)
    append(store, 1)
    assert "\nindex 0\n" in _receipt(store, 0)["proof"]
    for index in (1, 2):
        with pytest.raises(ProofError, match="No checkpoint covers"):
            _receipt(store, index)


def test_no_receipt_for_what_is_not_there_or_was_altered(store: Store) -> None:
    append(store, 2, items=2)
    publish(store)
    for item in (-1, 2):
        with pytest.raises(ProofError, match="not held here"):
            _receipt(store, 0, item)
    with pytest.raises(MisuseError):
        _receipt(store, 0, origin="north/log/private")
    with pytest.raises(ProofError):
        _receipt(store, 0, vkey=OTHER_VKEY)
    _sql(store, "UPDATE log_record SET record = X'7b7d' WHERE idx = 0 AND item = 1")
    with pytest.raises(ProofError):
        _receipt(store, 0, 0)
    assert _receipt(store, 1, 1)["item"]["index"] == 1


def test_a_rebuilt_store_gives_the_same_log(tmp_path: Path) -> None:
    """Tiles and checkpoints are derived: the leaves alone bring them back."""
    first = new_store(tmp_path / "a.db")
    append(first, 300)
    note = publish(first)
    _sql(first, "DELETE FROM log_tile")
    _sql(first, "DELETE FROM log_checkpoint")
    assert publish(first) == note
    assert verify_folder(folder_of(first, tmp_path / "log"), VKEY).problems == []
    first.close()
