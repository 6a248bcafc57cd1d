from collections.abc import Iterator

import pytest

from tearline.store import jobs
from tearline.store.database import Place, Store
from tearline.store.schema import open_store

SPAN = 10


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def take(store: Store, holder: str, now: int) -> bool:
    with store.write() as tx:
        return jobs.take(tx, "carry", holder, now=now, span_us=SPAN)


def test_one_holds_a_lease_until_its_time_is_up(store: Store) -> None:
    assert take(store, "a", 100)
    assert not take(store, "b", 109)
    assert take(store, "b", 110)
    assert not take(store, "a", 111)


def test_the_holder_renews(store: Store) -> None:
    assert take(store, "a", 100)
    assert take(store, "a", 105)
    assert not take(store, "b", 114)


def test_given_back_it_is_free_and_only_the_holder_gives_it_back(store: Store) -> None:
    take(store, "a", 100)
    with store.write() as tx:
        jobs.give_back(tx, "carry", "b")
    assert not take(store, "b", 101)
    with store.write() as tx:
        jobs.give_back(tx, "carry", "a")
    assert take(store, "b", 101)


def test_a_clock_that_was_set_back_does_not_hold_a_lease_for_ever(store: Store) -> None:
    take(store, "a", 1_000_000)
    assert take(store, "b", 100)


def test_whose_clock_is_a_little_behind_does_not_take_a_lease_that_is_held(store: Store) -> None:
    assert take(store, "a", 100)
    assert not take(store, "b", 99)


def test_leases_are_of_one_name(store: Store) -> None:
    take(store, "a", 100)
    with store.write() as tx:
        assert jobs.take(tx, "publish", "b", now=100, span_us=SPAN)
        assert jobs.holder_of(tx, "carry", now=100, span_us=SPAN) == "a"
