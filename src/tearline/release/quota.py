"""How many objects an agreement still lets go today, and which of more than that.

What is counted is objects that the receiver does not hold. New versions and other forms of what it
holds go besides, and so does a revocation: they give nothing that it lacks. A withdrawal gives
nothing back. Things go only with what they hang on: an object with its path to the topic and with
what shows its countries, a relationship with both its ends, a report with something it holds. So
whole *sets* are taken, in the order of release, as long as one fits; what is left over has the
reason `quota-spent` until the next day.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import orjson

from tearline.agreement.force import InForce
from tearline.release.answering import given_by_them, speaks
from tearline.release.batch import Before
from tearline.release.facts import Known
from tearline.release.hanging import holds_some, is_need
from tearline.release.planned import Ground, Planned, depth, is_held, way_of
from tearline.release.reasons import Code
from tearline.release.rules import day_of
from tearline.store import quotas, releases
from tearline.store.database import Tx
from tearline.store.releases import Standing
from tearline.topics.topic import EDGE_REFS, depends, type_of

_Stood: TypeAlias = Callable[[str], Standing | None]
_CODE = f'"{Code.QUOTA_SPENT}"'


def left(tx: Tx, bound: InForce, now: int) -> int | None:
    """Return how many more objects may go today; None where the agreement sets no number."""
    most = bound.terms.limits.objects_per_day
    if most is None:
        return None
    return max(most - quotas.given(tx, bound.agreement_id, day_of(now)), 0)


def is_spent(old: Standing | None, now: int) -> bool:
    """Whether the quota of this day did not reach for an object, by what stands on it."""
    return (
        old is not None
        and old.until_at > now
        and _CODE in old.reasons
        and any(code == Code.QUOTA_SPENT for code, _ in orjson.loads(old.reasons))
    )


def spent(tx: Tx, agreement_id: str, ids: Iterable[str], now: int) -> frozenset[str]:
    """Return those of `ids` for which the quota of this day did not reach."""
    found = releases.standing(tx, agreement_id, ids)
    return frozenset(each for each, old in found.items() if is_spent(old, now))


class Today(NamedTuple):
    """What the quota does not reach for in a plan, and what it reaches for now after all."""

    spent: frozenset[str] = frozenset()
    freed: frozenset[str] = frozenset()

    def before(
        self, found: Mapping[str, Before], stood: _Stood, ground: Ground
    ) -> Mapping[str, Before]:
        """What stood before a plan, with what the quota did not reach for, and does not now."""
        if ground.quota is None:
            return found
        return {
            each: its._replace(spent=each not in self.freed and is_spent(stood(each), ground.now))
            for each, its in found.items()
        }


def share(
    known: Known, ground: Ground, planned: Mapping[str, Planned], stood: _Stood, today: Today
) -> Today:
    """Return what a plan has to keep back beside what it did; the same where it keeps the quota.

    Among it is what they hold, where only that would still tie it to the topic. `stood` says what
    stood on an object before.
    """
    if ground.quota is None:
        return today
    new = {
        each: its
        for each, its in planned.items()
        if its.standing.outcome == "release" and not is_held(stood(each))
    }

    def holds(stix_id: str) -> bool:
        """Whether they hold an object and go on holding it."""
        its = planned.get(stix_id)
        goes_on = its is None or its.standing.outcome == "release"
        return goes_on and is_held(stood(stix_id))

    taking = _Taking(_needs_of(known, ground.agreement_id, new), new, holds, ground.quota)
    lost = {
        each
        for each, its in planned.items()
        if its.decided is not None
        and its.standing.outcome == "release"
        and each not in new
        and not taking.has_way(its)
    }
    freed = {each for each in taking.taken if is_spent(stood(each), ground.now)}
    return Today(today.spent | (new.keys() - taking.taken) | lost, today.freed | freed)


def _needs_of(known: Known, agreement_id: str, new: Iterable[str]) -> dict[str, list[str]]:
    """What each edge and container hangs on, without what they gave us: that they have."""
    found: dict[str, list[str]] = {each: [] for each in new if depends(each)}
    needs = [each for each in known.references_of(found) if is_need(each)]
    spoken_of = {each.to_id for each in needs if speaks(each.from_id)}
    theirs = given_by_them(known.tx, agreement_id, spoken_of) if spoken_of else set()
    for each in needs:
        if each.to_id not in theirs or not speaks(each.from_id):
            found[each.from_id].append(each.to_id)
    return found


class _Taking:
    """What is taken of the new objects of a plan, set by set."""

    def __init__(
        self,
        named: Mapping[str, Sequence[str]],
        new: Mapping[str, Planned],
        holds: Callable[[str], bool],
        quota: int,
    ) -> None:
        self._named, self._new, self._holds, self._left = named, new, holds, quota
        self.taken: set[str] = set()
        ordered = sorted(new, key=lambda each: depth(new[each]))
        for stix_id in ordered:
            if not depends(stix_id):
                self._take(stix_id)
        hanging = [each for each in ordered if holds_some(each)]
        hanging += [each for each in ordered if type_of(each) in EDGE_REFS]
        while hanging != (hanging := [each for each in hanging if not self._follow(each)]):
            pass

    def has_way(self, its: Planned) -> bool:
        """Whether all goes that leads to something they hold already."""
        own = its.standing.stix_id
        return all(each == own or self._has(each) for each in _leading(its))

    def _follow(self, stix_id: str) -> bool:
        """Take an edge where all goes that it speaks of, a container where some that it holds does.

        Whether it is taken now.
        """
        enough = any if holds_some(stix_id) else all
        if enough(map(self._has, self._named[stix_id])):
            self._take(stix_id)
        return self._has(stix_id)

    def _has(self, stix_id: str) -> bool:
        return stix_id in self.taken or self._holds(stix_id)

    def _take(self, stix_id: str) -> None:
        """Take an object with all that it needs, if that fits."""
        if self._left and (needed := self._with_needs(stix_id)) and len(needed) <= self._left:
            self.taken |= needed
            self._left -= len(needed)

    def _with_needs(self, stix_id: str) -> set[str]:
        """An object and all new ones that it goes only with; nothing where one does not go."""
        found: set[str] = set()
        todo = [stix_id]
        while todo:
            each = todo.pop()
            if each in found or self._has(each):
                continue
            if each not in self._new:
                return set()
            found.add(each)
            todo += self._needs(each)
        return found

    def _needs(self, stix_id: str) -> Iterable[str]:
        if type_of(stix_id) in EDGE_REFS:
            return self._named[stix_id]
        return _leading(self._new[stix_id])


def _leading(its: Planned) -> list[str]:
    """The path to an object, with itself, and what shows its countries."""
    facts = its.decided.facts if its.decided else None
    shown = facts.countries.get(its.standing.clause, ()) if facts else ()
    return [*way_of(its).ids, *(each for each in shown if "--" in each)]
