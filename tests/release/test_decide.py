"""`decide` against a naive re-statement of the rules, and what must hold whatever the rules say."""

from collections.abc import Callable, Iterator
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.document import CATEGORIES, CategoryId
from tearline.release.categories import rules_of_category
from tearline.release.decide import Decision, decide, passes_but_for_about
from tearline.release.reasons import Code, Reason
from tearline.release.rules import DAY, FOREVER, GOES, STAYS, WAITS, Clause, Facts, Rules
from tearline.stix import marking
from tearline.stix.handling import NO_PAP

NOW = 20_000 * DAY
TYPES = ("indicator", "malware", "identity", "relationship", "report", "x-odd")
LEVELS = (
    marking.CONTRADICTORY,
    marking.UNKNOWN,
    marking.UNMARKED,
    marking.CLEAR,
    marking.GREEN,
    marking.AMBER,
    marking.AMBER_STRICT,
    marking.RED,
)
GRADES = (marking.NO_GRADE, 11, 22, 23, 32, 66)


# Two rules of each category: one of an agreement's own, and the last that always holds.
BITS = tuple(
    bit
    for each in CATEGORIES
    for bits in (rules_of_category(each),)
    for bit in (bits & -bits, 1 << bits.bit_length() - 1)
)


def bits_of(categories: set[CategoryId]) -> int:
    return sum(map(rules_of_category, categories))


def a_clause(name: str) -> st.SearchStrategy[Clause]:
    return st.builds(
        Clause,
        id=st.just(name),
        complete=st.sampled_from([True, True, True, False]),
        types=st.none() | st.frozensets(st.sampled_from(TYPES)),
        any_topic=st.booleans(),
        keys=st.just(frozenset()),
        stix_ids=st.just(frozenset()),
        reach=st.just(1),
        members=st.booleans(),
        marking_max=st.sampled_from([marking.UNMARKED, *LEVELS[3:]]),
        letter_min=st.sampled_from([0, 1, 2, 6]),
        digit_min=st.sampled_from([1, 2, 6]),
        max_age=st.none() | st.sampled_from([DAY, 30 * DAY]),
        reviews=st.sets(st.sampled_from(CATEGORIES)).map(bits_of),
        approvals=st.integers(1, 2),
        within=st.sampled_from([None, DAY, 3 * DAY]),
        remove=st.just(()),
        settles=st.sampled_from([0, 0, *BITS]),
        countries=st.sampled_from([(), (), (("victim", frozenset({"SE"})),)]),
        confidence_min=st.none() | st.sampled_from([0, 50]),
        pap_max=st.sampled_from([NO_PAP, 0, 2, 3]),
        statements=st.sampled_from([None, frozenset(), frozenset({"ours"})]),
        iep=st.sampled_from([None, frozenset(), frozenset({"policy"})]),
        expired=st.booleans(),
    )


