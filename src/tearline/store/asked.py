"""Questions by the number of their latest version, so that a list of them reads what it shows.

`objects` keeps the numbers as it keeps keys: in the transaction in which a version arrives or goes.
Whoever can change them takes a question out of the list, or has the list read what is none, which
is then passed over; the question itself stands in its bytes.
"""

from sqlalchemy import Column, Table, bindparam, func, select

from tearline.store.columns import Serial
from tearline.store.database import Statement, Tx, metadata

KEY = "label:ach"
"""The key of what asks a question, of those that an object is found by (`topics.topic`)."""
MOST = 10_000
"""Up to how many are counted."""

question = Table("question", metadata, Column("seq", Serial, primary_key=True, autoincrement=False))
_PAGE = Statement(
    select(question.c.seq)
    .where(question.c.seq < bindparam("before"))
    .order_by(question.c.seq.desc())
    .limit(bindparam("limit"))
)
_NUMBER = Statement(
    select(func.count()).select_from(select(question.c.seq).limit(MOST + 1).subquery())
)


def page(tx: Tx, limit: int, before: int | None = None) -> list[int]:
    """The numbers of the questions that came last, the last first."""
    return [row[0] for row in _PAGE.rows(tx, limit=limit, before=before or 2**62)]


def number(tx: Tx) -> int:
    """How many there are; MOST + 1 stands for more."""
    return int(_NUMBER.rows(tx)[0][0])
