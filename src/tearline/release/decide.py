"""May this object go to that party? The one function that decides. Pure.

Preview, release, explanation, inbound check and audit replay all call `decide`; there is no
second place that knows the rules. Every limit of a clause must pass; a limit that the clause
leaves out releases nothing; what forbids wins over what allows. All reasons are found, not the
first. The answer depends on the frozen facts and the signed terms alone.
"""

from functools import lru_cache, reduce
from operator import or_
from typing import Literal, TypeAlias

import msgspec

from tearline.release import reasons
from tearline.release.reasons import Reason
from tearline.release.rules import FOREVER, GOES, WAITS, Clause, Facts, Rules, next_day
from tearline.stix import marking
from tearline.stix.handling import NO_PAP
from tearline.stix.objects import KNOWN_TYPES
from tearline.topics.topic import CONTAINERS, EDGE_REFS

_UNRANKED = {
    marking.UNMARKED: reasons.UNMARKED,
    marking.UNKNOWN: reasons.MARKING_UNKNOWN,
}

_STAYS = ~reasons.WAITS
_SETTLED = reasons.PEOPLE | reduce(or_, (unreviewed for _, _, unreviewed in reasons.CATEGORIES))
"""What is no reason any more once enough people approved exactly these bytes."""

_STOPS_REVOCATION = reasons.NOT_IN_FORCE | reasons.CUT_INVALID

Outcome: TypeAlias = Literal["release", "wait", "withhold"]


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The answer for one object: what happens, under which clause, until when, and all reasons.

    A release has no reasons; its `clause` is the first that passes, else the first under which
    people are asked, or were and did not say yes. `until_at` is the first moment at which a time
    limit turns. `against` has what any clause says alike and what each says, as bits of `reasons`.
    """

    outcome: Outcome
    clause: str | None
    until_at: int
    against: tuple[int, tuple[tuple[str, int], ...]] = (0, ())

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All reasons: first what any clause says, then clause by clause."""
        return reasons.spell(*self.against)


def decide(rules: Rules, facts: Facts) -> Decision:
    """Decide one object: *release*, *wait* or *withhold*, with every reason of every clause."""
    shared, clauses = _weighed(rules, facts)
    if facts.revoked and facts.delivered and not shared & _STOPS_REVOCATION:
        return Decision("release", facts.delivered, rules.valid_until)
    masks = []
    waiting: list[Clause] = []
    asks = False
    for clause, known in clauses:
        mask = shared | _judge(clause, known, facts)
        if not mask:
            return Decision("release", clause.id, _until(rules, clause, facts))
        if not mask & _STAYS:
            asks = bool(mask & reasons.PEOPLE) and (asks or not waiting)
            waiting.append(clause)
        masks.append((clause.id, mask))
    turn = _turns(rules, facts)
    outcome: Outcome = "wait" if waiting else "withhold"
    if waiting and (answer := _declined(facts)):
        outcome, shared = "withhold", shared | answer
    elif asks:
        silent_at = max(_deadline(each, facts) for each in waiting)
        if answer := _answered(facts, silent_at):
            outcome, shared = "withhold", shared | answer
        else:
            turn = min(turn, silent_at)
    if not masks:
        masks.append(("", shared | reasons.NO_CLAUSE))
    clause_id = waiting[0].id if waiting else None
    return Decision(outcome, clause_id, turn, (shared, tuple(masks)))


def asks_people(rules: Rules, facts: Facts) -> bool:
    """Whether people are asked about what does not go, or were: no clause lets it go without."""
    if not needs_people(facts):
        return False
    masks = [_fails(rules, each, facts) for each in rules.clauses]
    waiting = [each for each in masks if not each & ~reasons.WAITS]
    return bool(waiting) and all(each & reasons.ASKED for each in waiting)


def needs_people(facts: Facts) -> bool:
    """Whether an object is of a kind that a person may have to settle."""
    if facts.source is not None and facts.source.rule.ask_first:
        return True
    return bool(facts.found) or marking.CONTRADICTORY in (facts.marking, facts.pap)


