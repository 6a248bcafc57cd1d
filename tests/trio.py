"""Three real PostgreSQL servers for the tests: a commit waits until one of two standbys has it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from tests.cluster import PASSWORD, USER, Cluster

NAMES = ("s1", "s2", "s3")
QUORUM = "ANY 1 (s1, s2, s3)"
"""The same on every server: none is its own standby."""
# What is killed here are processes, not machines: the system's cache outlives them.
_OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=replica",
    "max_wal_senders=10",
    "wal_keep_size=512MB",
    "wal_receiver_status_interval=1s",
    "wal_retrieve_retry_interval=200ms",
)
_WAIT_S = 30


class Trio:
    """A primary and its standbys, as an operator has them; the first is the primary at first."""

    def __init__(self, folder: Path, *, options: tuple[str, ...] = _OPTIONS) -> None:
        """Make and start the servers in `folder`, and have commits wait for a standby."""
        folder.chmod(0o755)
        self._folder = folder
        self._options = options
        self._all: list[Cluster] = []
        self.primary = NAMES[0]
        self.servers = {self.primary: self._server()}
        self._ports = {self.primary: self[self.primary].port}
        self[self.primary].start()
        for name in NAMES[1:]:
            self.join(name)
        for name in NAMES:
            self.configure(name, "primary_conninfo", self.conninfo(name))
            self.configure(name, "synchronous_standby_names", QUORUM)
        self.wait_for_standbys(len(NAMES) - 1)

    def __getitem__(self, name: str) -> Cluster:
        """One of the servers."""
        return self.servers[name]

    @property
    def standbys(self) -> list[str]:
        """The names of those that run and follow."""
        return [name for name in self.servers if name != self.primary]

    def url(self, database: str, *names: str) -> str:
        """The address of a database on these servers, or on all of them."""
        hosts = ",".join(f"127.0.0.1:{self[name].port}" for name in names or NAMES)
        return f"postgresql://{USER}:{PASSWORD}@{hosts}/{database}"

    def join(self, name: str) -> None:
        """Make a standby as a copy of the primary, and start it."""
        self.servers[name] = made = self._server(of=self[self.primary])
        # It comes back where it was, for nobody changes the addresses that others have of it.
        made.port = self._ports.setdefault(name, made.port)
        (made.folder / "data" / "standby.signal").touch()
        made.start()
        self.configure(name, "primary_conninfo", self.conninfo(name))

    def configure(self, name: str, setting: str, value: str) -> None:
        """Set something on one server, from now on."""
        self[name].ask(f"ALTER SYSTEM SET {setting} = '{value}'")
        self[name].ask("SELECT pg_reload_conf()")

    def wait_for_standbys(self, count: int = 1) -> None:
        """Wait until so many standbys follow the primary."""
        query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        until(lambda: self[self.primary].ask(query) == [(count,)])

    def kill_primary(self) -> Cluster:
        """Kill the primary and all its children at once, and return what is left of it."""
        gone = self.servers.pop(self.primary)
        gone.kill()
        return gone

    def promote(self, *among: str) -> str:
        """Make that standby the primary that has received most; return its name."""
        query = "SELECT pg_last_wal_receive_lsn() - '0/0'"
        had = {name: self[name].ask(query)[0][0] for name in among or self.servers}
        self.primary = max(had, key=lambda name: int(str(had[name])))
        assert self[self.primary].ask("SELECT pg_promote(true, 30)") == [(True,)]
        return self.primary

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Let no standby follow the primary, until the end of the block."""
        for name in self.standbys:
            self.configure(name, "primary_conninfo", "")
        self.wait_for_standbys(0)
        try:
            yield
        finally:
            for name in self.standbys:
                self.configure(name, "primary_conninfo", self.conninfo(name))
            self.wait_for_standbys(len(self.standbys))

    def stop(self) -> None:
        """Kill every server that still runs; their files go with them."""
        for each in self._all:
            each.kill()

    def _server(self, of: Cluster | None = None) -> Cluster:
        folder = self._folder / f"server{len(self._all)}"
        folder.mkdir()
        made = Cluster(folder, options=self._options, of=of)
        self._all.append(made)
        return made

    def conninfo(self, name: str) -> str:
        """How a server finds the primary among all of them."""
        ports = ",".join(str(each) for each in self._ports.values())
        hosts = ",".join("127.0.0.1" for _ in self._ports)
        return (
            f"host={hosts} port={ports} user={USER} application_name={name}"
            " target_session_attrs=read-write connect_timeout=2"
        )


@contextmanager
def trio() -> Iterator[Trio]:
    """Run three servers until the end of the block; their files are in a temporary folder."""
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="tearline-trio-", ignore_cleanup_errors=True)
        )
        made = Trio(Path(folder))
        stack.callback(made.stop)
        yield made


def until(holds: Callable[[], object], seconds: float = _WAIT_S) -> None:
    """Wait until something holds; a database that does not answer yet does not hold."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(psycopg.OperationalError):
            if holds():
                return
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
