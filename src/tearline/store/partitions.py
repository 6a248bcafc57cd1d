"""Tables in parts, in PostgreSQL: by ranges of what only grows, and by agreement.

`object_raw`, the bytes, is the largest table. It is cut by ranges of `seq`: a part that is full is
written again by a recall alone, needs no vacuum, and can be moved to slower disks. `release` is cut
by the hash of the agreement, which all its keys begin with: a page reads one part, and one
partner's growth does not deepen another's index. SQLite has the tables whole.
"""

from sqlalchemy import Connection, text

RANGE_OF = 4_000_000
"""How many objects a part of `object_raw` holds."""
_HASHED = 16
_IS_PART = "_part_"

BY_RANGE = "RANGE (seq)"
BY_AGREEMENT = "HASH (agreement_id)"


def is_part(table: str) -> bool:
    """Whether a table is a part of another, which the revisions do not know."""
    return _IS_PART in table


def make_first(tx: Connection) -> None:
    """Make the parts that a new store begins with."""
    if tx.dialect.name != "postgresql":
        return
    for rest in range(_HASHED):
        tx.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS release{_IS_PART}{rest:02} PARTITION OF release"
                f" FOR VALUES WITH (MODULUS {_HASHED}, REMAINDER {rest})"
            )
        )
    ensure(tx, 0)


def ensure(tx: Connection, last: int) -> None:
    """Have the parts for the bytes up to `last`, and the one after them, ready to be written.

    A part is made by itself and then attached, so that readers need not stand aside.
    """
    if tx.dialect.name != "postgresql":
        return
    needed = last // RANGE_OF + 1
    if _there(tx, needed):
        return
    first = needed
    while first and not _there(tx, first - 1):
        first -= 1
    for number in range(first, needed + 1):
        name = _name(number)
        tx.execute(text(f"CREATE TABLE {name} (LIKE object_raw INCLUDING ALL)"))
        tx.execute(
            text(
                f"ALTER TABLE object_raw ATTACH PARTITION {name}"
                f" FOR VALUES FROM ({number * RANGE_OF}) TO ({(number + 1) * RANGE_OF})"
            )
        )


def _there(tx: Connection, number: int) -> bool:
    return (
        tx.exec_driver_sql(f"SELECT to_regclass('{_name(number)}')").scalar() is not None
    )  # a number


def _name(number: int) -> str:
    return f"object_raw{_IS_PART}{number:05}"
