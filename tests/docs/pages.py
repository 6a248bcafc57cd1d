"""The Markdown pages of the repository, and the code blocks in them."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.warm import STARTER

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
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


def run_script(
    script: str, folder: Path, *, seconds: int, warm: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a script in bash in `folder`; whatever it started and left behind is ended.

    With `warm`, one process loads the program once, and each command forks from it.
    """
    bin_folder = Path(sys.executable).parent
    if warm:
        # Not in `folder`: the address of a socket has to be short.
        with tempfile.TemporaryDirectory(prefix="warm-") as short:
            at = f"{short}/door"
            begin = f'PYTHONPATH="{ROOT}/src:{ROOT}" {sys.executable} -m tests.docs.warm {at} &\n'
            begin += f"until [ -S {at} ]; do sleep 0.05; done\n"
            found = _starter(folder, at)
            return _run(begin + script, folder, f"{found}{os.pathsep}{bin_folder}", seconds)
    return _run(script, folder, str(bin_folder), seconds)


def _run(script: str, folder: Path, found: str, seconds: int) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TEARLINE_")}
    environment |= {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TEARLINE_HOME": str(folder / "home"),
        "PYTHONPATH": str(folder / "src"),
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
            start_new_session=True,
        ) as started,
    ):
        try:
            started.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"It did not end in {seconds} s:\n{said.read_text('utf-8')[-4000:]}")
        finally:
            _end_rest(started.pid)
    return subprocess.CompletedProcess(script, started.returncode, said.read_text("utf-8"))


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
