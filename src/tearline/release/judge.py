"""Weigh what a partner gave: the same signed text and the same decision, on the receiver's side.

Everything is decided at the moments of the slips, over what we hold from this partner under this
agreement. What fails is taken out, and the rest is decided again, until all that is left holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tearline.agreement.force import InForce
from tearline.agreement.state import ENDED
from tearline.errors import InputError, TearlineError
from tearline.release import consents, slips
from tearline.release.answering import given_by_us
from tearline.release.batch import Batch, Before, Scene
from tearline.release.cut import is_bare
from tearline.release.facts import Known
from tearline.release.reasons import Code
from tearline.release.rules import Clause, rules_of
from tearline.release.slips import Attested, Slip, Story
from tearline.release.sorting import sort_out
from tearline.stix.check import Checker
from tearline.stix.objects import StixObject, read
from tearline.store import agreements, objects, received
from tearline.store.database import Tx, trial
from tearline.store.received import Received
from tearline.topics import about, between
from tearline.topics.about import Path
from tearline.topics.topic import depends

_AHEAD = 600_000_000
"""How far a slip's moment may lie ahead of our clock: ten minutes."""

_MISSED = frozenset({"path-does-not-hold", Code.NOT_ABOUT, Code.END_STAYS, Code.NOTHING_LEFT})
"""Reasons that can fall away when other objects come."""


class Candidate(NamedTuple):
    """Bytes with their slip, read as the object they are."""

    row: Received
    slip: Slip
    object: StixObject


class Judged(NamedTuple):
    """What may be taken; what not, with the reasons against it; and what is decided later."""

    candidates: list[Candidate]
    turned_away: list[tuple[Received, list[str]]]
    undecided: list[Received]


def judge(
    tx: Tx,
    bound: InForce | None,
    staged: Sequence[Received],
    told: Story,
    *,
    more_comes: bool,
    now: int,
) -> Judged:
    """Sort what was staged into what the agreement lets us take and what it does not.

    While the agreement rests, nothing is decided: the word that it goes on may be on its way.
    Where `more_comes`, what fails only for want of other objects is left undecided: the log told
    of bytes that the next page brings.
    """
    if bound is None or bound.state in ENDED:
        return Judged([], [(row, ["not-in-force"]) for row in staged], [])
    if not bound.accepting:
        return Judged([], [], list(staged))
    candidates: list[Candidate] = []
    away: list[tuple[Received, list[str]]] = []
    checker = Checker()
    for row in staged:
        found = _candidate(tx, bound, row, slip_of(row, told), checker, now)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            away.append((row, [found]))
    while True:
        with trial(tx) as give_up:
            failed = _decide(tx, bound, candidates, told, now)
            if failed:
                give_up()
        if not failed:
            undecided = [row for row, against in away if more_comes and _MISSED & set(against)]
            away = [each for each in away if each[0] not in undecided]
            return Judged(candidates, away, undecided)
        away += [
            (each.row, failed[each.row.hash]) for each in candidates if each.row.hash in failed
        ]
        candidates = [each for each in candidates if each.row.hash not in failed]


def _candidate(
    tx: Tx, bound: InForce, row: Received, slip: Slip | None, checker: Checker, now: int
) -> "Candidate | str":
    """What speaks for an object before its content is weighed; else the reason against it."""
    if slip is None:
        return "slip-missing"
    try:
        found = read(row.raw or b"")
    except InputError:
        return "malformed"
    if found.id != slip.object:
        return "slip-of-another"
    against = "malformed" if checker.problems(found.doc) else _against(tx, bound, slip, now)
    against = against or _unconsented(bound, slip)
    return against or Candidate(row, slip, found)


def _against(tx: Tx, bound: InForce, slip: Slip, now: int) -> str | None:
    """What speaks against a slip itself."""
    version = agreements.version_of(tx, slip.agreement)
    if version is None or version.agreement_id != bound.agreement_id or version.signed is None:
        return "agreement-unknown"
    if slip.clause not in {each.id for each in bound.terms.clauses_from(bound.their_slot)}:
        return "clause-unknown"
    return "slip-from-the-future" if slip.moment > now + _AHEAD else None


def _unconsented(bound: InForce, slip: Slip) -> str | None:
    """What speaks against the consent that came along: it has to be to this, for us."""
    if not slip.attested.consent:
        return None
    try:
        said, _ = consents.read(slip.attested.consent)
    except TearlineError:
        return "consent-does-not-hold"
    us = bound.terms.party[bound.our_slot]
    to_this = (said.verdict, said.under, said.clause, said.object, said.bytes) == (
        *("consent", slip.agreement, slip.clause, slip.object),
        slip.hash,
    )
    to_us = (said.to.slug, said.to.key) == (us.slug, us.key)
    holds = to_this and to_us and said.agreement == slip.attested.source
    return None if holds else "consent-does-not-hold"


