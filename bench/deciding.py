"""Decisions a second on one core, with all their reasons, over facts of every kind."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from bench.measuring import Figure, Spent, in_turn, rate, spent
from tearline.release.categories import VICTIM, rules_of_category
from tearline.release.decide import Decision, decide
from tearline.release.rules import DAY, FOREVER, Clause, Facts, Rules
from tearline.stix import marking
from tearline.stix.strict import collector_paused

GOAL = 200_000
SHORT_GOAL = 300_000
_BATCHES = 10
_BATCH = 5_000
"""As many as reconcile gathers and decides at once."""

_NOW = 20_500 * DAY
_TYPES = (
    *("indicator",) * 8,
    *("relationship",) * 8,
    *("malware", "attack-pattern", "intrusion-set", "tool", "identity", "infrastructure"),
    *("vulnerability", "sighting", "note", "x-private"),
)
_MARKINGS = (
    *(marking.CLEAR, marking.GREEN, marking.GREEN, marking.AMBER, marking.AMBER),
    *(marking.AMBER_STRICT, marking.RED, marking.UNMARKED, marking.UNKNOWN, marking.CONTRADICTORY),
)


def figures() -> Iterator[Figure]:
    """Decide over mixed facts and two clauses, and with its reasons in words, beside comparisons.

    With every limit there is, and with those of a short agreement: types, topics, marking, grade,
    age and victims. The floor is what a program for this one agreement would do.
    """
    rules, short = every_limit(), two_clauses()
    deciders: tuple[Callable[[Facts], object], ...] = (
        partial(decide, rules),
        partial(decide, short),
        lambda facts: decide(rules, facts).reasons,
        _hand_written,
    )
    spent_by = in_turn(*(partial(_over, each) for each in deciders))
    *own, bare = (_BATCHES * _BATCH / each.cpu_s for each in spent_by)
    per = "decisions per CPU second"
    yield rate("decide, all limits and all reasons, 2 clauses", per, own[0], bare, GOAL)
    yield rate("decide, the limits of a short agreement", per, own[1], bare, SHORT_GOAL)
    yield rate("decide, reasons put into words too", per, own[2], bare)


def _over(decider: Callable[[Facts], object]) -> Spent:
    """Decide batch after batch, each as soon as its facts are there, as reconcile does."""
    taken = []
    for number in range(_BATCHES):
        facts = mixed_facts(_BATCH, number)
        with collector_paused():
            taken.append(spent(partial(deque, map(decider, facts), maxlen=0)))
    return Spent(*map(sum, zip(*taken, strict=True)))


def every_limit() -> Rules:
    """The same with a value for every limit there is."""
    rules = two_clauses()
    limited = [
        msgspec.structs.replace(
            each,
            countries=(("victim", frozenset({"SE", "NO"})),),
            confidence_min=50,
            pap_max=2,
            statements=frozenset({"ours"}),
        )
        for each in rules.clauses
    ]
    return msgspec.structs.replace(rules, clauses=tuple(limited))


def two_clauses() -> Rules:
    """What a normal agreement says for one direction: indicators freely, the rest with a floor."""
    indicators = Clause(
        id="N1",
        complete=True,
        types=frozenset({"indicator", "relationship", "sighting"}),
        any_topic=False,
        keys=frozenset({"name:gray heron"}),
        stix_ids=frozenset(),
        reach=1,
        members=False,
        marking_max=marking.AMBER,
        letter_min=2,
        digit_min=3,
        max_age=365 * DAY,
        reviews=rules_of_category("victim"),
        approvals=1,
        within=None,
        remove=(),
    )
    context = Clause(
        id="N2",
        complete=True,
        types=frozenset(_TYPES) - {"x-private", "note"},
        any_topic=False,
        keys=frozenset({"name:gray heron"}),
        stix_ids=frozenset(),
        reach=2,
        members=False,
        marking_max=marking.GREEN,
        letter_min=0,
        digit_min=0,
        max_age=None,
        reviews=0,
        approvals=1,
        within=None,
        remove=(),
    )
    return Rules((indicators, context), valid_from=_NOW - 30 * DAY, valid_until=_NOW + 300 * DAY)


def mixed_facts(count: int, seed: int = 0) -> list[Facts]:
    """Facts of every kind, the same for the same seed: about half are about the topic."""
    chance = random.Random(20151225 + seed)
    return [_one(chance, number) for number in range(count)]


def _one(chance: random.Random, number: int) -> Facts:
    type_ = chance.choice(_TYPES)
    path = (f"intrusion-set--{number}", f"relationship--{number}", f"{type_}--{number}")
    clauses = chance.choice(((), (), ("N2",), ("N1", "N2"), ("N1", "N2")))
    return Facts(
        id=f"{type_}--{number}",
        version_at=_NOW,
        type=type_,
        created_at=_NOW - chance.randrange(730) * DAY,
        marking=chance.choice(_MARKINGS),
        grade=chance.choice((marking.NO_GRADE, 11, 22, 23, 34, 66)),
        now=_NOW,
        revoked=chance.random() < 0.02,
        delivered="N1" if chance.random() < 0.1 else "",
        held=chance.random() < 0.01,
        found=VICTIM if chance.random() < 0.05 else 0,
        ends=chance.choice((0, 0, 0, 1, 2)) if type_ == "relationship" else 0,
        about=dict.fromkeys(clauses, path),
        confidence=chance.choice((-1, 30, 60, 90)),
        pap=chance.choice((*(-1,) * 8, 0, 3)),
        statements=chance.choice((*((),) * 8, ("ours",), ("theirs",))),
        countries=dict.fromkeys(chance.choice(((), clauses)), ("path",)),
        valid_until=chance.choice((*(FOREVER,) * 7, _NOW - DAY, _NOW + DAY)),
    )


def _hand_written(facts: Facts) -> Decision | None:
    """What a program for this one agreement would do: stop at the first limit that fails."""
    if facts.revoked or facts.held or facts.found or not 0 <= facts.marking <= marking.AMBER:
        return None
    if facts.type in {"indicator", "relationship", "sighting"} and (
        "N1" in facts.about
        and facts.now - facts.created_at < 365 * DAY
        and 0 < facts.grade <= 23
        and facts.grade % 10 <= 3
    ):
        return Decision("release", "N1", FOREVER)
    if facts.marking <= marking.GREEN and "N2" in facts.about and facts.type != "note":
        return Decision("release", "N2", FOREVER)
    return None
