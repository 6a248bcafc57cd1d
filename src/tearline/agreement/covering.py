"""Since when others had seen what stands in our logs: the line that a revoked key is judged by.

A moment in a statement is its signer's word, and a moment in our log is ours. A witness has no part
in either: its cosignature says by when it had seen a head of ours. So what a key signed that is
revoked as of a moment stands if a head that covers it was cosigned before: the head of that log, or
one of our node log, which commits to it.
"""

from tearline.agreement.chain import logged_at
from tearline.log import record
from tearline.log.committing import LOG as NODE_LOG
from tearline.store import agreements, witnessing
from tearline.store.agreements import StatementRow
from tearline.store.database import Tx
from tearline.store.witnessing import Covering

_SECOND_US = 1_000_000


def cover(tx: Tx, log: str, size: int, name: str, line: str, *, at_s: int) -> None:
    """Keep what a cosignature covers of our logs of agreements, where that is a statement more.

    `log` is the log whose head of `size` leaves the witness `name` cosigned, `at_s` the moment that
    it wrote on it, in seconds.
    """
    before = witnessing.covered(tx)
    for agreement_id, last in agreements.last_leaves(tx).items():
        ours = record.our_log(agreement_id)
        if last < before.get(ours, 0) or log not in {ours, NODE_LOG}:
            continue
        seen, own = size, line if log == ours else None
        if log == NODE_LOG:
            head = witnessing.committed_at(tx, ours, size - 1)
            seen = head.size if head else 0
        if seen > before.get(ours, 0):
            # It says the second; by its end at the latest it had seen the head.
            last_at = (at_s + 1) * _SECOND_US - 1
            witnessing.cover(tx, Covering(ours, seen, name, own, last_at))


def seen_at(tx: Tx, row: StatementRow) -> int | None:
    """Return since when others had seen that a statement stands in our log.

    None where witnesses had seen that log, and not so far. Where none ever did, the moment at which
    we logged it: then our word is all there is. Never before that moment, whatever a witness wrote.
    """
    logged = logged_at(tx, row)
    covers = witnessing.covers(tx, record.our_log(row.agreement_id))
    if not covers:
        return logged
    found = [each.at for each in covers if each.size > row.leaf]
    return max(logged, min(found)) if found else None
