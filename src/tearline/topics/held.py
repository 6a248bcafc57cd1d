"""What is held of one origin, each thing read once however many agreements ask for it.

Good for one transaction, as long as nothing is kept or erased in it. Whoever asks for much says so
first, in one list: then what follows is answered from memory.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from tearline.store import objects, ties
from tearline.store.database import Tx
from tearline.store.objects import Reference, Relation, Version
from tearline.topics.topic import depends

_Row = TypeVar("_Row", Relation, Reference)
_Read = Callable[[Tx, str, Iterable[str]], Sequence[_Row]]


class Held:
    """The latest versions of one origin, what ties them, and their keys."""

    def __init__(self, tx: Tx, origin: str) -> None:
        """Bind to a transaction; nothing is read yet."""
        self.tx = tx
        self.origin = origin
        self._latest: dict[str, Version | None] = {}
        self._from: dict[str, list[Relation]] = {}
        self._to: dict[str, list[Relation]] = {}
        self._via: dict[str, list[Relation]] = {}
        self._of: dict[str, list[Reference]] = {}
        self._on: dict[str, list[Reference]] = {}
        self._keyed: dict[str, list[str]] = {}
        self._victim: dict[str, bool] = {}
        self._country: dict[str, str | None] = {}

    def latest(self, ids: Iterable[str]) -> dict[str, Version]:
        """The latest version of each of `ids` that is held."""
        known = self._latest
        wanted = list(ids)
        missing = {each for each in wanted if each not in known}
        if missing:
            found = objects.latest(self.tx, self.origin, missing)
            known.update({each: found.get(each) for each in missing})
        return {each: version for each in wanted if (version := known[each]) is not None}

    def relations_from(self, ids: Iterable[str]) -> list[Relation]:
        """Relations whose source is one of `ids`."""
        return self._rows(self._from, ties.relations_from, _SOURCE, ids)

    def relations_to(self, ids: Iterable[str]) -> list[Relation]:
        """Relations whose target is one of `ids`."""
        return self._rows(self._to, ties.relations_to, _TARGET, ids)

    def arriving(self, ids: Iterable[str], kinds: Collection[str]) -> list[Relation]:
        """Relations of these kinds whose target is one of `ids`.

        What has many indicators is the target of each, and few of what else is said of it.
        """
        wanted = set(ids)
        known = wanted & self._to.keys()
        found = [row for each in known for row in self._to[each] if row.kind in kinds]
        return found + ties.relations_to_by(self.tx, self.origin, wanted - known, kinds)

    def relations_via(self, ids: Iterable[str]) -> list[Relation]:
        """The relations that `ids`, relationships or containers, state."""
        return self._rows(self._via, ties.relations_via, _VIA, ids)

    def references_of(self, ids: Iterable[str]) -> list[Reference]:
        """What `ids` name."""
        return self._rows(self._of, ties.references_of, _FROM_ID, ids)

    def spoken_of(self, ids: Iterable[str]) -> list[Reference]:
        """What the fate of edges and containers among `ids` hangs on."""
        return [each for each in self.references_of(ids) if each.role in ties.TYING]

    def references_to(self, ids: Iterable[str]) -> list[Reference]:
        """Who names `ids`."""
        return self._rows(self._on, ties.references_to, _TO_ID, ids)

    def speaking_of(self, ids: Iterable[str]) -> set[str]:
        """What goes only where something goes that is among `ids`: edges and containers."""
        wanted = set(ids)
        tying = [*self.relations_from(wanted), *self.relations_to(wanted)]
        naming = {each.via_id for each in tying}.union(ties.naming(self.tx, self.origin, wanted))
        return {each for each in naming if depends(each)}

    def victims(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that name a victim."""
        wanted = set(ids)
        missing = {each for each in wanted if each not in self._victim}
        if missing:
            found = ties.victims(self.tx, self.origin, missing)
            self._victim.update({each: each in found for each in missing})
        return {each for each in wanted if self._victim[each]}

    def countries(self, ids: Iterable[str]) -> dict[str, str]:
        """The country of each location among `ids` that states one."""
        wanted = set(ids)
        missing = {each for each in wanted if each not in self._country}
        if missing:
            self._country.update(dict.fromkeys(missing))
            for key, stix_id in ties.keys_on(self.tx, self.origin, missing):
                if key.startswith("country:"):
                    self._country[stix_id] = key.removeprefix("country:")
        return {each: found for each in wanted if (found := self._country[each]) is not None}

    def keyed(self, keys: Iterable[str]) -> dict[str, str]:
        """Objects that carry one of `keys`: the object's id and its smallest matching key."""
        wanted = sorted(keys)
        missing = [each for each in wanted if each not in self._keyed]
        if missing:
            self._keyed.update({each: [] for each in missing})
            for key, stix_id in ties.carrying(self.tx, self.origin, missing):
                self._keyed[key].append(stix_id)
        found: dict[str, str] = {}
        for key in wanted:
            for stix_id in self._keyed[key]:
                found.setdefault(stix_id, key)
        return found

    def _rows(
        self,
        known: dict[str, list[_Row]],
        read: _Read[_Row],
        place: int,
        ids: Iterable[str],
    ) -> list[_Row]:
        wanted = ids if isinstance(ids, (set, frozenset, Mapping)) else dict.fromkeys(ids)
        missing = [each for each in wanted if each not in known]
        if missing:
            known.update({each: [] for each in missing})
            for row in read(self.tx, self.origin, missing):
                known[row[place]].append(row)
        return [row for each in wanted for row in known[each]]


_VIA = Relation._fields.index("via_id")
_SOURCE = Relation._fields.index("source_id")
_TARGET = Relation._fields.index("target_id")
_FROM_ID = Reference._fields.index("from_id")
_TO_ID = Reference._fields.index("to_id")
