"""Say what differs between two versions of an agreement; pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tearline.agreement.document import (
    SOURCES,
    Clause,
    Coarse,
    Countries,
    Onward,
    Terms,
    Waiting,
    covers,
)
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
    "remove",
    "pseudonymise",
    "coarsen",
    "review",
)
_CLOSED_WITHOUT = {"statements": (), "iep": ()}
"""Lists that let nothing through where they are left out."""
_EXACT = {
    "dates": (None, "day", "month"),
    "places": (None, "country", "region"),
}
"""What each part of `coarsen` can say, from what tells most to what tells least."""


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


class Line(NamedTuple):
    """One line of a version beside that of another: where, what it says, and what it said before.

    `sentence` is None where it is gone, `was` where it is new. `turn` says of a limit what it
    became: wider, narrower, or another.
    """

    place: str
    sentence: str | None
    was: str | None
    turn: str | None = None


def beside(old: Terms, new: Terms) -> list[Line]:
    """Return every line of the new version beside the old one's; last what is gone."""
    before, after = _by_place(old), _by_place(new)
    turned = (line.partition(": ") for line in _turns(old, new))
    turns = {place: text.rpartition("became ")[2].rstrip(".") for place, _, text in turned}
    lines = [Line(p, text, before.get(p), turns.get(p)) for p, text in after.items()]
    return lines + [Line(p, None, text) for p, text in before.items() if p not in after]


def _by_place(terms: Terms) -> dict[str, str]:
    said: dict[str, str] = {}
    for line in sentences(terms):
        place, _, text = line.partition(": ")
        if place not in _SILENT:
            said[place] = f"{said[place]} {text}" if place in said else text
    return said


_OTHER = "another one, neither wider nor narrower"


def _turns(old: Terms, new: Terms) -> Iterator[str]:
    yield from _document_never(old, new)
    yield from _onward(old.onward, new.onward)
    yield from _numbers(old, new)
    clauses = {clause.id: clause for clause in old.clause}
    for clause in new.clause:
        if clause.id in clauses:
            yield from _clause_turns(clauses[clause.id], clause)
    was, now = _added(old), _added(new)
    for each in sorted({line[0] for line in was ^ now}):
        mine = {line for line in was if line[0] == each}, {line for line in now if line[0] == each}
        turn = "narrower" if mine[0] < mine[1] else "wider" if mine[1] < mine[0] else _OTHER
        yield f"category {each}: what is let through became {turn}."


def _added(terms: Terms) -> set[tuple[str, str, str]]:
    """All that an agreement adds to categories: what is of one more waits or stays."""
    kinds = ("types", "properties", "labels")
    return {
        (each.id, kind, one)
        for each in terms.category
        for kind in kinds
        for one in getattr(each, kind)
    }


def _document_never(old: Terms, new: Terms) -> Iterator[str]:
    if old.never != new.never:
        yield f"never: this limit became {_turn('never', old.never, new.never)}."


def _onward(old: Onward, new: Onward) -> Iterator[str]:
    if old == new:
        return
    less, more = _passes_within(new, old), _passes_within(old, new)
    turn = _OTHER if less == more else "narrower" if less else "wider"
    yield f"onward: what may be passed on became {turn}."


def _passes_within(inner: Onward, outer: Onward) -> bool:
    """Whether all that `inner` lets be passed on, `outer` lets be passed on too."""
    if not inner.allowed or inner.left_out:
        return True
    if not outer.allowed or outer.to is None or outer.marking_max is None:
        return False
    return (
        (outer.to == "*" or (inner.to != "*" and set(inner.to or ()) <= set(outer.to)))
        and parse_level(inner.marking_max or "") <= parse_level(outer.marking_max)
        and (inner.ask_first or not outer.ask_first)
    )


def _numbers(old: Terms, new: Terms) -> Iterator[str]:
    for name in ("objects_per_day", "requests_per_hour"):
        was, now = (getattr(each.limits, name) for each in (old, new))
        if was != now:
            turn = "wider" if now is None or (was is not None and was < now) else "narrower"
            yield f"limits · {name}: this limit became {turn}."


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
        return _OTHER
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


def _words(replaced: tuple[str, ...]) -> tuple[str, ...]:
    """What gives way to a word; a source under a pseudonym is told instead of nobody."""
    return tuple(each for each in replaced if each != SOURCES)


def _less_exact(was: Coarse, now: Coarse) -> bool:
    pairs = ((getattr(was, each), getattr(now, each), said) for each, said in _EXACT.items())
    return all(said.index(after) <= said.index(before) for before, after, said in pairs)


def _asks_less(was: Waiting, now: Waiting) -> bool:
    people, hours = now.approvals <= was.approvals, now.within_hours >= was.within_hours
    return set(was.when) <= set(now.when) and people and hours


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "types": _listed_within,
    "topics": _listed_within,
    "statements": _listed_within,
    "iep": _listed_within,
    "never": lambda was, now: _listed_within(now, was),
    "countries": _countries_within,
    "grading_min": lambda was, now: all(new >= old for old, new in zip(was, now, strict=True)),
    "confidence_min": lambda was, now: bool(was >= now),
    "marking_max": lambda was, now: parse_level(was) <= parse_level(now),
    "remove": lambda was, now: all(any(covers(cut, each) for cut in was) for each in now),
    "pseudonymise": lambda was, now: (
        _listed_within(_words(now), _words(was)) and (SOURCES in now or SOURCES not in was)
    ),
    "coarsen": _less_exact,
    "review": _asks_less,
    "pap_max": lambda was, now: parse_pap(was) <= parse_pap(now),
}
"""Whether all that the first value lets through, the second lets through too."""
