"""Analysis of competing hypotheses (Heuer), in exact numbers. Pure.

Each side says of each claim how well it goes with each hypothesis. Only what speaks against a
hypothesis counts: what goes well with one mostly goes well with others too. The one with the least
against it is left standing, which does not make it true.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

Mark = Literal["CC", "C", "N", "NA", "I", "II"]
MARKS: tuple[str, ...] = get_args(Mark)
"""Very consistent, consistent, neutral, not applicable, inconsistent, very inconsistent."""

AGAINST: Mapping[str, int] = {"I": 1, "II": 2}
"""What counts, and how much; consistency never counts for a hypothesis."""

UNKNOWN_WEIGHT = Fraction(1, 2)
"""What a claim weighs of which nobody can say how credible it is."""

_CONFIDENCE = {1: 90, 2: 70, 3: 50, 4: 30, 5: 10}
"""The Admiralty scale in STIX (appendix A): credibility to confidence."""

Cell = tuple[str, str]
"""A claim and a hypothesis."""

Marks = Mapping[Cell, str]
"""What one side said."""


class Standing(NamedTuple):
    """One hypothesis: what speaks against it, and how many claims nobody rated for it."""

    hypothesis: str
    against: Fraction
    unrated: int


class Shift(NamedTuple):
    """A claim without which the order would be another one, and that order."""

    claim: str
    order: tuple[tuple[str, ...], ...]


class Analysis(NamedTuple):
    """What the ratings of one side come to.

    `order` begins with the hypotheses against which least speaks; those that tie stand together.
    `silent` are the claims that tell no hypothesis from another.
    """

    standings: tuple[Standing, ...]
    order: tuple[tuple[str, ...], ...]
    shifts: tuple[Shift, ...]
    silent: tuple[str, ...]


class Merged(NamedTuple):
    """The ratings of several sides cell by cell: by side, what it said.

    In `agreed` all sides that rate a cell, two at least, say the same; in `differing` they do not;
    in `alone` only one said anything.
    """

    agreed: dict[Cell, dict[str, str]]
    differing: dict[Cell, dict[str, str]]
    alone: dict[Cell, dict[str, str]]


def weight_of(confidence: int | None) -> Fraction:
    """What a claim weighs by its STIX confidence, 0 to 100; half where it has none."""
    return UNKNOWN_WEIGHT if confidence is None else Fraction(confidence, 100)


def weight_by(credibility: int | None) -> Fraction:
    """What a claim weighs by its credibility, 1 to 6; half where that cannot be judged."""
    return weight_of(_CONFIDENCE.get(credibility or 6))


def analyse(
    hypotheses: Sequence[str],
    claims: Sequence[str],
    marks: Marks,
    weights: Mapping[str, Fraction] | None = None,
) -> Analysis:
    """Work out what the ratings of one side come to; without `weights` each claim weighs one."""
    whole = _standings(hypotheses, claims, marks, weights)
    order = _order(whole)
    shifts = []
    for claim in claims:
        rest = [each for each in claims if each != claim]
        without = _order(_standings(hypotheses, rest, marks, weights))
        if without != order:
            shifts.append(Shift(claim, without))
    silent = tuple(each for each in claims if says_nothing(each, hypotheses, marks))
    return Analysis(whole, order, tuple(shifts), silent)


def says_nothing(claim: str, hypotheses: Sequence[str], marks: Marks) -> bool:
    """Whether a claim is rated for every hypothesis, and alike for all: it tells none apart."""
    given = [marks.get((claim, each)) for each in hypotheses]
    return None not in given and len(set(given)) == 1


def merge(sides: Mapping[str, Marks]) -> Merged:
    """Lay the ratings of several sides over each other; none counts for more than another."""
    cells = sorted({cell for marks in sides.values() for cell in marks})
    merged = Merged({}, {}, {})
    for cell in cells:
        given = {side: sides[side][cell] for side in sorted(sides) if cell in sides[side]}
        if len(given) == 1:
            merged.alone[cell] = given
        elif len(set(given.values())) == 1:
            merged.agreed[cell] = given
        else:
            merged.differing[cell] = given
    return merged


def _standings(
    hypotheses: Iterable[str],
    claims: Sequence[str],
    marks: Marks,
    weights: Mapping[str, Fraction] | None,
) -> tuple[Standing, ...]:
    found = []
    for hypothesis in hypotheses:
        given = [(claim, marks.get((claim, hypothesis))) for claim in claims]
        against = sum(
            (AGAINST.get(mark or "", 0) * _weight(claim, weights) for claim, mark in given),
            Fraction(0),
        )
        found.append(Standing(hypothesis, against, sum(mark is None for _, mark in given)))
    return tuple(found)


def _weight(claim: str, weights: Mapping[str, Fraction] | None) -> Fraction:
    return Fraction(1) if weights is None else weights.get(claim, UNKNOWN_WEIGHT)


def _order(standings: Sequence[Standing]) -> tuple[tuple[str, ...], ...]:
    scores = sorted({each.against for each in standings})
    return tuple(
        tuple(each.hypothesis for each in standings if each.against == score) for score in scores
    )
