"""Which process of a node does which of its standing jobs.

A lease is held for a short time and renewed; who is killed stops renewing, and another takes over
when the time is up. A lease saves work, it guards nothing: every job is safe to do twice at once.
Who can write here can stop the jobs of this node, which shows as a log that no longer grows.
"""

from sqlalchemy import BigInteger, Column, Table, delete, select

from tearline.store.columns import Text
from tearline.store.database import Tx, insert_rows, metadata

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_at", BigInteger, nullable=False),
)


def holder_of(tx: Tx, name: str, *, now: int, span_us: int) -> str | None:
    """Return who holds a lease at this moment.

    A lease that runs longer than twice `span_us` from now was taken before the clock was set back,
    and does not count. Once would be too little: whoever took it may have read a later moment, or
    have a clock that is a little ahead.
    """
    row = tx.execute(select(lease.c.holder, lease.c.until_at).where(lease.c.name == name)).first()
    return row.holder if row and now < row.until_at <= now + 2 * span_us else None


def held(tx: Tx, *, now: int, span_us: int) -> list[str]:
    """Return the leases that somebody holds at this moment, by name."""
    names = tx.execute(select(lease.c.name).order_by(lease.c.name)).scalars().all()
    return [each for each in names if holder_of(tx, each, now=now, span_us=span_us)]


def take(tx: Tx, name: str, holder: str, *, now: int, span_us: int) -> bool:
    """Take a lease, or renew it, until `now + span_us`; False when another holds it."""
    if holder_of(tx, name, now=now, span_us=span_us) not in {None, holder}:
        return False
    tx.execute(delete(lease).where(lease.c.name == name))
    insert_rows(tx, lease, [(name, holder, now + span_us)])
    return True


def give_back(tx: Tx, name: str, holder: str) -> None:
    """End a lease of ours at once, so that another process need not wait."""
    tx.execute(delete(lease).where(lease.c.name == name, lease.c.holder == holder))
