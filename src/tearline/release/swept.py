"""What is ours, read at once: for whoever asks for a large part of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from tearline.release.facts import Known
from tearline.store import objects, sweeping, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS, Reference, Relation, Version
from tearline.topics.topic import depends

_MANY = 2_000
"""The number of objects from which a sweep pays, however many are held."""


class Swept(Known):
    """What is ours, as `Known` has it; what is asked of many objects is read of all."""

    def __init__(self, tx: Tx) -> None:
        """Read every relation, and every reference on which the fate of something hangs."""
        super().__init__(tx, OURS)
        via, source, target = _lists(), _lists(), _lists()
        for each in sweeping.relations(tx, OURS):
            via[each.via_id].append(each)
            source[each.source_id].append(each)
            target[each.target_id].append(each)
        self._via, self._from, self._to = dict(via), dict(source), dict(target)
        naming, named = _lists(), _lists()
        for ref in sweeping.references(tx, OURS, ties.FATEFUL):
            naming[ref.from_id].append(ref)
            named[ref.to_id].append(ref)
        self._naming: dict[str, list[Reference]] = dict(naming)
        self._named: dict[str, list[Reference]] = dict(named)
        self._all_latest: dict[str, Version] | None = None
        self._all_victims: set[str] | None = None
        self._all_named: dict[str, list[Reference]] | None = None

    def latest(self, ids: Iterable[str]) -> dict[str, Version]:
        """The latest version of each of `ids` that is held."""
        wanted = list(ids)
        if self._all_latest is None:
            if len(wanted) < _MANY:
                return super().latest(wanted)
            self._all_latest = {each.stix_id: each for each in objects.latest_all(self.tx, OURS)}
        held = self._all_latest
        return {each: held[each] for each in wanted if each in held}

    def victims(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that name a victim."""
        wanted = set(ids)
        if self._all_victims is None and len(wanted) < _MANY:
            return super().victims(wanted)
        return wanted & self.all_victims()

    def all_victims(self) -> set[str]:
        """All that name a victim, or are named as one; read once."""
        if self._all_victims is None:
            self._all_victims = super().all_victims()
        return self._all_victims

    def relations_from(self, ids: Iterable[str]) -> list[Relation]:
        """Relations whose source is one of `ids`."""
        return [row for each in dict.fromkeys(ids) for row in self._from.get(each, ())]

    def relations_to(self, ids: Iterable[str]) -> list[Relation]:
        """Relations whose target is one of `ids`."""
        return [row for each in dict.fromkeys(ids) for row in self._to.get(each, ())]

    def arriving(self, ids: Iterable[str], kinds: Collection[str]) -> list[Relation]:
        """Relations of these kinds whose target is one of `ids`."""
        return [row for row in self.relations_to(ids) if row.kind in kinds]

    def relations_via(self, ids: Iterable[str]) -> list[Relation]:
        """The relations that `ids`, relationships or containers, state."""
        return [row for each in dict.fromkeys(ids) for row in self._via.get(each, ())]

    def references_to(self, ids: Iterable[str]) -> list[Reference]:
        """Who names `ids`."""
        wanted = set(ids)
        if self._all_named is None:
            if len(wanted) < _MANY:
                return super().references_to(wanted)
            self._all_named = {}
            for ref in sweeping.references(self.tx, OURS):
                self._all_named.setdefault(ref.to_id, []).append(ref)
        found = [ref for each in wanted for ref in self._all_named.get(each, ())]
        stated = dict.fromkeys([*self.relations_from(wanted), *self.relations_to(wanted)])
        return found + [end for r in stated for end in ties.ends_of(r) if end.to_id in wanted]

    def spoken_of(self, ids: Iterable[str]) -> list[Reference]:
        """What the fate of edges and containers among `ids` hangs on."""
        wanted = set(ids)
        found = [ref for each in self.relations_via(wanted) for ref in ties.ends_of(each)]
        return found + [ref for each in wanted for ref in self._naming.get(each, ())]

    def speaking_of(self, ids: Iterable[str]) -> set[str]:
        """What goes only where something goes that is among `ids`: edges and containers."""
        wanted = set(ids)
        found = {r.via_id for r in [*self.relations_from(wanted), *self.relations_to(wanted)]}
        found.update(ref.from_id for each in wanted for ref in self._named.get(each, ()))
        return {each for each in found if depends(each)}


def _lists() -> defaultdict[str, list[Any]]:
    return defaultdict(list)
