"""Sign what our logs hold, and make leaves of what waits for the private log."""

import orjson

from tearline.agreement.home import Home
from tearline.log import record
from tearline.store import logs, private

_OURS = "ours/"


def publish_grown(home: Home, *, now: int) -> list[str]:
    """Sign a checkpoint over each of our logs that grew since its last one; return their names.

    ProofError when a log is shorter than what was signed before: a restored backup.
    """
    with home.store.read() as tx:
        grown = [
            name
            for name in logs.names(tx)
            if name == record.PRIVATE or name.startswith(_OURS)
            if _unsigned(logs.head(tx, name).size, logs.last_checkpoint(tx, name))
        ]
    for name in grown:
        home.publish(None if name == record.PRIVATE else name.removeprefix(_OURS), now=now)
    return grown


def flush_private(home: Home, *, now: int) -> int:
    """Make leaves of the records that wait for the private log, one for each kind; count them."""
    with home.store.write() as tx:
        count = 0
        for kind, records in private.take(tx):
            contents = [orjson.loads(each) for each in records]
            record.append(tx, record.PRIVATE, kind, contents, at=now, agreement=None)
            count += len(records)
    return count


def _unsigned(size: int, last: logs.Signed | None) -> bool:
    return last is None or last.size < size
