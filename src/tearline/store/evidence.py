"""Evidence: documents that prove, to anyone and without us, that somebody signed two faces.

Each row is a whole document that checks itself. Who can delete here can make us forget a proof; its
leaf in the private log stays.
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
    Column("agreement_id", Text),
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
    """A document of evidence: its hash, what it proves, against whom, and when we found it."""

    hash: str
    kind: str
    party: str
    agreement_id: str | None
    document: bytes
    at: int


def add(tx: Tx, found: Evidence) -> bool:
    """Keep evidence; False when it was here before."""
    held = select(evidence.c.at).where(evidence.c.hash == found.hash)
    if tx.execute(held).one_or_none() is not None:
        return False
    tx.execute(insert(evidence).values(found._asdict()))
    return True


def all_of(tx: Tx, *, party: str | None = None, agreement_id: str | None = None) -> list[Evidence]:
    """Return evidence, oldest first: all, against one party, or about one agreement."""
    rows = select(evidence)
    if party is not None:
        rows = rows.where(evidence.c.party == party)
    if agreement_id is not None:
        rows = rows.where(evidence.c.agreement_id == agreement_id)
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
