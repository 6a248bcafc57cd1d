"""Log rows: order, ranges, whole leaves, and what is never replaced."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from tearline.store import logs
from tearline.store.database import Place, Store
from tearline.store.schema import open_store


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def test_leaves_come_in_order_and_the_head_follows(store: Store) -> None:
    with store.write() as tx:
        assert logs.head(tx, "a") == (0, 0)
        assert logs.add_leaves(tx, "a", [(b"0", b"h0"), (b"1", b"h1")], at=5) == 0
        assert logs.add_leaves(tx, "b", [(b"other", b"h")], at=6) == 0
        assert logs.add_leaves(tx, "a", [(b"2", b"h2")], at=7) == 2
    with store.read() as tx:
        assert logs.head(tx, "a") == (3, 7)
        assert logs.leaves(tx, "a", 1, 9) == [b"1", b"2"]
        assert logs.leaf(tx, "a", 2) == b"2"
        assert logs.leaf(tx, "a", 3) is None
        assert logs.hashes(tx, "a", 0, 0, 2) == [b"h0", b"h1"]
        assert logs.names(tx) == ["a", "b"]


def test_a_leaf_is_never_replaced(store: Store) -> None:
    with store.write() as tx:
        logs.add_leaves(tx, "a", [(b"0", b"h0")], at=5)
        tx.exec_driver_sql("UPDATE log_head SET size = 0")
    with pytest.raises(IntegrityError), store.write() as tx:
        logs.add_leaves(tx, "a", [(b"x", b"hx")], at=5)


def test_tiles_count_from_zero(store: Store) -> None:
    with store.write() as tx:
        assert logs.tile_count(tx, "a", 1) == 0
        logs.add_tiles(tx, "a", 1, 0, [(b"t0", b"i0"), (b"t1", b"i1")])
        logs.add_tiles(tx, "a", 2, 0, [(b"u0", b"j0")])
        logs.add_tiles(tx, "a", 1, 2, [(b"t2", b"i2")])
        assert [logs.tile_count(tx, "a", level) for level in (1, 2, 3)] == [3, 1, 0]
        assert logs.hashes(tx, "a", 1, 1, 9) == [b"t1", b"t2"]


def _rows(*counts: int) -> list[logs.OpenedRow]:
    return [
        (leaf, item, b"s", b"%d.%d" % (leaf, item))
        for leaf, count in enumerate(counts)
        for item in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 100])
def test_records_after_a_leaf_are_whole_leaves(store: Store, count: int) -> None:
    rows = _rows(3, 0, 1, 4, 2)
    with store.write() as tx:
        logs.add_leaves(tx, "a", [(b"", b"")] * 5, at=5)
        logs.add_records(tx, "a", rows[::-1])
        found: list[logs.OpenedRow] = []
        last = -1
        while page := logs.records_after(tx, "a", last, count=count):
            leaves = {row[0] for row in page}
            assert page == [row for row in rows if row[0] in leaves]
            found += page
            last = page[-1][0]
        assert found == rows
        assert logs.records(tx, "a", 3, 4) == rows[4:8]
        assert logs.records_after(tx, "b", -1) == []


def test_a_record_that_is_there_stays(store: Store) -> None:
    with store.write() as tx:
        logs.add_records(tx, "a", [(0, 0, b"s", b"first")])
        logs.add_records(tx, "a", [(0, 0, b"s", b"second"), (0, 1, b"s", b"more")])
        assert [row[3] for row in logs.records(tx, "a", 0, 1)] == [b"first", b"more"]


def test_the_first_checkpoint_of_a_size_stays_and_the_largest_leads(store: Store) -> None:
    with store.write() as tx:
        assert logs.last_checkpoint(tx, "a") is None
        for size, note in ((9, "nine"), (10, "ten"), (3, "three"), (10, "again")):
            logs.add_checkpoint(tx, "a", size, note, at=1)
        logs.add_checkpoint(tx, "b", 99, "other", at=1)
        assert logs.last_checkpoint(tx, "a") == (10, "ten", 1)
        assert logs.checkpoint_at(tx, "a", 4) == (9, "nine", 1)
        assert logs.checkpoint_at(tx, "a", 11) is None
