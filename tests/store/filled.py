"""A store with so many rows that a planner has to think, made by the database itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from tearline.store.database import Tx

OBJECTS = 60_000
RELEASED = 30_000
HERE = "urn:uuid:7d3f1f63-53f3-4b6c-8d53-2f6f0f6c9b01"
THERE = "urn:uuid:00000000-53f3-4b6c-8d53-2f6f0f6c9b02"
FOREVER = 2**62
_TYPE = "CASE WHEN n % 10 = 0 THEN 'malware' WHEN n % 1000 = 7 THEN 'tool' ELSE 'indicator' END"
_ID = f"({_TYPE}) || '--' || n"
_NUMBERS = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) {} s",
    "postgresql": "{1} generate_series(1, {0}) AS s(n)",
}
_BYTES = {"sqlite": "zeroblob(600)", "postgresql": "decode(repeat('7b', 600), 'hex')"}


_STATE = "CASE WHEN n % 3 = 0 THEN 'quarantined' ELSE 'accepted' END"
_ANSWERED = "CASE WHEN n % 2 = 0 THEN n END"
_REST = "-1, NULL, NULL, 0"
"""No PAP, no confidence, no end of validity, nothing found."""


def fill(tx: Connection) -> None:
    """Fill objects, releases and their recalls, what was received, and one local collection."""
    kind = tx.dialect.name
    no, yes = ("0", "1") if kind == "sqlite" else ("false", "true")
    for count, table, columns in (
        (OBJECTS, "object_raw", f"n, {_BYTES[kind]}"),
        (
            OBJECTS,
            "object_version",
            f"n, '', {_ID}, 1, {_TYPE}, 1, n, 0, {no}, {yes}, 'sha256:' || n, 'test', {_REST}",
        ),
        (RELEASED, "release", _released(HERE, 2, yes)),
        (RELEASED, "release", _released(THERE, 1, yes)),
        (OBJECTS, "reference", "n, 0, 'created_by_ref', 'identity--' || (n % 24)"),
        (OBJECTS, "reference", f"n, 1, 'sighting_of_ref', {_ID}"),
        (OBJECTS, "relation", f"n, 0, 'indicates', {_ID}, {_ID}"),
        (OBJECTS, "question", "n"),
        (1, "collection", f"n, 'c1', 'feed', '', '', 1, NULL, {OBJECTS}, 0"),
        (RELEASED, "recall", f"'{HERE}', n, {_ID}, 'held', n / 100, {_ANSWERED}, NULL"),
        (
            RELEASED,
            "received",
            f"'{HERE}', 'sha256:' || n, {_ID}, NULL, '', {_STATE}, '[]', n / 100, {FOREVER}",
        ),
        (RELEASED, "alias", f"'{HERE}', 'derived--' || n, {_ID}"),
        (RELEASED, "review", _review(HERE)),
        (RELEASED, "review", _review(THERE)),
        (OBJECTS, "collected", f"1, n, {_ID}, {_TYPE}, 1, 'v', n, {yes}, {yes}"),
    ):
        rows = _NUMBERS[kind].format(count, f"SELECT {columns} FROM")
        tx.execute(text(f"INSERT INTO {table} {rows}"))
    # A SQLite file of ours has no statistics, so its planner guesses here as it does there.
    if kind == "postgresql":
        tx.execute(text("ANALYZE"))


def steps(tx: Tx, statement: str, given: Sequence[Any] | Mapping[str, Any]) -> list[str]:
    """What the database would do for a question, in its own words, a step each."""
    explain = "EXPLAIN" if tx.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return [str(row[-1]) for row in tx.exec_driver_sql(f"{explain} {statement}", given)]


def _review(agreement: str) -> str:
    """Every third waits; they were asked about a hundred at once."""
    state = "CASE WHEN n % 3 = 0 THEN 'waits' ELSE 'approved' END"
    return f"'{agreement}', {_ID}, 'sha256:' || n, 'U1', {_ID}, 'h', n, NULL, n / 100, '', {state}"


def _released(agreement: str, every: int, yes: str) -> str:
    return (
        f"'{agreement}', n, {_ID}, {_TYPE}, 'v', n * 10, {FOREVER}, 'sha256:' || n, 'b',"
        f" n * {every}, NULL, n, 0, {yes}"
    )