def passes_but_for_about(
    rules: Rules, clause: Clause, facts: Facts, *, if_approved: bool = False
) -> bool:
    """Whether an object would go under a clause if it were about its topic: phase one.

    What waits does not pass until it is approved; `if_approved` asks as if it were.
    """
    open_to_people = if_approved and not (
        _declined(facts) or _answered(facts, _deadline(clause, facts))
    )
    settled = reasons.BY_OTHERS | (reasons.WAITS if open_to_people else 0)
    return not _fails(rules, clause, facts) & ~settled


def _fails(rules: Rules, clause: Clause, facts: Facts) -> int:
    """All that an object fails by under one clause, as bits of `reasons`."""
    shared, clauses = _weighed(rules, facts)
    known = next(mask for each, mask in clauses if each.id == clause.id)
    return shared | _judge(clause, known, facts)


def _weighed(rules: Rules, facts: Facts) -> tuple[int, tuple[tuple[Clause, int], ...]]:
    """What any clause would say alike, and what each says of things that few objects have."""
    mask = 0 if facts.type in KNOWN_TYPES else reasons.TYPE_UNKNOWN
    if not rules.valid_from <= facts.now < rules.valid_until:
        mask |= reasons.NOT_IN_FORCE
    if facts.marking < 0:
        mask |= _UNRANKED.get(facts.marking, 0)
    if facts.revoked:
        mask |= reasons.REVOKED
    if facts.held:
        mask |= reasons.HELD
    if facts.source_agreement:
        mask |= passing_on(rules, facts)
    if facts.uncuttable:
        mask |= reasons.CUT_INVALID
    if facts.ends != GOES:
        mask |= _ends(facts)
    if facts.spent:
        mask |= reasons.QUOTA_SPENT
    return mask, _handled(rules, facts.found, facts.pap, facts.statements, facts.iep)


@lru_cache(maxsize=4_096)
def _handled(
    rules: Rules, found: int, pap: int, statements: tuple[str, ...], iep: tuple[str, ...]
) -> tuple[tuple[Clause, int], ...]:
    """What each clause says of categories and of markings other than TLP, if nobody approved.

    Few combinations are in use, so each is worked out once.
    """
    masks = []
    for clause in rules.clauses:
        mask = 0 if clause.complete else reasons.LIMIT_MISSING
        mask |= _categories(clause, found & ~clause.settles) | _acting(clause, pap)
        if clause.statements is not None and not clause.statements.issuperset(statements):
            mask |= reasons.MARKING_UNKNOWN
        if clause.iep is not None and not clause.iep.issuperset(iep):
            mask |= reasons.MARKING_UNKNOWN
        masks.append((clause, mask))
    return tuple(masks)


def _acting(clause: Clause, pap: int) -> int:
    """What PAP says against it; a clause that does not speak of PAP allows none."""
    mask = reasons.MARKING_CONTRADICTS if pap == marking.CONTRADICTORY else 0
    if pap != NO_PAP and clause.pap_max < 0:
        return mask | reasons.MARKING_UNKNOWN
    return mask | reasons.PAP_ABOVE if pap > clause.pap_max else mask


def _categories(clause: Clause, found: int) -> int:
    """What is of a category waits where the clause has people decide on it, else it stays."""
    mask = 0
    for bits, waits, stays in reasons.CATEGORIES:
        if found & bits:
            mask |= waits if clause.reviews & bits else stays
    return mask


def _judge(clause: Clause, mask: int, facts: Facts) -> int:  # noqa: C901, PLR0912  # a limit a line
    """All limits of one clause that an object fails; `mask` has those that `_handled` found."""
    if clause.types is not None and facts.type not in clause.types:
        mask |= reasons.TYPE_NOT_LISTED
    if facts.type not in EDGE_REFS:
        tied = clause.any_topic or clause.id in facts.about
        if not tied:
            tied = clause.id in facts.about_waiting
            mask |= reasons.PATH_WAITS if tied else reasons.NOT_ABOUT
        if tied and clause.countries and clause.id not in facts.countries:
            mask |= reasons.COUNTRY_NOT_LISTED
    if facts.marking > clause.marking_max:
        mask |= reasons.MARKING_ABOVE
    elif facts.marking == marking.CONTRADICTORY:
        mask |= reasons.MARKING_CONTRADICTS
    if clause.letter_min:
        if facts.grade < 0:
            mask |= reasons.UNGRADED
        elif facts.grade // 10 > clause.letter_min or facts.grade % 10 > clause.digit_min:
            mask |= reasons.GRADE_BELOW
    if clause.confidence_min is not None and facts.confidence < clause.confidence_min:
        mask |= reasons.NO_CONFIDENCE if facts.confidence < 0 else reasons.CONFIDENCE_BELOW
    if clause.max_age is not None and facts.now >= facts.created_at + clause.max_age:
        mask |= reasons.TOO_OLD
    if facts.valid_until <= facts.now and not clause.expired:
        mask |= reasons.EXPIRED
    if facts.never and clause.id in facts.never:
        mask |= reasons.NEVER
    if facts.approvals and _approved(clause, facts):
        mask &= ~_SETTLED
    return mask


