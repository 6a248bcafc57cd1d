"""Objects a second through the real import, with every check, of ATT&CK's enterprise bundle."""

import os
import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.measuring import Figure, Spent, in_turn, rate, spent
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

        def ours() -> Spent:
            home = next(homes)
            before = _children_s()
            stored = []
            taken = spent(lambda: stored.append(import_files(home, [file], now=clock.now()).stored))
            assert stored == [count]
            home.store.close()
            return taken._replace(cpu_s=taken.cpu_s + _children_s() - before)

        def floor() -> Spent:
            path = Path(folder, f"floor-{next(rounds)}.db")
            return spent(lambda: _split_and_store(file, path))

        own, bare = in_turn(ours, floor)
    name = "import of ATT&CK, all checks"
    wall, cpu = (count / own.wall_s, count / bare.wall_s), (count / own.cpu_s, count / bare.cpu_s)
    note = "by the clock: one process reads, another keeps"
    yield msgspec.structs.replace(rate(name, "objects per second", *wall, GOAL), note=note)
    yield rate(name, "objects per CPU second", *cpu)


def _children_s() -> float:
    """What the processes took that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
