"""Which objects can be near named ones at all: a wide guess, made by the database in one question.

Whoever decides reads each of them; what is not among them need not be searched for paths.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Integer, and_, case, literal, or_, select

from tearline.store.columns import among
from tearline.store.database import Tx
from tearline.store.objects import (
    MEMBER,
    object_version,
    relation,
    topic_key,
)


def near(
    tx: Tx,
    keys: Collection[str],
    stix_ids: Collection[str],
    steps: int,
    *,
    along: Collection[str],
    against: Collection[str],
    members: bool,
) -> set[str]:
    """Ids that up to so many steps lead to from whatever carries one of `keys`, or is named.

    A step goes by the kinds `along` from source to target, `against` from target to source; with
    `members`, also from a member to its container, which is no step, and on to its other members.
    Relations of every origin count, so ids may be among them that nobody here holds.
    """
    named = select(topic_key.c.stix_id.label("id"), literal(0, Integer).label("steps")).where(
        among(topic_key.c.key, sorted(keys))
    )
    held = select(object_version.c.stix_id, literal(0, Integer)).where(
        among(object_version.c.stix_id, sorted(stix_ids)), object_version.c.latest
    )
    starts = named.union(held).subquery()
    found = select(starts.c.id, starts.c.steps).cte("near", recursive=True)
    out = and_(relation.c.source_id == found.c.id, relation.c.kind.in_(_kinds(along, members)))
    back = and_(relation.c.target_id == found.c.id, relation.c.kind.in_(_kinds(against, members)))
    to_container = and_(relation.c.kind == MEMBER, relation.c.target_id == found.c.id)
    step = select(
        case((out, relation.c.target_id), else_=relation.c.source_id),
        found.c.steps + case((to_container, 0), else_=1),
    ).where(or_(out, back), or_(found.c.steps < steps, to_container))
    whole = found.union(step)
    # The driver's own rows: SQLAlchemy's take longer than the question.
    rows: Any = tx.execute(select(whole.c.id)).cursor
    return {row[0] for row in rows.fetchall()}


def _kinds(kinds: Collection[str], members: bool) -> list[str]:  # noqa: FBT001  # said once above
    return sorted({*kinds, MEMBER} if members else set(kinds))
