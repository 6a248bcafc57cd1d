"""Claims of partners that are our own reports come back, and the pseudonyms by which we see it.

`echo` is made from what is held and what we gave, beside the tables of claims. `our_pseudonym` is
not: it has every source that a claim of ours ever named, by the pseudonym under which it goes. Who
can read it sees through our pseudonyms; without our secret nobody can make it anew.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Column, Table, bindparam, select

from tearline.store.claims import echo
from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata

our_pseudonym = Table(
    "our_pseudonym",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    sqlite_with_rowid=False,
)


class Echo(NamedTuple):
    """That a partner's claim, by the number of its version, is our own come back.

    `kind` says how we see it; `ours` is what of ours came back, '' for us ourselves.
    """

    seq: int
    origin: str
    stix_id: str
    kind: str
    ours: str


_ECHO = select(*(echo.c[name] for name in Echo._fields))
_BY_SEQ = Statement(_ECHO.where(among(echo.c.seq, bindparam("ids"))))
_BY_ID = Statement(_ECHO.where(among(echo.c.stix_id, bindparam("ids"))))
_ANY = Statement(select(echo.c.seq).limit(1))
_NEWEST = Statement(_ECHO.order_by(echo.c.seq.desc()).limit(bindparam("limit")))
_IDENTITY = Statement(
    select(our_pseudonym.c.pseudonym, our_pseudonym.c.identity).where(
        among(our_pseudonym.c.pseudonym, bindparam("ids"))
    )
)


def put_pseudonyms(tx: Tx, rows: Sequence[tuple[str, str]]) -> None:
    """Remember for a pseudonym (first) which of our sources it is."""
    insert_rows(tx, our_pseudonym, sorted(rows), ignore=True)


def identities(tx: Tx, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Those of `pseudonyms` that are ours, and the source that each stands for."""
    return dict(_IDENTITY.among(tx, pseudonyms))


def put(tx: Tx, seqs: Sequence[int], rows: Sequence[Echo]) -> list[str]:
    """Say of these versions which are echoes, and of what; returns the claims that were not so."""
    before = {Echo._make(row) for row in _BY_SEQ.among(tx, seqs)}
    tx.execute(echo.delete().where(among(echo.c.seq, seqs)))
    insert_rows(tx, echo, rows)
    return sorted({each.stix_id for each in before ^ set(rows)})


def not_counting(tx: Tx, held: Iterable[tuple[str, str]]) -> set[str]:
    """Those of these claims, each with whose it is, that are echoes and so count for nothing.

    Our own claim counts where it came back as it went; an echo that we pass on does not.
    """
    if not _ANY.rows(tx):
        return set()
    whose = dict(held)
    found = (Echo._make(row) for row in _BY_ID.among(tx, whose))
    return {each.stix_id for each in found if whose[each.stix_id] or each.ours != each.stix_id}


def of_claims(tx: Tx, ids: Iterable[str]) -> list[Echo]:
    """The echoes among these claims, of whichever origin."""
    return sorted(Echo._make(row) for row in _BY_ID.among(tx, ids))


def newest(tx: Tx, limit: int) -> list[Echo]:
    """The echoes that came last, the last first."""
    return [Echo._make(row) for row in _NEWEST.rows(tx, limit=limit)]
