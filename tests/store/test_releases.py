from collections.abc import Iterator

import pytest

from tearline.store import releases
from tearline.store.database import Place, Store
from tearline.store.releases import Release
from tearline.store.schema import open_store

HERE = "urn:uuid:7d3f1f63-53f3-4b6c-8d53-2f6f0f6c9b01"
FOREVER = 2**62


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def fill(store: Store, count: int, agreement_id: str = HERE) -> None:
    """Release objects at positions 1 to count and moments 10, 20, 30 ..."""
    rows = [
        Release(
            position=at,
            delivered_id=f"malware--{at}",
            type="malware" if at % 2 else "tool",
            version="",
            at=at * 10,
            until_at=FOREVER,
            hash="",
            basis="",
            seq=None,
            cut_raw=b"{}",
            leaf=0,
            item=0,
            live=True,
        )
        for at in range(1, count + 1)
    ]
    with store.write() as tx:
        releases.add_releases(tx, agreement_id, rows)


def test_positions_and_moments_rise_together(store: Store) -> None:
    fill(store, 5)
    with store.read() as tx:
        found = [releases.position_at(tx, HERE, at) for at in (0, 9, 10, 19, 20, 50, 10**9)]
    assert found == [0, 0, 1, 1, 2, 5, 5]


def test_a_page_after_a_moment_is_a_page_after_its_position(store: Store) -> None:
    fill(store, 9)
    fill(store, 9, "urn:uuid:another")
    with store.read() as tx:
        for at in range(0, 100, 5):
            start = releases.position_at(tx, HERE, at)
            assert releases.page(tx, HERE, after=start, now=0, limit=99) == releases.page(
                tx, HERE, after=0, now=0, limit=99, added_after=at
            )
