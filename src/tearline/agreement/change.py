"""Say what differs between two versions of an agreement; pure."""

from collections.abc import Iterator
from typing import Any

from tearline.agreement.document import Clause, Terms
from tearline.agreement.wording import sentences
from tearline.stix.marking import parse_level

_SILENT = ("id", "version", "replaces")
_ORDERED = ("reach", "marking_max", "max_age_days", "grading_min", "types", "topics", "members")


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
    clauses = {clause.id: clause for clause in old.clause}
    for clause in new.clause:
        if clause.id in clauses:
            yield from _clause_turns(clauses[clause.id], clause)


def _clause_turns(old: Clause, new: Clause) -> Iterator[str]:
    for limit in _ORDERED:
        was, now = getattr(old, limit), getattr(new, limit)
        if was != now:
            yield f"clause {new.id} · {limit}: this limit became {_turn(limit, was, now)}."


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
    if limit in {"types", "topics"}:
        return set(was) <= set(now)
    if limit == "grading_min":
        return all(new >= old for old, new in zip(was, now, strict=True))
    if limit == "marking_max":
        return parse_level(was) <= parse_level(now)
    return bool(was <= now)
