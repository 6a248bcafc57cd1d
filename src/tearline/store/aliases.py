"""Which of our objects a derived id stands for, for each agreement. It never leaves home.

Who can read this sees through our pseudonyms; without our secret nobody can make the map anew.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Index, Table, bindparam, select

from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata

alias = Table(
    "alias",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("delivered_id", Text, primary_key=True),
    Column("stix_id", Text, nullable=False),
    Index("alias_ours", "agreement_id", "stix_id"),
)


_DERIVED = Statement(
    select(alias.c.delivered_id, alias.c.stix_id).where(
        alias.c.agreement_id == bindparam("agreement_id"),
        among(alias.c.delivered_id, bindparam("ids")),
    )
)


def put_aliases(tx: Tx, rows: Sequence[tuple[str, str, str]]) -> None:
    """Remember under an agreement (first) for a delivered id (second) which of ours it is."""
    insert_rows(tx, alias, sorted(rows), ignore=True)


def derived(tx: Tx, agreement_id: str, ids: Iterable[str]) -> dict[str, str]:
    """Those of `ids` that we derived for this agreement, and which of ours each stands for."""
    return dict(_DERIVED.among(tx, ids, agreement_id=agreement_id))


_OURS_OF = select(alias.c.delivered_id, alias.c.stix_id).where(
    alias.c.agreement_id == bindparam("agreement_id"),
    among(alias.c.stix_id, bindparam("ids")),
)
_OURS = Statement(_OURS_OF)


def ours_of(tx: Tx, agreement_id: str, ids: Iterable[str]) -> dict[str, str]:
    """By delivered id, which of our `ids` it stands for under an agreement."""
    return dict(_OURS.among(tx, ids, agreement_id=agreement_id))


_GIVEN_AS = Statement(
    select(alias.c.agreement_id, alias.c.delivered_id).where(
        among(alias.c.agreement_id, bindparam("ids")), alias.c.stix_id == bindparam("stix_id")
    )
)


def given_as(tx: Tx, agreement_ids: Iterable[str], stix_id: str) -> list[tuple[str, str]]:
    """By which other ids one of ours goes under some agreements: each agreement with an id."""
    return [(row[0], row[1]) for row in _GIVEN_AS.among(tx, agreement_ids, stix_id=stix_id)]


def our_id(tx: Tx, agreement_id: str, delivered_id: str) -> str:
    """The id of ours that a delivered id stands for; itself where it was never cut."""
    query = select(alias.c.stix_id).where(
        alias.c.agreement_id == agreement_id, alias.c.delivered_id == delivered_id
    )
    found = tx.execute(query).scalar()
    return delivered_id if found is None else found
