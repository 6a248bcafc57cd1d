"""Counts over time as bars: which steps fit, and where each bar stands. Pure.

Days are counted from the epoch, in UTC.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

Step: TypeAlias = Literal["day", "week", "month", "year"]
STEPS: tuple[Step, ...] = ("day", "week", "month", "year")

WIDTH, HEIGHT = 1160.0, 150.0
_LEFT, _TOP, _BOTTOM = 46.0, 12.0, 20.0
_MOST = 130
"""Bars in one picture; more, and the next wider step is taken."""
_LABEL = 74.0
_EPOCH = date(1970, 1, 1)
_DAY = 86_400_000_000


class Bar(NamedTuple):
    """One bar: the days it stands for, both included, how many there are, and its rectangle."""

    first: str
    last: str
    number: int
    x: float
    y: float
    width: float
    height: float


class Tick(NamedTuple):
    """A label beside an axis: where it stands, and what it says."""

    at: float
    text: str


class Bars(NamedTuple):
    """A picture of counts over time."""

    step: Step
    width: float
    height: float
    foot: float
    left: float
    bars: tuple[Bar, ...]
    times: tuple[Tick, ...]
    counts: tuple[Tick, ...]


def day_of(at: int) -> int:
    """The day of a moment in microseconds."""
    return at // _DAY


def written(day: int) -> str:
    """A day as people write it."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def read(text: str | None) -> int | None:
    """A written day; None for what is none."""
    try:
        found = datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (found.date() - _EPOCH).days


def step_for(first: int, last: int) -> Step:
    """The narrowest step of which not too many lie between two days."""
    return next((each for each in STEPS if _number(each, first, last) <= _MOST), "year")


def _number(step: Step, first: int, last: int) -> int:
    return (last - first) // {"day": 1, "week": 7, "month": 28, "year": 365}[step] + 1


def begin_of(step: Step, day: int) -> int:
    """The first day of the step in which a day lies; weeks begin on Monday."""
    if step == "day":
        return day
    at = _EPOCH + timedelta(days=day)
    if step == "week":
        return day - at.weekday()
    begins = at.replace(day=1) if step == "month" else at.replace(month=1, day=1)
    return (begins - _EPOCH).days


def after(step: Step, begin: int) -> int:
    """The first day of the next step."""
    return begin_of(step, begin + {"day": 1, "week": 7, "month": 31, "year": 366}[step])


def stepped(counts: Mapping[int, int], step: Step) -> dict[int, int]:
    """Counts by step, named by their first days, in order; what is 0 is left out."""
    found: dict[int, int] = {}
    for day in sorted(counts):
        if counts[day]:
            begin = begin_of(step, day)
            found[begin] = found.get(begin, 0) + counts[day]
    return found


def draw(counts: Mapping[int, int], first: int, last: int, step: Step) -> Bars:
    """Draw counts by day, between two days, in steps.

    Every step has its place, also where nothing is; its bar is then left out.
    """
    begins = [begin_of(step, first)]
    while (next_ := after(step, begins[-1])) <= last:
        begins.append(next_)
    found = stepped({d: n for d, n in counts.items() if first <= d <= last}, step)
    most = max(found.values(), default=0)
    high = _round_up(most)
    wide = (WIDTH - _LEFT) / len(begins)
    foot = HEIGHT - _BOTTOM
    bars = []
    for number, begin in enumerate(begins):
        if count := found.get(begin, 0):
            tall = max(1.5, (foot - _TOP) * count / high)
            x = _LEFT + number * wide + min(1.0, wide * 0.1)
            ends = min(after(step, begin) - 1, last)
            since = max(begin, first)
            bar = Bar(
                written(since), written(ends), count, x, foot - tall, max(wide * 0.8, 1), tall
            )
            bars.append(bar)
    counted = (
        Tick(foot, "0"),
        *((Tick(_TOP, f"{high:,}".replace(",", "\u202f")),) if most else ()),
    )
    return Bars(step, WIDTH, HEIGHT, foot, _LEFT, tuple(bars), _times(begins, step, wide), counted)


def _round_up(most: int) -> int:
    """The next number that begins with 1, 2 or 5 and goes on with zeros."""
    unit = 1
    while True:
        for lead in (1, 2, 5):
            if lead * unit >= most:
                return lead * unit
        unit *= 10


def _times(begins: list[int], step: Step, wide: float) -> tuple[Tick, ...]:
    """Labels under the bars, no closer than their width."""
    every = max(1, -int(-_LABEL // wide))
    length = {"day": 10, "week": 10, "month": 7, "year": 4}[step]
    return tuple(
        Tick(_LEFT + number * wide, written(begin)[:length])
        for number, begin in enumerate(begins)
        if number % every == 0 and _LEFT + number * wide + _LABEL <= WIDTH
    )
