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
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

ROUNDS = 5


def large() -> bool:
    """Whether a million objects are wanted too: LARGE=1, or `--large`."""
    return os.environ.get("LARGE", "") not in {"", "0"}


def peers_wanted() -> bool:
    """Whether the peers run beside us: PEERS=1, or `--peers`."""
    return os.environ.get("PEERS", "") not in {"", "0"}


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the table; `goal` and `ok` are None where a figure only informs.

    `ratio` is value to floor for rates, and floor to value for times: 1.0 is the floor itself,
    and more is better. `goal_of` says whether the goal is one for the value or for the ratio.
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
    goal_of: str = "value"


class Spent(NamedTuple):
    """What one act took."""

    cpu_s: float
    wall_s: float

    def each(self, number: int) -> "Spent":
        """What one of so many took."""
        return Spent(self.cpu_s / number, self.wall_s / number)


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


def in_turn(*acts: Callable[[], Spent], rounds: int = ROUNDS) -> list[Spent]:
    """Run acts that say themselves what they took, one after the other; the median of each."""
    taken = [[act() for act in acts] for _ in range(rounds)]
    return [median([each[place] for each in taken]) for place in range(len(acts))]


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


def near(  # the parts of a figure
    name: str,
    unit: str,
    own: Spent,
    floor: Spent,
    goal: float | None = None,
    *,
    of: str = "ratio",
    peers: Mapping[str, Spent] | None = None,
    times: float = 0,
) -> Iterator[Figure]:
    """Two figures from what one piece of work takes, for us, at the floor and with the peers.

    The first is by the processor's time of the servers; it has to reach the goal, and `times` the
    first peer's. The second is by the clock on the wall, which other programs stretch.
    """
    value, bare = 1 / own.cpu_s, 1 / floor.cpu_s
    ok = None if goal is None else (value if of == "value" else value / bare) >= goal
    rates = {peer: 1 / spent.cpu_s for peer, spent in (peers or {}).items()}
    for rival in list(rates.values())[:1]:
        ok = ok if not times else (ok is not False and value >= times * rival)
    unit_cpu = f"{unit} per CPU second"
    figure = Figure(name, value, unit_cpu, bare, value / bare, goal, ok, goal_of=of)
    yield beside(figure, rates)
    clock = rate(f"{name}, by the clock", f"{unit} per second", 1 / own.wall_s, 1 / floor.wall_s)
    yield beside(clock, {peer: 1 / spent.wall_s for peer, spent in (peers or {}).items()})


def beside(figure: Figure, peer: Mapping[str, float]) -> Figure:
    """Put the peers' values into a figure."""
    if not peer:
        return figure
    told = (f"{name} {value:,.1f}: {figure.value / value:,.0f}x" for name, value in peer.items())
    return replace(figure, peer=dict(peer), note="; ".join(filter(None, (figure.note, *told))))


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
