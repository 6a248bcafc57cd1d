"""Where claims were used, in which version, and what they were worth then.

Kept by people and by our opinions, and not made again. Who can write here can hide that something
was used that has changed since.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, select

from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata

claim_use = Table(
    "claim_use",
    metadata,
    Column("stix_id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("place", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("credibility", Integer, nullable=False),
)


class Use(NamedTuple):
    """That a version of a claim (`hash`) was used in something.

    `credibility` is what was proposed then, 0 where it was not weighed.
    """

    stix_id: str
    hash: str
    place: str
    at: int
    credibility: int


_USE = select(*(claim_use.c[name] for name in Use._fields))
_ALL = Statement(_USE.order_by(claim_use.c.at, claim_use.c.stix_id, claim_use.c.place))
_OF = Statement(_USE.where(among(claim_use.c.stix_id, bindparam("ids"))))


def put(tx: Tx, rows: Sequence[Use]) -> list[Use]:
    """Keep uses; the last of a claim in a place counts. Returns those that are later than that."""
    known = {(each.stix_id, each.place): each.at for each in of(tx, (row.stix_id for row in rows))}
    fresh = [each for each in rows if each.at > known.get((each.stix_id, each.place), -1)]
    for each in fresh:
        where = claim_use.c.stix_id == each.stix_id, claim_use.c.place == each.place
        tx.execute(claim_use.delete().where(*where))
    insert_rows(tx, claim_use, fresh)
    return fresh


def of(tx: Tx, ids: Iterable[str]) -> list[Use]:
    """Where these claims were used."""
    return sorted(Use._make(row) for row in _OF.among(tx, ids))


def everywhere(tx: Tx) -> list[Use]:
    """Every use, the oldest first."""
    return [Use._make(row) for row in _ALL.rows(tx)]
