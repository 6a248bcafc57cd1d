"""What a plain client was served: one leaf for each key and hour, in the log of the agreement.

A plain client acknowledges nothing, so nobody knows what it received. The log says what left this
node: how many requests with one key got a page, and which releases stood on those pages.
"""

import orjson

from tearline.agreement.home import Home
from tearline.log import record
from tearline.stix.timestamp import format_timestamp
from tearline.store import visits
from tearline.store.visits import Served

HOUR_US = 3_600_000_000
_LATE_US = 60_000_000
"""How long after its end an hour may still grow: until every process has written what it holds."""
_KEY_DIGITS = 16


def log_served(home: Home, *, now: int) -> int:
    """Append a leaf for each key and hour that is over, and return how many."""
    turn = now - _LATE_US
    with home.store.read() as tx:
        over = visits.served_before(tx, turn - turn % HOUR_US)
    for each in over:
        _append(home, each, now)
    return len(over)


def _append(home: Home, each: Served, now: int) -> None:
    """Make one hour of one key a leaf, as it stands when the transaction begins."""
    with home.store.write() as tx:
        row = visits.served_row(tx, each.agreement_id, each.key_hash, each.hour_at)
        if row is None:
            return
        entry = {
            "kind": "served",
            "agreement": row.hash,
            "to": row.party,
            "key": row.key_hash.removeprefix("sha256:")[:_KEY_DIGITS],
            "from": format_timestamp(row.hour_at, digits=6),
            "until": format_timestamp(row.hour_at + HOUR_US, digits=6),
            "requests": row.requests,
            "objects": row.objects,
            "positions": orjson.loads(row.spans),
            "at": format_timestamp(now, digits=6),
        }
        log = record.our_log(row.agreement_id)
        record.append(tx, log, "served", [entry], at=now, agreement=row.hash)
        visits.forget_served(tx, row)
