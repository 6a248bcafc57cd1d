"""Lists over several agreements: every row once, the last first, however many share a moment."""

from collections.abc import Iterator

import pytest

from tearline.store import recalls, received
from tearline.store.database import Place as StorePlace
from tearline.store.database import Store
from tearline.store.recalls import Some
from tearline.store.received import Received
from tearline.store.schema import open_store
from tearline.store.walking import Place

ONE, TWO, THREE = (f"urn:uuid:0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))
UNDER = (ONE, TWO, THREE)
NUMBER, PART = 1_000, 70


@pytest.fixture
def store(place: StorePlace) -> Iterator[Store]:
    made = open_store(place)
    with made.write() as tx:
        for agreement_id in UNDER:
            rows = [
                Received(f"sha256:{n:064x}", f"tool--{n}", b"{}", "", state, "[]", n // 200)
                for n in range(NUMBER)
                for state in ("quarantined" if n % 2 else "accepted",)
            ]
            received.stage(tx, agreement_id, rows)
            ordered = [(n, f"tool--{n}", "held", n // 200) for n in range(NUMBER)]
            recalls.add_recalls(tx, agreement_id, ordered)
            recalls.acknowledge_recalls(tx, agreement_id, range(0, NUMBER, 4), "{}", 9)
    yield made
    made.close()


def test_what_is_in_quarantine_is_walked_through(store: Store) -> None:
    walked: list[tuple[int, str, str]] = []
    with store.read() as tx:
        while True:
            before = Place(*walked[-1]) if walked else None
            part = received.quarantined(tx, UNDER, PART, before)
            walked += [(row.at, agreement_id, row.hash) for agreement_id, row in part]
            assert all(row.raw is None for _, row in part)
            if len(part) < PART:
                break
        numbers = received.quarantined_numbers(tx, [*UNDER, "urn:uuid:none"], 10_001)
        assert numbers == {**dict.fromkeys(UNDER, NUMBER // 2), "urn:uuid:none": 0}
        assert received.quarantined_numbers(tx, [TWO], 7) == {TWO: 7}
        assert received.usable_numbers(tx, UNDER, 0, 10_001)[TWO] + NUMBER // 2 == NUMBER
        assert [each for each, _ in received.quarantined(tx, [TWO], 3)] == [TWO] * 3
    assert walked == sorted(walked, reverse=True)
    assert len(set(walked)) == len(walked) == len(UNDER) * NUMBER // 2


@pytest.mark.parametrize(
    ("which", "number"),
    [
        ([Some(each, answered=True) for each in UNDER], 750),
        ([Some(each, answered=False) for each in UNDER], 2_250),
        ([Some(each, answered=done) for each in UNDER for done in (True, False)], 3_000),
        ([Some(ONE, answered=False, until_at=1), Some(TWO, answered=False, after_at=3)], 450),
    ],
)
def test_recalls_are_walked_through(store: Store, which: list[Some], number: int) -> None:
    walked: list[tuple[int, str, int]] = []
    with store.read() as tx:
        while True:
            before = Place(*walked[-1]) if walked else None
            part = recalls.newest(tx, which, PART, before)
            walked += [(row[4], row[0], row[1]) for row in part]
            if len(part) < PART:
                break
        assert sum(recalls.number(tx, each, 10_001) for each in which) == number
        assert recalls.open_numbers(tx, [TWO], 10_001) == {TWO: NUMBER * 3 // 4}
        assert recalls.number(tx, which[0], 5) == 5
        assert (recalls.receipt_of(tx, ONE, 4), recalls.receipt_of(tx, ONE, 5)) == ("{}", None)
    assert walked == sorted(walked, reverse=True)
    assert len(set(walked)) == len(walked) == number
