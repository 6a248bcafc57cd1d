"""Claims of one source or about one object, however many: a page reads what it shows, each once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from tearline.store import claim_lists, claims, claims_upto
from tearline.store.claim_lists import Chosen
from tearline.store.claims import ASSERTED, DENIED, About, LinkRow, Row
from tearline.store.database import Place, Store, Tx
from tearline.store.schema import open_store
from tests.store.test_plans import nodes, planned, read

NUMBER, LIMIT = 6_000, 50
BUSY, QUIET = "identity--busy", "identity--quiet"
SPOKEN_OF, DOUBTED = "malware--spoken-of", "malware--doubted"


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """Claims of a busy source, every third of which cites it twice; one in a hundred is none.

    All are about one thing and denied by one in five hundred; some are about another, too.
    """
    made = open_store(place)
    with made.write() as tx:
        rows, links, about = [], [], []
        empty = None, None, None, None, None, None, None, None
        for seq in range(1, NUMBER + 1):
            problem = "half a claim" if seq % 100 == 0 else None
            side = DENIED if seq % 500 == 3 else ASSERTED
            denies = f"note--{seq + 1}" if side == DENIED else None
            said = seq, "", f"note--{seq}", side, denies, "reported"
            rows.append(
                Row(*said, *empty, own_judgement=False, problem=problem)._replace(number=0.5)
            )
            chain = [QUIET if seq % 1_000 == 1 else "identity--other", BUSY]
            chain += [BUSY] if seq % 3 == 0 else []
            links += [
                LinkRow(seq, at, each, "relay", unnamed=False) for at, each in enumerate(chain)
            ]
            if problem is None:
                about += [About(seq, SPOKEN_OF, side)]
                about += [About(seq, DOUBTED, side)] if seq % 1_000 in {2, 3} else []
        claims.put(tx, rows, links, about)
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
        nobody = claim_lists.page(tx, Chosen(DENIED, source=QUIET), LIMIT)
    assert walked == [each for each in range(NUMBER, 0, -1) if each % 100]
    assert quiet == [5_001, 4_001, 3_001, 2_001, 1_001, 1]
    assert nobody == []


@pytest.mark.parametrize("before", [None, NUMBER // 2])
def test_a_page_of_a_busy_source_reads_what_it_shows(store: Store, before: int | None) -> None:
    walks(store, Chosen(source=BUSY), before, "claim_link_identity (identity=? AND seq<?)", 6)


def walks(store: Store, chosen: Chosen, before: int | None, by: str, most: int) -> None:
    """A page is a walk along an index, and reads so many rows for each that it shows."""
    query, at = claim_lists._narrowed(claims.ROWS, chosen)  # noqa: SLF001  # its plan
    query = claim_lists._before(query, at, before or 2**62)  # noqa: SLF001
    query = query.order_by(at.desc()).limit(LIMIT)
    with store.read() as tx:
        if store.path is not None:
            steps = planned(tx, query, {})
            assert by in steps[0]
            assert not any("TEMP B-TREE" in each for each in steps)
            return
        assert read(nodes(tx, query, {}, often=False)) <= most * LIMIT


def test_the_claims_about_an_object_are_walked_through(store: Store) -> None:
    walked: list[int] = []
    with store.read() as tx:
        while part := claim_lists.page(
            tx, Chosen(about=SPOKEN_OF), LIMIT, walked[-1] if walked else None
        ):
            walked += [each.seq for each in part]
        assert claim_lists.number(tx, Chosen(about=SPOKEN_OF)) == len(walked)
        denied = claim_lists.page(tx, Chosen(DENIED, about=SPOKEN_OF), LIMIT)
        assert claim_lists.number(tx, Chosen(DENIED, about=SPOKEN_OF)) == len(denied)
        doubted = claim_lists.page(tx, Chosen(about=DOUBTED), 3)
        cited = claim_lists.page(tx, Chosen(source=BUSY, about=DOUBTED), LIMIT)
        nothing = claim_lists.page(tx, Chosen(about=BUSY), LIMIT)
    assert walked == [each for each in range(NUMBER, 0, -1) if each % 100]
    assert [each.seq for each in denied] == list(range(5_503, 0, -500))
    assert {each.polarity for each in denied} == {DENIED}
    assert [each.seq for each in doubted] == [5_003, 5_002, 4_003]
    assert len(cited) == 12
    assert nothing == []


@pytest.mark.parametrize("polarity", [ASSERTED, DENIED])
@pytest.mark.parametrize("before", [None, NUMBER // 2])
def test_a_page_about_a_busy_object_reads_what_it_shows(
    store: Store, polarity: str, before: int | None
) -> None:
    """A rare denial, too: it is not looked for among all that is asserted."""
    index = "claim_about_of (about=? AND polarity=? AND seq<?)"
    walks(store, Chosen(polarity, about=SPOKEN_OF), before, index, 4)


def left(tx: Tx) -> int:
    return tx.execute(select(func.count()).select_from(claims.claim_about)).scalar_one()


def test_what_is_erased_is_about_nothing(store: Store) -> None:
    with store.write() as tx:
        before = left(tx)
        claims.drop(tx, [5_002, 5_003])
        assert [e.seq for e in claim_lists.page(tx, Chosen(about=DOUBTED), 1)] == [4_003]
        assert left(tx) == before - 4
        claims_upto.begin_again(tx)
        assert left(tx) == 0
