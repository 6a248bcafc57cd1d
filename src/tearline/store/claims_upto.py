"""Up to where claims are sorted in, and what is to be looked at again because of it.

`weighing.indexing` sorts in, and takes from here whose proposition is to be found anew; who weighs
takes from here which claims, or names of propositions, are to be weighed anew. All of it can be
made again from what is held.
"""

from collections.abc import Sequence

from sqlalchemy import delete

from tearline.store.claims import (
    alike,
    alike_said,
    claim,
    claim_about,
    claim_link,
    drop,
    echo,
    report_said,
    worth,
)
from tearline.store.database import Tx
from tearline.store.sorted_in import Again, SortedIn

SORTED_IN = SortedIn("claim")
WORTH_AGAIN = Again("worth_again")


def begin_again(tx: Tx) -> None:
    """Forget all that is made from what is held."""
    for table in (claim, claim_link, claim_about, alike_said, alike, report_said, echo, worth):
        tx.execute(delete(table))
    WORTH_AGAIN.clear(tx)
    SORTED_IN.clear(tx)


def forget(tx: Tx, seqs: Sequence[int], last: int) -> None:
    """Forget versions that are erased; `last` is the highest number still held."""
    SORTED_IN.again.note(tx, drop(tx, seqs))
    SORTED_IN.fall_back(tx, last)
