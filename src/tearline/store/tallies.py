"""What is released under an agreement, and what stays, in numbers: for people who ask why."""

from sqlalchemy import func, select

from tearline.store.database import Tx
from tearline.store.releases import WITHDRAWN, decision, release


def live_types(tx: Tx, agreement_id: str) -> dict[str, tuple[int, int]]:
    """By type, how many releases are live, and the moment of the last of them."""
    query = (
        select(release.c.type, func.count(), func.max(release.c.at))
        .where(release.c.agreement_id == agreement_id, release.c.live, release.c.basis != WITHDRAWN)
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
