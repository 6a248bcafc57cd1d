"""Which countries objects have, by what relation, and what shows it.

A country is that of a location (`country`, ISO 3166-1 alpha-2), and an object has it by a closed
table of relationships that STIX defines:

- *victim*: an object *targets* the location, or an identity that is *located-at* it; and that
  identity itself.
- *actor*: a threat actor, intrusion set, campaign or malware *originates-from* it or is
  *located-at* it.
- *observed*: an infrastructure is *located-at* it.

What has no country by a relation has that of what ties it to the topic; a location or an identity
has its own or none. Who gives counts only what goes, so that who receives comes to the same.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tearline.store.objects import Relation
from tearline.topics.held import Held
from tearline.topics.topic import WHERE, type_of

ACTORS = frozenset({"threat-actor", "intrusion-set", "campaign", "malware"})
"""What is of a country where it originates from or is located."""

ITS_OWN = frozenset({"location", "identity"})
"""What never has the country of something else."""

KINDS = WHERE | {"targets"}
"""The relationships by which objects have a country."""


class Place(NamedTuple):
    """One country of an object: by what relation, and the objects that show it, in order.

    `shown_by` ends with the location; the relationship or relationships before it stand first.
    """

    relation: str
    country: str
    shown_by: tuple[str, ...]

    @property
    def steps(self) -> int:
        """How many steps the location is from the object: 0 for the location itself."""
        return len(self.shown_by) // 2


class Places:
    """The places of objects of one origin, each read once."""

    def __init__(self, held: Held) -> None:
        """Bind to what is held; nothing is read yet."""
        self._held = held
        self._known: dict[str, list[Place]] = {}

    def load(self, ids: Iterable[str]) -> set[str]:
        """Read the places of `ids`, and of the victims among what shows them; returns all seen."""
        missing = {each for each in ids if each not in self._known}
        if missing:
            self._read(missing)
        shown = {e for each in ids for place in self._known[each] for e in place.shown_by}
        victims = {each for each in shown if type_of(each) == "identity"} - self._known.keys()
        if victims:
            self._read(victims)
        return shown

    def of(self, stix_id: str) -> list[Place]:
        """The places of an object, in a fixed order."""
        return self._known.get(stix_id, [])

    def _read(self, ids: set[str]) -> None:
        stated = [each for each in self._held.relations_from(ids) if each.kind in KINDS]
        homes = self._homes({each.target_id for each in stated if each.kind == "targets"})
        ends = {each.target_id for each in [*stated, *(r for its in homes.values() for r in its)]}
        countries = self._held.countries(e for e in ends | ids if type_of(e) == "location")
        found = {each: [Place("", countries[each], (each,))] for each in ids & countries.keys()}
        for each in stated:
            relation, end = _relation(each), each.target_id
            places = found.setdefault(each.source_id, [])
            if relation and end in countries:
                places.append(Place(relation, countries[end], (each.via_id, end)))
            for home in homes.get(end, ()) if each.kind == "targets" else ():
                if home.target_id in countries:
                    shown_by = (each.via_id, end, home.via_id, home.target_id)
                    places.append(Place("victim", countries[home.target_id], shown_by))
        self._known.update({each: sorted(found.get(each, ())) for each in ids})

    def _homes(self, ids: set[str]) -> dict[str, list[Relation]]:
        """Where the identities among `ids` are."""
        homes: dict[str, list[Relation]] = {}
        for each in self._held.relations_from(e for e in ids if type_of(e) == "identity"):
            if each.kind == "located-at":
                homes.setdefault(each.source_id, []).append(each)
        return homes


def placed_by(held: Held, ids: set[str]) -> set[str]:
    """Objects that may have another country because of what became of `ids`.

    Of a relationship its source; of a location what is there or targets it; of an identity what
    targets it.
    """
    found: set[str] = set()
    edge = ids
    for _ in range(2):
        via = {each for each in edge if type_of(each) == "relationship"}
        ends = {each for each in edge if type_of(each) in ITS_OWN}
        stated = [*held.relations_via(via), *held.relations_to(ends)]
        edge = {each.source_id for each in stated if each.kind in KINDS}
        found |= edge
    return found


def _relation(stated: Relation) -> str | None:
    type_ = type_of(stated.source_id)
    if stated.kind == "targets" or type_ == "identity":
        return "victim"
    if type_ in ACTORS:
        return "actor"
    located = type_ == "infrastructure" and stated.kind == "located-at"
    return "observed" if located else None
