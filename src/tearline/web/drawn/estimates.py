"""Numbers that are claimed, over time: one picture for each unit, a mark for each claim. Pure."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from tearline.web.drawn.bars import Tick, day_of, written
from tearline.web.drawn.layout import SMALL, fitted, width_of

WIDTH, HEIGHT = 760.0, 190.0
_LEFT, _TOP, _BOTTOM, _SIDE = 74.0, 16.0, 24.0, 30.0
_MOST = 60
_UNITS = 6
_LABEL = 190.0


class Mark(NamedTuple):
    """One claim: where it stands, how far a range reaches, and what it says in full."""

    x: float
    y: float
    to_y: float
    claim: str
    polarity: str
    label: str
    label_x: float
    leftward: bool
    full: str


class Estimates(NamedTuple):
    """The picture of one unit."""

    unit: str
    width: float
    height: float
    left: float
    foot: float
    marks: tuple[Mark, ...]
    times: tuple[Tick, ...]
    counts: tuple[Tick, ...]


def amount(number: float) -> str:
    """A number as people write it: thousands apart, no more places than it has."""
    if abs(number) < 1e15 and number == int(number):  # noqa: PLR2004  # all of its digits are sure
        return f"{int(number):,}".replace(",", "\u202f")
    return f"{number:,.6g}".replace(",", "\u202f")


def draw(rows: Iterable[Mapping[str, Any]]) -> tuple[Estimates, ...]:
    """Draw what has a date; of one claim alone no picture is made, the table says it."""
    dated = [each for each in rows if each["at"] is not None]
    units = [(unit, list(its)) for unit, its in groupby(dated, lambda each: str(each["unit"]))]
    return tuple(_unit(unit, its[:_MOST]) for unit, its in units[:_UNITS] if len(its) > 1)


def _unit(unit: str, rows: list[Mapping[str, Any]]) -> Estimates:
    days = [day_of(each["at"]) for each in rows]
    first, last = min(days), max(days)
    tops = [max(each["number"], each["upto"] or each["number"]) for each in rows]
    high, low = float(max(*tops, 0)), float(min(*(each["number"] for each in rows), 0))
    wide = WIDTH - _LEFT - 2 * _SIDE
    foot = HEIGHT - _BOTTOM

    def x_of(day: int) -> float:
        share = (day - first) / (last - first) if last > first else 0.5
        return _LEFT + _SIDE + wide * share

    def y_of(number: float) -> float:
        return foot - (foot - _TOP) * (number - low) / ((high - low) or 1)

    marks = tuple(_mark(each, x_of(day), y_of) for each, day in zip(rows, days, strict=True))
    times = tuple(
        Tick(min(max(x_of(day) - 34, _LEFT), WIDTH - 72), written(day))
        for day in sorted({first, last})
    )
    counts = (Tick(y_of(low), amount(low)), Tick(y_of(high), amount(high)))
    return Estimates(unit, WIDTH, HEIGHT, _LEFT, foot, marks, times, counts)


def _mark(each: Mapping[str, Any], x: float, y_of: Any) -> Mark:  # noqa: ANN401  # a scale
    upto = each["number"] if each["upto"] is None else each["upto"]
    whose = each["source"] or "…"
    label = fitted(whose, _LABEL, SMALL)
    leftward = x + 9 + width_of(label, SMALL) > WIDTH
    told = f"{amount(each['number'])}{'' if each['upto'] is None else f' - {amount(upto)}'}"
    full = f"{each['said'] or written(day_of(each['at']))}: {told} {each['unit']}, {whose}"
    at = x - 9 if leftward else x + 9
    return Mark(
        x,
        y_of(each["number"]),
        y_of(upto),
        each["claim"],
        each["polarity"],
        label,
        at,
        leftward,
        full,
    )
