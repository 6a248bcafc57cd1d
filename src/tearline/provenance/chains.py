"""Where the claims of one proposition end: their origins, and what only looks like one.

A chain goes from the publisher by relays to the origin. All chains that say alike make one graph:
an edge from each source to the one that it cites. An origin is a source without a way out that
somebody named as the end of a chain; so an outlet that cites somebody elsewhere is none, and a loop
never is. Sources judged to be one are one node, so that a way from one to the other is none.

Caution goes both ways: what would help a claim must hold of everyone who is judged to be the same
source, what speaks against it of one of them. So a loop, a repetition or a merge never helps; the
one exception is a merge that makes everybody in a loop one source, which then no longer runs in a
circle. Sources are whole numbers. Everything takes time in proportion to the links. Pure.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

STATED = 1
"""The last link is said to be the origin."""
UNNAMED = 2
"""The last link has no name: a source that nobody can look up."""
FIRM = 4
"""The wording is neither alleged, hearsay nor speculation."""
INTERESTED = 8
"""Somebody in the chain gains from being believed."""
OWN = 16
"""It is the reporter's own judgement."""

Chain: TypeAlias = tuple[tuple[int, ...], int]
"""The sources from the publisher on, at least one, and the marks of the chain added up."""
Edges: TypeAlias = dict[int, set[int]]


class Known(NamedTuple):
    """What was judged of sources: who is the same as whom, and who is never believed.

    `body` gives the one number of a source that is judged to be another; whoever is not in it is
    itself. `bad` are the sources that are discredited or of reliability E, `bad_bodies` their
    numbers after merging. Made by `knowing`.
    """

    body: Mapping[int, int]
    bad: Collection[int]
    bad_bodies: frozenset[int]


def knowing(body: Mapping[int, int], bad: Collection[int]) -> Known:
    """Return what was judged of sources; `body` must lead to the last number at once."""
    return Known(body, bad, frozenset(body.get(each, each) for each in bad))


NOTHING = knowing({}, ())


class Ends(NamedTuple):
    """What one side of a proposition rests on.

    `origins` are the independent ones, `firm` how many of all origins are behind a firm wording,
    `unstated` the outlets among the origins that named nobody, `left_out` the bad sources, `loops`
    how many loops there are. `against` is whether it counts as a denial of the other side.
    """

    claims: int
    origins: tuple[int, ...]
    firm: int
    unstated: tuple[int, ...]
    left_out: tuple[int, ...]
    unnamed: bool
    loops: int
    interested: bool
    against: bool


NOBODY = Ends(0, (), 0, (), (), unnamed=False, loops=0, interested=False, against=False)


def ends(
    chains: Sequence[Chain], ties: Sequence[tuple[int, int]] = (), known: Known = NOTHING
) -> Ends:
    """Return where the chains of one proposition and polarity end.

    `ties` are edges beside those of the chains: that one publisher's report rests on another's.
    """
    if len(chains) == 1 and not ties and (found := _alone(chains[0], known)) is not None:
        return found
    depths = None if ties else _layered(chains)
    if depths is not None and known.body.keys().isdisjoint(depths):
        # Nearly every proposition: each source at one depth only, so that nothing runs in a circle.
        cites = {each for path, _ in chains for each in path[:-1]}
        if known.bad_bodies.isdisjoint(depths):
            return _counted(chains, cites, cites, NOTHING, 0)
        return _counted(chains, cites, cites, known._replace(body={}), 0)
    edges = _edges(chains, ties)
    further = merged(edges, known.body)
    return _counted(chains, edges, further, known, _number_of_loops(edges, further))


def _alone(chain: Chain, known: Known) -> Ends | None:
    """Return what a single chain of which nothing was judged rests on; None for any other."""
    path, marks = chain
    if len(path) != len({*path}) or not (
        known.body.keys().isdisjoint(path) and known.bad_bodies.isdisjoint(path)
    ):
        return None
    named = marks & UNNAMED == 0
    origins = path[-1:] if named else ()
    firm = int(named and marks & FIRM != 0)
    unstated = () if marks & STATED else origins
    return Ends(1, origins, firm, unstated, (), not named, 0, marks & INTERESTED != 0, named)


