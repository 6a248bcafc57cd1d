"""Commands on the pages: blocks are run, and inline ones name verbs and options that exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from tearline.cli.main import app
from tests.docs.pages import ROOT, Block, blocks, commands, name_of, pages, run_script, spans

SHELLS = {"sh", "console", "bash", "shell"}


def _runnable(page: Path) -> list[Block]:
    if "<!-- Written by tools/" in page.read_text("utf-8"):
        return []  # made from the program itself, and compared with it by another test
    return [b for b in blocks(page) if b.language in SHELLS and b.info in SHELLS]


def _parameters(found: list[Path]) -> list[object]:
    return [pytest.param(page, id=name_of(page)) for page in found]


@pytest.mark.parametrize("page", _parameters(pages()))
def test_a_block_of_commands_runs_or_says_that_it_does_not(page: Path) -> None:
    known = re.compile(r"(tour|not run: .+)")
    odd = [
        each.info
        for each in blocks(page)
        if each.language in SHELLS and each.info not in SHELLS
        if not known.fullmatch(each.info.partition(" ")[2])
    ]
    assert odd == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", _parameters([page for page in pages() if _runnable(page)]))
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "src").symlink_to(ROOT / "src")
    begin = 'tearline init --name "A reader of the page" > reader.txt\n'
    script = begin + "\n".join(commands(each) for each in _runnable(page))
    # The pages of the README are run as a reader does, each command from nothing.
    done = run_script(script, tmp_path, seconds=550, warm=page.parent != ROOT)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("page", _parameters(pages()))
def test_a_command_in_the_text_exists(page: Path) -> None:
    wrong = [each for each in spans(page) if each.startswith("tearline ") and not _exists(each)]
    assert wrong == []


def _exists(line: str) -> bool:
    """Whether the verb is there, and takes every option that the line gives it."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line.replace("…", "x").replace("[", "").replace("]", ""))[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return False
        command, words = command.commands[words[0]], words[1:]
    options = {option for each in command.params for option in each.opts} | {"--help"}
    return all(word.partition("=")[0] in options for word in words if word.startswith("--"))
