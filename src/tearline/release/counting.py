"""What an agreement would do with everything held, in numbers. Pure.

What stands out is named too: the topic, the source and the category that the fewest objects have
of all that would go. Who receives these can tell from them more than from what many have.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from tearline.agreement.document import CATEGORIES
from tearline.agreement.terms import Terms
from tearline.release.alike import Group
from tearline.release.categories import rules_of_category
from tearline.release.changes import Changes
from tearline.release.reasons import Code
from tearline.topics.topic import keys_for


class Count(msgspec.Struct, frozen=True):
    """How many objects have a reason at all, and how many have no other."""

    code: Code
    total: int
    only: int


class Exposure(msgspec.Struct, frozen=True):
    """What stands out in what would go: the rarest of its kind, and of how many objects it is.

    Of a topic, `value` is how objects were recognised (`name:…`, `label:…`), `topics` the ids of
    the agreement that say so. `share` is that of all that goes, or waits and may go.
    """

    kind: Literal["topic", "source", "category"]
    value: str
    objects: int
    share: float
    topics: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True):
    """What an agreement would do with everything held: go, wait and stay, with every reason.

    `by_type` has [go, wait, stay] for each type; `by_clause` what would go under each clause.
    `changes` says what is otherwise under the version that runs; None where none does.
    """

    held: int
    go: int
    wait: int
    stay: int
    reasons: tuple[Count, ...]
    by_type: dict[str, tuple[int, int, int]]
    by_clause: dict[str, int]
    exposure: tuple[Exposure, ...]
    changes: Changes | None


class _Tally:
    """Counts what was decided."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.total: Counter[Code] = Counter()
        self.only: Counter[Code] = Counter()
        self.types: Counter[tuple[str, str]] = Counter()
        self.clauses: Counter[str] = Counter()
        self.rare: dict[str, Counter[str]] = {
            "topic": Counter(),
            "source": Counter(),
            "category": Counter(),
        }

    def add(self, group: Group, number: int) -> None:
        decision, facts = group.decided.decision, group.decided.facts
        outcome = decision.outcome
        self.outcomes[outcome] += number
        self.types[facts.type, outcome] += number
        codes = {reason.code for reason in decision.reasons}
        for code in codes:
            self.total[code] += number
            self.only[code] += number if len(codes) == 1 else 0
        if outcome == "release":
            self.clauses[decision.clause or ""] += number
        if outcome == "withhold":
            return
        self.rare["source"][group.source] += number
        for start in group.start.split(" + ") if group.start else ():
            self.rare["topic"][start] += number
        for category in CATEGORIES:
            if facts.found & rules_of_category(category):
                self.rare["category"][category] += number


def counted(
    groups: Iterable[tuple[Group, int]], terms: Terms, changes: Changes | None = None
) -> Preview:
    """Count what was decided on groups of objects."""
    tally = _Tally()
    for group, number in groups:
        tally.add(group, number)
    outcomes, types = tally.outcomes, tally.types
    return Preview(
        held=outcomes.total(),
        go=outcomes["release"],
        wait=outcomes["wait"],
        stay=outcomes["withhold"],
        reasons=tuple(
            Count(code, tally.total[code], tally.only[code]) for code in Code if tally.total[code]
        ),
        by_type={
            type_: (types[type_, "release"], types[type_, "wait"], types[type_, "withhold"])
            for type_ in sorted({type_ for type_, _ in types})
        },
        by_clause=dict(sorted(tally.clauses.items())),
        exposure=tuple(_exposures(tally, terms)),
        changes=changes,
    )


def _exposures(tally: _Tally, terms: Terms) -> Iterable[Exposure]:
    whole = tally.outcomes["release"] + tally.outcomes["wait"]
    kinds: tuple[Literal["topic", "source", "category"], ...] = ("topic", "source", "category")
    for kind in kinds:
        found = tally.rare[kind]
        if found:
            value, number = min(found.items(), key=lambda each: (each[1], each[0]))
            topics = _topics(terms, value) if kind == "topic" else ()
            yield Exposure(kind, value, number, number / whole, topics)


def _topics(terms: Terms, start: str) -> tuple[str, ...]:
    """The topics of an agreement by which something was recognised so."""
    return tuple(
        each.id
        for each in terms.topic
        if start.removeprefix("stix:") in each.stix_ids
        or start
        in keys_for(names=each.names + each.aliases, attack_ids=each.attack_ids, labels=each.labels)
    )
