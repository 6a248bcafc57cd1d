"""Say what differs between two versions of an agreement; pure."""

from collections.abc import Callable, Iterator
from typing import Any

from tearline.agreement.document import Clause, Countries, Terms
from tearline.agreement.wording import sentences
from tearline.stix.handling import parse_pap
from tearline.stix.marking import parse_level

_SILENT = ("id", "version", "replaces")
_ORDERED = (
    "reach",
    "countries",
    "marking_max",
    "pap_max",
    "statements",
    "iep",
    "max_age_days",
    "grading_min",
    "confidence_min",
    "types",
    "topics",
    "members",
    "expired",
    "never",
)
_CLOSED_WITHOUT = {"statements": (), "iep": ()}
"""Lists that let nothing through where they are left out."""


def changes(old: Terms, new: Terms) -> list[str]:
    """Return one sentence for each line that differs, in the order of the new version.

    A changed limit says also whether it became wider or narrower.
    """
    before, after = _by_place(old), _by_place(new)
    found = [
        f"{place}: now: {text} It was: {before[place]}"
        if place in before
        else f"{place}: added: {text}"
        for place, text in after.items()
        if before.get(place) != text
    ]
    found += [f"{place}: dropped: {text}" for place, text in before.items() if place not in after]
    return found + list(_turns(old, new))


def _by_place(terms: Terms) -> dict[str, str]:
    said: dict[str, str] = {}
    for line in sentences(terms):
        place, _, text = line.partition(": ")
        if place not in _SILENT:
            said[place] = f"{said[place]} {text}" if place in said else text
    return said


def _turns(old: Terms, new: Terms) -> Iterator[str]:
    yield from _document_never(old, new)
    clauses = {clause.id: clause for clause in old.clause}
    for clause in new.clause:
        if clause.id in clauses:
            yield from _clause_turns(clauses[clause.id], clause)


def _document_never(old: Terms, new: Terms) -> Iterator[str]:
    if old.never != new.never:
        yield f"never: this limit became {_turn('never', old.never, new.never)}."


def _clause_turns(old: Clause, new: Clause) -> Iterator[str]:
    for limit in _ORDERED:
        was, now = (_value(each, limit) for each in (old, new))
        if was != now:
            yield f"clause {new.id} · {limit}: this limit became {_turn(limit, was, now)}."


def _value(clause: Clause, limit: str) -> object:
    value = getattr(clause, limit)
    return _CLOSED_WITHOUT.get(limit) if value is None else value


def _turn(limit: str, was: object, now: object) -> str:
    """Compare what two values of a limit let through: wider, narrower, or another."""
    if was is None or now == "*":
        return "wider"
    if now is None or was == "*":
        return "narrower"
    wider, narrower = _lets_more(limit, was, now), _lets_more(limit, now, was)
    if wider == narrower:
        return "another one, neither wider nor narrower"
    return "wider" if wider else "narrower"


def _lets_more(limit: str, was: Any, now: Any) -> bool:  # noqa: ANN401  # a limit's value
    """Whether all that `was` lets through, `now` lets through too."""
    if limit in _COMPARED:
        return _COMPARED[limit](was, now)
    return bool(was <= now)


def _countries_within(was: Countries, now: Countries) -> bool:
    before = dict(was.named)
    return all(each in before and set(before[each]) <= set(listed) for each, listed in now.named)


def _listed_within(was: tuple[str, ...], now: tuple[str, ...]) -> bool:
    return set(was) <= set(now)


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "types": _listed_within,
    "topics": _listed_within,
    "statements": _listed_within,
    "iep": _listed_within,
    "never": lambda was, now: _listed_within(now, was),
    "countries": _countries_within,
    "grading_min": lambda was, now: all(new >= old for old, new in zip(was, now, strict=True)),
    "confidence_min": lambda was, now: bool(was >= now),
    "marking_max": lambda was, now: parse_level(was) <= parse_level(now),
    "pap_max": lambda was, now: parse_pap(was) <= parse_pap(now),
}
"""Whether all that the first value lets through, the second lets through too."""
