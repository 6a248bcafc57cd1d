"""What a proposition rests on: every chain of its claims, for and against, for people to see.

Nothing is judged here: origins, echoes and loops are those that `provenance.chains` found.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from tearline.provenance import chains
from tearline.store import claims, worth
from tearline.store.claims import LinkRow, Row
from tearline.store.database import Tx
from tearline.weighing.browsing import Line, lines, title_of
from tearline.weighing.held import Held, held
from tearline.weighing.sides import Side, Sides

MOST = 60
"""How many claims of each side are shown."""
LINKS = 12
"""How many links of a chain are shown: of a longer one the first and the last."""


class Step(NamedTuple):
    """A link of a chain; `body` is the source that it is judged to be, itself where none.

    `bad` is whether it is discredited or of reliability E. `left_out` above 0 stands for so many
    links that are not shown, and for nobody.
    """

    identity: str
    name: str
    role: str
    unnamed: bool
    body: str
    bad: bool
    left_out: int = 0


class Chained(NamedTuple):
    """A claim with its chain, publisher first, and its row, which has what it counts."""

    line: Line
    row: Row
    steps: tuple[Step, ...]


class Echo(NamedTuple):
    """Several claims of one side that rest on one origin."""

    polarity: str
    identity: str
    name: str
    number: int


class Rests(NamedTuple):
    """The claims of a proposition, and what is to be warned of.

    `loops` have the names of who cite each other round and round; `more` counts claims not shown.
    """

    claims: list[Chained]
    more: int
    echoes: list[Echo]
    loops: list[list[str]]


def rests(tx: Tx, found: Sides, *, now: int) -> Rests:
    """Show the chains of a proposition whose sides were read; those who assert it first."""
    every = [side.claims for _, side in sorted(found.found.items())]
    some = [each for its in every for each in its[:MOST]]
    rows = [
        row
        for its in claims.by_id(tx, [each.stix_id for each in some]).values()
        for row in its
        if row.seq in {each.seq for each in some}
    ]
    links = claims.links(tx, [each.seq for each in rows])
    names = held(tx, _shown_ids(links.values(), found), now=now)
    body = worth.bodies(tx, found.identities)
    bad = {body.get(each, each) for each in worth.bad(tx)}
    told = {each.id: each for each in lines(tx, rows, now=now)}
    chained = [
        Chained(told[row.stix_id], row, tuple(_steps(links.get(row.seq, []), names, body, bad)))
        for row in sorted(rows, key=lambda each: (each.polarity, each.seq))
        if row.stix_id in told
    ]
    more = sum(map(len, every)) - len(chained)
    return Rests(chained, more, _echoes(found, body, names), list(_loops(tx, found, body, names)))


def _shown_ids(links: Iterable[list[LinkRow]], found: Sides) -> set[str]:
    ends = {found.identities[each] for side in found.found.values() for each in side.ends.origins}
    half = LINKS // 2
    some = {each.identity for chain in links for each in (*chain[:half], *chain[-half:])}
    return (ends | some) - {""}


def _steps(
    chain: list[LinkRow], names: dict[str, Held], body: dict[str, str], bad: set[str]
) -> Iterator[Step]:
    half = LINKS // 2
    for place, each in enumerate(chain):
        if len(chain) > LINKS and half <= place < len(chain) - half:
            if place == half:
                yield Step("", "", "relay", True, "", False, len(chain) - LINKS)  # noqa: FBT003
            continue
        root = body.get(each.identity, each.identity)
        name = title_of(names, each.identity)
        yield Step(each.identity, name, each.role, each.unnamed, root, root in bad)


def _echoes(found: Sides, body: dict[str, str], names: dict[str, Held]) -> list[Echo]:
    echoes = []
    for (_, polarity), side in sorted(found.found.items()):
        origins = {found.identities[each] for each in side.ends.origins}
        counts = dict.fromkeys(sorted(origins), 0)
        for path, _ in side.chains:
            end = found.identities[path[-1]]
            if (root := body.get(end, end)) in counts:
                counts[root] += 1
        echoes += [
            Echo(polarity, each, title_of(names, each), number)
            for each, number in counts.items()
            if number > 1
        ]
    return echoes


def _loops(
    tx: Tx, found: Sides, body: dict[str, str], names: dict[str, Held]
) -> Iterator[list[str]]:
    for side in found.found.values():
        if not side.ends.loops:
            continue
        cites: dict[int, set[int]] = {}
        for first, second in (*_cited(side), *_tied(tx, side)):
            if first != second:
                cites.setdefault(first, set()).add(second)
        numbers = {each: number for number, each in enumerate(found.identities)}
        merged = chains.merged(
            cites, {numbers[each]: numbers[root] for each, root in body.items() if root in numbers}
        )
        for loop in chains.loops(merged):
            yield sorted(title_of(names, found.identities[each]) for each in loop)


def _cited(side: Side) -> Iterator[tuple[int, int]]:
    for path, _ in side.chains:
        yield from pairwise(path)


def _tied(tx: Tx, side: Side) -> Iterator[tuple[int, int]]:
    """Publisher to publisher, where a report of the one rests on a report of the other."""
    publishers: dict[str, set[int]] = {}
    for each, (path, _) in zip(side.claims, side.chains, strict=True):
        if each.report:
            publishers.setdefault(each.report, set()).add(path[0])
    for first, second in worth.ties_from(tx, publishers):
        for one in publishers[first]:
            for other in publishers.get(second, ()):
                yield one, other
