"""Sign what our logs hold, commit to it in the node log, and make leaves for the private log."""

import orjson

from tearline.agreement.home import Home
from tearline.log import committing, record
from tearline.log.checkpoint import signed_by
from tearline.store import logs, private

_OURS = "ours/"
_SECOND_US = 1_000_000
_KEPT = 16


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


def publish_node(home: Home, *, now: int) -> bool:
    """Append and sign the node log's leaf for this turn of the clock; False when it is there.

    Signed again where our log key changed: what an old one signed does not count for long.
    The leaf's moment is the beginning of the turn, so that it says nothing of what was going on.
    Of its checkpoints only the last few are kept: each stands for all before it.
    """
    turn = _turn(home, now)
    with home.store.read() as tx:
        last, signed = logs.head(tx, committing.LOG), logs.last_checkpoint(tx, committing.LOG)
    ours = signed is not None and signed_by(signed.note, home.log_vkey(record.NODE))
    if last.at >= turn and last.size and not _unsigned(last.size, signed) and ours:
        return False
    with home.store.write() as tx:
        committing.add_leaf(tx, home.slug, home.keys.secret, at=turn)
    home.publish(record.NODE, now=now)
    with home.store.write() as tx:
        signed = logs.last_checkpoint(tx, committing.LOG)
        if signed is not None:
            logs.drop_checkpoints(tx, committing.LOG, signed.size - _KEPT)
    return True


def next_leaf_at(home: Home, *, now: int) -> int:
    """Return when the next leaf of the node log is due."""
    return _turn(home, now) + max(home.settings.node_log_seconds, 1) * _SECOND_US


def _turn(home: Home, now: int) -> int:
    span = max(home.settings.node_log_seconds, 1) * _SECOND_US
    return now // span * span


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
