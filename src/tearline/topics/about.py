"""Which objects are about which topic, by which path.

A path starts at an object that *is* the topic or carries its label, and takes at most `reach`
steps along the fixed table of `topics.topic`. Every step leaves from an object that passes the
clause and uses a relationship that passes it: so every path that justifies a release is itself
released, and the receiver can walk it again. Only the last object of a path need not pass; an
explanation can then say "about the topic, but marked above the ceiling".

The answer for one object depends only on its neighbourhood, so a change is answered by asking
again for the objects around it; a rebuild asks for all of them. Both run this same code.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from tearline.store import objects, ties
from tearline.store.database import Tx
from tearline.topics.held import Held
from tearline.topics.topic import (
    AGAINST,
    ALONG,
    CARRIERS,
    CONTAINERS,
    SOMEWHERE,
    WHERE,
    depends,
    step,
    type_of,
)

_ONWARD = ALONG | WHERE | {"member"}


class Path(NamedTuple):
    """Why an object is about a topic: how the first id was recognised, and the ids walked.

    `ids` begins with the topic's own object and ends with the object asked for; between two
    objects stands the relationship or container that ties them. A container that is itself the
    one or the other end stands there once.
    """

    start: str
    ids: tuple[str, ...]

    @property
    def steps(self) -> int:
        """The number of steps from the topic; 0 for the topic itself."""
        return len(self.ids) // 2


class Move(NamedTuple):
    """One step that *about* may take, and the relationship or container that it goes by."""

    via_id: str
    from_id: str
    to_id: str
    kind: str


class Graph:
    """The moves of one origin's latest versions, read from the store as they are asked for."""

    def __init__(self, held: Held, *, whole: bool = False) -> None:
        """Read everything at once if `whole`, else only the neighbourhoods that are loaded."""
        self._held = held
        self._whole = whole
        self._into: dict[str, list[Move]] = {}
        self._members: dict[str, list[str]] = {}
        if whole:
            self._add(ties.relations_all(held.tx, held.origin))

    def into(self, ids: Iterable[str]) -> None:
        """Load the moves that end in `ids`, and the members of the containers among them."""
        if self._whole:
            return
        wanted = {each for each in ids if each not in self._into}
        self._into.update({each: [] for each in wanted})
        found = self._held.arriving(wanted, _ONWARD) + self._held.relations_from(wanted)
        arriving = {r for r in found if (move := move_by(r)) is not None and move.to_id in wanted}
        self._add(arriving)
        self._load_members({r.source_id for r in arriving if r.kind == "member"})
        self._load_members({each for each in wanted if type_of(each) in CONTAINERS})

    def moves_to(self, stix_id: str) -> list[Move]:
        """The moves that end in an object, in a fixed order."""
        return self._into.get(stix_id, [])

    def members(self, container_id: str) -> list[str]:
        """What a container holds."""
        return self._members.get(container_id, [])

    def onward(self, ids: Iterable[str], steps: int) -> set[str]:
        """Every object that up to `steps` moves from `ids` can reach, whatever passes or not."""
        reached: set[str] = set()
        edge = set(ids)
        for _ in range(steps):
            edge = self._next(edge) - reached
            reached |= edge
        return reached

    def _next(self, ids: set[str]) -> set[str]:
        carriers = {each for each in ids if type_of(each) in CARRIERS | CONTAINERS | SOMEWHERE}
        out = self._held.relations_from(carriers)
        back = self._held.relations_to(ids)
        found = {r.target_id for r in out if r.kind in _ONWARD}
        found |= {r.source_id for r in back if r.kind in AGAINST}
        holding = {r.source_id for r in back if r.kind == "member"}
        inside = self._held.relations_from(holding)
        return found | holding | {r.target_id for r in inside if r.kind == "member"}

    def _load_members(self, containers: set[str]) -> None:
        missing = {each for each in containers if each not in self._members}
        self._members.update({each: [] for each in missing})
        for each in self._held.relations_from(missing):
            if each.kind == "member":
                self._members[each.source_id].append(each.target_id)

    def _add(self, relations: Iterable[objects.Relation]) -> None:
        for each in sorted(relations):
            move = move_by(each)
            if move is not None:
                self._into.setdefault(move.to_id, []).append(move)
            if self._whole and each.kind == "member":
                self._members.setdefault(each.source_id, []).append(each.target_id)


