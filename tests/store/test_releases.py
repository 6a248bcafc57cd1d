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


@pytest.mark.parametrize("ids", [(), ("malware--3",)])
@pytest.mark.parametrize("types", [(), ("malware", "tool")])
def test_no_page_sorts_what_it_reads(
    store: Store, ids: tuple[str, ...], types: tuple[str, ...]
) -> None:
    """A page that collects and sorts takes longer the more was released: 200 times at a million."""
    if store.path is None:
        pytest.skip("the plans of PostgreSQL hang on how much there is: test_plans")
    fill(store, 9)
    query = releases._page(bool(ids), bool(types), False)  # noqa: FBT003, SLF001  # its plan
    values = {"id": HERE, "after": 0, "now": 0, "limit": 5, "ids": list(ids), "types": list(types)}
    text = str(query.params(values).compile(compile_kwargs={"literal_binds": True}))
    with store.read() as tx:
        plan = [str(row[-1]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert plan[0].startswith("SEARCH release USING INDEX")
    assert ids or not any("TEMP B-TREE" in step for step in plan)
