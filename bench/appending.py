"""Leaves a second into a log, each with one salted record."""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import Figure, alternate, rate
from tearline import clock
from tearline.agreement.home import create_home
from tearline.log import record

_LEAVES = 5_000
_RECORD = {
    "kind": "release",
    "object": "indicator--0b0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11",
    "hash": "sha256:" + "5a" * 32,
    "clause": "N1",
    "at": "2026-03-01T00:00:00.000000Z",
}


def figures() -> Iterator[Figure]:
    """Append in one transaction; the floor hashes and inserts rows of the same size."""
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        home = create_home(Path(folder, "home"), "Bench", None, now=clock.now())
        database = sqlite3.connect(Path(folder, "floor.db"), isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE leaf (entry BLOB, hash BLOB)")
        entry = b"x" * 350

        def ours() -> None:
            now = clock.now()
            with home.store.write() as tx:
                for _ in range(_LEAVES):
                    record.append(tx, record.PRIVATE, "decision", [_RECORD], at=now, agreement=None)

        def floor() -> None:
            database.execute("BEGIN IMMEDIATE")
            rows = ((entry, hashlib.sha256(entry).digest()) for _ in range(_LEAVES))
            database.executemany("INSERT INTO leaf VALUES (?, ?)", rows)
            database.execute("COMMIT")

        own, bare = alternate(ours, floor)
        database.close()
        home.store.close()
    unit = "leaves per CPU second"
    yield rate("append to a log, one record each", unit, _LEAVES / own.cpu_s, _LEAVES / bare.cpu_s)
