"""What is released under an agreement, and what stays, in numbers: for people who ask why."""

from sqlalchemy import bindparam, func, select

from tearline.store.database import Statement, Tx
from tearline.store.releases import STANDS, Release, decision, release


def live_types(tx: Tx, agreement_id: str) -> dict[str, tuple[int, int]]:
    """By type, how many releases are live, and the moment of the last of them."""
    query = (
        select(release.c.type, func.count(), func.max(release.c.at))
        .where(release.c.agreement_id == agreement_id, STANDS)
        .group_by(release.c.type)
    )
    return {row[0]: (row[1], row[2]) for row in tx.execute(query)}


def reasons_counted(tx: Tx, agreement_id: str) -> list[tuple[str, int]]:
    """The reasons, as they are stored, of what does not go, and how many objects have just these.

    What waits is among it.
    """
    query = (
        select(decision.c.reasons, func.count())
        .where(decision.c.agreement_id == agreement_id, decision.c.outcome != "release")
        .group_by(decision.c.reasons)
    )
    return [(row[0], row[1]) for row in tx.execute(query)]


_LIVE = release.c.agreement_id == bindparam("id"), STANDS
_NUMBER = Statement(
    select(func.count()).select_from(
        select(release.c.position).where(*_LIVE).limit(bindparam("most")).subquery()
    )
)
_NEWEST = Statement(
    select(*(release.c[name] for name in Release._fields if name != "cut_raw"))
    .where(*_LIVE)
    .order_by(release.c.position.desc())
    .limit(bindparam("most"))
)


def live_number(tx: Tx, agreement_id: str, most: int) -> int:
    """How many releases are live, counted up to a number: so that no page reads a million rows."""
    return int(_NUMBER(tx, id=agreement_id, most=most).scalar_one())


def newest(tx: Tx, agreement_id: str, most: int) -> list[Release]:
    """The live releases that were made last, the last first, without cut bytes."""
    return [
        Release._make((*row[:9], None, *row[9:-1], bool(row[-1])))
        for row in _NEWEST.rows(tx, id=agreement_id, most=most)
    ]
