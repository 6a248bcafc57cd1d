"""Whether an object keeps to the countries of a clause, and what shows it.

Only what goes shows anything: each relationship and object between the object and the location
has to pass the clause itself, and to be within its reach. What is known of an object's own
countries comes first; where nothing is, those of what ties it to the topic count, and these have
passed already.
"""

from collections.abc import Callable, Iterable

from tearline.release.rules import Clause
from tearline.topics.places import ITS_OWN, Place, Places
from tearline.topics.topic import type_of

BEFORE = ("path",)
"""Shows a country where that of what ties the object to the topic counts."""


class Shown:
    """What shows the countries of objects under one clause, as `passes` has it."""

    def __init__(self, clause: Clause, places: Places, passes: Callable[[str], bool]) -> None:
        """Take a clause that is limited, the places read, and what passes but for them."""
        self._limits = clause.countries
        self._listed = frozenset[str]().union(*(listed for _, listed in clause.countries))
        self._reach = clause.reach
        self._places = places
        self._passes = passes

    def by(self, stix_id: str, steps: int | None) -> tuple[str, ...] | None:
        """What shows that an object keeps to the countries, or None.

        `steps` are those from the topic; None where it need not be about one.
        """
        places = self._places.of(stix_id)
        if type_of(stix_id) == "location":
            return next((each.shown_by for each in places if each.country in self._listed), None)
        shown: list[str] = []
        for relation, listed in self._limits:
            its = [each for each in places if each.relation == relation]
            one = self._one(stix_id, its, listed, steps)
            if one is None:
                return None
            shown += one
        return tuple(dict.fromkeys(shown))

    def _one(
        self, stix_id: str, its: Iterable[Place], listed: frozenset[str], steps: int | None
    ) -> tuple[str, ...] | None:
        if not its:
            tied = steps is not None and steps > 0 and type_of(stix_id) not in ITS_OWN
            return BEFORE if tied else None
        fitting = (each for each in its if each.country in listed and self._goes(each, steps))
        return next((each.shown_by for each in fitting), None)

    def _goes(self, place: Place, steps: int | None) -> bool:
        """Whether all that shows a place goes: it passes, and is within reach."""
        if steps is not None and steps + place.steps > self._reach:
            return False
        if not all(map(self._passes, place.shown_by)):
            return False
        victims = [each for each in place.shown_by if type_of(each) == "identity"]
        after = None if steps is None else steps + 1
        return all(self.by(each, after) is not None for each in victims)
