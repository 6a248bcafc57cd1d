"""Read the claims of propositions as what can be counted, and weigh them.

Everything is read for many propositions at once: identities become whole numbers here, so that
`provenance.chains` works on nothing else. Nothing is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress, count, groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from tearline.provenance import chains, grade
from tearline.provenance.chains import NOBODY, Chain, Ends, Known
from tearline.provenance.grade import Proposal
from tearline.store import echoes, worth
from tearline.store.claims import ASSERTED, DENIED
from tearline.store.database import Tx
from tearline.store.worth import Stated, Worth

ORIGIN = "origin"
"""The role of a chain's end."""
OTHER = {ASSERTED: DENIED, DENIED: ASSERTED}


Interested: TypeAlias = Callable[[Iterable[Stated]], Mapping[int, bool]]
"""Says of claims, by the numbers of their versions, whether somebody in the chain has an interest.

Only their notes tell.
"""


class Side(NamedTuple):
    """One polarity of a proposition: its claims with their chains, and where these end.

    `counting` are the chains that count, `tied` the pairs of publishers of whom the first rests on
    the second.
    """

    claims: tuple[Stated, ...]
    chains: tuple[Chain, ...]
    counting: tuple[Chain, ...]
    tied: tuple[tuple[int, int], ...]
    ends: Ends


class Sides(NamedTuple):
    """Propositions as they were read: each by name and polarity, and who the numbers are."""

    identities: tuple[str, ...]
    found: dict[tuple[str, str], Side]

    def proposal(self, proposition: str, polarity: str) -> Proposal:
        """What one side is worth by count."""
        return grade.propose(*self.ends(proposition, polarity))

    def ends(self, proposition: str, polarity: str) -> tuple[Ends, Ends]:
        """Where the chains of one side end, and those of who says the contrary."""
        own = self.found.get((proposition, polarity))
        other = self.found.get((proposition, OTHER[polarity]))
        return own.ends if own else NOBODY, other.ends if other else NOBODY

    def worth(self) -> list[Worth]:
        """Every side as it is kept."""
        return [
            Worth(*key, made.supporting, made.against, made.credibility, flag_text(made.flags))
            for key in sorted(self.found)
            for made in [self.proposal(*key)]
        ]


class Numbers(dict[str, int]):
    """A whole number for each identity, drawn when it is first asked for."""

    def __missing__(self, identity: str) -> int:
        """Draw the next number."""
        self[identity] = number = len(self)
        return number


_FLAG_TEXTS: dict[int, str] = {}


def flag_text(flags: int) -> str:
    """Return flags as they are kept: their words with commas."""
    if flags not in _FLAG_TEXTS:
        _FLAG_TEXTS[flags] = ",".join(grade.flag_names(flags))
    return _FLAG_TEXTS[flags]


def read(tx: Tx, propositions: Iterable[str], interested: Interested | None = None) -> Sides:
    """Read these propositions; what does not exist is left out.

    `interested` finds out whether somebody in a chain gains from being believed. What is our own
    report come back is among the claims of a side, and counts for nothing.
    """
    held = worth.stated(tx, propositions)
    numbers = Numbers()
    paths = _chains(worth.steps(tx, [each.seq for each in held]), numbers)
    known = _known(tx, numbers)
    reports = _ties(tx, held)
    circles = echoes.not_counting(tx, ((each.stix_id, each.origin) for each in held))
    gain = interested(held) if interested else {}
    found = {}
    for key, rows in groupby(held, itemgetter(0, 1)):
        group = tuple([each for each in rows if each.seq in paths])
        made = tuple([_marked(each, paths[each.seq], gain) for each in group])
        counted, counting = group, made
        if circles:
            some = [each.stix_id not in circles for each in group]
            counted, counting = tuple(compress(group, some)), tuple(compress(made, some))
        tied = tuple(_edges(counted, counting, reports)) if reports else ()
        found[key] = Side(group, made, counting, tied, chains.ends(counting, tied, known))
    return Sides(tuple(numbers), found)


def without(tx: Tx, sides: Sides, discredited: Iterable[str]) -> Sides:
    """The same propositions as if these sources were discredited, too."""
    numbers = Numbers(zip(sides.identities, count(), strict=False))
    known = _known(tx, numbers, discredited)
    found = {
        key: each._replace(ends=chains.ends(each.counting, each.tied, known))
        for key, each in sides.found.items()
    }
    return Sides(tuple(numbers), found)


def _chains(steps: Iterable[tuple[Any, ...]], numbers: Numbers) -> dict[int, Chain]:
    """Return the chains of claims by numbers, by the number of each claim's version."""
    found: dict[int, Chain] = {}
    path: list[int] = []
    before = last = None
    for row in steps:
        if row[0] != before:
            if last is not None:
                found[last[0]] = tuple(path), _marks(last)
            before = row[0]
            path = []
        path.append(numbers[row[1]])
        last = row
    if last is not None:
        found[last[0]] = tuple(path), _marks(last)
    if "" in numbers:
        nobody = numbers[""]
        found = {each: (_without(nobody, path), marks) for each, (path, marks) in found.items()}
    return found


def _marks(last: tuple[Any, ...]) -> int:
    marks = chains.STATED if last[2] == ORIGIN else 0
    return marks | chains.UNNAMED if last[3] or not last[1] else marks


def _without(nobody: int, path: tuple[int, ...]) -> tuple[int, ...]:
    """Return a chain without the steps whose name was kept back: they are not one and the same."""
    return (*(each for each in path[:-1] if each != nobody), path[-1])


def _marked(claim: Stated, chain: Chain, gain: Mapping[int, bool]) -> Chain:
    path, marks = chain
    if claim.certainty not in grade.WEAK:
        marks |= chains.FIRM
    if claim.own_judgement:
        # Who judges for itself is where it comes from.
        marks |= chains.OWN | chains.STATED
    if gain.get(claim.seq):
        marks |= chains.INTERESTED
    return path, marks


def _known(tx: Tx, numbers: Numbers, discredited: Iterable[str] = ()) -> Known:
    """Return what was judged of these identities, and of whoever is the same as they are."""
    body = worth.bodies(tx, numbers)
    bad = [*worth.bad(tx), *discredited]
    roots = worth.bodies(tx, bad)
    wrong = {roots.get(each, each) for each in bad}
    merged = {numbers[each]: numbers[root] for each, root in body.items()}
    return Known(
        merged,
        frozenset(numbers[each] for each in bad if each in numbers),
        frozenset(numbers[each] for each in wrong if each in numbers),
    )


def _ties(tx: Tx, held: Iterable[Stated]) -> dict[str, list[str]]:
    reports: dict[str, list[str]] = {}
    for first, second in worth.ties_from(tx, {each.report for each in held if each.report}):
        reports.setdefault(first, []).append(second)
    return reports


def _edges(
    claims: Sequence[Stated], made: Sequence[Chain], reports: Mapping[str, list[str]]
) -> Iterator[tuple[int, int]]:
    """Yield an edge from publisher to publisher for each tie between reports with a claim here."""
    publishers: dict[str, set[int]] = {}
    for each, (path, _) in zip(claims, made, strict=True):
        if each.report:
            publishers.setdefault(each.report, set()).add(path[0])
    for first, ends in publishers.items():
        for second in reports.get(first, ()):
            for one in ends:
                for other in publishers.get(second, ()):
                    yield one, other
