"""Envelopes of a thousand new objects, sent by POST, with every check, into a local collection."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg

from bench import corpus
from bench.client import Client, client
from bench.loading import STORES, Place, place
from bench.measuring import Figure, Spent, in_turn, near, rate, spent
from bench.peers import measured
from bench.servers import Server, cpu_s, took
from tearline.stix.bundle import split_envelope

GOALS = {"SQLite": 12_000, "PostgreSQL": 5_000}
TIMES = 20
"""How many times OpenTAXII's rate is asked for."""

_ENVELOPES = 8
_SIZE = 1_000


def figures() -> Iterator[Figure]:
    """Each round sends new objects; the floor splits the same bodies and stores the slices.

    Then with as many workers and clients as the machine has cores, by the clock alone.
    """
    cores = os.cpu_count() or 1
    for kind in STORES:
        with place(kind) as at, client() as asked, _bare(at) as store:
            files = _files(at.path.parent)
            with at.serving() as server:
                own, bare = _measured(at, asked, server, store, files)
            with at.serving(cores) as server:
                many, alone = _measured(at, asked, server, store, files, clients=cores)
        peers = {name: seen.post for name, seen in measured(kind).items()}
        goal = GOALS[kind]
        name = f"POST of 1,000, all checks, {kind}"
        yield from near(name, "objects", own, bare, goal, of="value", peers=peers, times=TIMES)
        name = f"{name}, {cores} workers and clients"
        yield rate(name, "objects per second by the clock", 1 / many.wall_s, 1 / alone.wall_s)


def _measured(
    at: Place,
    asked: Client,
    server: Server,
    store: Callable[[Sequence[bytes]], None],
    files: Iterator[Path],
    *,
    clients: int = 1,
) -> list[Spent]:
    sent: list[Path] = []

    def ours() -> Spent:
        sent.append(next(files))
        post = lambda: asked.post(server.port, at.objects, at.basic, sent[-1], clients=clients)  # noqa: E731
        return took(server, post, 202).each(_SIZE)

    def floor() -> Spent:
        bodies = sent[-1].read_bytes().splitlines()
        before = cpu_s(at.database)

        def keep() -> None:
            for each in bodies:
                store(split_envelope(each).objects)

        own = spent(keep)
        cpu = own.cpu_s + cpu_s(at.database) - before
        return Spent(cpu, own.wall_s).each(len(bodies) * _SIZE)

    for _ in range(clients):
        ours()  # the new store's first objects, and the account's slow hash in each worker
    return in_turn(ours, floor)


def _files(folder: Path) -> Iterator[Path]:
    """Yield files with bodies, an envelope a line, all of new objects."""
    raws = corpus.objects(start=1)
    for number in count():
        file = folder / f"bodies-{number}"
        some = [next(raws) for _ in range(_ENVELOPES * _SIZE)]
        file.write_bytes(b"\n".join(corpus.envelopes(some, _SIZE)))
        yield file


@contextmanager
def _bare(at: Place) -> Iterator[Callable[[Sequence[bytes]], None]]:
    """The fewest steps: keep slices as durably as we do, in a table of nothing else."""
    numbers = count()
    if at.store:
        with psycopg.connect(at.store) as connection:
            connection.execute("CREATE TABLE bare (seq bigint PRIMARY KEY, raw bytea NOT NULL)")
            connection.commit()

            def copy(slices: Sequence[bytes]) -> None:
                with (
                    connection.transaction(),
                    connection.cursor() as cursor,
                    cursor.copy("COPY bare (seq, raw) FROM STDIN (FORMAT BINARY)") as rows,
                ):
                    rows.set_types(["bigint", "bytea"])
                    for each in slices:
                        rows.write_row((next(numbers), each))

            yield copy
        return
    with closing(sqlite3.connect(at.path.parent / "bare.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE bare (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL)")

        def insert(slices: Sequence[bytes]) -> None:
            database.execute("BEGIN IMMEDIATE")
            rows = [(next(numbers), each) for each in slices]
            database.executemany("INSERT INTO bare VALUES (?, ?)", rows)
            database.execute("COMMIT")

        yield insert