def _counted(
    chains: Sequence[Chain],
    cites: Collection[int],
    further: Collection[int],
    known: Known,
    number_of_loops: int,
) -> Ends:
    """Count, given who cites somebody else: by their own numbers, and by those after merging."""
    body, bad = known.body, known.bad_bodies
    named: set[int] = set()
    firm: set[int] = set()
    stated: set[int] = set()
    left_out: set[int] = set()
    all_marks = 0
    against = False
    for path, marks in chains:
        all_marks |= marks
        last = path[-1]
        if marks & UNNAMED == 0 and last not in known.bad:
            against = True
        if bad and (wrong := {body.get(each, each) for each in path} & bad):
            left_out |= wrong
        elif marks & UNNAMED == 0 and last not in cites:
            end = body.get(last, last)
            named.add(end)
            if marks & FIRM:
                firm.add(end)
            if marks & STATED:
                stated.add(end)
    origins = sorted(named.difference(further))
    return Ends(
        len(chains),
        tuple(origins),
        len(firm),
        () if stated.issuperset(origins) else tuple(e for e in origins if e not in stated),
        tuple(sorted(left_out)) if left_out else (),
        all_marks & UNNAMED != 0,
        number_of_loops,
        all_marks & INTERESTED != 0,
        against,
    )


def _layered(chains: Iterable[Chain]) -> dict[int, int] | None:
    """Return the depth of each source, None where one stands at several."""
    depths: dict[int, int] = {}
    for path, _ in chains:
        for depth, each in enumerate(path):
            if depths.setdefault(each, depth) != depth:
                return None
    return depths


def _number_of_loops(cites: Edges, further: Edges) -> int:
    # What is one source now may have run in a circle within itself.
    return len({frozenset(each) for edges in (further, cites) for each in loops(edges)})


def _edges(chains: Sequence[Chain], ties: Iterable[tuple[int, int]]) -> Edges:
    """Return who cites whom; nobody cites himself by being named twice in a row."""
    cites: Edges = {}
    for path, _ in chains:
        for first, second in pairwise(path):
            if first != second:
                cites.setdefault(first, set()).add(second)
    for first, second in ties:
        if first != second:
            cites.setdefault(first, set()).add(second)
    return cites


def merged(edges: Mapping[int, Iterable[int]], body: Mapping[int, int]) -> Edges:
    """Return the edges between those who are not the same."""
    found: Edges = {}
    for first, others in edges.items():
        start = body.get(first, first)
        for each in others:
            end = body.get(each, each)
            if start != end:
                found.setdefault(start, set()).add(end)
    return found


def loops(edges: Mapping[int, Collection[int]]) -> Iterator[list[int]]:
    """Yield each set of sources that cite each other round and round.

    Tarjan's strongly connected components, without recursion: a chain may have 10,000 links.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    waiting: list[int] = []
    open_now: set[int] = set()
    for root in edges:
        if root in index:
            continue
        work: list[tuple[int, Iterator[int]]] = []
        _enter(root, edges, index, low, waiting, open_now, work)
        while work:
            node, others = work[-1]
            for each in others:
                if each not in index:
                    _enter(each, edges, index, low, waiting, open_now, work)
                    break
                if each in open_now:
                    low[node] = min(low[node], index[each])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == index[node]:
                    found = _leave(node, waiting, open_now)
                    if len(found) > 1:
                        yield found


def _enter(  # the state of one walk
    node: int,
    edges: Mapping[int, Collection[int]],
    index: dict[int, int],
    low: dict[int, int],
    waiting: list[int],
    open_now: set[int],
    work: list[tuple[int, Iterator[int]]],
) -> None:
    index[node] = low[node] = len(index)
    waiting.append(node)
    open_now.add(node)
    work.append((node, iter(edges.get(node, ()))))


def _leave(node: int, waiting: list[int], open_now: set[int]) -> list[int]:
    found = []
    while True:
        each = waiting.pop()
        open_now.discard(each)
        found.append(each)
        if each == node:
            return found
