"""Servers to measure, each in a process of its own, and what they take of the machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.client import Answered
from bench.measuring import Spent

_STARTS_S = 60
_STOPS_S = 20
_CALMS_S = 600
_LOOK_S = 5
_TICKS = os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """A process that answers at a port of this machine."""

    port: int
    pid: int
    database: int = 0
    """The process of a database server that works for it."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """The processor's time that it took until now, its workers and its database included."""
        return cpu_s(self.pid) + cpu_s(self.database)


def took(server: Server, ask: Callable[[], Answered], status: int = 200) -> Spent:
    """What a server takes to answer one request of those that `ask` sends."""
    before = server.cpu_s()
    done = ask().check(status)
    return Spent(server.cpu_s() - before, done.seconds).each(done.requests)


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], port: int, env: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[Server]:
    """Run a server to the end of the block; what it prints goes into `log`."""
    with (log or Path(os.devnull)).open("ab") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **(env or {})}, stdout=out, stderr=out
        )
        try:
            _until_it_listens(process, port)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOPS_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def node(
    home: Path, env: Mapping[str, str], *, workers: int = 1, log: Path | None = None
) -> Iterator[Server]:
    """Run the node of a home as `tearline serve` does."""
    port = free_port()
    command = [sys.executable, "-m", "tearline", "serve", "--home", str(home)]
    command += ["--port", str(port), "--workers", str(workers)]
    with running(command, port, env, log) as server:
        yield server


@contextmanager
def constant(page: Path) -> Iterator[Server]:
    """Run the floor of reading: the same server with nothing behind it."""
    port = free_port()
    with running([sys.executable, "-m", "bench.constant", str(port), str(page)], port) as server:
        yield server


def calm(server: Server) -> None:
    """Wait until a server works at nothing but what it is asked; what came in is decided then."""
    until = time.monotonic() + _CALMS_S
    while time.monotonic() < until:
        before = server.cpu_s()
        time.sleep(_LOOK_S)
        if server.cpu_s() - before < _LOOK_S / 20:
            return
    raise TimeoutError(f"The server is busy after {_CALMS_S} s.")


def cpu_s(pid: int) -> float:
    """The processor's time of a process and of all below it; of no process (0) none."""
    return sum(_cpu_s(each) for each in tree(pid)) if pid else 0.0


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in task.read_text().split() for each in tree(int(child))]
        except OSError:
            continue
    return found


def own_memory_mb(pid: int) -> float:
    """What a process alone holds (USS), in 10^6 bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    private = (line.split() for line in lines if line.startswith("Private_"))
    return sum(int(each[1]) for each in private) * 1024 / 1e6


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    # Its own, and that of its children that ended.
    return sum(map(int, fields[11:15])) / _TICKS


def _until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _STARTS_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"Nothing listens at port {port} after {_STARTS_S} s.")
