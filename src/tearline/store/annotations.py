"""What we say of objects beside their bytes, and what we hold back."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, delete, select

from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata

annotation = Table(
    "annotation",
    metadata,
    Column("stix_id", Text, primary_key=True),
    Column("marking", Integer),
    Column("grade", Integer),
    Column("at", BigInteger, nullable=False),
)
OBJECT, SOURCE, TOPIC = "object", "source", "topic"
"""What can be held: an object, all of a source, and what carries the name of a topic."""

hold = Table(
    "hold",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)


_ANNOTATIONS = Statement(
    select(annotation.c.stix_id, annotation.c.marking, annotation.c.grade).where(
        among(annotation.c.stix_id, bindparam("ids"))
    )
)
_HOLDS = Statement(select(hold.c.kind, hold.c.value, hold.c.reason))


def annotate(
    tx: Tx, ids: Iterable[str], *, marking: int | None, grade: int | None, at: int
) -> list[str]:
    """Put our marking or grade beside objects; returns the ids for which that changed anything.

    `None` leaves what was there.
    """
    changed = []
    rows = []
    for chunk in in_chunks(dict.fromkeys(ids)):
        present = annotations(tx, chunk)
        for stix_id in chunk:
            old = present.get(stix_id, (None, None))
            new = (old[0] if marking is None else marking, old[1] if grade is None else grade)
            if new != old:
                changed.append(stix_id)
                rows.append((stix_id, *new, at))
    for chunk in in_chunks(changed):
        tx.execute(delete(annotation).where(among(annotation.c.stix_id, chunk)))
    insert_rows(tx, annotation, rows)
    return changed


def annotations(tx: Tx, ids: Iterable[str]) -> dict[str, tuple[int | None, int | None]]:
    """Our marking and grade of each of `ids` that has any."""
    return {row[0]: (row[1], row[2]) for row in _ANNOTATIONS.among(tx, ids)}


def put_hold(tx: Tx, kind: str, value: str, reason: str, at: int) -> bool:
    """Stop an object or a source at once; false if it was held already."""
    query = select(hold.c.at).where(hold.c.kind == kind, hold.c.value == value)
    if tx.execute(query).first():
        return False
    insert_rows(tx, hold, [(kind, value, reason, at)])
    return True


def lift_hold(tx: Tx, kind: str, value: str) -> bool:
    """End a hold; false if there was none."""
    query = delete(hold).where(hold.c.kind == kind, hold.c.value == value)
    return tx.execute(query).rowcount > 0


def holds(tx: Tx) -> dict[tuple[str, str], str]:
    """Every hold: (kind, value) and its reason."""
    return {(kind, value): reason for kind, value, reason in _HOLDS.rows(tx)}
