"""Commands on the pages: blocks are run, and inline ones name verbs and options that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tearline.cli.main import app
from tests.docs.pages import (
    ROOT,
    Block,
    blocks,
    commands,
    last_words,
    name_of,
    pages,
    run_script,
    spans,
    warm,
    with_free_ports,
)

TWO_NODES = ROOT / "examples" / "two-nodes.sh"
SHELLS = {"sh", "console", "bash", "shell"}


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    with warm() as at:
        yield at


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
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path, door: str) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "src").symlink_to(ROOT / "src")
    begin = 'tearline init --name "A reader of the page" > reader.txt\n'
    script = begin + "\n".join(commands(each) for each in _runnable(page))
    script = script.replace(". examples/two-nodes.sh", TWO_NODES.read_text("utf-8"))
    # A reader asks once a second whether it is done; a test has no time to lose.
    script = script.replace("sleep 1;", "sleep 0.1;")
    # The pages of the README are run as a reader does, each command from nothing.
    asked = door if page.parent != ROOT else None
    done = run_script(with_free_ports(script), tmp_path, seconds=550, door=asked)
    assert done.returncode == 0, last_words(tmp_path)


def test_a_page_gets_ports_of_its_own() -> None:
    held = "identity--3ffa961c-14fc-4943-8613-9ea0a53b6932"
    found = with_free_ports(f"init 8701; init 8702; serve --port 8701 # {held}").split()
    assert found[1] != "8701;"
    assert found[1] == f"{found[6]};"
    assert found[1] != found[3]
    assert found[-1] == held


def test_of_a_page_that_does_not_end_the_logs_of_its_nodes_are_shown(tmp_path: Path) -> None:
    script = "echo begun\necho 'the door is shut' > north.txt\nsleep 60"
    with pytest.raises(
        pytest.fail.Exception, match=r"begun\n+north.txt ends with\nthe door is shut"
    ):
        run_script(script, tmp_path, seconds=1)


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
