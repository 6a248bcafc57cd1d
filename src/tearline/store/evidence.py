"""Evidence: documents that show, to anyone and without us, that a partner has two faces.

Two cards or two statements that follow on the same one (`agreement.evidence`), or two histories of
a log (`log.evidence`). Each row is a whole document that checks itself, and is only ever added. Who
can delete here can make us forget a proof; its leaf in the private log stays.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, delete, insert, select

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

evidence = Table(
    "evidence",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("about", Text),
    Column("document", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("evidence_party", "party"),
)
log_watched = Table(
    "log_watched",
    metadata,
    Column("log", Text, primary_key=True),
    Column("leaf", BigInteger, nullable=False),
)


class Evidence(NamedTuple):
    """A document of evidence: its hash, what it proves, against whom, and when we found it.

    `about` is the agreement's id, or the origin of the log; None for cards.
    """

    hash: str
    kind: str
    party: str
    about: str | None
    document: bytes
    at: int


def add(tx: Tx, found: Evidence) -> bool:
    """Keep evidence; False when it was here before."""
    held = select(evidence.c.at).where(evidence.c.hash == found.hash)
    if tx.execute(held).one_or_none() is not None:
        return False
    tx.execute(insert(evidence).values(found._asdict()))
    return True


def add_in_span(tx: Tx, found: Evidence, *, since: int) -> Evidence:
    """Keep evidence, unless some of its kind about this log came since then; return what is kept.

    A log that lies once a minute would fill the store with one and the same.
    """
    same = (evidence.c.kind == found.kind) & (evidence.c.about == found.about)
    query = select(evidence).where(same, evidence.c.at > since).order_by(evidence.c.at)
    row = tx.execute(query.limit(1)).one_or_none()
    if row is not None:
        return Evidence(*row)
    add(tx, found)
    return found


def all_of(tx: Tx, *, party: str | None = None, about: str | None = None) -> list[Evidence]:
    """Return evidence, oldest first: all, against one party, or about one agreement or log."""
    rows = select(evidence)
    if party is not None:
        rows = rows.where(evidence.c.party == party)
    if about is not None:
        rows = rows.where(evidence.c.about == about)
    return [Evidence(*row) for row in tx.execute(rows.order_by(evidence.c.at, evidence.c.hash))]


def watched(tx: Tx, log: str) -> int:
    """Return the last leaf of a partner's log whose statements were compared, or -1."""
    found = select(log_watched.c.leaf).where(log_watched.c.log == log)
    last = tx.execute(found).scalar_one_or_none()
    return -1 if last is None else int(last)


def set_watched(tx: Tx, log: str, leaf: int) -> None:
    """Keep that the statements of a partner's log were compared up to a leaf."""
    tx.execute(delete(log_watched).where(log_watched.c.log == log))
    tx.execute(insert(log_watched).values(log=log, leaf=leaf))
