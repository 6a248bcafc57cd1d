"""What became of each POST to a local collection: the status resources of TAXII.

Of a success only what the collection does not show is kept: the moments given to what was added
are one span. Failures are kept with their reasons. Nobody but the account that posted may read it.
"""

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from tearline.store.columns import Text
from tearline.store.database import Statement, Tx, metadata

KEPT_US = 48 * 3_600_000_000
"""How long a status is kept; the standard asks for 24 hours (section 4.3)."""

submission = Table(
    "submission",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("total", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("known", Text, nullable=False),
    Column("failed", Text, nullable=False),
    Index("submission_at", "at"),
)


class Submission(NamedTuple):
    """One POST: who, when, how many objects, and what became of them.

    What was added has the moments `first_at` to `last_at` in its collection. `known` is a JSON
    list of [id, version] that were there already, `failed` one of [id, version, message].
    """

    id: str
    collection: int
    account: str
    at: int
    total: int
    added: int
    first_at: int
    last_at: int
    known: str
    failed: str


def add_submission(tx: Tx, entry: Submission) -> None:
    """Keep a status, and forget those whose time is over."""
    tx.execute(delete(submission).where(submission.c.at < entry.at - KEPT_US))
    tx.execute(insert(submission).values(entry._asdict()))


_OF = Statement(
    select(submission).where(
        submission.c.id == bindparam("id"), submission.c.account == bindparam("account")
    )
)


def submission_of(tx: Tx, id: str, account: str) -> Submission | None:
    """The status of an id, for the account that posted."""
    row = _OF(tx, id=id, account=account).one_or_none()
    return Submission(*row) if row else None