CLAUSES = st.lists(st.sampled_from(["N1", "N2", "N3"]), max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*map(a_clause, names))
)
RULES = st.builds(
    Rules,
    clauses=CLAUSES,
    valid_from=st.sampled_from([NOW - DAY, NOW - DAY, NOW - DAY, NOW, NOW + 1]),
    valid_until=st.sampled_from([NOW + DAY, NOW + DAY, NOW + DAY, NOW + 1, NOW]),
)
FACTS = st.builds(
    Facts,
    id=st.just("any"),
    version_at=st.just(0),
    type=st.sampled_from(TYPES),
    created_at=st.sampled_from([NOW, NOW - DAY + 1, NOW - DAY, NOW - 40 * DAY]),
    marking=st.sampled_from(LEVELS),
    grade=st.sampled_from(GRADES),
    now=st.just(NOW),
    revoked=st.sampled_from([False, False, False, True]),
    delivered=st.sampled_from(["", "", "N1"]),
    held=st.sampled_from([False, False, False, True]),
    source_agreement=st.sampled_from(["", "", "urn:other"]),
    found=st.sets(st.sampled_from(BITS), max_size=3).map(sum),
    ends=st.sampled_from([GOES, GOES, WAITS, STAYS]),
    about=st.dictionaries(st.sampled_from(["N1", "N2"]), st.just(("x",))),
    approvals=st.dictionaries(st.sampled_from(["N1", "N2"]), st.integers(1, 2)),
    refused=st.sampled_from([False, False, False, True]),
    asked_at=st.sampled_from([0, NOW, NOW - DAY + 1, NOW - DAY, NOW - 9 * DAY]),
    uncuttable=st.sampled_from([False, False, False, True]),
    confidence=st.sampled_from([-1, 0, 49, 50, 100]),
    pap=st.sampled_from([NO_PAP, NO_PAP, 0, 1, 3, marking.CONTRADICTORY]),
    statements=st.sampled_from([(), (), ("ours",), ("ours", "theirs")]),
    iep=st.sampled_from([(), (), ("policy",), ("another",)]),
    never=st.sampled_from([(), (), ("N1",), ("N2", "N3")]),
    countries=st.dictionaries(st.sampled_from(["N1", "N2", "N3"]), st.just(("path",))),
    valid_until=st.sampled_from([FOREVER, FOREVER, NOW, NOW + 1, NOW + DAY // 2]),
)

USUAL = {
    "confidence": 100,
    "pap": NO_PAP,
    "statements": (),
    "iep": (),
    "never": (),
    "countries": dict.fromkeys(("N1", "N2", "N3"), ("path",)),
    "valid_until": FOREVER,
}
"""What most objects are: no limit that came later stops them."""

FEW = FACTS.map(lambda facts: msgspec.structs.replace(facts, **USUAL))
FACTS = FACTS | FEW

_PEOPLE = {*map(Code, CATEGORIES), Code.MARKING_CONTRADICTS}
_WAITING = {*_PEOPLE, Code.END_WAITS}


def failed_anywhere(rules: Rules, facts: Facts) -> set[Code]:
    """What the design says stops an object whatever the clause, in its own words."""
    ends_stop = {
        Code.NOTHING_LEFT: facts.ends != GOES and facts.type == "report",
        Code.END_WAITS: facts.ends == WAITS and facts.type != "report",
        Code.END_STAYS: facts.ends == STAYS and facts.type != "report",
    }
    stops = {
        Code.NOT_IN_FORCE: facts.now < rules.valid_from or facts.now >= rules.valid_until,
        Code.TYPE_UNKNOWN: facts.type == "x-odd",
        Code.UNMARKED: facts.marking == marking.UNMARKED,
        Code.MARKING_UNKNOWN: facts.marking == marking.UNKNOWN,
        Code.REVOKED: facts.revoked,
        Code.HELD: facts.held,
        Code.RECEIVED: facts.source_agreement != "",
        Code.CUT_INVALID: facts.uncuttable,
        **ends_stop,
    }
    return {code for code, stopped in stops.items() if stopped}


def failed_limits(clause: Clause, facts: Facts) -> set[Code]:
    """The limits of one clause that an object does not keep."""
    graded = facts.grade != marking.NO_GRADE
    floor = clause.letter_min * 10 + clause.digit_min if clause.letter_min else None
    approved = facts.approvals.get(clause.id, 0) >= clause.approvals
    fails = {
        Code.LIMIT_MISSING: not clause.complete,
        Code.TYPE_NOT_LISTED: clause.types is not None and facts.type not in clause.types,
        Code.NOT_ABOUT: not clause.any_topic
        and clause.id not in facts.about
        and facts.type != "relationship",
        Code.MARKING_ABOVE: facts.marking > clause.marking_max,
        Code.UNGRADED: floor is not None and not graded,
        Code.GRADE_BELOW: floor is not None and graded and not marking.meets(facts.grade, floor),
        Code.TOO_OLD: clause.max_age is not None and facts.now - facts.created_at >= clause.max_age,
        Code.MARKING_CONTRADICTS: not approved
        and marking.CONTRADICTORY in {facts.marking, facts.pap},
        Code.NO_CONFIDENCE: clause.confidence_min is not None and facts.confidence < 0,
        Code.CONFIDENCE_BELOW: clause.confidence_min is not None
        and 0 <= facts.confidence < clause.confidence_min,
        Code.EXPIRED: facts.valid_until <= facts.now and not clause.expired,
        Code.NEVER: clause.id in facts.never,
        Code.PAP_ABOVE: 0 <= clause.pap_max < facts.pap,
        Code.COUNTRY_NOT_LISTED: bool(clause.countries)
        and clause.id not in facts.countries
        and facts.type != "relationship"
        and (clause.any_topic or clause.id in facts.about),
        Code.MARKING_UNKNOWN: (facts.pap != NO_PAP and clause.pap_max < 0)
        or not set(facts.statements) <= (clause.statements or set(facts.statements))
        or not set(facts.iep) <= (clause.iep or set(facts.iep))
        or (bool(facts.statements) and clause.statements == frozenset())
        or (bool(facts.iep) and clause.iep == frozenset()),
    }
    failed = {code for code, failed in fails.items() if failed}
    return failed if approved else failed | set(categories_of(clause, facts))


def categories_of(clause: Clause, facts: Facts) -> Iterator[Code]:
    """What is of a category, by a rule that the cut does not settle, waits or stays."""
    for category in CATEGORIES:
        for bit in BITS:
            if bit & rules_of_category(category) & facts.found and not bit & clause.settles:
                asked = bit & clause.reviews
                yield Code(category) if asked else Code(f"{category}-unreviewed")


def expected(rules: Rules, facts: Facts) -> tuple[str, str | None, set[Reason]]:
    """The answer as the design words it, with no thought for speed."""
    anywhere = failed_anywhere(rules, facts)
    if facts.revoked and facts.delivered and not anywhere & {Code.NOT_IN_FORCE, Code.CUT_INVALID}:
        return "release", facts.delivered, set()
    failed = {each.id: anywhere | failed_limits(each, facts) for each in rules.clauses}
    for name, codes in failed.items():
        if not codes:
            return "release", name, set()
    reasons = {Reason(code) for code in anywhere}
    reasons |= {Reason(code, n) for n, codes in failed.items() for code in codes - anywhere}
    if not rules.clauses:
        reasons.add(Reason(Code.NO_CLAUSE))
    waiting = [each for each in rules.clauses if failed[each.id] <= _WAITING]
    first = waiting[0].id if waiting else None
    if not waiting or not all(failed[each.id] & _PEOPLE for each in waiting):
        return "wait" if waiting else "withhold", first, reasons
    asked_at = facts.asked_at or facts.now
    silent = all(c.within is not None and facts.now - asked_at >= c.within for c in waiting)
    if facts.refused or silent:
        reasons.add(Reason(Code.REFUSED if facts.refused else Code.SILENCE))
        return "withhold", first, reasons
    return "wait", first, reasons


def outcome(rules: Rules, facts: Facts) -> str:
    return decide(rules, facts).outcome


def with_clauses(rules: Rules, change: Callable[[Clause], Clause]) -> Rules:
    return msgspec.structs.replace(rules, clauses=tuple(map(change, rules.clauses)))


@given(RULES, FACTS)
def test_the_answer_and_every_reason_are_those_of_the_rules_read_plainly(
    rules: Rules, facts: Facts
) -> None:
    found = decide(rules, facts)
    assert (found.outcome, found.clause, set(found.reasons)) == expected(rules, facts)
    assert len(set(found.reasons)) == len(found.reasons)


@given(RULES, FACTS)
def test_a_release_has_no_reasons_and_everything_else_has_some(rules: Rules, facts: Facts) -> None:
    found = decide(rules, facts)
    assert (found.outcome == "release") == (not found.reasons)


@given(RULES, FACTS, st.randoms())
def test_the_order_of_clauses_changes_nothing_in_the_outcome(
    rules: Rules, facts: Facts, chance: Random
) -> None:
    shuffled = list(rules.clauses)
    chance.shuffle(shuffled)
    other = msgspec.structs.replace(rules, clauses=tuple(shuffled))
    assert outcome(other, facts) == outcome(rules, facts)
    assert set(decide(other, facts).reasons) == set(decide(rules, facts).reasons)


TIGHTER: dict[str, Callable[[Clause], Clause]] = {
    "types": lambda c: msgspec.structs.replace(
        c, types=(c.types if c.types is not None else frozenset(TYPES)) - {"malware"}
    ),
    "topics": lambda c: msgspec.structs.replace(c, any_topic=False),
    "marking": lambda c: msgspec.structs.replace(c, marking_max=min(c.marking_max, marking.GREEN)),
    "grade": lambda c: msgspec.structs.replace(
        c,
        letter_min=min(c.letter_min or 6, 2),
        digit_min=min(c.digit_min, 2) if c.letter_min else 2,
    ),
    "age": lambda c: msgspec.structs.replace(c, max_age=min(c.max_age or 9 * DAY, DAY)),
    "countries": lambda c: msgspec.structs.replace(
        c, countries=(*c.countries, ("actor", frozenset({"PT"})))
    ),
    "confidence": lambda c: msgspec.structs.replace(
        c, confidence_min=max(c.confidence_min or 0, 50)
    ),
    "pap": lambda c: msgspec.structs.replace(c, pap_max=min(c.pap_max, 1)),
    "statements": lambda c: msgspec.structs.replace(
        c, statements=(c.statements or frozenset({"ours"})) - {"ours"}
    ),
    "iep": lambda c: msgspec.structs.replace(c, iep=frozenset()),
    "expired": lambda c: msgspec.structs.replace(c, expired=False),
    "review": lambda c: msgspec.structs.replace(c, approvals=c.approvals + 1),
    "reviewed": lambda c: msgspec.structs.replace(c, reviews=0),
    "settled": lambda c: msgspec.structs.replace(c, settles=0),
    "missing": lambda c: msgspec.structs.replace(c, complete=False),
}


@given(RULES, FACTS, st.sampled_from(sorted(TIGHTER)))
def test_a_tighter_limit_never_releases_more(rules: Rules, facts: Facts, limit: str) -> None:
    if outcome(rules, facts) != "release":
        assert outcome(with_clauses(rules, TIGHTER[limit]), facts) != "release"


@given(RULES, FACTS)
def test_a_clause_fewer_never_releases_more(rules: Rules, facts: Facts) -> None:
    fewer = msgspec.structs.replace(rules, clauses=rules.clauses[1:])
    if outcome(rules, facts) != "release":
        assert outcome(fewer, facts) != "release"


@given(RULES, FACTS.filter(lambda facts: not facts.revoked))
def test_a_limit_left_out_releases_nothing(rules: Rules, facts: Facts) -> None:
    assert outcome(with_clauses(rules, TIGHTER["missing"]), facts) == "withhold"


FORBIDDING: dict[Code, dict[str, object]] = {
    Code.TYPE_UNKNOWN: {"type": "x-odd"},
    Code.UNMARKED: {"marking": marking.UNMARKED},
    Code.MARKING_UNKNOWN: {"marking": marking.UNKNOWN},
    Code.HELD: {"held": True},
    Code.RECEIVED: {"source_agreement": "urn:other"},
    Code.CUT_INVALID: {"uncuttable": True},
    Code.REVOKED: {"revoked": True},
}


@given(RULES, FACTS)
def test_what_a_clause_never_gives_does_not_go_by_it(rules: Rules, facts: Facts) -> None:
    everywhere = tuple(each.id for each in rules.clauses)
    named = msgspec.structs.replace(facts, never=everywhere, revoked=False)
    found = decide(rules, named)
    assert found.outcome == "withhold"
    assert {r.clause for r in found.reasons if r.code == Code.NEVER} == set(everywhere)


@given(RULES, FACTS, st.sampled_from(sorted(FORBIDDING)))
def test_what_forbids_wins_over_everything_that_allows(
    rules: Rules, facts: Facts, code: Code
) -> None:
    usual = msgspec.structs.replace(facts, delivered="", revoked=False)
    found = decide(rules, msgspec.structs.replace(usual, **FORBIDDING[code]))
    assert found.outcome == "withhold"
    assert Reason(code) in found.reasons


@given(RULES, FACTS)
def test_a_revocation_goes_to_whoever_has_the_object(rules: Rules, facts: Facts) -> None:
    revoked = msgspec.structs.replace(facts, revoked=True, uncuttable=False, delivered="N1")
    in_force = rules.valid_from <= NOW < rules.valid_until
    found = decide(rules, revoked)
    assert (found.outcome == "release") is in_force
    if in_force:
        assert found == Decision("release", "N1", rules.valid_until)


@given(RULES, FACTS)
def test_a_release_ends_when_its_first_time_limit_turns(rules: Rules, facts: Facts) -> None:
    found = decide(rules, facts)
    if found.outcome != "release":
        assert found.until_at > NOW
        return
    assert NOW < found.until_at <= rules.valid_until
    just_before = msgspec.structs.replace(facts, now=found.until_at - 1)
    assert found.clause == decide(rules, just_before).clause
    then = decide(rules, msgspec.structs.replace(facts, now=found.until_at))
    assert (then.outcome, then.clause) != ("release", found.clause)


@given(RULES, FACTS)
def test_only_what_others_decide_is_left_open_in_phase_one(rules: Rules, facts: Facts) -> None:
    by_others = {
        Code.COUNTRY_NOT_LISTED,
        Code.NOT_ABOUT,
        Code.END_STAYS,
        Code.END_WAITS,
        Code.NOTHING_LEFT,
    }
    for clause in rules.clauses:
        failed = failed_anywhere(rules, facts) | failed_limits(clause, facts)
        assert passes_but_for_about(rules, clause, facts) == (failed <= by_others)
