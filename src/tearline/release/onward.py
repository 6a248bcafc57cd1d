"""What came under an agreement and may be passed on: kept beside ours as long as that is so.

`follow` does it in the transaction of the act that received something, `refresh` where an agreement
itself changed. What is decided is the business of `decide`: here nothing goes.
"""

from collections.abc import Iterable, Iterator

from tearline.agreement import force
from tearline.agreement.document import Terms
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.release.arrive import take_in
from tearline.release.origin import allows, rule_of
from tearline.release.passing import take_away
from tearline.release.rules import Clause, Onward, Rules, rules_of
from tearline.release.sorting import as_indexed
from tearline.stix import marking
from tearline.stix.objects import read
from tearline.store import objects, onward, stirred
from tearline.store.database import Tx
from tearline.store.objects import OURS


def follow(tx: Tx, agreement_id: str, *, now: int) -> None:
    """Keep beside ours all that was accepted under an agreement and may be passed on, nothing else.

    An object that is ours, or stands there under another agreement, stays that.
    """
    bound = force.in_force(tx, agreement_id, now=now)
    lets = bound is not None and allows(bound)
    gone = onward.not_received(tx, agreement_id) if lets else onward.passed_under(tx, agreement_id)
    if gone:
        take_away(tx, gone)
        onward.forget_given(tx, agreement_id, gone)
    agreements = {agreement_id} if lets else set()
    if gone:
        # What one agreement lets go of may stand there under another one.
        agreements |= onward.states(tx).keys() - {agreement_id}
    for each in sorted(agreements):
        _take(tx, each, now)


def _take(tx: Tx, agreement_id: str, now: int) -> None:
    rows = onward.not_passed(tx, agreement_id)
    held = objects.latest(tx, OURS, [stix_id for stix_id, _, _ in rows])
    free = {stix_id: (hash_, raw) for stix_id, hash_, raw in rows if stix_id not in held}
    if not free:
        return
    arriving = as_indexed([read(raw) for _, raw in free.values()])
    outcomes = take_in(tx, arriving, source=agreement_id, now=now)
    kept = [each.stix_id for each in outcomes if not each.refused]
    onward.put_passed(tx, agreement_id, [(each, free[each][0]) for each in kept])
    # Of what has no moment of its own the age goes on from when it came to us.
    first = objects.latest(tx, agreement_id, kept)
    objects.set_arrived(tx, OURS, {each: its.arrived_at for each, its in first.items()})


def stale(tx: Tx, bound: Iterable[InForce]) -> list[InForce]:
    """The agreements that stand otherwise than when they were last seen, as to passing on."""
    seen = onward.states(tx)
    return [each for each in bound if _state(each) != seen.get(each.agreement_id)]


def refresh(home: Home, changed: Iterable[InForce], *, now: int) -> None:
    """Let what may be passed on follow agreements that changed, and have it decided again."""
    for each in changed:
        with home.store.write() as tx:
            bound = force.in_force(tx, each.agreement_id, now=now)
            onward.put_state(tx, each.agreement_id, _state(bound) if bound else None)
            follow(tx, each.agreement_id, now=now)
            stirred.stir(tx, onward.passed_under(tx, each.agreement_id))


def _state(bound: InForce) -> tuple[str, bool] | None:
    return (bound.hash, bound.accepting) if allows(bound) else None


# ----------------------------------------------------------------------------------- before signing


def wider(home: Home, terms: Terms, *, now: int) -> list[str]:
    """Say, after its place, where a draft promises more than we may pass on of what others gave us.

    It is no fault: `decide` gives only what both let go.
    """
    slot = terms.slot_of(home.slug)
    if slot is None:
        return []
    ours = rules_of(terms, slot)
    with home.store.read() as tx:
        bound = [
            each
            for each in force.all_in_force(tx, now=now)
            if each.accepting and each.partner != ours.receiver and each.agreement_id != terms.id
        ]
        return [line for each in bound for line in _wider(ours, each)]


def _wider(ours: Rules, source: InForce) -> Iterator[str]:
    theirs, rule = rules_of(source.terms, source.their_slot), rule_of(source)
    name = f"What came under “{source.title}”"
    met = [
        clause
        for clause in ours.clauses
        if clause.complete and any(_meets(clause, each) for each in theirs.clauses)
    ]
    for clause in met:
        for line, text in _against(clause, rule, ours.receiver):
            yield f"clause {clause.id} · {line}: {name} {text}"
    if met and rule.allowed and ours.onward.allowed:
        for line, text in _further(ours.onward, rule):
            yield f"onward · {line}: {name} {text}, so none of it goes under this agreement."


def _against(clause: Clause, rule: Onward, receiver: str) -> Iterator[tuple[str, str]]:
    if not rule.allowed:
        yield "to", "may not be passed on, and does not go."
    elif rule.to is not None and receiver not in rule.to:
        yield "to", f"may not be passed on to {receiver}, and does not go."
    else:
        if clause.marking_max > rule.marking_max:
            most = marking.level_name(rule.marking_max)
            yield "marking_max", f"may be passed on up to {most} alone."
        if rule.ask_first:
            yield "to", "waits until its giver consents to each object."


def _further(theirs: Onward, rule: Onward) -> Iterator[tuple[str, str]]:
    if rule.ask_first:
        yield "allowed", "may not go on from there, since its giver is asked each time"
    if theirs.marking_max > rule.marking_max:
        yield "marking_max", "may go on only with a stricter ceiling than this"
    if rule.to is not None and (theirs.to is None or not set(theirs.to) <= set(rule.to)):
        yield "to", "may go on to fewer parties than these"


def _meets(ours: Clause, theirs: Clause) -> bool:
    """Whether anything that comes by the one clause could go by the other."""
    if not theirs.complete:
        return False
    types = ours.types is None or theirs.types is None or ours.types & theirs.types
    if ours.any_topic or theirs.any_topic:
        return bool(types)
    mine, its = ours.topics, theirs.topics
    return bool(types and (mine.keys & its.keys or mine.stix_ids & its.stix_ids))
