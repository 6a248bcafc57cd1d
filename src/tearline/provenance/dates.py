"""Dates as claims have them: a year, a month, a day, or a moment. Pure.

`2015`, `2015-11`, `2015-11-30` and `2015-11-30T12:00:00Z` each name a span of time, in UTC.
"""

import re
from typing import NamedTuple

from tearline.stix.timestamp import parse_timestamp

_PART = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?")
_DAY = 86_400_000_000
_DECEMBER = 12
_LAST_YEAR = 9999


class Span(NamedTuple):
    """The first and the last microsecond of what a date names."""

    from_at: int
    until_at: int


def span_of(text: str) -> Span:
    """Return the span that a date names; InputError for another form, or a day there never was."""
    part = _PART.fullmatch(text)
    if part is None:
        at = parse_timestamp(text)
        return Span(at, at)
    year, month, day = part.groups()
    begin = _begin(int(year), int(month or 1), int(day or 1))
    if day:
        return Span(begin, begin + _DAY - 1)
    return Span(begin, _begin(*_next(int(year), int(month) if month else None)) - 1)


def _next(year: int, month: int | None) -> tuple[int, int, int]:
    if month is None or month == _DECEMBER:
        return year + 1, 1, 1
    return year, month + 1, 1


def _begin(year: int, month: int, day: int) -> int:
    if year > _LAST_YEAR:
        return _begin(_LAST_YEAR, 12, 31) + _DAY
    return parse_timestamp(f"{year:04}-{month:02}-{day:02}T00:00:00Z")
