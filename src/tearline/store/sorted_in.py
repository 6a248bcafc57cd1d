"""Up to where what arrived is sorted in, and what is to be looked at again because of it.

Tables of the same two kinds for whatever is made from held objects after their arrival. All of it
can be made again, and is not moved with them.
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, delete, select

from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata


class Again:
    """Ids of objects that are to be looked at again, in a table of their own."""

    def __init__(self, name: str) -> None:
        """Name the table."""
        self._table = Table(
            name, metadata, Column("stix_id", Text, primary_key=True), info={"derived": True}
        )
        self._some = Statement(select(self._table.c.stix_id).limit(bindparam("limit")))

    def note(self, tx: Tx, ids: Iterable[str]) -> None:
        """Note objects; such as are noted already stay so."""
        insert_rows(tx, self._table, [(each,) for each in dict.fromkeys(ids)], ignore=True)

    def some(self, tx: Tx, most: int) -> list[str]:
        """Some of what was noted."""
        return [row[0] for row in self._some.rows(tx, limit=most)]

    def take(self, tx: Tx, most: int) -> list[str]:
        """Take some of what was noted, in order to look at it."""
        found = self.some(tx, most)
        tx.execute(delete(self._table).where(among(self._table.c.stix_id, found)))
        return found

    def clear(self, tx: Tx) -> None:
        """Forget all of it."""
        tx.execute(delete(self._table))


class SortedIn:
    """Up to which number of a version all are sorted in, by which recipe; and what is to be anew.

    Raise the recipe, and nothing counts as sorted in.
    """

    def __init__(self, name: str) -> None:
        """Name what is sorted in: its tables are `{name}_upto` and `{name}_again`."""
        self.again = Again(f"{name}_again")
        self._table = Table(
            f"{name}_upto",
            metadata,
            Column("recipe", Integer, primary_key=True, autoincrement=False),
            Column("seq", BigInteger, nullable=False),
            info={"derived": True},
        )
        self._upto = Statement(select(self._table.c.recipe, self._table.c.seq))

    def upto(self, tx: Tx, recipe: int) -> int:
        """Up to which number all are sorted in by this recipe; 0 where none is."""
        return next((int(row[1]) for row in self._upto.rows(tx) if row[0] == recipe), 0)

    def put_upto(self, tx: Tx, recipe: int, seq: int) -> None:
        """Note up to where all are sorted in."""
        tx.execute(delete(self._table))
        insert_rows(tx, self._table, [(recipe, seq)])

    def note_again(self, tx: Tx, ids: Iterable[str]) -> None:
        """Note what is to be sorted in anew, where anything is sorted in yet."""
        if self._upto(tx).first() is not None:
            self.again.note(tx, ids)

    def fall_back(self, tx: Tx, last: int) -> None:
        """Note that versions were erased; `last` is the highest number still held.

        A number that is free again may be given to another version, which then is to be sorted in.
        """
        tx.execute(self._table.update().where(self._table.c.seq > last).values(seq=last))

    def clear(self, tx: Tx) -> None:
        """Forget all of it: then nothing is sorted in."""
        self.again.clear(tx)
        tx.execute(delete(self._table))
