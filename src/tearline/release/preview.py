"""What would go, wait and stay, and why one object does: the real decision, without its effect."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import msgspec

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.terms import Terms, agreement_hash, to_bytes
from tearline.errors import RefusedError
from tearline.release import keeping, quota, reasons
from tearline.release.alike import Alike, Tell
from tearline.release.answering import answers, given_by_them
from tearline.release.batch import Batch, Before, Scene
from tearline.release.changes import compared
from tearline.release.clause_sql import reached, with_speaking
from tearline.release.concern import Decided
from tearline.release.counting import Preview, counted
from tearline.release.decide import decide
from tearline.release.facts import Known, gather
from tearline.release.keeping import first_given
from tearline.release.reasons import Code, Reason
from tearline.release.reviewing import Reviewed, reviewed_on
from tearline.release.rules import Rules, rules_of
from tearline.release.swept import Swept
from tearline.release.warm import MINUTE, Kept, Warm
from tearline.stix.strict import collector_paused
from tearline.store import aliases, objects, releases, reviews
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.topic import depends, type_of

_FEW = 0.02
"""The share of what is held up to which it pays to look for each."""


class Told(msgspec.Struct, frozen=True):
    """One reason as people read it."""

    code: Code
    clause: str | None
    sentence: str


class Step(msgspec.Struct, frozen=True):
    """One object of a path: its id, and its name where it has one."""

    id: str
    name: str | None


class Explanation(msgspec.Struct, frozen=True):
    """Why one object goes, waits or stays under one agreement.

    `path` ties it to the topic, which was recognised by `start`; `delivered_id` and `position`
    say as what and where they have it now.
    """

    agreement: str
    title: str
    state: str
    object: str
    outcome: str
    clause: str | None
    reasons: tuple[Told, ...]
    start: str | None
    path: tuple[Step, ...]
    delivered_id: str | None
    position: int | None
    until_at: int | None


def preview(
    home: Home,
    terms: Terms,
    *,
    listed: int = 0,
    tell: Tell | None = None,
    kept: Kept | None = None,
    now: int,
) -> Preview:
    """Decide everything held by a draft or an agreement, as release would, and count.

    Decided as of its first day where that is still to come; where a version of it runs, beside
    what stands under that, with so many of the objects that change side `listed`. `tell` is told
    how far it is. With `kept`, what was read before is used again, and the moment is the full
    minute. RefusedError when we are no party.
    """
    moment = now if kept is None else now - now % MINUTE
    rules, at = rules_for(home, terms, moment)
    with collector_paused(), kept.lock if kept else nullcontext(), home.store.read() as tx:
        running = force.in_force(tx, terms.id, now=now)
        warm = None if kept is None else kept.warm(tx, at, now=now)
        batch = _everything(tx, stage(tx, terms, rules, at, running), warm, tell)
        batch.decide_all(tell)
        changes = None if running is None else compared(tx, running, rules, batch, listed, at)
    return counted(batch.groups(), terms, changes)


def rules_for(home: Home, terms: Terms, now: int) -> tuple[Rules, int]:
    """Our rules of an agreement, and when to decide: its first day, or now."""
    slot = terms.slot_of(home.slug)
    if slot is None:
        raise RefusedError(
            "We are no party to this agreement.", do="Preview one that names us by our card."
        )
    return rules_of(terms, slot), max(now, terms.valid.from_at)


class Stage(NamedTuple):
    """How a preview decides: by which rules and when, beside what stands under the same agreement.

    Of what they have, what is revoked still goes. What is `alone` is so for reasons of its own.
    """

    scene: Scene
    had: frozenset[str]
    alone: frozenset[str]


def stage(tx: Tx, terms: Terms, rules: Rules, at: int, running: InForce | None) -> Stage:
    """Set a preview up: what they have counts, and what people said of the very same version.

    So does what they may keep no longer.
    """
    had = {} if running is None else releases.revoked_held(tx, running.agreement_id)
    said: Mapping[str, Reviewed] = {}
    if running is not None and running.hash == agreement_hash(to_bytes(terms)):
        asked = [each.stix_id for each in reviews.of_agreement(tx, running.agreement_id)]
        said = reviewed_on(tx, asked).get(running.agreement_id, {})
    over: Mapping[str, int] = {}
    if running is not None and rules.keep is not None:
        over = keeping.over(Known(tx, OURS), running.agreement_id, rules.keep, at)
    scene = Scene(
        rules,
        at,
        lambda ids: {each: Before("withhold", had[each]) for each in had.keys() & set(ids)},
        reviewed=lambda ids: {each: said[each] for each in said.keys() & set(ids)},
        given=lambda ids: {each: over[each] for each in over.keys() & set(ids)},
        theirs=lambda ids: given_by_them(tx, terms.id, ids),
    )
    said_back = answers(tx, terms.id)
    alone = frozenset(had.keys() | said.keys() | over.keys() | said_back)
    return Stage(scene, frozenset(had.keys() | said_back), alone)


def _everything(tx: Tx, on: Stage, warm: Warm | None, tell: Tell | None) -> Alike:
    """All that is held, ready to be decided."""
    held = objects.number(tx, OURS)
    if warm is not None:
        near = warm.near(on.scene.rules)
        near = None if near is None else near | with_speaking(warm, set(on.had))
        return Alike(warm, on.scene, near, alone=on.alone, held=held, tell=tell)
    near = reached(tx, on.scene.rules)
    known = Swept(tx) if near is None or _much(near, held) else Known(tx, OURS)
    near = None if near is None else with_speaking(known, near | on.had)
    return Alike(known, on.scene, near, alone=on.alone, held=held, tell=tell)


def _much(near: set[str], held: int) -> bool:
    """Whether to read all ties takes less time than to look for those of each.

    So it does where everything names one of them as who created it.
    """
    return len(near) > held * _FEW or any(type_of(each) == "identity" for each in near)


def explain(home: Home, stix_id: str, party: str, *, now: int) -> list[Explanation]:
    """Say of one object what every agreement with a party does with it, and every reason.

    Accepts our id or the id under which they have it. RefusedError for an object that we do not
    hold, and where there is no agreement with the party.
    """
    with home.store.read() as tx:
        bound = agreed(tx, party, now=now)
        return [explain_under(tx, each, _ours(tx, each, stix_id), now=now) for each in bound]


def agreed(tx: Tx, party: str, *, now: int) -> list[InForce]:
    """What binds us and a party; RefusedError where that is nothing, or there is no such party."""
    partner = find_party(tx, party)
    bound = [each for each in force.all_in_force(tx, now=now) if each.partner == partner.slug]
    if not bound:
        raise RefusedError(
            f"There is no agreement with {partner.slug} that was signed by both.",
            means="Until there is one, nothing goes.",
            do="See `tearline agreement list`.",
        )
    return bound


def explain_under(tx: Tx, bound: InForce, stix_id: str, *, now: int) -> Explanation:
    """Say of one object by our id what an agreement does with it; RefusedError as of `explain`."""
    rules = rules_of(bound.terms, bound.our_slot)
    decided = _decided(tx, bound.agreement_id, rules, stix_id, now)
    standing = releases.standing(tx, bound.agreement_id, [stix_id]).get(stix_id)
    live = standing is not None and standing.live
    decision = decided.decision
    found = decision.reasons
    outcome = decision.outcome
    if not bound.serving:
        outcome = "withhold"
        found = tuple(dict.fromkeys((Reason(Code.NOT_IN_FORCE), *found)))
    clauses = {each.id: each for each in rules.clauses}
    told = (
        Told(r.code, r.clause, reasons.ours(r.code, decided.facts, clauses.get(r.clause or "")))
        for r in found
    )
    path = decided.path
    if path is None and decided.facts.about:
        ids = min(decided.facts.about.values(), key=lambda each: (len(each), each))
    else:
        ids = path.ids if path else ()
    return Explanation(
        agreement=bound.hash,
        title=bound.title,
        state=bound.state,
        object=stix_id,
        outcome=outcome,
        clause=decision.clause if outcome != "withhold" else None,
        reasons=tuple(told),
        start=path.start if path else None,
        path=_named(tx, ids),
        delivered_id=standing.delivered_id if standing and live else None,
        position=standing.position if standing and live else None,
        until_at=decision.until_at if outcome == "release" else None,
    )


def _decided(tx: Tx, agreement_id: str, rules: Rules, stix_id: str, now: int) -> Decided:
    """Decide one object, and whatever it depends on."""

    def before(ids: Iterable[str]) -> dict[str, Before]:
        stood = releases.standing(tx, agreement_id, ids)
        return {
            each: Before(old.outcome, old.clause if old.position else "")
            for each, old in stood.items()
        }

    around = needed(tx, stix_id)

    def reviewed(ids: Iterable[str]) -> dict[str, Reviewed]:
        return reviewed_on(tx, ids).get(agreement_id, {})

    spent = quota.spent(tx, agreement_id, around, now)
    known = Known(tx, OURS)
    given = partial(first_given, known, agreement_id)
    theirs = partial(given_by_them, tx, agreement_id)
    scene = Scene(rules, now, before, reviewed=reviewed, spent=spent, given=given, theirs=theirs)
    batch = Batch(known, scene)
    batch.objects(around)
    batch.edges(around)
    if stix_id in batch.decided:
        return batch.decided[stix_id]
    return _received(tx, rules, stix_id, now)


def needed(tx: Tx, stix_id: str) -> set[str]:
    """An object, and all that it speaks of at any remove: it goes only where that goes."""
    return needed_by(Known(tx, OURS), [stix_id])


def needed_by(known: Known, ids: Iterable[str]) -> set[str]:
    """Objects, and all that they speak of at any remove."""
    found = edge = set(ids)
    while edge:
        named = known.spoken_of({each for each in edge if depends(each)})
        edge = {each.to_id for each in named} - found
        found = found | edge
    return found


def _received(tx: Tx, rules: Rules, stix_id: str, now: int) -> Decided:
    """Decide an object that we hold only because a partner gave it."""
    for each in force.all_in_force(tx, now=now):
        facts = gather(
            Known(tx, each.agreement_id), [stix_id], now, delivered={}, added=rules.added
        )
        if stix_id in facts:
            source = msgspec.structs.replace(facts[stix_id], source_agreement=each.agreement_id)
            return Decided(source, decide(rules, source), None)
    raise RefusedError(
        f"We hold no object {stix_id}.", do="See `tearline objects` for what is held."
    )


def _ours(tx: Tx, bound: InForce, stix_id: str) -> str:
    if objects.latest(tx, OURS, [stix_id]):
        return stix_id
    return aliases.our_id(tx, bound.agreement_id, stix_id)


def _named(tx: Tx, ids: Iterable[str]) -> tuple[Step, ...]:
    listed = list(ids)
    versions = objects.latest(tx, OURS, listed)
    raws = objects.raw_of(tx, [each.seq for each in versions.values()])
    names = {
        each: msgspec.json.decode(raws[version.seq], type=_Named).name
        for each, version in versions.items()
    }
    return tuple(Step(each, names.get(each)) for each in listed)


class _Named(msgspec.Struct):
    name: str | None = None
