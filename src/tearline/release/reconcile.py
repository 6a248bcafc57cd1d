"""The one act that changes what is released.

`reconcile` works out a plan for one agreement and appends the *release* and *withdraw* events
that carry it out: table, log leaves, positions and the private record of every decision in one
transaction. Incremental state always equals a rebuild from nothing: both are one plan.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.errors import StoreError
from tearline.release import consenting, noting, onward
from tearline.release.candidates import Stirred, candidates, gathered
from tearline.release.concern import rules_under
from tearline.release.facts import Known
from tearline.release.plan import plan
from tearline.release.planned import Ground
from tearline.release.quota import left
from tearline.release.reviewing import reviewed_on
from tearline.release.rules import Rules
from tearline.release.swept import Swept
from tearline.release.turn import Reconciled, Turn
from tearline.stix.strict import collector_paused
from tearline.store import releases, stirred
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.releases import Head
from tearline.store.stirred import Seen
from tearline.topics.about import led_to
from tearline.topics.topic import depends

__all__ = ["Reconciled", "reconcile", "reconcile_all"]

_AT_ONCE = 5_000
"""About how many objects are decided in one transaction, under however many agreements.

Whatever else wants to write waits that long, about a second.
"""

NOTHING = Reconciled(0, 0, 0)


def reconcile_all(home: Home, *, now: int) -> dict[str, Reconciled]:
    """Reconcile every agreement; answers those where anything changed.

    What was stirred is read once for all. An agreement that it does not concern is not touched. A
    fault under one agreement holds up no other: it is raised after all had their turn.
    """
    with home.store.read() as tx:
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=now)}
        changed = onward.stale(tx, bound.values())
        ground = _survey(tx, now)
        dues = {each: _due(ground, its) for each, its in bound.items()}
    if changed:
        onward.refresh(home, changed, now=now)
        return reconcile_all(home, now=now)
    idle = {each: its.hash for each, its in bound.items() if dues[each] is None}
    turns = list(_turns(dues))
    done: dict[str, Reconciled] = {}
    faults: list[Exception] = []
    for some in turns:
        last = idle if some is turns[-1] and not faults else None
        try:
            done |= _reconcile(home, some, ground, now=now, idle=last)
        except StoreError:
            raise
        except Exception as fault:  # noqa: BLE001  # ours; the other agreements are not to wait for it
            faults.append(fault)
            done |= _one_by_one(home, some, ground, now)
    if faults:
        raise faults[0]
    if not turns:
        noting.settle(home, idle=idle, upto=ground.last, now=now)
    return {each: result for each, result in done.items() if result != NOTHING}


def _one_by_one(
    home: Home, ids: Sequence[str], ground: "_Survey", now: int
) -> dict[str, Reconciled]:
    """Take again the turn in which there was a fault, but each agreement in one of its own."""
    done: dict[str, Reconciled] = {}
    for each in ids if len(ids) > 1 else ():
        with suppress(Exception):  # the first fault is raised by the caller
            done |= _reconcile(home, [each], ground, now=now, idle=None)
    return done


def reconcile(home: Home, agreement_id: str, *, now: int, whole: bool = False) -> Reconciled:
    """Decide what was stirred and concerns one agreement, and append what changes.

    Everything is decided anew with `whole`, and when another version came into force. An agreement
    that is not in force has all its releases withdrawn.
    """
    with home.store.read() as tx:
        bound = force.in_force(tx, agreement_id, now=now)
        ground = _survey(tx, now)
        due = _due(ground, bound) if bound is not None else None
    if due is None and not whole:
        idle = {agreement_id: bound.hash} if bound is not None else {}
        noting.settle(home, idle=idle, upto=ground.last, now=now)
        return NOTHING
    done = _reconcile(home, [agreement_id], ground, now=now, whole=whole, idle={})
    return done.get(agreement_id, NOTHING)


def _turns(dues: Mapping[str, "_Due | None"]) -> Iterator[list[str]]:
    """Agreements for which something is due, as many together as one transaction should decide.

    Those that have to decide the same objects come one after the other: what was read and parsed
    for the first is then still near at hand for the next.
    """
    some: list[str] = []
    count = 0
    found = [(each, its) for each, its in dues.items() if its is not None]
    for each, its in sorted(found, key=lambda pair: (min(pair[1].ids, default=""), pair[0])):
        if some and (its.whole or count + len(its.ids) > _AT_ONCE):
            yield some
            some, count = [], 0
        some.append(each)
        count += _AT_ONCE if its.whole else len(its.ids)
    if some:
        yield some


def _reconcile(
    home: Home,
    ids: Sequence[str],
    ground: "_Survey",
    *,
    now: int,
    idle: Mapping[str, str] | None,
    whole: bool = False,
) -> dict[str, Reconciled]:
    """Take the turn of some agreements in one transaction.

    What a survey found before may be out of date by now; then it is made again. With the last
    turn, what everybody has decided is noted: `idle` are those that it did not concern.
    """
    upto = ground.last
    with collector_paused(), home.store.write() as tx:
        bound = _bound(tx, ids, now)
        if not _holds(tx, ground, ids):
            ground = _survey(tx, now)
        dues = {each: _due(ground, its, whole=whole) for each, its in bound.items()}
        everything = any(due is not None and due.whole for due in dues.values())
        known = Swept(tx) if everything else Known(tx, OURS)
        rules = {each: rules_under(its.terms_bytes, its.our_slot) for each, its in bound.items()}
        dirty = {each for due in dues.values() if due for each in due.ids}
        near = _near(known, dirty, rules.values()) if dirty else set()
        stood = releases.standing_among(tx, near)
        reviewed = reviewed_on(tx, near)
        turn = Turn(known, now)
        done = {}
        for each, due in dues.items():
            if due is None:
                continue
            its = bound[each]
            if not its.serving:
                done[each] = turn.stop(due.head, its)
                continue
            on = Ground(
                each,
                its.hash,
                rules[each],
                home.keys.secret,
                now,
                marks=its.one_sided,
                asked=near,
                stood=stood.get(each, {}),
                reviewed=reviewed.get(each, {}),
                quota=left(tx, its, now),
            )
            planned = plan(known, on, due.ids, whole=due.whole)
            done[each] = turn.carry_out(due.head._replace(hash=its.hash), planned, on)
            consenting.ask(known, its, planned, now=now)
            fresh = due.head.hash != its.hash or each in ground.seen.whole
            if fresh or ground.last > ground.seen.by(each):
                turn.seen(each, ground.last, whole=fresh)
        turn.write()
        if idle is not None:
            noting.settle_in(known, idle=idle, upto=upto, now=now)
    return done


def _bound(tx: Tx, ids: Sequence[str], now: int) -> dict[str, InForce]:
    """What binds of some agreements, in their order."""
    if len(ids) == 1:
        one = force.in_force(tx, ids[0], now=now)
        return {} if one is None else {ids[0]: one}
    found = {each.agreement_id: each for each in force.all_in_force(tx, now=now)}
    return {each: found[each] for each in ids if each in found}


def _near(known: Known, stirred_ids: set[str], rules: Iterable[Rules]) -> set[str]:
    """Read once for all agreements what lies around the objects that they have to decide.

    Returns what was looked at. It is a guess at what plans ask for, and no more: what is missing
    here they read by themselves.
    """
    known.keyed({key for each in rules for clause in each.clauses for key in clause.topics.keys})
    first = edge = stirred_ids | led_to(known, stirred_ids)
    while edge:
        speaking = {each.from_id for each in known.references_to(edge) if depends(each.from_id)}
        edge = speaking - first
        first = first | edge
    named = known.references_of({each for each in first if depends(each)})
    ties = known.relations_to(first) + known.relations_from(first)
    near = first | {each.to_id for each in named}
    near |= {end for each in ties for end in (each.via_id, each.source_id, each.target_id)}
    known.relations_via({each for each in near if depends(each)})
    known.latest(near)
    known.annotations(near)
    known.victims(near)
    return near


class _Survey(NamedTuple):
    """What was stirred and not decided by everybody, and whose time limits turn."""

    found: Stirred
    seen: Seen
    last: int
    heads: dict[str, Head]
    turning: dict[str, set[str]]


def _survey(tx: Tx, now: int) -> _Survey:
    seen = stirred.seen_by(tx)
    log = stirred.since(tx, seen.everybody)
    return _Survey(
        gathered(tx, log),
        seen,
        log[-1][0] if log else seen.everybody,
        {each.agreement_id: each for each in releases.heads(tx)},
        releases.turning(tx, now),
    )


def _holds(tx: Tx, ground: _Survey, ids: Sequence[str]) -> bool:
    """Whether a survey still says what some agreements have to decide."""
    if stirred.last(tx) != ground.last:
        return False
    seen = stirred.seen_by(tx)
    heads = {each.agreement_id: each for each in releases.heads(tx)}
    return all(
        seen.by(each) == ground.seen.by(each) and heads.get(each) == ground.heads.get(each)
        for each in ids
    )


def _head(ground: _Survey, agreement_id: str) -> Head:
    return ground.heads.get(agreement_id) or Head(agreement_id, "", 0, 0)


class _Due(NamedTuple):
    """What there is to decide: where we stand, and which objects."""

    head: Head
    ids: set[str]
    whole: bool


def _due(ground: _Survey, bound: InForce, *, whole: bool = False) -> _Due | None:
    """Find what is due; None where nothing is, which most of the time a read can tell."""
    agreement_id = bound.agreement_id
    head = _head(ground, agreement_id)
    if not bound.serving:
        return _Due(head, set(), whole=True) if head.hash else None
    if whole or head.hash != bound.hash:
        return _Due(head, set(), whole=True)
    rules = rules_under(bound.terms_bytes, bound.our_slot)
    ids = candidates(ground.found, agreement_id, rules, ground.seen.by(agreement_id))
    ids |= ground.turning.get(agreement_id, set())
    return _Due(head, ids, whole=False) if ids else None
