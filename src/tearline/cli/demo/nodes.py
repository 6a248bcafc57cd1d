"""The processes of the demo: nodes and their command lines, and the judge; each with its own eyes.

Whatever was started here is ended here, by its own process id, also when something fails.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import IO, Any

import httpx

from tearline.errors import TearlineError

_START_S = 60.0
_END_S = 12.0
_AT_ONCE = 3
"""Command lines that run at the same time: a few more than a small machine has cores."""


class StepError(TearlineError):
    """A step of the demo did not do what it had to."""


class Node:
    """One party: its home, its address, and its command line."""

    def __init__(self, folder: Path, slot: str, name: str) -> None:
        """Take a home folder and a free port; nothing is made or started yet."""
        self.slot = slot
        self.name = name
        self.home = folder / slot
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{slot}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._desk: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = Lock()

    def open(self) -> None:
        """Open the party's terminal."""
        with self._log.open("ab") as log:
            self._desk = subprocess.Popen(
                [sys.executable, "-m", "tearline.cli.demo.desk"],
                env=environment(TEARLINE_HOME=str(self.home)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def run(self, *words: object, code: int = 0) -> Any:  # noqa: ANN401  # any JSON value
        """Run one verb at the party's terminal and return its JSON; StepError if it ends oddly."""
        line = [str(each) for each in words]
        if self._desk is None:
            raise StepError(f"The terminal of {self.name} is not open.")
        with self._one_at_a_time:
            done = _spoken(self._desk, [*line, "--json"])
        if done["code"] != code:
            raise StepError(
                f"{self.name}: `tearline {' '.join(line)}` ended with {done['code']}.",
                means=done["written"].strip()[-2000:],
                do=f"Read {self._log}.",
            )
        return json.loads(done["written"])

    def start(self) -> None:
        """Start serving; the process is no part of our group, so that Ctrl-C stays ours."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "tearline", "serve", "--port", str(self.port)],
                env=environment(
                    TEARLINE_HOME=str(self.home),
                    TEARLINE_POLL_SECONDS="0",
                    TEARLINE_PRIVATE_SECONDS="1",
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Return once the node answers; StepError when it ends or does not come up."""
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self._process and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", trust_env=False, timeout=5).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise StepError(
            f"{self.name} did not begin to answer at {self.url}.", do=f"Read {self._log}."
        )

    def stop(self) -> None:
        """End the process that serves and the terminal, if they run."""
        for each in (self._process, self._desk):
            if each is not None:
                _end(each)
        self._process = self._desk = None


class Judge:
    """The third process: it is told of moments, and answers with what it found."""

    def __init__(self, case_file: Path) -> None:
        """Start it; it begins to read the input files at once."""
        with case_file.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "tearline.cli.demo.judge", str(case_file)],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def ask(self, moment: str, **told: object) -> list[dict[str, Any]]:
        """Tell it of a moment and return the checks that it made; StepError when it is gone."""
        return list(_spoken(self._process, {"moment": moment, **told})["checks"])

    def end(self) -> bool:
        """Let it write its verdict; whether it found every step to hold."""
        to, _ = _pipes(self._process)
        to.close()
        return self._process.wait(_START_S) == 0

    def stop(self) -> None:
        """End it, if it still runs."""
        _end(self._process)


def environment(**more: str) -> dict[str, str]:
    """Our environment without a word about any home, and what is given."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TEARLINE_")}
    return plain | {"PYTHONDONTWRITEBYTECODE": "1"} | more


def at_once(*calls: Any) -> list[Any]:  # noqa: ANN401  # functions of any answer
    """Make calls at the same time, and return their answers in order; the first error rises."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def stop_all(running: Iterable[Node | Judge]) -> None:
    """End every process, whatever happens to the others."""
    for each in running:
        each.stop()


def _spoken(process: subprocess.Popen[bytes], said: object) -> dict[str, Any]:
    """Say a line to a process of ours and return the line that it answers; StepError without."""
    to, answers = _pipes(process)
    try:
        to.write(json.dumps(said).encode() + b"\n")
        to.flush()
        return dict(json.loads(answers.readline()))
    except (OSError, ValueError) as error:
        raise StepError(f"A process of the demo ended early, at {said!r}.") from error


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise StepError("This process cannot be spoken to.")
    return process.stdin, process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
