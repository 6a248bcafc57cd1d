"""How the exchange with each partner goes, in numbers that stay quick to read with a million rows.

Nothing is counted beyond `COUNTED`: whoever needs to know more asks for the list itself.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from tearline.agreement.force import InForce
from tearline.log import committing, record
from tearline.release.rules import DAY
from tearline.store import logs, parties, recalls, received, tallies, witnessing
from tearline.store.database import Tx
from tearline.store.recalls import Some
from tearline.store.releases import Release

COUNTED = 10_000
LATE = DAY
"""How old a cosignature on a head that has grown may be."""
_REFUSED_SINCE = 30 * DAY


class Counted(NamedTuple):
    """A number; `more`: at least so many."""

    number: int
    more: bool

    @classmethod
    def of(cls, number: int) -> "Counted":
        """Make it of a number that was counted up to `COUNTED` + 1."""
        return cls(min(number, COUNTED), number > COUNTED)


class Flow(NamedTuple):
    """What passed under one agreement: what they hold of us, and what is open on either side."""

    agreement_id: str
    live: Counted
    quarantined: Counted
    recalls_open: Counted
    recalls_overdue: Counted
    last_given_at: int | None


class Held(NamedTuple):
    """What we hold of a partner under one agreement, and when we last read its log."""

    usable: Counted
    synced_at: int | None


class Witnessed(NamedTuple):
    """A log of ours: its leaves, what is signed, and the last head that each witness cosigned.

    `late`: witnesses are there, and none of them cosigned what was signed more than a day ago; or
    leaves are older than a day and not signed.
    """

    log: str
    size: int
    signed: int
    signed_at: int | None
    cosigned: tuple[tuple[str, int, int], ...]
    late: bool


def flows(tx: Tx, bound: Iterable[InForce], *, now: int) -> list[Flow]:
    """What passed under agreements, in their order; the number of questions asked stays small."""
    every = {each.agreement_id: each for each in bound}
    live = tallies.live_numbers(tx, every, COUNTED + 1)
    quarantined = received.quarantined_numbers(tx, every, COUNTED + 1)
    confirmable = [each.agreement_id for each in every.values() if not each.one_sided]
    unanswered = recalls.open_numbers(tx, confirmable, COUNTED + 1)
    given = tallies.last_at(tx, every)
    return [
        Flow(
            this,
            Counted.of(live[this]),
            Counted.of(quarantined[this]),
            Counted.of(unanswered.get(this, 0)),
            Counted.of(_overdue(tx, each, now) if unanswered.get(this) else 0),
            given[this],
        )
        for this, each in every.items()
    ]


def held(tx: Tx, bound: Iterable[InForce], *, now: int) -> list[Held]:
    """What we hold under agreements, in their order."""
    ids = [each.agreement_id for each in bound]
    usable = received.usable_numbers(tx, ids, now, COUNTED + 1)
    mirrored = logs.signed_at(tx, map(record.their_log, ids))
    return [Held(Counted.of(usable[each]), mirrored[record.their_log(each)]) for each in ids]


def _overdue(tx: Tx, bound: InForce, now: int) -> int:
    due_at = now - bound.terms.retention.recall_days * DAY
    some = Some(bound.agreement_id, answered=False, until_at=due_at)
    return recalls.number(tx, some, COUNTED + 1)


def newest(tx: Tx, bound: InForce, most: int) -> list[Release]:
    """What was released last under one agreement, the last first."""
    return tallies.newest(tx, bound.agreement_id, most)


def total(counts: list[Counted]) -> Counted:
    """Numbers added up."""
    return Counted(sum(each.number for each in counts), any(each.more for each in counts))


def witnessed(tx: Tx, log: str, *, now: int) -> Witnessed:
    """How one log of ours stands: signed, and seen by witnesses."""
    head, signed = logs.head(tx, log), logs.last_checkpoint(tx, log)
    seen = witnessing.cosignatures(tx, log)
    unsigned = head.size > (signed.size if signed else 0) and head.at < now - LATE
    unseen = bool(seen and signed) and all(
        signed is not None and each.size < signed.size and signed.at < now - LATE for each in seen
    )
    return Witnessed(
        log,
        head.size,
        signed.size if signed else 0,
        signed.at if signed else None,
        tuple((each.name, each.size, each.at) for each in seen),
        unsigned or unseen,
    )


def node_log(tx: Tx, *, now: int) -> Witnessed:
    """How the log stands that commits to all others of ours."""
    return witnessed(tx, committing.LOG, now=now)


def refused(tx: Tx, party: str, *, now: int) -> tuple[int, tuple[str, ...]]:
    """How many messages of a partner we refused in the last thirty days, and why the last ones."""
    number = parties.refusals_since(tx, party, now - _REFUSED_SINCE)
    return number, tuple(each.code for each in parties.refusals(tx, party, limit=min(number, 5)))


def stayed(counted: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Add up by reason what does not go: (code, objects), the most frequent first.

    `counted` has the reasons of objects as they are stored; one with several counts for each.
    """
    found: dict[str, int] = {}
    for reasons, number in counted:
        for code in {str(each[0]) for each in orjson.loads(reasons)}:
            found[code] = found.get(code, 0) + number
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))