class Finder:
    """Finds the path from a clause's topics to objects: the shortest, then the first by id."""

    def __init__(
        self,
        graph: Graph,
        starts: Mapping[str, str],
        *,
        members: bool,
        passes: Callable[[str, int], bool],
    ) -> None:
        """Take the moves, the topics' own objects with how each was recognised, and what passes.

        `passes` is asked of an object and the number of its steps from the topic.
        """
        self._graph = graph
        self._starts = starts
        self._with_members = members
        self._passes = passes
        self._known: dict[tuple[str, int], Path | None] = {}

    def load(self, ids: Iterable[str], reach: int) -> set[str]:
        """Load all that paths of up to `reach` steps to `ids` can touch; returns what must pass."""
        touched = set(ids)
        edge = set(ids)
        for _ in range(reach):
            # Nobody looks for a way to where a way begins.
            edge -= self._starts.keys()
            self._graph.into(edge)
            moves = [move for each in edge for move in self._graph.moves_to(each)]
            holders = {each for each in edge if type_of(each) in CONTAINERS}
            edge = {move.from_id for move in moves}
            holders |= {each for each in edge if type_of(each) in CONTAINERS}
            inside = {m for each in holders for m in self._graph.members(each)}
            touched |= edge | {move.via_id for move in moves} | (inside & self._starts.keys())
        return touched

    def path(self, stix_id: str, reach: int) -> Path | None:
        """The path to an object within `reach` steps, or None."""
        key = (stix_id, reach)
        if key not in self._known:
            self._known[key] = self._search(stix_id, reach)
        return self._known[key]

    def _search(self, stix_id: str, reach: int) -> Path | None:
        if stix_id in self._starts:
            return Path(self._starts[stix_id], (stix_id,))
        if reach == 0:
            return None
        paths = [p for p in self._candidates(stix_id, reach) if p is not None]
        return min(paths, key=lambda path: (path.steps, path.ids), default=None)

    def _candidates(self, stix_id: str, reach: int) -> Iterable[Path | None]:
        for move in self._graph.moves_to(stix_id):
            if move.kind == "member":
                yield self._by_membership(move)
            elif carries(move) and self._passes(move.via_id, 0):
                before = self.path(move.from_id, reach - 1)
                if before is not None and self._passes(move.from_id, before.steps):
                    yield Path(before.start, (*before.ids, move.via_id, stix_id))
        if self._with_members and type_of(stix_id) in CONTAINERS:
            for each in self._topics_in(stix_id):
                yield Path(self._starts[each], (each, stix_id))

    def _by_membership(self, move: Move) -> Path | None:
        """A member of a container that carries the label, or that holds a topic's own object.

        The label alone does not carry to what goes only where others go: the container might not.
        """
        if not self._with_members:
            return None
        if move.from_id in self._starts and not depends(move.to_id):
            if not self._passes(move.from_id, 0):
                return None
            start = self._starts[move.from_id]
            return Path(start, (move.from_id, move.to_id))
        first = min(self._topics_in(move.from_id), default=None)
        if first is None or not self._passes(move.from_id, 1):
            return None
        return Path(self._starts[first], (first, move.from_id, move.to_id))

    def _topics_in(self, container_id: str) -> list[str]:
        """A container's members that are a topic, pass, and go whatever becomes of others."""
        return [
            each
            for each in self._graph.members(container_id)
            if each in self._starts and not depends(each) and self._passes(each, 0)
        ]


def carries(move: Move) -> bool:
    """Whether *about* goes on from where a move begins: by its type, or to where it is."""
    type_ = type_of(move.from_id)
    return type_ in CARRIERS or (type_ in SOMEWHERE and move.kind in WHERE)


def starts(held: Held, keys: Iterable[str], stix_ids: Iterable[str]) -> dict[str, str]:
    """Objects that are a topic: their id, and how they were recognised (`name:…`, `stix:…`)."""
    found = held.keyed(keys)
    found.update({each: f"stix:{each}" for each in held.latest(stix_ids)})
    return found


def leads_to(tx: Tx, origin: str, ids: Iterable[str]) -> set[str]:
    """Objects whose *about*, or whose naming of a victim, hangs on the ties among `ids`.

    A tie says something new only of the object that it leads to, not of the one it starts from:
    whatever else that one leads to stays as it was.
    """
    return led_to(Held(tx, origin), ids)


def led_to(held: Held, ids: Iterable[str]) -> set[str]:
    """Answer `leads_to` from what is held."""
    tying = {each for each in ids if depends(each)}
    moves = [move_by(each) for each in held.relations_via(tying)]
    sighted = held.references_of({each for each in tying if type_of(each) == "sighting"})
    return {move.to_id for move in moves if move is not None} | {
        each.to_id for each in sighted if each.role == "where_sighted_refs"
    }


def holds(path: Path, graph: Graph, topic_starts: Mapping[str, str], *, members: bool) -> bool:
    """Whether a path that somebody claims can be walked by nothing but the objects it names."""
    first = {each: how for each, how in topic_starts.items() if each == path.ids[0]}
    named = set(path.ids)
    finder = Finder(graph, first, members=members, passes=lambda each, _: each in named)
    finder.load([path.ids[-1]], path.steps)
    return finder.path(path.ids[-1], path.steps) is not None


def move_by(relation: objects.Relation) -> Move | None:
    """The step that *about* may take by a relation, if it may take one."""
    ends = step(relation.kind, relation.source_id, relation.target_id)
    return ends and Move(relation.via_id, *ends, relation.kind)
