"""Pages of a log: every leaf once, by kind and by moment, each proven; and the way to the root."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import explore, record, tiles, tree
from tearline.log.checkpoint import Checkpoint
from tearline.log.tiles import StoredTree
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import log_kinds, logs
from tearline.store.database import Store, Tx
from tearline.store.schema import open_store

START = parse_timestamp("2026-03-01T00:00:00Z")
HOUR = 3_600_000_000
LOG = "ours/urn:uuid:7d3f1f63-53f3-4b6c-8d53-2f6f0f6c9b01"
SIZE = 1_300
RARE = (3, 4, 700, 1_270)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A log of many leaves of three kinds, one an hour; the rare kind stands in few tiles."""
    made = open_store(tmp_path_factory.mktemp("explore") / "node.db")
    with made.write() as tx:
        for number in range(SIZE):
            kind = "rare" if number in RARE else ("even" if number % 2 == 0 else "odd")
            leaf = record.entry(LOG, kind, [{"kind": kind, "n": number}], None)
            record.append_all(tx, [leaf], at=START + number * HOUR)
            if number == 900:
                tiles.derive(tx, LOG)
        tiles.derive(tx, LOG)
    yield made
    made.close()


def signed(tx: Tx, size: int = SIZE) -> Checkpoint:
    return Checkpoint("north/log/x", size, StoredTree(tx, LOG).root(size))


def walk(store: Store, kind: str | None, since: int, upto: int, count: int) -> list[int]:
    """Every leaf that pages of so many show, one page after the other."""
    found: list[int] = []
    with store.read() as tx:
        head = signed(tx)
        while True:
            rows = explore.page(tx, LOG, head, upto=upto, kind=kind, since=since, count=count)
            found += [each.number for each in rows]
            assert all(each.proven for each in rows)
            if len(rows) < count:
                return found
            upto = rows[-1].number - 1


@given(
    st.sampled_from([None, "rare", "even", "odd", "none"]),
    st.integers(0, SIZE - 1),
    st.integers(0, SIZE - 1),
    st.integers(40, 400),
)
def test_pages_show_every_leaf_that_fits_once_and_in_order(
    store: Store, kind: str | None, since: int, upto: int, count: int
) -> None:
    def fits(number: int) -> bool:
        its = "rare" if number in RARE else ("even" if number % 2 == 0 else "odd")
        return kind in {None, its}

    expected = [number for number in range(upto, since - 1, -1) if fits(number)]
    assert walk(store, kind, since, upto, count) == expected


def test_a_rare_kind_is_found_by_its_tiles_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    leaves = logs.leaves

    def counting(tx: Tx, log: str, begin: int, end: int) -> list[bytes]:
        read.append(end - begin)
        return leaves(tx, log, begin, end)

    monkeypatch.setattr(logs, "leaves", counting)
    assert walk(store, "rare", 0, SIZE - 1, 50) == sorted(RARE, reverse=True)
    assert sum(read) < 4 * tree.TILE_WIDTH


def test_the_kinds_are_told_and_told_again_after_a_rebuild(store: Store) -> None:
    with store.write() as tx:
        before = explore.kinds(tx, LOG)
        told = log_kinds.tiles_told(tx, LOG)
        tiles.rebuild(tx, LOG)
        assert (explore.kinds(tx, LOG), log_kinds.tiles_told(tx, LOG)) == (before, told)
    assert (before, told) == (["even", "odd", "rare"], SIZE // tree.TILE_WIDTH)


@given(st.integers(-2 * HOUR, (SIZE + 2) * HOUR))
def test_a_moment_is_found_by_halving(store: Store, span: int) -> None:
    with store.read() as tx:
        found = explore.first_since(tx, LOG, format_timestamp(START + span, digits=6))
    assert found == min(max(-(-span // HOUR), 0), SIZE)


def test_a_day_is_a_moment_cut_short(store: Store) -> None:
    with store.read() as tx:
        assert explore.first_since(tx, LOG, "2026-03-02") == 24
        assert explore.first_since(tx, LOG, "2026-03-02~") == 48


def test_a_way_leads_to_the_root_and_an_altered_leaf_does_not(store: Store) -> None:
    with store.read() as tx:
        head, entry = signed(tx), logs.leaf(tx, LOG, 700) or b""
        good = explore.way(tx, LOG, 700, entry, head)
        assert (good.holds, good.root, good.steps[-1].result) == (True, head.root, head.root)
        assert not explore.way(tx, LOG, 700, entry[:-1] + b" ", head).holds
        assert not explore.way(tx, LOG, 700, entry, replace(head, root=b"\0" * 32)).holds
        with pytest.raises(ProofError):
            explore.way(tx, LOG, SIZE, entry, head)


def test_what_no_checkpoint_covers_is_neither_proven_nor_wrong(store: Store) -> None:
    with store.read() as tx:
        rows = explore.page(
            tx, LOG, signed(tx, SIZE - 2), upto=SIZE - 1, kind=None, since=0, count=4
        )
        assert [each.proven for each in rows] == [None, None, True, True]
        rows = explore.page(tx, LOG, None, upto=1, kind=None, since=0, count=4)
        assert [each.proven for each in rows] == [None, None]


def test_bytes_of_another_form_are_shown_as_such() -> None:
    assert explore.read_leaf(b"no leaf").kind == "?"
    assert tiles.kind_in(b"no leaf") is None
