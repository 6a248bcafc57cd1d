"""What a clause makes of values before they go: pseudonyms, coarser dates and places. Pure.

Structure stays: a value gives way to another of its kind, and only a location loses properties. So
`cut` can follow with what it takes away, and the selectors of granular markings follow both.
"""

import re
from calendar import monthrange
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from tearline.release.cut import Deliver, cut, shape_selectors
from tearline.stix.canonical import canonical
from tearline.stix.objects import TIMESTAMP, observable_id


class Calls(Protocol):
    """Makes the word by which something is called under one agreement."""

    def word(self, text: str) -> str:
        """The word for a text: always the same, and telling nothing without our secret."""


class Shape(NamedTuple):
    """What a clause wants replaced, by `type.property`, and how exact dates and places may be."""

    pseudonymise: tuple[str, ...] = ()
    dates: str | None = None
    places: str | None = None
    remove: tuple[str, ...] = ()


def below(
    doc: Mapping[str, Any],
    shape: Shape,
    deliver: Deliver,
    calls: Calls,
    *,
    naming: Collection[str] | None = None,
) -> dict[str, Any] | None:
    """The object below the tear line, still under its own id; None where nothing is cut.

    First what a clause replaces, then what it removes and whatever does not go; `naming` as in
    `cut`.
    """
    other = shaped(doc, shape, calls)
    return cut(other or doc, shape.remove, deliver, naming=naming) or other


def shaped(doc: Mapping[str, Any], shape: Shape, calls: Calls) -> dict[str, Any] | None:
    """The object with other values in place of those that may not go; None where none is.

    From observables that an observed-data holds within itself, what is removed goes here too.
    """
    held = doc.get("objects") if doc["type"] == "observed-data" else None
    if held is None and not (shape.pseudonymise or shape.dates or shape.places):
        return None
    result = _one(doc, shape, calls)
    if isinstance(held, dict):
        within = {key: _embedded(each, shape, calls) for key, each in held.items()}
        result = {**result, "objects": within}
    return None if result == doc else shape_selectors(doc, result)


def _one(doc: Mapping[str, Any], shape: Shape, calls: Calls) -> dict[str, Any]:
    result = dict(doc)
    for given in shape.pseudonymise:
        type_, _, name = given.partition(".")
        if doc["type"] == type_ and name in doc:
            result[name] = _called(given, doc[name], calls)
    if shape.places is not None and doc["type"] == "location":
        result = _place(result, _PLACES[shape.places])
    if shape.dates is not None:
        result = {
            name: value if name in _EXACT else _coarse(name, value, shape.dates)
            for name, value in result.items()
        }
    return result


def _embedded(each: object, shape: Shape, calls: Calls) -> object:
    """An observable within an observed-data: cut here, for `cut` knows only the object around it.

    An id is that of the values it had, and so would tell who guesses them.
    """
    if not (isinstance(each, dict) and isinstance(each.get("type"), str)):
        return _coarse("", each, shape.dates) if shape.dates else each
    patterns = tuple(shape.remove)
    kept = {
        name: value for name, value in each.items() if name == "type" or not _in(name, patterns)
    }
    result = _one(kept, shape, calls)
    if result == each or "id" not in result:
        return result
    made = observable_id(result)
    rest = {name: value for name, value in result.items() if name != "id"}
    return rest if made is None else {**result, "id": made}


def _in(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each for each in patterns
    )


# ------------------------------------------------------------------------------ pseudonyms


def _called(given: str, value: object, calls: Calls) -> object:
    if isinstance(value, list):
        return [_called(given, each, calls) for each in value]
    type_ = given.partition(".")[0]
    text = value if isinstance(value, str) else canonical(value).decode()
    word = f"{type_}-{calls.word(text)}"
    return f"{word}@pseudonym.invalid" if given == "email-addr.value" else word


# ----------------------------------------------------------------------------------- dates

_EXACT = frozenset({"created", "modified", "object_modified", "granular_markings", "objects"})
"""Moments by which age, versions and order are told stay; `objects` are shaped one by one."""

_ENDS = frozenset({"valid_until", "stop_time"})
"""What must come after the beginning of its span, and not at the same moment."""

_BEGINS: Mapping[str, re.Pattern[str]] = {
    "day": re.compile(r".{10}T00:00:00(\.0+)?Z"),
    "month": re.compile(r".{7}-01T00:00:00(\.0+)?Z"),
}


def _coarse(name: str, value: object, unit: str) -> object:
    """A value with every moment in it as coarse as that, whatever property states it."""
    if isinstance(value, str):
        return _moment(name, value, unit) if TIMESTAMP.fullmatch(value) else value
    if isinstance(value, list):
        return [_coarse(name, each, unit) for each in value]
    if isinstance(value, dict):
        return {key: _coarse(key, each, unit) for key, each in value.items()}
    return value


def _moment(name: str, text: str, unit: str) -> str:
    """The first moment of its day or month; of an end, the first one after."""
    if _BEGINS[unit].fullmatch(text):
        return text
    first = text[:10] if unit == "day" else f"{text[:7]}-01"
    if name in _ENDS:
        try:
            begun = date.fromisoformat(first)
            days = 1 if unit == "day" else monthrange(begun.year, begun.month)[1]
            first = (begun + timedelta(days=days)).isoformat()
        except (ValueError, OverflowError):
            return text  # no day of the calendar, or the last one there is
    return f"{first}T00:00:00.000Z"


# ---------------------------------------------------------------------------------- places

_FINER = frozenset(
    {
        *("latitude", "longitude", "precision", "city", "street_address", "postal_code"),
        "administrative_area",
    }
)
_BESIDE = frozenset(
    {
        *("type", "spec_version", "id", "created", "modified", "revoked", "created_by_ref"),
        *("labels", "confidence", "lang", "object_marking_refs", "granular_markings"),
    }
)
"""What stays of a location beside where it is: nothing that could say it in other words."""

_PLACES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "country": (_FINER, _BESIDE | {"region", "country"}),
    "region": (_FINER | {"country"}, _BESIDE | {"region"}),
}
"""What says too much, and what stays where that is said."""


def _place(doc: dict[str, Any], coarse: tuple[frozenset[str], frozenset[str]]) -> dict[str, Any]:
    too_much, stays = coarse
    if too_much.isdisjoint(doc):
        return doc
    return {name: value for name, value in doc.items() if name in stays}
