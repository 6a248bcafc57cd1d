"""What would go, wait and stay, and why one object does: the real decision, without its effect."""

from collections import Counter
from collections.abc import Iterable
from functools import partial

import msgspec

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.terms import Terms
from tearline.errors import RefusedError
from tearline.release import reasons
from tearline.release.batch import Batch, Before, Scene
from tearline.release.clause_sql import proposed
from tearline.release.concern import Decided
from tearline.release.decide import decide
from tearline.release.facts import Known, gather
from tearline.release.keeping import first_given
from tearline.release.reasons import Code, Reason
from tearline.release.reviewing import Reviewed, reviewed_on
from tearline.release.rules import Rules, rules_of
from tearline.store import aliases, objects, releases, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.topic import depends


class Count(msgspec.Struct, frozen=True):
    """How many objects have a reason at all, and how many have no other."""

    code: Code
    total: int
    only: int


class Preview(msgspec.Struct, frozen=True):
    """What an agreement would do with everything held: go, wait and stay, with every reason.

    `by_type` has [go, wait, stay] for each type; `by_clause` what would go under each clause.
    """

    held: int
    go: int
    wait: int
    stay: int
    reasons: tuple[Count, ...]
    by_type: dict[str, tuple[int, int, int]]
    by_clause: dict[str, int]


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


def preview(home: Home, terms: Terms, *, now: int) -> Preview:
    """Decide everything held by a draft or an agreement, as release would, and count.

    Decided as of its first day where that is still to come. RefusedError when we are no party.
    """
    slot = terms.slot_of(home.slug)
    if slot is None:
        raise RefusedError(
            "We are no party to this agreement.", do="Preview one that names us by our card."
        )
    at = max(now, terms.valid.from_at)
    with home.store.read() as tx:
        known, rules = Known(tx, OURS), rules_of(terms, slot)
        ids = {each.stix_id for each in objects.latest_all(tx, OURS)}
        near = proposed(known, rules)
        batch = Batch(known, Scene(rules, at, lambda _ids: {}), whole=near is None)
        batch.objects(ids if near is None else near)
        batch.edges(ids if near is None else near)
        batch.strangers(() if near is None else ids - near)
    return _count(batch.decided.values())


def explain(home: Home, stix_id: str, party: str, *, now: int) -> list[Explanation]:
    """Say of one object what every agreement with a party does with it, and every reason.

    Accepts our id or the id under which they have it. RefusedError for an object that we do not
    hold, and where there is no agreement with the party.
    """
    with home.store.read() as tx:
        partner = find_party(tx, party)
        bound = [b for b in force.all_in_force(tx, now=now) if b.partner == partner.slug]
        if not bound:
            raise RefusedError(
                f"There is no agreement with {partner.slug} that was signed by both.",
                means="Until there is one, nothing goes.",
                do="See `tearline agreement list`.",
            )
        return [_explain(tx, each, _ours(tx, each, stix_id), now) for each in bound]


def _explain(tx: Tx, bound: InForce, stix_id: str, now: int) -> Explanation:
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

    known = Known(tx, OURS)
    given = partial(first_given, known, agreement_id)
    batch = Batch(known, Scene(rules, now, before, reviewed=reviewed, given=given))
    batch.objects(around)
    batch.edges(around)
    if stix_id in batch.decided:
        return batch.decided[stix_id]
    return _received(tx, rules, stix_id, now)


def needed(tx: Tx, stix_id: str) -> set[str]:
    """An object, and all that it speaks of at any remove: it goes only where that goes."""
    found = {stix_id}
    edge = {stix_id}
    while edge:
        named = ties.references_of(tx, OURS, {each for each in edge if depends(each)})
        edge = {each.to_id for each in named} - found
        found |= edge
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


def _count(decided: Iterable[Decided]) -> Preview:
    outcomes: Counter[str] = Counter()
    total: Counter[Code] = Counter()
    only: Counter[Code] = Counter()
    types: Counter[tuple[str, str]] = Counter()
    clauses: Counter[str] = Counter()
    for each in decided:
        outcome = each.decision.outcome
        outcomes[outcome] += 1
        types[each.facts.type, outcome] += 1
        codes = {reason.code for reason in each.decision.reasons}
        total.update(codes)
        only.update(codes if len(codes) == 1 else ())
        if outcome == "release":
            clauses[each.decision.clause or ""] += 1
    return Preview(
        held=outcomes.total(),
        go=outcomes["release"],
        wait=outcomes["wait"],
        stay=outcomes["withhold"],
        reasons=tuple(Count(code, total[code], only[code]) for code in Code if total[code]),
        by_type={
            type_: (types[type_, "release"], types[type_, "wait"], types[type_, "withhold"])
            for type_ in sorted({type_ for type_, _ in types})
        },
        by_clause=dict(sorted(clauses.items())),
    )
