"""A number over time: what several claims say alike, each at its date and in its own unit. Pure."""

from collections.abc import Iterable
from typing import NamedTuple


class Point(NamedTuple):
    """A number that a claim gives, with who says it.

    `at` is when it is said to be true, else when it was said, None for neither; microseconds.
    `source` is the name of the origin, '' where that is not named.
    """

    at: int | None
    until_at: int | None
    number: float
    upto: float | None
    bound: str
    unit: str
    polarity: str
    claim: str
    title: str
    source: str


class Series(NamedTuple):
    """The points of one unit in the order of their dates, those without any last."""

    unit: str
    points: tuple[Point, ...]


def series(points: Iterable[Point]) -> list[Series]:
    """Put points apart by unit, that with most first; nothing is converted into anything else.

    Units are the same that differ in case and blanks alone.
    """
    found: dict[str, list[Point]] = {}
    for each in sorted(points, key=_order):
        found.setdefault(" ".join(each.unit.casefold().split()), []).append(each)
    made = [Series(its[0].unit, tuple(its)) for its in found.values()]
    return sorted(made, key=lambda each: (-len(each.points), each.unit))


def _order(point: Point) -> tuple[bool, int, str]:
    return point.at is None, point.at or 0, point.claim
