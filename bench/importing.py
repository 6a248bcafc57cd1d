"""Objects a second through the real import, with every check, of ATT&CK's enterprise bundle."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.measuring import Figure, alternate, rate
from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.exchange.files import import_files, read_document
from tearline.stix.bundle import split_bundle

GOAL = 10_000
_FILE = "attack/enterprise-attack.json.gz"
_BATCH = 5_000


class _Bundle(msgspec.Struct):
    objects: list[msgspec.Raw]


def attack_file() -> Path | None:
    """ATT&CK's file in the folder of test data, or None where it is not."""
    folder = os.environ.get("TEARLINE_TEST_DATA")
    path = Path(folder, _FILE) if folder else None
    return path if path is not None and path.is_file() else None


def figures() -> Iterator[Figure]:
    """Import into a fresh home each round; the floor splits and stores the same bytes."""
    file = attack_file()
    if file is None:
        yield Figure("import of ATT&CK", 0, "", note="skipped: set TEARLINE_TEST_DATA")
        return
    count = len(split_bundle(read_document(file)))
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        rounds = iter(range(1_000))
        # Made beforehand: a new home's tables and keys are not the import's.
        homes = iter([_home(Path(folder, f"home-{number}")) for number in range(5)])

        def ours() -> None:
            home = next(homes)
            stored = import_files(home, [file], now=clock.now()).stored
            assert stored == count
            home.store.close()

        def floor() -> None:
            _split_and_store(file, Path(folder, f"floor-{next(rounds)}.db"))

        own, bare = alternate(ours, floor)
    name = "import of ATT&CK, all checks"
    cpu, wall = (count / own.cpu_s, count / bare.cpu_s), (count / own.wall_s, count / bare.wall_s)
    yield rate(name, "objects per CPU second", *cpu, GOAL)
    note = "by the clock on the wall, other programs included"
    yield msgspec.structs.replace(rate(name, "objects per second", *wall), note=note)


def _home(path: Path) -> Home:
    return create_home(path, "Bench", None, now=clock.now())


def _split_and_store(file: Path, path: Path) -> None:
    """The fewest steps: unpack, cut, and keep the slices as durably as we do."""
    slices = msgspec.json.decode(read_document(file), type=_Bundle).objects
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE raw (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL)")
        for start in range(0, len(slices), _BATCH):
            database.execute("BEGIN IMMEDIATE")
            rows = enumerate(map(bytes, slices[start : start + _BATCH]), start)
            database.executemany("INSERT INTO raw VALUES (?, ?)", rows)
            database.execute("COMMIT")
    database.close()
