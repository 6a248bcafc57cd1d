"""Homes to measure: empty ones, and such with many objects.

What is put in goes through the functions of the store, many at once: what a POST checks is not
checked here, and no log is written. The rows are those that a POST and a release would write.
"""

import gc
import os
import secrets
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg

from bench import corpus
from bench.agreements import agree
from bench.client import MEDIA_TYPE
from bench.databases import DATABASE, database_of
from bench.servers import Server, node
from tearline import clock
from tearline.agreement import signing
from tearline.agreement.home import Home, create_home, open_home
from tearline.agreement.terms import collection_id
from tearline.config import settings
from tearline.release.indexing import Indexed, index
from tearline.release.rules import FOREVER
from tearline.stix.objects import read
from tearline.stix.strict import collector_paused
from tearline.store import collections, objects, releases
from tearline.store.agreements import Version as Agreed
from tearline.store.collections import Member
from tearline.store.database import Tx
from tearline.store.objects import OURS, NewVersion, Version
from tearline.store.releases import Head, Release
from tests.cluster import cluster

STORES = ("SQLite", "PostgreSQL")
RELEASED = 10
"""One of so many objects is released under the agreement."""

_NAME = "bench"
_BATCH = 10_000


class Place(NamedTuple):
    """A home to measure: its folder, its store, its collection, and what its clients bring."""

    path: Path
    store: str
    """The address of the database; '' for SQLite."""
    database: int
    """The process of the database server; 0 for SQLite."""
    collection: str
    password: str

    @property
    def objects(self) -> str:
        """The address of the local collection's objects."""
        return f"/taxii2/local/collections/{self.collection}/objects/"

    @property
    def store_name(self) -> str:
        """What kind of store it has."""
        return "PostgreSQL" if self.store else "SQLite"

    @property
    def basic(self) -> dict[str, str]:
        """What the account brings."""
        given = b64encode(f"{_NAME}:{self.password}".encode()).decode()
        return {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Authorization": f"Basic {given}"}

    def key(self) -> dict[str, str]:
        """The same account's headers with a new key in place of its password."""
        told = self.tearline("account", "key", _NAME, "--json")
        return {**self.basic, "Authorization": f"Bearer {msgspec.json.decode(told)['key']}"}

    @contextmanager
    def serving(self, workers: int = 1) -> Iterator[Server]:
        """Serve it to the end of the block; the database counts as a part of the server."""
        log = self.path.with_suffix(".log")
        with node(self.path, self.env, workers=workers, log=log) as server:
            yield server._replace(database=self.database)

    @contextmanager
    def home(self) -> Iterator[Home]:
        """Open it in this process."""
        with _told(self.env):
            opened = open_home(self.path)
        yield opened
        opened.store.close()

    def settle(self) -> None:
        """Have a database do now what it does by itself some minutes after a large load."""
        if self.store:
            with psycopg.connect(self.store, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def tearline(self, *words: str, given: str = "") -> str:
        """Run a command on it; returns what it prints."""
        command = [sys.executable, "-m", "tearline", *words, "--home", str(self.path)]
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | self.env,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def env(self) -> dict[str, str]:
        """What says which store is meant."""
        return {"TEARLINE_STORE": self.store}


@contextmanager
def place(kind: str) -> Iterator[Place]:
    """Make an empty home on a store of this kind, with a local collection and an account."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tearline-bench-")))
        made = Place(folder / "home", "", 0, "", secrets.token_hex(16))
        if kind == "PostgreSQL":
            server = stack.enter_context(cluster(options=DATABASE))
            made = made._replace(store=server.fresh(), database=database_of(server))
        with _told(made.env):
            create_home(made.path, "Bench", None, now=clock.now()).store.close()
        added = msgspec.json.decode(made.tearline("collection", "add", _NAME, "--json"))
        rights = ("--read", _NAME, "--write", _NAME)
        made.tearline("account", "add", _NAME, "--password-stdin", *rights, given=made.password)
        yield made._replace(collection=added["id"])


@contextmanager
def _told(env: Mapping[str, str]) -> Iterator[None]:
    """Have settings in the environment of this process for a moment."""
    before = dict(os.environ)
    os.environ.update(env)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


# ---------------------------------------------------------------------------------- many objects


class Reader(NamedTuple):
    """A partner's way to what is released to it."""

    objects: str
    headers: dict[str, str]


class Load:
    """Fills a home: everything into its collection, every tenth object under one agreement."""

    def __init__(self, at: Place) -> None:
        """Bind to an empty home, and sign the agreement."""
        self._at = at
        self._raws = corpus.objects()
        self.held = 0
        with at.home() as home:
            self._agreed = agree(home, 1)[0]
            key = signing.open_account(home, self._agreed.agreement_id, now=clock.now())
        given = collection_id(self._agreed.agreement_id, self._agreed.our_slot)
        self.reader = Reader(
            f"/taxii2/agreements/collections/{given}/objects/",
            {**at.basic, "Authorization": f"Bearer {key}"},
        )

    def to(self, number: int) -> None:
        """Go on until the home holds so many objects."""
        with self._at.home() as home, collector_paused():
            while self.held < number:
                some = list(islice(self._raws, min(_BATCH, number - self.held)))
                with home.store.write() as tx:
                    _put(tx, self._agreed, some, clock.now())
                self.held += len(some)
                gc.collect()
        self._at.settle()


@contextmanager
def held(number: int, *, plain: bool = False) -> Iterator[Home]:
    """A home in a file that holds so many objects and nothing else, `plain` as in the corpus."""
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        home = create_home(Path(folder, "home"), "Bench", None, now=clock.now())
        raws = map(corpus.plain, corpus.objects()) if plain else corpus.objects()
        with collector_paused():
            for begin in range(0, number, _BATCH):
                some = islice(raws, min(_BATCH, number - begin))
                new = [version_of(index(read(each)), clock.now()) for each in some]
                with home.store.write() as tx:
                    objects.keep(tx, OURS, new)
        yield home
        home.store.close()


def _put(tx: Tx, agreed: Agreed, raws: list[bytes], now: int) -> None:
    indexed = [index(read(each)) for each in raws]
    seqs = objects.keep(tx, OURS, [version_of(each, now) for each in indexed])
    found = collections.collection_named(tx, _NAME)
    assert found is not None
    start = max(now, found.last_at + 1)
    numbered = list(zip(indexed, seqs, strict=True))
    members = [
        Member(at, each.id, each.type, each.modified_at or 0, each.version, seq, True, True)  # noqa: FBT003  # a row
        for at, (each, seq) in enumerate(numbered, start)
    ]
    collections.append(tx, found.number, members)
    _release(tx, agreed, numbered[::RELEASED], now)


def version_of(each: Indexed, now: int) -> NewVersion:
    """An object that came now, as it is kept."""
    version = Version(
        0,
        each.id,
        each.modified_at or 0,
        each.type,
        each.created_at,
        now,
        each.marking,
        each.revoked,
        True,  # noqa: FBT003  # a row
        each.hash,
        "bench",
        each.pap,
        each.confidence,
        each.valid_until,
        each.found,
    )
    return NewVersion(version, each.raw, each.relations, each.references, each.keys, first=True)


def _release(tx: Tx, agreed: Agreed, going: list[tuple[Indexed, int]], now: int) -> None:
    head = releases.head_of(tx, agreed.agreement_id)
    start = max(now, head.last_at + 1)
    rows = [
        Release(
            head.position + place,
            each.id,
            each.type,
            each.version,
            start + place,
            FOREVER,
            each.hash,
            each.hash,
            seq,
            None,
            0,
            0,
            live=True,
        )
        for place, (each, seq) in enumerate(going, 1)
    ]
    releases.add_releases(tx, agreed.agreement_id, rows)
    last = rows[-1]
    releases.put_head(tx, Head(agreed.agreement_id, agreed.hash, last.position, last.at))
