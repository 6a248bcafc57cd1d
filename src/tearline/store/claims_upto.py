"""Up to where claims are sorted in, and what is to be looked at again because of it.

`weighing.indexing` sorts in, and takes from here whose proposition is to be found anew; who weighs
takes from here what is to be weighed anew. All of it can be made again from what is held.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, delete, select

from tearline.store.claims import (
    alike,
    alike_said,
    claim,
    claim_link,
    drop,
    echo,
    report_said,
    worth,
)
from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata

worth_again = Table(
    "worth_again",
    metadata,
    Column("stix_id", Text, primary_key=True),
    info={"derived": True},
)
claim_upto = Table(
    "claim_upto",
    metadata,
    Column("recipe", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    info={"derived": True},
)
claim_again = Table(
    "claim_again",
    metadata,
    Column("stix_id", Text, primary_key=True),
    info={"derived": True},
)


_DERIVED = (
    claim,
    claim_link,
    alike_said,
    alike,
    report_said,
    echo,
    worth,
    worth_again,
    claim_again,
    claim_upto,
)


_UPTO = Statement(select(claim_upto.c.recipe, claim_upto.c.seq))
_AGAIN = Statement(select(claim_again.c.stix_id).limit(bindparam("limit")))
_WORTH_AGAIN = Statement(select(worth_again.c.stix_id).limit(bindparam("limit")))


def upto(tx: Tx, recipe: int) -> int:
    """Up to which number of a version all are sorted in, by this recipe."""
    return next((int(row[1]) for row in _UPTO.rows(tx) if row[0] == recipe), 0)


def put_upto(tx: Tx, recipe: int, seq: int) -> None:
    """Note up to where all are sorted in."""
    tx.execute(delete(claim_upto))
    insert_rows(tx, claim_upto, [(recipe, seq)])


def begin_again(tx: Tx) -> None:
    """Forget all that is made from what is held."""
    for table in _DERIVED:
        tx.execute(delete(table))


def forget(tx: Tx, seqs: Sequence[int], last: int) -> None:
    """Forget versions that are erased; `last` is the highest number still held."""
    again(tx, drop(tx, seqs))
    tx.execute(claim_upto.update().where(claim_upto.c.seq > last).values(seq=last))


def again(tx: Tx, ids: Iterable[str]) -> None:
    """Note claims whose proposition is to be found anew."""
    insert_rows(tx, claim_again, [(each,) for each in dict.fromkeys(ids)], ignore=True)


def some_again(tx: Tx, most: int) -> list[str]:
    """Some of what was noted."""
    return [row[0] for row in _AGAIN.rows(tx, limit=most)]


def take_again(tx: Tx, most: int) -> list[str]:
    """Take some of what was noted."""
    found = some_again(tx, most)
    tx.execute(delete(claim_again).where(among(claim_again.c.stix_id, found)))
    return found


def worth_is_open(tx: Tx, ids: Iterable[str]) -> None:
    """Note claims, or names of propositions, that are to be weighed anew."""
    insert_rows(tx, worth_again, [(each,) for each in dict.fromkeys(ids)], ignore=True)


def take_open(tx: Tx, most: int) -> list[str]:
    """Take some of what is to be weighed anew."""
    found = [row[0] for row in _WORTH_AGAIN.rows(tx, limit=most)]
    tx.execute(delete(worth_again).where(among(worth_again.c.stix_id, found)))
    return found