def _approved(clause: Clause, facts: Facts) -> bool:
    """Whether as many people approved it as the clause asks for."""
    return facts.approvals.get(clause.id, 0) >= clause.approvals


def _answered(facts: Facts, silent_at: int) -> int:
    """What it means that people who were asked did not say yes: 0 while they still may."""
    if facts.refused:
        return reasons.REFUSED
    return reasons.SILENCE if facts.now >= silent_at else 0


def _deadline(clause: Clause, facts: Facts) -> int:
    """The moment from which silence counts; where nobody was asked yet, people are asked now."""
    return FOREVER if clause.within is None else (facts.asked_at or facts.now) + clause.within


def passing_on(rules: Rules, facts: Facts) -> int:
    """What the agreement that an object came under says against passing it on by these rules.

    The chain may only narrow: whoever gets it may not pass it on to more than we may, and not at
    all where its giver wants to be asked each time.
    """
    source = facts.source
    if source is None or not source.rule.allowed or rules.receiver == source.giver:
        return reasons.RECEIVED
    rule, theirs = source.rule, rules.onward
    open_now = source.in_force and source.kept and facts.now < source.until_at
    to_them = rule.to is None or rules.receiver in rule.to
    narrower = not theirs.allowed or (
        not rule.ask_first
        and theirs.marking_max <= rule.marking_max
        and (rule.to is None or (theirs.to is not None and set(theirs.to) <= set(rule.to)))
    )
    mask = 0
    if not (open_now and to_them and narrower and facts.marking <= rule.marking_max):
        mask |= reasons.ONWARD_NOT_ALLOWED
    if rule.ask_first and not source.consent:
        mask |= reasons.CONSENT_REFUSED if source.refused else reasons.CONSENT_WAITS
    return mask


def _declined(facts: Facts) -> int:
    """What it means of a received object that its giver, or a person here, said no."""
    if facts.source is None:
        return 0
    if facts.source.refused:
        return reasons.CONSENT_REFUSED
    return reasons.REFUSED if facts.refused else 0


def _ends(facts: Facts) -> int:
    if facts.type in CONTAINERS or facts.type == "observed-data":
        return reasons.NOTHING_LEFT
    return reasons.END_WAITS if facts.ends == WAITS else reasons.END_STAYS


def _turns(rules: Rules, facts: Facts) -> int:
    """The next moment at which a time limit of any clause turns, for what does not go now."""
    now, created_at, ends_at = facts.now, facts.created_at, facts.valid_until
    turn = rules.valid_until if now < rules.valid_until else FOREVER
    for clause in rules.clauses:
        if clause.max_age is not None and now < (old_at := created_at + clause.max_age) < turn:
            turn = old_at
        if now < ends_at < turn and not clause.expired:
            turn = ends_at
    if facts.spent:
        turn = min(turn, next_day(now))
    # Also while it stays for another reason: what hangs on it may still wait with it.
    if facts.asked_at:
        silent = (_deadline(each, facts) for each in rules.clauses)
        turn = min([turn, *(each for each in silent if each > now)])
    return turn


def _until(rules: Rules, clause: Clause, facts: Facts) -> int:
    until = rules.valid_until
    if clause.max_age is not None:
        until = min(until, facts.created_at + clause.max_age)
    if facts.source is not None:
        until = min(until, facts.source.until_at)
    return until if clause.expired else min(until, facts.valid_until)
