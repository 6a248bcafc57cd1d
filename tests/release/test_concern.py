"""What does not concern an agreement is decided alike under all agreements of a scope."""

import msgspec
from hypothesis import given

from tearline.release.concern import Decided, anything, concerns, scope_of, unconcerned
from tearline.release.decide import decide
from tearline.release.rules import GOES, STAYS, Facts, Rules
from tearline.topics.topic import depends
from tests.release.test_decide import FACTS, RULES


def stranger(facts: Facts) -> Facts:
    """The same object where no agreement's topic touches it, and they hold nothing of it."""
    id_ = f"{facts.type}--0b6f1c1e-52f4-4c43-9b3a-5cf41e0f6a10"
    bare = msgspec.structs.replace(
        facts, id=id_, about={}, about_waiting={}, delivered="", uncuttable=False
    )
    return unconcerned(bare)


@given(RULES, FACTS)
def test_a_stranger_is_withheld_and_no_decision_stands_on_it(rules: Rules, facts: Facts) -> None:
    alone = stranger(facts)
    decided = Decided(alone, decide(rules, alone), None)
    if not anything(rules):
        assert decided.decision.outcome == "withhold"
        assert not concerns(rules, decided)
    else:
        assert concerns(rules, decided)
    assert alone.ends == (STAYS if depends(alone.id) else GOES)


@given(RULES, FACTS)
def test_a_stranger_is_decided_by_its_scope_as_by_the_rules(rules: Rules, facts: Facts) -> None:
    alone = stranger(facts)
    if anything(rules) or not rules.valid_from <= alone.now < rules.valid_until:
        return
    own, shared = decide(rules, alone), decide(scope_of(rules), alone)
    until_at = min(shared.until_at, rules.valid_until)
    assert own == msgspec.structs.replace(shared, until_at=until_at)


@given(RULES, FACTS)
def test_a_scope_has_one_answer_for_all_that_is_equal_but_for_topics(
    rules: Rules, facts: Facts
) -> None:
    other = msgspec.structs.replace(
        rules,
        clauses=tuple(
            msgspec.structs.replace(each, keys=frozenset({"name:other"}), reach=2)
            for each in rules.clauses
        ),
        valid_until=rules.valid_until + 1,
    )
    assert scope_of(rules) == scope_of(other)
    assert decide(scope_of(rules), stranger(facts)) == decide(scope_of(other), stranger(facts))
