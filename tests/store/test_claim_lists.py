"""Claims of one source, however many they are: a page reads what it shows, each claim once."""

from collections.abc import Iterator

import pytest

from tearline.store import claim_lists, claims
from tearline.store.claim_lists import Chosen
from tearline.store.claims import LinkRow, Row
from tearline.store.database import Place, Store
from tearline.store.schema import open_store
from tests.store.test_plans import nodes, planned, read

NUMBER, LIMIT = 6_000, 50
BUSY, QUIET = "identity--busy", "identity--quiet"


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """Claims of a busy source, every third of which cites it twice; one in a hundred is none."""
    made = open_store(place)
    with made.write() as tx:
        rows, links = [], []
        empty = None, None, None, None, None, None, None, None
        for seq in range(1, NUMBER + 1):
            problem = "half a claim" if seq % 100 == 0 else None
            said = seq, "", f"note--{seq}", "asserted", None, "reported"
            rows.append(
                Row(*said, *empty, own_judgement=False, problem=problem)._replace(number=0.5)
            )
            chain = [QUIET if seq % 1_000 == 1 else "identity--other", BUSY]
            chain += [BUSY] if seq % 3 == 0 else []
            links += [
                LinkRow(seq, at, each, "relay", unnamed=False) for at, each in enumerate(chain)
            ]
        claims.put(tx, rows, links)
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("ANALYZE")
    yield made
    made.close()


def test_the_claims_of_a_source_are_walked_through(store: Store) -> None:
    walked: list[int] = []
    with store.read() as tx:
        while part := claim_lists.page(
            tx, Chosen(source=BUSY), LIMIT, walked[-1] if walked else None
        ):
            walked += [each.seq for each in part]
        assert claim_lists.number(tx, Chosen(source=BUSY)) == len(walked)
        quiet = [each.seq for each in claim_lists.page(tx, Chosen(source=QUIET), LIMIT)]
        nobody = claim_lists.page(tx, Chosen(polarity="denied", source=BUSY), LIMIT)
    assert walked == [each for each in range(NUMBER, 0, -1) if each % 100]
    assert quiet == [5_001, 4_001, 3_001, 2_001, 1_001, 1]
    assert nobody == []


@pytest.mark.parametrize("before", [None, NUMBER // 2])
def test_a_page_of_a_busy_source_reads_what_it_shows(store: Store, before: int | None) -> None:
    query, at = claim_lists._narrowed(claims.ROWS, Chosen(source=BUSY))  # noqa: SLF001  # its plan
    query = claim_lists._before(query, at, before or 2**62)  # noqa: SLF001
    query = query.order_by(at.desc()).limit(LIMIT)
    with store.read() as tx:
        if store.path is not None:
            steps = planned(tx, query, {})
            assert "claim_link_identity (identity=? AND seq<?)" in steps[0]
            assert not any("TEMP B-TREE" in each for each in steps)
            return
        assert read(nodes(tx, query, {}, often=False)) <= 6 * LIMIT
