"""How far an object may go, as its markings say, and how far it is to be believed.

Levels are whole numbers, TLP 2.0 in rising order; a level beneath 0 says why there is none. They
go by the ids that OASIS and FIRST fixed, never by what a marking-definition in a document claims.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from tearline.errors import InputError
from tearline.stix.canonical import Json
from tearline.stix.strict import shown

CLEAR: Final = 0
GREEN: Final = 1
AMBER: Final = 2
AMBER_STRICT: Final = 3
RED: Final = 4
UNMARKED: Final = -1
"""No marking at all."""
UNKNOWN: Final = -2
"""A marking whose meaning we do not know."""
CONTRADICTORY: Final = -3
"""Two levels for the same thing."""
NO_GRADE: Final = -1
"""Nobody graded it."""

_PREFIX = "marking-definition--"
_TLP_2 = {
    CLEAR: f"{_PREFIX}94868c89-83c2-464b-929b-a1a8aa3c8487",
    GREEN: f"{_PREFIX}bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    AMBER: f"{_PREFIX}55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    AMBER_STRICT: f"{_PREFIX}939a9414-2ddd-4d32-a0cd-375ea402b003",
    RED: f"{_PREFIX}e828b379-4e03-4974-9ac4-e53a884c97c1",
}
TLP_1: Final = {
    CLEAR: f"{_PREFIX}613f2e26-407d-48c7-9eca-b8e91df99dc9",
    GREEN: f"{_PREFIX}34098fce-860f-48ae-8e50-ebd3cc5e41da",
    AMBER: f"{_PREFIX}f88d31f6-486f-44da-b317-01333bde0b82",
    RED: f"{_PREFIX}5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
LEVEL_OF: Final = {ref: level for table in (TLP_1, _TLP_2) for level, ref in table.items()}
"""The level of each predefined marking: TLP 1.0 (STIX 2.1, 7.2.1.4) and the TLP 2.0 extension."""

_NAMES = {
    CLEAR: "TLP:CLEAR",
    GREEN: "TLP:GREEN",
    AMBER: "TLP:AMBER",
    AMBER_STRICT: "TLP:AMBER+STRICT",
    RED: "TLP:RED",
    UNMARKED: "unmarked",
    UNKNOWN: "unknown marking",
    CONTRADICTORY: "contradictory markings",
}
_LEVELS = {_NAMES[level]: level for level in _TLP_2} | {"TLP:WHITE": CLEAR}
_GRADE = re.compile(r"([A-F])([1-6])")


def parse_level(text: str) -> int:
    """Return the level of a TLP label, `TLP:WHITE` included, whatever its case."""
    try:
        return _LEVELS[text.strip().upper()]
    except KeyError:
        raise InputError(
            f"{shown(text)} is no TLP level.",
            do="Write TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT or TLP:RED.",
        ) from None


def level_name(level: int) -> str:
    """Return the TLP label of a level, or words for a level beneath 0."""
    return _NAMES[level]


def marking_ref(level: int) -> str:
    """Return the id of the TLP 2.0 marking-definition of a level from CLEAR to RED."""
    return _TLP_2[level]


def strictest(first: int, second: int) -> int:
    """Return the stricter of two: unknown, then contradictory, then the higher level."""
    for trouble in (UNKNOWN, CONTRADICTORY):
        if trouble in (first, second):
            return trouble
    return max(first, second)


def marking_of(doc: dict[str, Any], *, silent: Collection[str] = ()) -> int:
    """Return how far the markings of an object let it go.

    Two levels in `object_marking_refs` contradict each other. A granular marking (7.2.3) binds
    the whole object: the strictest of all counts. A marking that is no TLP level makes it UNKNOWN,
    unless its id is in `silent`: statements that we hold and that limit nothing.
    """
    refs = doc.get("object_marking_refs")
    if not silent and "granular_markings" not in doc and "objects" not in doc:
        # Nearly every object: none or one for the whole of it.
        if refs is None:
            return UNMARKED
        if refs.__class__ is list and len(refs) == 1 and refs[0].__class__ is str:
            return LEVEL_OF.get(refs[0], UNKNOWN)
    levels = [
        LEVEL_OF.get(ref, UNKNOWN) if isinstance(ref, str) else UNKNOWN
        for ref in _listed(refs)
        if ref not in silent
    ]
    level = UNMARKED
    if levels:
        level = levels[0] if len(set(levels)) == 1 else CONTRADICTORY
        if UNKNOWN in levels:
            level = UNKNOWN
    for ref in _granular(doc):
        if ref not in silent:
            level = strictest(level, LEVEL_OF.get(ref, UNKNOWN))
    return level


def is_marked(doc: dict[str, Any]) -> bool:
    """Whether a TLP level is stated for the whole object, not only for parts of it."""
    for ref in _listed(doc.get("object_marking_refs")):  # noqa: SIM110  # asked of every object
        if ref in LEVEL_OF:
            return True
    return False


def _listed(value: Json) -> list[Any]:
    """Return a list as it is; anything else that should be a list counts as one odd member."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _granular(doc: dict[str, Any]) -> Iterator[str]:
    """Yield the markings of parts; language tags are not markings of how far something may go."""
    for marking in _listed(doc.get("granular_markings")):
        if not isinstance(marking, dict):
            yield ""
        elif "marking_ref" in marking:
            yield str(marking["marking_ref"])
    # Observed data may still hold observables inside (4.14, deprecated), each with markings.
    if isinstance(inside := doc.get("objects"), dict):
        for one in inside.values():
            if isinstance(one, dict):
                yield from map(str, _listed(one.get("object_marking_refs")))
                yield from _granular(one)


def parse_grade(text: str) -> int:
    """Return an Admiralty grade as a number: letter (A=1) times ten plus digit, `B2` = 22."""
    match = _GRADE.fullmatch(text.strip().upper())
    if match is None:
        raise InputError(
            f"{shown(text)} is no grade.", do="Write a letter A to F and a digit 1 to 6, like B2."
        )
    return (ord(match[1]) - ord("A") + 1) * 10 + int(match[2])


def grade_name(grade: int) -> str:
    """Return a grade as it is written, `B2`; NO_GRADE is 'ungraded'."""
    if grade == NO_GRADE:
        return "ungraded"
    letter, digit = divmod(grade, 10)
    return f"{chr(ord('A') + letter - 1)}{digit}"


def meets(grade: int, floor: int) -> bool:
    """Whether a grade is at least as good as a floor in letter and in digit; no grade never is."""
    if grade == NO_GRADE:
        return False
    return grade // 10 <= floor // 10 and grade % 10 <= floor % 10
