"""What we hold of partners' objects now, and what expired, as our own clock says."""

from typing import NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.release.expiring import must_go
from tearline.store import received
from tearline.store.database import Tx
from tearline.store.received import HELD, NEVER, Received


class Holding(NamedTuple):
    """One object that a partner gave: *accepted*, *quarantined* or *expired*.

    It may be used before `until_at`, None where its agreement alone ends that; of what is expired,
    that is when it was due.
    """

    agreement_id: str
    partner: str
    delivered_id: str
    hash: str
    state: str
    came_at: int
    until_at: int | None


def holdings(home: Home, party: str | None = None, *, now: int) -> list[Holding]:
    """Everything that is held or expired, under each agreement, in the order in which it came.

    MisuseError for a party that nobody knows.
    """
    with home.store.read() as tx:
        slug = find_party(tx, party).slug if party is not None else None
        return [
            _holding(each, row, now)
            for each in force.all_in_force(tx, now=now)
            if slug in {None, each.partner}
            for row in received.in_state(
                tx, each.agreement_id, *HELD, "expired", without_bytes=True
            )
        ]


def is_over(tx: Tx, agreement_id: str, stix_id: str, *, now: int) -> int | None:
    """When a partner's object expired, or its time was over; None while it may be used."""
    bound = force.in_force(tx, agreement_id, now=now)
    rows = received.given_as(tx, agreement_id, [stix_id], "accepted", "expired")
    if bound is None or not rows:
        return None
    found = [_holding(bound, row, now) for row in rows]
    if any(each.state == "accepted" for each in found):
        return None
    return max(each.until_at or now for each in found)


def _holding(bound: InForce, row: Received, now: int) -> Holding:
    """What stands in the table, but for what is due and was not carried out yet."""
    over = row.state in HELD and (row.until_at <= now or must_go(bound))
    state = "expired" if over else row.state
    until_at = min(row.until_at, now) if over else row.until_at
    ids = bound.agreement_id, bound.partner, row.delivered_id, row.hash
    return Holding(*ids, state, row.at, None if until_at == NEVER else until_at)
