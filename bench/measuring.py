"""Times and figures: a median of several rounds, beside the floor measured in the same rounds.

A floor is the same work without us: the fewest steps that any program would need. Absolute
figures say something about the machine; the ratio to the floor says something about the program.
Rates count the processor's time of this process, user and system, because other programs on the
machine stretch the wall clock; the wall clock stands beside it.
"""

import gc
import os
import platform
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

ROUNDS = 5


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the table; `goal` and `ok` are None where a figure only informs.

    `ratio` is value to floor for rates, and floor to value for times: 1.0 is the floor itself,
    and more is better.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    goal: float | None = None
    ok: bool | None = None
    note: str = ""
    peer: dict[str, float] | None = None
    """The same figure of other programs in the same run, by name."""


class Spent(NamedTuple):
    """What one act took."""

    cpu_s: float
    wall_s: float


def spent(act: Callable[[], object]) -> Spent:
    """Run an act and say what it took of the processor and of the clock."""
    gc.collect()
    before, start = _cpu_s(), time.perf_counter()
    act()
    return Spent(_cpu_s() - before, time.perf_counter() - start)


def alternate(
    first: Callable[[], object], second: Callable[[], object], rounds: int = ROUNDS
) -> tuple[Spent, Spent]:
    """Run both in turn, so that a busy moment of the machine hits both; their medians."""
    pairs = [(spent(first), spent(second)) for _ in range(rounds)]
    return median([each for each, _ in pairs]), median([each for _, each in pairs])


def median(rounds: list[Spent]) -> Spent:
    """The median of each of the two."""
    return Spent(
        statistics.median(each.cpu_s for each in rounds),
        statistics.median(each.wall_s for each in rounds),
    )


def rate(name: str, unit: str, value: float, floor: float, goal: float | None = None) -> Figure:
    """A figure where more is better."""
    ok = None if goal is None else value >= goal
    return Figure(name, value, unit, floor, value / floor, goal, ok)


def duration(name: str, value: float, floor: float | None, goal: float | None = None) -> Figure:
    """A figure in seconds, where less is better."""
    ok = None if goal is None else value <= goal
    ratio = None if floor is None else floor / value
    return Figure(name, value, "s", floor, ratio, goal, ok)


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on, and how busy it was meanwhile."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "load": round(os.getloadavg()[0], 2),
        "sqlite": sqlite3.sqlite_version,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _cpu_s() -> float:
    return time.process_time()
