"""The Markdown pages of the repository, and the code blocks in them."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.warm import STARTER

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"(?<![\w-])8\d{3}(?![\w-])")
"""A port as the pages have it, and no part of an id."""
_SKIPPED = {".git", ".venv", "node_modules", ".pytest_cache", "build", "dist"}


class Block(NamedTuple):
    """A fenced block: its info string and its text."""

    info: str
    body: str

    @property
    def language(self) -> str:
        return self.info.split(" ")[0]


def pages() -> list[Path]:
    """Every Markdown page, by path."""
    found = (path for path in ROOT.rglob("*.md"))
    inside = (p for p in found if not _SKIPPED.intersection(p.relative_to(ROOT).parts))
    return sorted(inside)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [Block(each["info"].strip(), each["body"]) for each in _FENCE.finditer(text)]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def commands(block: Block) -> str:
    """What a reader would paste: of a console block only the lines after a prompt."""
    if block.language != "console":
        return block.body
    lines = block.body.splitlines()
    return "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ ")) + "\n"


@contextmanager
def warm() -> Iterator[str]:
    """Where the process is asked that has loaded the program, and forks for each command."""
    # The address of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="warm-") as short:
        at = f"{short}/door"
        command = [sys.executable, "-m", "tests.docs.warm", at]
        with subprocess.Popen(command, cwd=ROOT, env=_plain(f"{ROOT}/src:{ROOT}")) as running:
            while not Path(at).exists():
                assert running.poll() is None
                time.sleep(0.05)
            yield at
            running.kill()


def run_script(
    script: str, folder: Path, *, seconds: int, door: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script in bash in `folder`; whatever it started and left behind is ended.

    With the `door` of a process that has loaded the program, each command forks from that one.
    """
    bin_folder = str(Path(sys.executable).parent)
    if door is None:
        return _run(script, folder, bin_folder, seconds)
    return _run(script, folder, f"{_starter(folder, door)}{os.pathsep}{bin_folder}", seconds)


def _plain(modules: str) -> dict[str, str]:
    """What a process finds in its environment: nothing of the settings of a node."""
    found = {k: v for k, v in os.environ.items() if not k.startswith("TEARLINE_")}
    return found | {"PYTHONPATH": modules}


def _run(script: str, folder: Path, found: str, seconds: int) -> subprocess.CompletedProcess[str]:
    environment = _plain(str(folder / "src"))
    environment |= {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TEARLINE_HOME": str(folder / "home"),
        "PATH": f"{found}{os.pathsep}{environment['PATH']}",
    }
    # Into a file, not a pipe: what the script left running would hold a pipe open.
    said = folder / "said.txt"
    with (
        said.open("wb") as out,
        subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            process_group=0,
        ) as started,
    ):
        try:
            started.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"It did not end in {seconds} s:\n{last_words(folder)}")
        finally:
            _end_rest(started.pid)
    return subprocess.CompletedProcess(script, started.returncode, said.read_text("utf-8"))


def last_words(folder: Path) -> str:
    """The end of what a script said, and of what its nodes did."""
    said = (folder / "said.txt").read_text("utf-8", "replace")[-4000:]
    logs = [each for each in sorted(folder.glob("*.txt")) if each.name != "said.txt"]
    rest = [(each.name, each.read_text("utf-8", "replace").splitlines()[-20:]) for each in logs]
    return said + "".join(f"\n\n{name} ends with\n" + "\n".join(lines) for name, lines in rest)


def with_free_ports(script: str) -> str:
    """A script with a free port for each that it names: a page has fixed ones, to be readable."""
    with ExitStack() as held:
        doors = {each: held.enter_context(socket.socket()) for each in _PORT.findall(script)}
        for door in doors.values():
            door.bind(("127.0.0.1", 0))
        free = {each: str(door.getsockname()[1]) for each, door in doors.items()}
    return _PORT.sub(lambda found: free[found[0]], script)


def _starter(folder: Path, at: str) -> Path:
    """A folder with a `tearline` that asks the process which has loaded the program."""
    found = folder / "bin"
    found.mkdir()
    starter = found / "tearline"
    starter.write_text(STARTER.format(python=sys.executable, at=at))
    starter.chmod(0o755)
    return found


def _end_rest(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def spans(page: Path) -> Iterator[str]:
    """The inline code of a page."""
    for found in re.finditer(r"(?<!`)`([^`\n]+)`(?!`)", prose(page)):
        yield found[1]
