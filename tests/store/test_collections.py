"""Local collections in the store: places, pages, and what a planner makes of them."""

import re
from collections.abc import Callable, Iterator
from itertools import count, product

import pytest

from tearline.release.indexing import index
from tearline.store import collections, objects
from tearline.store.collections import EVERY, Collection, Member, Which
from tearline.store.database import Place, Store
from tearline.store.objects import OURS, NewVersion, Version
from tearline.store.schema import open_store
from tests.pair import as_object, sdo

FEED = Collection(0, "0b8a4d4c-5b1f-4a52-8f0e-3a4d7a4f0a11", "feed", "Feed", "", 1, None, 0)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """One collection of thirty objects, each third a malware, the others tools."""
    store = open_store(place)
    with store.write() as tx:
        number = collections.add_collection(tx, FEED).number
        new = [_new(f"thing {each}", "tool" if each % 3 else "malware") for each in range(30)]
        seqs = objects.keep(tx, OURS, new)
        collections.append(
            tx, number, [_member(*each) for each in zip(count(), new, seqs, strict=False)]
        )
    yield store
    store.close()


def _new(name: str, type_: str) -> NewVersion:
    found = index(as_object(sdo(type_, name)))
    version = Version(
        0, found.id, 7, type_, 1, 1, 0, revoked=False, latest=True, hash=found.hash, source="test"
    )
    return NewVersion(version, found.raw, (), [], [])


def _member(place: int, new: NewVersion, seq: int) -> Member:
    of = new.version.stix_id, new.version.type
    return Member(100 + place, *of, 7, "7", seq, earliest=True, latest=True)


def test_a_collection_is_found_by_name_and_keeps_its_number(store: Store) -> None:
    with store.write() as tx:
        other = collections.add_collection(tx, FEED._replace(id="other", name="other"))
        found = collections.collection_named(tx, "feed")
        assert found == FEED._replace(number=1, last_at=129)
        assert collections.collections(tx) == [found, other]
        assert collections.locked(tx, other.number) == other
        assert collections.collection_named(tx, "nothing") is None
        assert collections.count_of(tx, 1) == 30


def test_pages_follow_the_moments_and_give_the_bytes(store: Store) -> None:
    with store.read() as tx:
        found = collections.page(tx, 1, after=0, limit=100)
        held = objects.raw_of(tx, range(1, 31))
        assert found == [(100 + place, held[place + 1]) for place in range(30)]
        assert collections.page(tx, 1, after=110, limit=3) == found[11:14]
        assert collections.page(tx, 1, after=129, limit=3) == []
        assert collections.page(tx, 2, after=0, limit=3) == []
        listed = collections.listing(tx, 1, after=110, limit=3)
        assert [each.at for each in listed] == [111, 112, 113]
        span = collections.between(tx, 1, 111, 112)
        assert span == [(each.stix_id, "7") for each in listed[:2]]


def test_filters_narrow_a_page(store: Store) -> None:
    with store.write() as tx:
        some = collections.listing(tx, 1, after=0, limit=6)
        collections.mark(tx, 1, [each._replace(latest=False) for each in some[:2]])
        collections.mark(tx, 1, [each._replace(earliest=False) for each in some[2:4]])

        def ats(which: Which, type_: str | None = None) -> list[int]:
            listed = collections.listing(tx, 1, after=0, limit=6, which=which, type=type_)
            paged = collections.page(tx, 1, after=0, limit=6, which=which, type=type_)
            assert [each.at for each in listed] == [at for at, _ in paged]
            assert all(which.meets(each) for each in listed)
            return [each.at for each in listed]

        assert ats(EVERY) == [100, 101, 102, 103, 104, 105]
        assert ats(EVERY, "malware") == [100, 103, 106, 109, 112, 115]
        assert ats(Which(latest=True)) == [102, 103, 104, 105, 106, 107]
        assert ats(Which(latest=True), "malware") == [103, 106, 109, 112, 115, 118]
        assert ats(Which(earliest=True)) == [100, 101, 104, 105, 106, 107]
        assert ats(Which(latest=True, earliest=True)) == [100, 101, 102, 103, 104, 105]
        assert ats(Which(stamps=(7,))) == [100, 101, 102, 103, 104, 105]
        assert ats(Which(stamps=(8,))) == []
        assert ats(Which(stamps=(8,), latest=True), "tool") == [102, 104, 105, 107, 108, 110]


def test_members_are_found_by_id_and_dropped(store: Store) -> None:
    with store.write() as tx:
        first, second = collections.listing(tx, 1, after=0, limit=2)
        ids = [first.stix_id, second.stix_id, "tool--none"]
        assert sorted(collections.members(tx, 1, ids)) == [first, second]
        collections.drop(tx, 1, [first], at=200)
        assert collections.head_of(tx, 1) == (200, None)
        assert collections.members(tx, 1, ids) == [second]
        collections.end_collection(tx, 1, at=500)
        assert collections.members(tx, 1, ids) == []
        assert collections.collection_named(tx, "feed") == FEED._replace(
            number=1, last_at=200, ended_at=500, changes=1
        )
        assert len(objects.raw_of(tx, range(1, 31))) == 30


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store in a file, with nothing in it: a planner has only the indexes to go by."""
    store = open_store(tmp_path_factory.mktemp("empty") / "node.db")
    yield store
    store.close()


TYPED = "USING COVERING INDEX collected_type (collection=? AND type=? AND at>?)"
WHOLE = "USING PRIMARY KEY (collection=? AND at>?)"


@pytest.mark.parametrize("of", list(product([True, False], repeat=3)))
@pytest.mark.parametrize("wanted", [WHOLE, TYPED])
@pytest.mark.parametrize("build", [collections._page, collections._listing])  # noqa: SLF001  # plans
def test_sqlite_walks_an_index_and_sorts_nothing(
    empty: Store, build: Callable[..., object], wanted: str, of: tuple[bool, ...]
) -> None:
    """Without the columns that it covers, the index is left for a walk over everything."""
    statement = build(wanted == TYPED, *of, *[False])
    text = re.sub(r":\w+", "1", str(statement))
    with empty.read() as tx:
        plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert any(f"SEARCH collected {wanted}" in each for each in plan), plan
    assert not any("TEMP B-TREE" in each or "SCAN collected" in each for each in plan), plan
    assert not any("SCAN object_raw" in each for each in plan), plan
