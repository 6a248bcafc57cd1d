"""How many objects went under each agreement on a day, where the agreement sets a number.

Who can write here can have more or less go on a day; the slips in the log of the agreement, each
with its moment, show how much did.
"""

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, delete, select

from tearline.store.columns import Text
from tearline.store.database import Statement, Tx, insert_rows, metadata

quota_day = Table(
    "quota_day",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("day_at", BigInteger, nullable=False),
    Column("objects", Integer, nullable=False),
)

_OF = Statement(
    select(quota_day.c.objects).where(
        quota_day.c.agreement_id == bindparam("of"), quota_day.c.day_at == bindparam("day")
    )
)
_DROP = Statement(delete(quota_day).where(quota_day.c.agreement_id == bindparam("of")))


def given(tx: Tx, agreement_id: str, day_at: int) -> int:
    """Return how many objects were counted on a day; only the last day that had any is kept."""
    return _OF(tx, of=agreement_id, day=day_at).scalar() or 0


def count(tx: Tx, agreement_id: str, day_at: int, objects: int) -> None:
    """Add objects to those of a day, in the transaction that releases them."""
    if objects:
        counted = given(tx, agreement_id, day_at) + objects
        _DROP(tx, of=agreement_id)
        insert_rows(tx, quota_day, [(agreement_id, day_at, counted)])
