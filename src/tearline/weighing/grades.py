"""Grades in force: which stands for a claim, and which says more than what is proposed now."""

from collections.abc import Mapping
from typing import NamedTuple

from tearline.provenance.grade import better
from tearline.stix.marking import NO_GRADE, grade_name
from tearline.store import annotations, worth
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.worth import Graded

LETTERS = "ABCDEF"
_F = LETTERS.index("F") + 1


class Moved(NamedTuple):
    """A claim, by whose it is, of which another credibility is proposed; `was` None for a first."""

    origin: str
    was: int | None
    now: int


class Falling(NamedTuple):
    """A grade in force that says more than may stand: its letter and digit, and the best digit."""

    letter: int
    digit: int
    allowed: int


def in_force(said: tuple[int | None, int | None] | None, given: Graded | None) -> tuple[int, int]:
    """Return letter and digit of the grade in force; digit 0 where there is none."""
    code = said[1] if said else None
    if code is not None and code != NO_GRADE:
        return divmod(code, 10)
    return (_F, given.credibility) if given else (_F, 0)


def written(tx: Tx, origins: Mapping[str, str]) -> dict[str, str]:
    """The grade in force of each claim that has one, as it is written; by whose each claim is."""
    said = annotations.annotations(tx, [each for each, origin in origins.items() if origin == OURS])
    given = worth.graded(tx, list(origins))
    found = {each: in_force(said.get(each), given.get(each)) for each in origins}
    return {
        each: grade_name(letter * 10 + digit) for each, (letter, digit) in found.items() if digit
    }


def falling(tx: Tx, moved: Mapping[str, Moved]) -> dict[str, Falling]:
    """Those of these claims whose grade in force says more than may stand, by their ids."""
    given = worth.graded(tx, list(moved))
    some = sorted(
        each
        for each, (_, was, now) in moved.items()
        if each in given or (was is not None and better(was, now))
    )
    said = annotations.annotations(tx, [each for each in some if moved[each].origin == OURS])
    found = {
        each: Falling(
            *in_force(said.get(each), given.get(each)),
            _allowed(given.get(each), moved[each].now),
        )
        for each in some
    }
    return {
        each: its for each, its in found.items() if its.digit and better(its.digit, its.allowed)
    }


def _allowed(given: Graded | None, proposed: int) -> int:
    """The best digit that may stand: a person's, while no less is proposed than at that moment."""
    if given is None or better(given.proposed, proposed):
        return proposed
    return given.credibility
