"""Taking out of service what partners hold of some objects, in one go under many agreements.

It reads and writes the tables of releases and recalls and has none of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import bindparam, exists, insert, literal, null, select, sql, tuple_, update

from tearline.store.columns import among
from tearline.store.database import Statement, Tx, in_chunks
from tearline.store.recalls import recall
from tearline.store.releases import decision, release

_PART = 5_000
_HELD = (
    among(decision.c.stix_id, bindparam("ids")),
    among(decision.c.agreement_id, bindparam("under")),
    decision.c.position > 0,
)
_GIVEN = Statement(
    select(
        decision.c.agreement_id,
        decision.c.position,
        decision.c.delivered_id,
        decision.c.stix_id,
    ).where(*_HELD)
)
_END = Statement(
    update(release)
    .where(
        tuple_(release.c.agreement_id, release.c.position).in_(
            select(decision.c.agreement_id, decision.c.position).where(*_HELD)
        )
    )
    .values(live=sql.false())
)
_RECALL = Statement(
    insert(recall).from_select(
        [each.name for each in recall.c],
        select(
            decision.c.agreement_id,
            decision.c.position,
            decision.c.delivered_id,
            bindparam("reason", type_=recall.c.reason.type),
            bindparam("at", type_=recall.c.at.type),
            null(),
            null(),
        ).where(
            *_HELD,
            ~exists(literal(1)).where(
                recall.c.agreement_id == decision.c.agreement_id,
                recall.c.position == decision.c.position,
            ),
        ),
    )
)
_HAVE_NOTHING = Statement(update(decision).where(*_HELD).values(position=0, live=sql.false()))


Ended: TypeAlias = tuple[str, int, str, str]
"""A release that ended: agreement, position, the id that they know, and that of the object."""


def stop(
    tx: Tx, ids: Iterable[str], under: Sequence[str], *, reason: str, at: int
) -> dict[str, list[Ended]]:
    """End and recall what is held of `ids` under some agreements, and return it by agreement.

    What stands says from then on that they hold nothing of it, and is to be decided.
    """
    found: dict[str, list[Any]] = {}
    for some in in_chunks(ids, _PART):
        given: dict[str, Any] = {"ids": some, "under": under}
        for row in _GIVEN.rows(tx, **given):
            found.setdefault(row[0], []).append(row)
        _END(tx, **given)
        _RECALL(tx, **given, reason=reason, at=at)
        _HAVE_NOTHING(tx, **given)
    return found
