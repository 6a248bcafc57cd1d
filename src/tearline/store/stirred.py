"""What was stirred, and how far each agreement has come in deciding it.

`stirred` is a log of the objects about which a decision may now answer otherwise: one row for each,
whatever the number of agreements. An agreement has a row in `seen` only while it is ahead of the
others; the row of `EVERYBODY` says up to where all of them are, and what lies before is pruned.
`scope` names the lists of agreements that the private log has.
Who can write here can keep an object from being decided again, which a rebuild would show.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Table, bindparam, delete, func, select

from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata
from tearline.store.releases import head

EVERYBODY = ""
"""In place of an agreement: all of them."""

stirred = Table(
    "stirred",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("stix_id", Text, nullable=False),
)
seen = Table(
    "seen",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),
)
scope = Table("scope", metadata, Column("hash", Text, primary_key=True))


class Seen(NamedTuple):
    """How far agreements are: all of them, and who is further.

    `whole` has those that decided everything, which is not noted yet.
    """

    everybody: int
    further: dict[str, int]
    whole: frozenset[str]

    def by(self, agreement_id: str) -> int:
        """Up to where one agreement has decided."""
        return max(self.everybody, self.further.get(agreement_id, 0))


_DECIDING = Statement(select(head.c.hash).where(head.c.hash != bindparam("none")).limit(1))
_LAST = Statement(select(func.max(stirred.c.seq)))
_SEEN = Statement(select(seen))
_SINCE = Statement(
    select(stirred.c.seq, stirred.c.stix_id)
    .where(stirred.c.seq > bindparam("after"))
    .order_by(stirred.c.seq)
)
_SCOPES = Statement(select(scope.c.hash).where(among(scope.c.hash, bindparam("ids"))))
_DROP_SEEN = Statement(delete(seen).where(among(seen.c.agreement_id, bindparam("ids"))))


def stir(tx: Tx, ids: Iterable[str]) -> None:
    """Note that decisions on `ids` must be taken again; nothing while no agreement decides.

    In the order in which they come; a set in the order of its ids.
    """
    if _DECIDING(tx, none="").first() is None:
        return
    first = last(tx) + 1
    ordered = sorted(ids) if isinstance(ids, set) else ids
    insert_rows(tx, stirred, list(enumerate(ordered, first)))


def last(tx: Tx) -> int:
    """Return the number of what was stirred last; 0 if nothing ever was."""
    return _LAST(tx).scalar() or seen_by(tx).everybody


def since(tx: Tx, seq: int) -> list[tuple[int, str]]:
    """Return what was stirred after a number: its number and the object, in order."""
    return [(row[0], row[1]) for row in _SINCE.rows(tx, after=seq)]


def seen_by(tx: Tx) -> Seen:
    """Return how far every agreement is."""
    rows = {row[0]: (row[1], bool(row[2])) for row in _SEEN.rows(tx)}
    everybody, _ = rows.pop(EVERYBODY, (0, False))
    whole = frozenset(each for each, (_, all_of_it) in rows.items() if all_of_it)
    return Seen(everybody, {each: seq for each, (seq, _) in rows.items()}, whole)


def put_seen(tx: Tx, further: Mapping[str, tuple[int, bool]]) -> None:
    """Note up to which number agreements have decided, in the transaction that decided it.

    With each stands whether it decided everything.
    """
    if further:
        _DROP_SEEN(tx, ids=list(further))
        insert_rows(tx, seen, [(each, *its) for each, its in further.items()])


def forget_seen(tx: Tx, agreement_id: str) -> None:
    """Forget how far an agreement was: it decides nothing any more."""
    tx.execute(delete(seen).where(seen.c.agreement_id == agreement_id))


def prune(tx: Tx, upto: int) -> None:
    """Note that every agreement has decided up to a number, and drop what lies before."""
    tx.execute(delete(stirred).where(stirred.c.seq <= upto))
    tx.execute(delete(seen).where(seen.c.seq <= upto))
    insert_rows(tx, seen, [(EVERYBODY, upto, False)])


def list_scopes(tx: Tx, hashes: Iterable[str]) -> set[str]:
    """Note that lists of agreements were logged, by their hashes; return those that were not."""
    wanted = set(hashes)
    fresh = wanted - {row[0] for row in _SCOPES.among(tx, wanted)}
    insert_rows(tx, scope, [(each,) for each in sorted(fresh)])
    return fresh
