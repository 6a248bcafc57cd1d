"""What one question tells of the partner behind a key: how its agreement stands, and its head.

The versions of an agreement never change but in what is asked for here; so whoever has read them
once knows by this whether they are still the same. It reads other families' tables and has none.
"""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from tearline.store.agreements import agreement_version
from tearline.store.database import Statement, Store, Tx
from tearline.store.parties import account, party
from tearline.store.releases import Head, head

_KNOCK = Statement(
    select(
        account.c.agreement_id,
        account.c.party,
        party.c.slug,
        party.c.card_hash,
        agreement_version.c.hash,
        agreement_version.c.state,
        agreement_version.c.serving,
        agreement_version.c.accepting,
        agreement_version.c.from_at,
        agreement_version.c.until_at,
        head.c.hash,
        head.c.position,
        head.c.last_at,
    )
    .select_from(
        account.join(agreement_version, agreement_version.c.agreement_id == account.c.agreement_id)
        .outerjoin(party, party.c.slug == account.c.party)
        .outerjoin(head, head.c.agreement_id == account.c.agreement_id)
    )
    .where(
        account.c.key_hash == bindparam("key_hash"),
        account.c.ended_at.is_(None),
        party.c.blocked_at.is_(None),
    )
    .order_by(agreement_version.c.hash)
)
_HEAD = 10
_MOMENTS = slice(8, 10)


class Knock(NamedTuple):
    """What stands behind a key now.

    `signs` is another whenever a version came or changed its state; `turns` are the moments at
    which the clock alone changes something.
    """

    head: Head
    signs: tuple[tuple[Any, ...], ...]
    turns: tuple[int, ...]


def knock(store: Store, key_hash: str) -> Knock | None:
    """What stands behind the hash of a key; None when it opens nothing now."""
    return _knock(store.ask(_KNOCK, key_hash=key_hash))


def knock_in(tx: Tx, key_hash: str) -> Knock | None:
    """The same in a transaction."""
    return _knock([tuple(row) for row in _KNOCK(tx, key_hash=key_hash)])


def _knock(rows: list[tuple[Any, ...]]) -> Knock | None:
    if not rows:
        return None
    agreement_id, (hash_, position, last_at) = rows[0][0], rows[0][_HEAD:]
    return Knock(
        Head(agreement_id, hash_ or "", position or 0, last_at or 0),
        tuple(row[:_HEAD] for row in rows),
        tuple(moment for row in rows for moment in row[_MOMENTS]),
    )
