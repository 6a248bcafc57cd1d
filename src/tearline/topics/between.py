"""Which objects are about the relation between two threats, by which paths.

An object is about it with a path to each of the two, and so is each of the two where something
ties it to the other: a relationship of any kind from the one to the other, or an object that both
reach in one step. Whatever a path leads over is about the relation itself, within fewer steps, or
is one of the two: so everything that justifies a release is itself released. Containers do not
carry a relation.

A path is the way from the first threat and behind it the way from the second; both end in the
object asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from tearline.store.objects import Relation
from tearline.topics.about import Graph, Move, Path, carries, move_by
from tearline.topics.held import Held
from tearline.topics.topic import CONTAINERS, type_of

AND = " + "
"""Stands between how the first was recognised and how the second was."""

Ends: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]
"""The own objects of the first and of the second threat, each with how it was recognised."""


class Between:
    """Finds the two paths from the ends of a relation to objects, as `about.Finder` finds one."""

    def __init__(
        self,
        held: Held,
        graph: Graph,
        ends: Ends,
        *,
        passes: Callable[[str, int], bool],
    ) -> None:
        """Take what is held, its moves, the own objects of the first and the second threat."""
        self._held = held
        self._graph = graph
        self._ends = ends
        self._own = ends[0].keys() | ends[1].keys()
        self._passes = passes
        self._ties: dict[str, list[tuple[str, ...]]] | None = None
        self._sides: dict[tuple[str, int, int], Path | None] = {}

    def load(self, ids: Iterable[str], reach: int) -> set[str]:
        """Load all that paths of up to `reach` steps to `ids` can touch; returns what must pass."""
        touched = set(ids) | self._own
        edge = set(ids)
        for _ in range(reach):
            self._graph.into(edge)
            moves = [move for each in edge for move in self._graph.moves_to(each)]
            edge = {move.from_id for move in moves}
            touched |= edge | {move.via_id for move in moves}
        for ways in self._tied().values():
            touched.update(*ways)
        return touched

    def path(self, stix_id: str, reach: int) -> Path | None:
        """The paths to an object within `reach` steps of each threat, as one; or None."""
        if stix_id in self._own:
            first, second = (self._to_end(stix_id, side, reach) for side in (0, 1))
        else:
            first, second = (self._side(stix_id, reach, side) for side in (0, 1))
        if first is None or second is None:
            return None
        return Path(f"{first.start}{AND}{second.start}", first.ids + second.ids)

    def _side(self, stix_id: str, reach: int, side: int) -> Path | None:
        """The path from one of the threats along moves, over what is about the relation."""
        key = (stix_id, reach, side)
        if key not in self._sides:
            self._sides[key] = self._search(stix_id, reach, side)
        return self._sides[key]

    def _search(self, stix_id: str, reach: int, side: int) -> Path | None:
        if stix_id in self._ends[side]:
            return Path(self._ends[side][stix_id], (stix_id,))
        if reach == 0:
            return None
        found = [p for m in self._graph.moves_to(stix_id) if (p := self._step(m, reach - 1, side))]
        return min(found, key=lambda path: (path.steps, path.ids), default=None)

    def _step(self, move: Move, reach: int, side: int) -> Path | None:
        if move.kind == "member" or not carries(move):
            return None
        if not (self._passes(move.from_id, 0) and self._passes(move.via_id, 0)):
            return None
        if move.from_id in self._own:
            ways = (self._to_end(move.from_id, each, reach + 1) for each in (0, 1))
        else:
            ways = (self._side(move.from_id, reach, each) for each in (0, 1))
        if any(way is None for way in ways):
            return None
        before = self._side(move.from_id, reach, side)
        return before and Path(before.start, (*before.ids, move.via_id, move.to_id))

    def _to_end(self, stix_id: str, side: int, reach: int) -> Path | None:
        """The way from a threat to an object of the other, over what ties the two."""
        if stix_id in self._ends[side]:
            return Path(self._ends[side][stix_id], (stix_id,))
        ways = [
            way
            for way in self._tied().get(stix_id, ())
            if way[0] in self._ends[side]
            and (reach or len(way) == _DIRECT)
            and all(self._passes(each, 0) for each in way[:-1])
        ]
        first = min(ways, key=lambda way: (len(way), way), default=None)
        return None if first is None else Path(self._ends[side][first[0]], first)

    def _tied(self) -> dict[str, list[tuple[str, ...]]]:
        """For each own object of a threat, the ways to it from own objects of the other."""
        if self._ties is None:
            self._ties = {}
            near = [*self._held.relations_to(self._own), *self._held.relations_from(self._own)]
            for way in [*self._direct(near), *self._common(near)]:
                self._ties.setdefault(way[-1], []).append(way)
        return self._ties

    def _direct(self, near: Iterable[Relation]) -> Iterable[tuple[str, ...]]:
        for each in near:
            one, other = each.source_id, each.target_id
            if type_of(each.via_id) not in CONTAINERS and self._apart(one, other):
                yield one, each.via_id, other
                yield other, each.via_id, one

    def _common(self, near: Iterable[Relation]) -> Iterable[tuple[str, ...]]:
        """What objects of both threats reach in one step, and is neither."""
        reached: dict[str, set[tuple[str, str]]] = {}
        for each in near:
            move = move_by(each)
            if move is None or move.kind == "member" or not carries(move):
                continue
            if move.from_id in self._own and move.to_id not in self._own:
                reached.setdefault(move.to_id, set()).add((move.from_id, move.via_id))
        for middle, by in reached.items():
            for one, via in by:
                for other, back in by:
                    if self._apart(one, other):
                        yield one, via, middle, back, other

    def _apart(self, one: str, other: str) -> bool:
        """Whether two objects belong to the two threats, one to each."""
        first, second = self._ends
        return one != other and (
            (one in first and other in second) or (one in second and other in first)
        )


_DIRECT = 3
"""The length of a way by one relationship."""


def halves(path: Path) -> tuple[Path, Path] | None:
    """The two paths of which one for a relation is made; None if it is none."""
    starts = path.start.split(AND)
    end = path.ids.index(path.ids[-1]) + 1
    if len(starts) != 2 or end == len(path.ids):  # noqa: PLR2004  # one from each threat
        return None
    return Path(starts[0], path.ids[:end]), Path(starts[1], path.ids[end:])


def walkable(held: Held, paths: tuple[Path, Path], ends: Ends, reach: int) -> bool:
    """Whether two paths that somebody claims lead from the two threats over what is held.

    That all they lead over is about the relation is for whoever decides on it to find out.
    """
    return all(_walkable(held, path, ends, side, reach) for side, path in enumerate(paths))


def _walkable(held: Held, path: Path, ends: Ends, side: int, reach: int) -> bool:
    """One of the two: by moves, or over what ties an end to the other, in either direction."""
    ids = path.ids
    if ids[0] not in ends[side] or len(ids) % 2 == 0:
        return False
    own = ids[-1] in ends[0] or ids[-1] in ends[1]
    if path.steps > (max(reach, _MIDDLE) if own else reach):
        return False
    stated = {each.via_id: each for each in held.relations_via(ids[1::2])}
    for one, via, other in zip(ids[::2], ids[1::2], ids[2::2], strict=False):
        if via not in stated:
            return False
        move = move_by(stated[via])
        tied = {stated[via].source_id, stated[via].target_id} == {one, other}
        if not (tied if own else move is not None and (move.from_id, move.to_id) == (one, other)):
            return False
    return True


_MIDDLE = 2
"""The steps from one threat to the other over what both reach."""
