"""What a hold or a recall would take back, worked out by the plan that would carry it out."""

from collections.abc import Collection
from typing import NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.release.arrive import held_ids
from tearline.release.concern import rules_under
from tearline.release.facts import Known
from tearline.release.plan import plan
from tearline.release.planned import Ground
from tearline.release.quota import left
from tearline.release.rules import DAY
from tearline.stix.strict import collector_paused
from tearline.store import annotations, releases
from tearline.store.objects import OURS

_MOST = 2_000
"""Beyond so many objects that went, those alone are counted, without what hangs on them."""


class Taken(NamedTuple):
    """What one partner would lose under one agreement, and when the recall would be due."""

    agreement_id: str
    title: str
    partner: str
    ids: tuple[str, ...]
    due_at: int


class Stopped(NamedTuple):
    """What a hold would do: how many objects it names now, and what partners would lose.

    `whole` is false where what hangs on the named objects was not worked out, as they are many.
    """

    named: int
    taken: tuple[Taken, ...]
    whole: bool
    reason: str | None


def would_stop(home: Home, kind: str, value: str, *, now: int) -> Stopped:
    """Say what a hold would take back; nothing is changed.

    MisuseError for a kind that cannot be held. `reason` is that of the hold that is there already.
    """
    with collector_paused(), home.store.read() as tx:
        ids = held_ids(tx, kind, value)
        there = annotations.holds(tx).get((kind, value))
        known = Known(tx, OURS)
        known.suppose_held(kind, value)
        stood = releases.standing_among(tx, ids)
        taken, whole = [], True
        for bound in force.all_in_force(tx, now=now):
            went = {
                each: its for each, its in stood.get(bound.agreement_id, {}).items() if its.position
            }
            if not bound.serving or not went:
                continue
            few = len(went) <= _MOST
            whole = whole and few
            gone = _gone(home, known, bound, went, now) if few else sorted(went)
            due_at = now + bound.terms.retention.recall_days * DAY
            taken.append(Taken(bound.agreement_id, bound.title, bound.partner, tuple(gone), due_at))
    return Stopped(len(ids), tuple(taken), whole, there)


def _gone(home: Home, known: Known, bound: InForce, went: Collection[str], now: int) -> list[str]:
    """What a plan would withdraw and recall, the named objects first."""
    ground = Ground(
        bound.agreement_id,
        bound.hash,
        rules_under(bound.terms_bytes, bound.our_slot),
        home.keys.secret,
        now,
        marks=bound.one_sided,
        quota=left(known.tx, bound, now),
    )
    planned = plan(known, ground, went, whole=False)
    stood = releases.standing(known.tx, bound.agreement_id, planned)
    gone = [
        each
        for each, its in planned.items()
        if its.standing.outcome == "withhold" and each in stood and stood[each].position
    ]
    return sorted(gone, key=lambda each: (each not in went, each))