def _decide(
    tx: Tx, bound: InForce, candidates: Sequence[Candidate], told: Story, now: int
) -> dict[str, list[str]]:
    """Keep the candidates on trial and decide each; returns the reasons against those that fail."""
    origin = bound.agreement_id
    found = sort_out(tx, origin, [each.object for each in candidates], bound.partner, now)
    objects.keep(tx, origin, found.new)
    conflicting = {each.stix_id for each in found.outcomes if each.refused}
    by_id = {each.object.id: each for each in candidates}
    revoked = {stix_id for stix_id, each in by_id.items() if each.object.revoked}
    scene = Scene(
        rules=rules_of(bound.terms, bound.their_slot),
        now=now,
        before=lambda ids: _held_before(tx, origin, told, ids, revoked),
        attested=lambda ids: _attested(tx, origin, by_id, ids),
        named=_named(bound, candidates),
        theirs=lambda ids: given_by_us(tx, origin, ids),
    )
    batch = Batch(Known(tx, origin), scene)
    listed = sorted(by_id)
    batch.objects(listed)
    batch.edges(listed)
    clauses = {each.id: each for each in scene.rules.clauses}
    failed: dict[str, list[str]] = {}
    for stix_id, each in by_id.items():
        reasons = ["version-conflict"] if stix_id in conflicting else []
        decided = batch.decided.get(stix_id)
        if decided is None or decided.decision.outcome != "release":
            reasons += [r.code for r in decided.decision.reasons] if decided else ["not-latest"]
        elif each.object.revoked:
            reasons += [] if is_bare(each.object.doc) else ["revocation-not-bare"]
        elif not _path_holds(batch, clauses[each.slip.clause], each):
            reasons.append("path-does-not-hold")
        if reasons:
            failed[each.row.hash] = list(dict.fromkeys(reasons))
    return failed


def _path_holds(batch: Batch, clause: Clause, each: Candidate) -> bool:
    """Whether the path on the slip can be walked over what we hold from this partner."""
    if clause.any_topic or depends(each.object.id):
        return True
    claimed = Path(each.slip.start, each.slip.path)
    if (both := between.halves(claimed)) is not None:
        return claimed.ids[-1] == each.object.id and any(
            between.walkable(batch.known, both, ends, clause.reach) for ends in batch.ends(clause)
        )
    if claimed.ids[-1] != each.object.id or claimed.steps > clause.reach:
        return False
    return about.holds(claimed, batch.graph, batch.starts(clause), members=clause.members)


def _named(bound: InForce, candidates: Iterable[Candidate]) -> dict[str, dict[str, str]]:
    """Topics that a slip names by a STIX id of the agreement, where the object's own id was cut."""
    clauses = {each.id: each for each in rules_of(bound.terms, bound.their_slot).clauses}
    found: dict[str, dict[str, str]] = {}
    for each in candidates:
        claimed = Path(each.slip.start, each.slip.path)
        clause = clauses[each.slip.clause]
        for path in between.halves(claimed) or (claimed,):
            stix_id = path.start.removeprefix("stix:")
            if path.ids == (each.object.id,) and stix_id in clause.topics.stix_ids:
                found.setdefault(clause.id, {})[each.object.id] = path.start
    return found


def _held_before(
    tx: Tx, origin: str, told: Story, ids: Iterable[str], revoked: set[str]
) -> Mapping[str, Before]:
    """What was given before: what we hold of it, or a slip that was replaced before we read it.

    Of what is `revoked` now, any slip that ever was: its revocation goes to whoever was given it.
    """
    wanted = set(ids)
    rows = received.given_as(tx, origin, wanted & revoked, "ended", "expired")
    rows += received.given_as(tx, origin, wanted, "accepted")
    found = {row.delivered_id: slips.read_slip(row.slip) for row in rows if row.slip}
    found |= {each: told.before[each] for each in wanted & told.before.keys()}
    return {each: Before("release", slip.clause) for each, slip in found.items()}


def _attested(
    tx: Tx, origin: str, candidates: Mapping[str, Candidate], ids: Iterable[str]
) -> Mapping[str, Attested]:
    wanted = set(ids)
    rows = received.given_as(tx, origin, wanted - candidates.keys(), "accepted")
    found = {row.delivered_id: slips.read_slip(row.slip).beside() for row in rows if row.slip}
    found |= {each: candidates[each].slip.beside() for each in wanted & candidates.keys()}
    return found


def slip_of(row: Received, told: Story) -> Slip | None:
    """The slip for these bytes: one told just now, else the one that came before them."""
    if row.hash in told.given and told.given[row.hash].object == row.delivered_id:
        return told.given[row.hash]
    return slips.read_slip(row.slip) if row.slip else None
