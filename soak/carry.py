"""Carry bytes between two homes in one process: messages, pages, logs, each step durable.

The same steps as `exchange.peer.sync`, with the moment given: no step reads the clock, and each
can be killed and done again.
"""

from tearline.agreement import outbox
from tearline.agreement.force import InForce, in_force
from tearline.agreement.home import Home
from tearline.errors import RefusedError
from tearline.exchange import peer_server
from tearline.log import mirror, record
from tearline.log.checkpoint import vkey_for
from tearline.log.verify import Opening
from tearline.release import inbound
from tearline.release.inbound import Settled
from tearline.store import logs, parties, releases

_PAGE = 60
_RECORDS = 100


def messages(sender: Home, receiver: Home, *, now: int) -> tuple[int, int]:
    """Bring every waiting message; returns how many were taken and how many refused."""
    taken = refused = 0
    for message_id, document in outbox.export_messages(sender, receiver.slug, now=now):
        try:
            peer_server.receive(receiver, document, now=now)
        except RefusedError:
            refused += 1
            outbox.undelivered(sender, message_id)
            continue
        outbox.delivered(sender, [message_id], now=now)
        taken += 1
    return taken, refused


def both_ways(first: Home, second: Home, *, now: int) -> int:
    """Bring messages until none is left that is taken; returns how many were refused at last."""
    while True:
        there = messages(first, second, now=now)
        back = messages(second, first, now=now)
        if not there[0] and not back[0]:
            return there[1] + back[1]


def pages(giver: Home, taker: Home, agreement_id: str, *, now: int, most: int) -> int:
    """Stage what the giver serves from where the taker stands, up to `most` pages."""
    count = 0
    bound = _agreed(giver, taker, agreement_id, now)
    while most > 0 and bound is not None and bound[0].serving and bound[1].accepting:
        after = int(inbound.cursor(taker, agreement_id).next or 0)
        with giver.store.read() as tx:
            found = releases.page(tx, agreement_id, after=after, now=now, limit=_PAGE)
        if not found:
            break
        raws = [row.raw for row in found]
        inbound.stage(taker, agreement_id, raws, next_=str(found[-1].position), now=now)
        count += len(raws)
        most -= 1
    return count


def copy_log(owner: Home, reader: Home, agreement_id: str, *, now: int) -> int:
    """Bring the reader's copy of the owner's log up to its signed head, and open its leaves."""
    log, copy = record.our_log(agreement_id), record.their_log(agreement_id)
    if _agreed(owner, reader, agreement_id, now) is None:
        return 0
    note = owner.publish(agreement_id, now=now)
    origin = record.origin_of(owner.slug, agreement_id)
    with reader.store.read() as tx:
        have, opened = logs.head(tx, copy).size, logs.last_opened(tx, copy)
    with owner.store.read() as tx:
        entries = logs.leaves(tx, log, have, logs.head(tx, log).size)
    with reader.store.write() as tx:
        key = vkey_for(origin, owner.card.log)
        mirror.extend(tx, copy, note, entries, origin=origin, vkey=key, at=now)
    while True:
        with owner.store.read() as tx:
            rows = logs.records_after(tx, log, opened, count=_RECORDS)
        if not rows:
            return len(entries)
        with reader.store.write() as tx:
            mirror.open_leaves(tx, copy, [Opening(*row) for row in rows])
        opened = rows[-1][0]


def _agreed(
    giver: Home, taker: Home, agreement_id: str, now: int
) -> tuple[InForce, InForce] | None:
    """What binds each; None where the giver would not answer: another version, or a block."""
    with giver.store.read() as ours, taker.store.read() as theirs:
        gives = in_force(ours, agreement_id, now=now)
        takes = in_force(theirs, agreement_id, now=now)
    if not gives or not takes or gives.hash != takes.hash or is_blocked(giver, taker):
        return None
    return gives, takes


def is_blocked(giver: Home, taker: Home) -> bool:
    """Whether the giver has blocked the taker, and so shows it nothing."""
    with giver.store.read() as tx:
        partner = parties.partner_of(tx, taker.slug)
    return partner is None or partner.blocked_at is not None


def settle(taker: Home, agreement_id: str, *, now: int) -> Settled:
    """Decide what was staged."""
    return inbound.settle(taker, agreement_id, now=now)
