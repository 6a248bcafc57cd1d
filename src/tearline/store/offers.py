"""What each side said in bands that it would give under a version of an agreement.

Who can write here can pretend that a partner said so; the signed message, which is kept, shows it.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, PrimaryKeyConstraint, Table, select

from tearline.store.columns import Text
from tearline.store.database import Tx, insert_rows, metadata

preview_offer = Table(
    "preview_offer",
    metadata,
    Column("agreement", Text, nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("bands", Text, nullable=False),
    Column("signed", LargeBinary),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("agreement", "ours"),
)


class Offer(NamedTuple):
    """A preview in bands: of which version, whose, the bands as canonical JSON, and when.

    `signed` is the message that a partner's came in; ours stands in the outbox.
    """

    agreement: str
    ours: bool
    bands: str
    signed: bytes | None
    at: int


def add_offer(tx: Tx, new: Offer) -> None:
    """Keep the one offer of a side for a version."""
    insert_rows(tx, preview_offer, [new])


def offer_of(tx: Tx, agreement: str, *, ours: bool) -> Offer | None:
    """The offer of a side for a version, by its hash."""
    query = select(preview_offer).where(
        preview_offer.c.agreement == agreement, preview_offer.c.ours == ours
    )
    row = tx.execute(query).first()
    return None if row is None else Offer(*row)
