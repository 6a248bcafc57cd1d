"""What is released under an agreement, and what stays, in numbers: for people who ask why."""

from collections.abc import Iterable

from sqlalchemy import bindparam, func, select

from tearline.store.columns import number_of_each, of_each
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
_NUMBERS = Statement(number_of_each(f"release WHERE agreement_id = its.value AND {STANDS}"))
_LAST_AT = Statement(
    of_each(
        f"SELECT at FROM release WHERE agreement_id = its.value AND {STANDS}"  # noqa: S608  # our own names
        " ORDER BY position DESC LIMIT 1"
    )
)
_NEWEST = Statement(
    select(*(release.c[name] for name in Release._fields if name != "cut_raw"))
    .where(*_LIVE)
    .order_by(release.c.position.desc())
    .limit(bindparam("most"))
)


def live_numbers(tx: Tx, agreement_ids: Iterable[str], most: int) -> dict[str, int]:
    """How many releases are live under each of some agreements, each counted up to a number."""
    return dict(_NUMBERS.among(tx, agreement_ids, most=most))


def last_at(tx: Tx, agreement_ids: Iterable[str]) -> dict[str, int | None]:
    """When the last of the live releases was made, under each of some agreements."""
    return dict(_LAST_AT.among(tx, agreement_ids))


def newest(tx: Tx, agreement_id: str, most: int) -> list[Release]:
    """The live releases that were made last, the last first, without cut bytes."""
    return [
        Release._make((*row[:9], None, *row[9:-1], bool(row[-1])))
        for row in _NEWEST.rows(tx, id=agreement_id, most=most)
    ]
