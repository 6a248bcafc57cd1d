"""What partners gave and whose time is over: it goes from here by our own clock.

Each slip says until when its object may be used, and the agreement how long it may be kept and
what becomes of it at the end. No order of the giver is waited for. What went is in our log, and the
giver is told as of a recall that was carried out; when the recall comes, it is answered so.
"""

from collections.abc import Callable, Sequence

import orjson

from tearline.agreement import force, outbox
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.state import ENDED
from tearline.log import record
from tearline.release import onward, second_hop
from tearline.release.answering import stir_answers
from tearline.release.rules import DAY
from tearline.release.slips import Slip, Story, read_slip
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import agreements, objects, received
from tearline.store.database import Tx
from tearline.store.received import HELD, NEVER, Received

OVER = "expired"
"""Why it is gone: its own time was over."""

AT_END = "agreement-ended"
"""Why it is gone: the agreement ended, and lets nobody keep what it got."""

_WITH_THE_END = (*HELD, "staged")


def expire_all(home: Home, *, now: int) -> int:
    """Let go of all whose time is over, under every agreement; returns how many objects went."""
    with home.store.read() as tx:
        wanted = set(received.due(tx, now))
        wanted |= {
            each.agreement_id
            for each in force.all_in_force(tx, now=now)
            if must_go(each) and received.holds_any(tx, each.agreement_id, *_WITH_THE_END)
        }
    return sum(expire(home, each, now=now) for each in sorted(wanted))


def expire(home: Home, agreement_id: str, *, now: int) -> int:
    """Let go of what we may use no more under an agreement; returns how many objects went."""
    with home.store.write() as tx:
        bound = force.in_force(tx, agreement_id, now=now)
        return expire_in(tx, bound, now) if bound is not None else 0


def expire_in(tx: Tx, bound: InForce, now: int) -> int:
    """Do it in the transaction of an act: bytes and index go, log and giver are told."""
    agreement_id = bound.agreement_id
    rows = {each.hash: (each, OVER) for each in received.over(tx, agreement_id, now)}
    if must_go(bound):
        left = received.in_state(tx, agreement_id, *_WITH_THE_END, without_bytes=True)
        rows = {each.hash: (each, AT_END) for each in left} | rows
    if not rows:
        return 0
    gone = [
        row._replace(
            state="expired",
            raw=None,
            reasons=orjson.dumps([why]).decode(),
            until_at=min(row.until_at, now),
        )
        for row, why in rows.values()
    ]
    slips = (read_slip(row.slip) for row in gone if row.slip)
    second_hop.tie(tx, agreement_id, {each.object: each.position for each in slips})
    received.settle(tx, agreement_id, gone)
    kept = received.given_as(tx, agreement_id, [each.delivered_id for each in gone], "accepted")
    erased = {each.delivered_id for each in gone} - {each.delivered_id for each in kept}
    objects.erase(tx, agreement_id, sorted(erased))
    stir_answers(tx, erased)
    onward.follow(tx, agreement_id, now=now)
    _tell(tx, bound, [each for each in gone if each.slip], now)
    return len(gone)


def must_go(bound: InForce) -> bool:
    """Whether an agreement is over, and lets nobody keep what it got."""
    return bound.state in ENDED and bound.terms.retention.after_end == "recall"


def ends_under(tx: Tx, bound: InForce | None) -> Callable[[Slip | None, int], int]:
    """Answer for a slip, or for bytes without one that came then, until when they may be used.

    Where a slip says no more than that its agreement ends then, the agreement in force decides.
    """
    keep = bound.terms.retention.keep_days if bound is not None else None
    ends: dict[str, int] = {}

    def until(slip: Slip | None, came_at: int) -> int:
        found = NEVER
        if keep is not None:
            found = (came_at if slip is None else slip.moment) + keep * DAY
        if slip is None or slip.until is None:
            return found
        if slip.agreement not in ends:
            version = agreements.version_of(tx, slip.agreement)
            ends[slip.agreement] = NEVER if version is None else version.until_at
        said = parse_timestamp(slip.until)
        return found if said >= ends[slip.agreement] else min(found, said)

    return until


def carried_out(tx: Tx, agreement_id: str, told: Story) -> dict[int, int]:
    """Of what a story recalls: the releases that expired here before, and when that was due."""
    ids = {each.object for each in told.recalled}
    rows = received.given_as(tx, agreement_id, ids, "expired")
    return {read_slip(row.slip).position: row.until_at for row in rows if row.slip}


def said_already(at: int | None) -> dict[str, object]:
    """What the receipt of a recall adds where it was carried out before it came."""
    return {} if at is None else {"expired": format_timestamp(at, digits=6)}


def _tell(tx: Tx, bound: InForce, gone: Sequence[Received], now: int) -> None:
    """Write what went into our log of the agreement, and tell the giver."""
    if not gone:
        return
    slips = [(read_slip(row.slip), row) for row in gone]
    stamp = format_timestamp(now, digits=6)
    entries = [
        {
            "kind": "expiry",
            "agreement": bound.hash,
            "object": slip.object,
            "release": slip.position,
            "until": format_timestamp(row.until_at, digits=6),
            "reason": orjson.loads(row.reasons)[0],
            "at": stamp,
        }
        for slip, row in slips
    ]
    log = record.our_log(bound.agreement_id)
    leaf = record.append(tx, log, "expiry", entries, at=now, agreement=bound.hash)
    positions = sorted({slip.position for slip, _ in slips})
    body = {"releases": positions, "at": stamp, "expired": True}
    version = agreements.version_of(tx, bound.hash)
    outbox.enqueue(tx, "recall-receipt", bound.partner, body, now=now, version=version, leaf=leaf)
