"""Whether an object concerns an agreement at all, and what is decided where it does not.

Only what concerns an agreement has a standing decision under it. Everything else is withheld for
reasons that hang on no topic, and so alike under all agreements of one *scope*: those whose rules
are equal but for their topics and the span in which they are in force.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from tearline.agreement.terms import parse_json
from tearline.release.decide import Decision
from tearline.release.rules import FOREVER, GOES, STAYS, Clause, Facts, Named, Rules, rules_of
from tearline.topics.about import Path
from tearline.topics.topic import depends


class Decided(NamedTuple):
    """One object's facts, its decision, and the path that makes it about the topic, if any.

    `carries` is true of a relationship by which *about* goes on from something that goes or waits,
    and of the ends of a topic that is a relation.
    """

    facts: Facts
    decision: Decision
    path: Path | None
    carries: bool = False


def concerns(rules: Rules, decided: Decided) -> bool:
    """Whether a decision stands under an agreement.

    It does where the object goes or waits, is about a topic of a clause (or would be if what waits
    were approved), where a clause is for any topic, and where something that goes or waits hangs
    on the object: as the end of a tie by which *about* goes on, or as all that a note or container
    needs. Time limits turn for these alone: all others could not go whatever the clock says.
    """
    facts = decided.facts
    return (
        decided.decision.outcome != "withhold"
        or bool(facts.about or facts.about_waiting)
        or decided.carries
        or (depends(facts.id) and facts.ends != STAYS)
        or anything(rules)
    )


def anything(rules: Rules) -> bool:
    """Whether a clause is for any topic, so that every object concerns the agreement."""
    return any(each.any_topic and each.complete for each in rules.clauses)


def unconcerned(facts: Facts) -> Facts:
    """The facts of an object where it concerns no agreement: about nothing, and its ends stay."""
    return msgspec.structs.replace(facts, ends=STAYS if depends(facts.id) else GOES)


@lru_cache(maxsize=4_096)
def rules_under(terms: bytes, from_slot: str) -> Rules:
    """The rules for what `from_slot` gives under the signed text."""
    return rules_of(parse_json(terms), from_slot)


@lru_cache(maxsize=4_096)
def scope_of(rules: Rules) -> Rules:
    """What the agreements of one scope share: the rules without topics and without their span."""
    return Rules(tuple(map(_but_for_topics, rules.clauses)), 0, FOREVER, rules.added)


def _but_for_topics(clause: Clause) -> Clause:
    return msgspec.structs.replace(
        clause,
        keys=frozenset(),
        stix_ids=frozenset(),
        reach=0,
        members=False,
        remove=(),
        pseudonymise=(),
        dates=None,
        places=None,
        pairs=(),
        never=Named(),
        never_from=frozenset(),
    )
