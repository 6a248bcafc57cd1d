"""Drafts of agreements that one of the staff writes, each as the text that was typed last.

Nothing here is signed or binds anybody. Who can write here can change what somebody is about to
propose; what is signed is shown, and named by its hash, before.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, delete, select

from tearline.store.columns import Text
from tearline.store.database import Tx, insert_rows, metadata

agreement_draft = Table(
    "agreement_draft",
    metadata,
    Column("staff", Text, nullable=False),
    Column("agreement_id", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("staff", "agreement_id"),
)


class Draft(NamedTuple):
    """What somebody writes: whose it is, of which agreement, with whom, and the TOML itself."""

    staff: str
    agreement_id: str
    partner: str
    document: str
    changed_at: int


def put(tx: Tx, draft: Draft) -> None:
    """Keep a draft in the place of the one before."""
    drop(tx, draft.staff, draft.agreement_id)
    insert_rows(tx, agreement_draft, [draft])


def drop(tx: Tx, staff: str, agreement_id: str) -> None:
    """Forget a draft."""
    tx.execute(
        delete(agreement_draft).where(
            agreement_draft.c.staff == staff, agreement_draft.c.agreement_id == agreement_id
        )
    )


def of(tx: Tx, staff: str, agreement_id: str) -> Draft | None:
    """The draft that somebody has of an agreement."""
    query = select(agreement_draft).where(
        agreement_draft.c.staff == staff, agreement_draft.c.agreement_id == agreement_id
    )
    row = tx.execute(query).first()
    return None if row is None else Draft(*row)


def all_of(tx: Tx, staff: str) -> list[Draft]:
    """Every draft of somebody, the one changed last first."""
    query = select(agreement_draft).where(agreement_draft.c.staff == staff)
    rows = tx.execute(query.order_by(agreement_draft.c.changed_at.desc()))
    return [Draft(*row) for row in rows]
