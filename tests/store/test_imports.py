"""Jobs of imports in the store: their order, what is asked of them, and what is forgotten."""

from collections.abc import Iterator

import pytest

from tearline.store import imports, log_kinds
from tearline.store.database import Place, Store
from tearline.store.imports import ImportJob
from tearline.store.schema import open_store


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def job(name: str, at: int, **more: object) -> ImportJob:
    return ImportJob(name, at, "ada", "[]", None, 22, "feed")._replace(**more)  # type: ignore[arg-type]


def test_jobs_are_told_newest_first_and_taken_oldest_first(store: Store) -> None:
    with store.write() as tx:
        for each in (job("b", 2), job("a", 1), job("c", 3, state="done")):
            imports.add(tx, each)
    with store.read() as tx:
        assert [each.id for each in imports.newest(tx, 2)] == ["c", "b"]
        assert [each.id for each in imports.open_jobs(tx)] == ["a", "b"]
        assert (imports.number_open(tx), imports.job_of(tx, "x")) == (2, None)


def test_that_a_job_is_unwanted_outlives_every_step(store: Store) -> None:
    with store.write() as tx:
        imports.add(tx, job("a", 1))
        imports.unwant(tx, "a")
        imports.put(tx, job("a", 1, state="running", done=7))
        found = imports.job_of(tx, "a")
    assert found == job("a", 1, state="running", done=7, unwanted=True)


def test_only_ended_jobs_are_forgotten(store: Store) -> None:
    with store.write() as tx:
        for at in range(5):
            imports.add(tx, job(f"done{at}", at, state="done"))
        imports.add(tx, job("waits", 0))
        imports.forget(tx, 2)
        assert [each.id for each in imports.newest(tx, 9)] == ["done4", "done3", "waits"]


def test_kinds_are_found_by_tile_from_the_newest_back(store: Store) -> None:
    with store.write() as tx:
        assert (log_kinds.tiles_told(tx, "a"), log_kinds.kinds(tx, "a")) == (0, [])
        log_kinds.add(tx, "a", [(0, "x"), (1, "x"), (1, "y"), (2, "y"), (4, "x")])
        log_kinds.add(tx, "b", [(9, "z")])
        assert log_kinds.tiles_told(tx, "a") == 5
        assert log_kinds.kinds(tx, "a") == ["x", "y"]
        assert log_kinds.tiles_with(tx, "a", "x", upto=9, count=2) == [4, 1]
        assert log_kinds.tiles_with(tx, "a", "x", upto=3, count=9) == [1, 0]
        log_kinds.drop(tx, "a")
        assert (log_kinds.tiles_told(tx, "a"), log_kinds.tiles_told(tx, "b")) == (0, 10)
