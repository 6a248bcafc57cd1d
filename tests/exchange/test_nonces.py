import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.exchange.nonces import PLACES, FullError, Nonces

SECRET = b"\5" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nonces"


def test_a_name_is_new_once_while_it_counts(path: Path) -> None:
    held = Nonces(path, SECRET)
    assert held.take("a", until=60, now=0)
    assert not held.take("a", until=60, now=0)
    assert not held.take("a", until=90, now=59)
    assert held.take("b", until=60, now=0)
    assert held.take("a", until=120, now=60)
    held.close()


def test_another_process_and_the_next_start_know_it(path: Path) -> None:
    first, second = Nonces(path, SECRET), Nonces(path, SECRET)
    assert first.take("a", until=60, now=0)
    assert not second.take("a", until=60, now=0)
    first.close()
    second.close()
    assert not Nonces(path, SECRET).take("a", until=60, now=0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_there_is_no_room_nothing_is_let_through(path: Path) -> None:
    small = Nonces(path, SECRET, buckets=1)
    assert all(small.take(f"{number}", until=60, now=0) for number in range(PLACES))
    with pytest.raises(FullError):
        small.take("one more", until=60, now=0)
    assert not small.take("3", until=60, now=0)
    assert small.take("one more", until=99, now=60)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=60))
def test_it_remembers_what_a_set_remembers(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:
    held = Nonces(tmp_path_factory.mktemp("held") / "nonces", SECRET, buckets=2)
    model: dict[int, int] = {}
    now = 0
    for name, passes in steps:
        now += passes
        fresh = model.get(name, 0) <= now
        assert held.take(f"{name}", until=now + 5, now=now) == fresh
        if fresh:
            model[name] = now + 5
    held.close()


_barrier: list[Barrier] = []


def _meet(barrier: Barrier) -> None:
    _barrier.append(barrier)


def _race(path: str, count: int) -> list[int]:
    held = Nonces(Path(path), SECRET)
    _barrier[0].wait(60)
    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(lambda each: held.take(f"{each}", until=60, now=0), range(count)))
    return [number for number, fresh in enumerate(won) if fresh]


def test_of_several_at_once_one_alone_wins(path: Path) -> None:
    """Processes and their threads, all with the same names at the same time."""
    Nonces(path, SECRET).close()
    count, many = 20_000, multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, many, _meet, (many.Barrier(3),)) as pool:
        won = pool.map(_race, [os.fspath(path)] * 3, [count] * 3)
        assert sorted(number for each in won for number in each) == list(range(count))
