"""What holds for every verb, and the exit codes that scripts rely on."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tearline import __version__
from tearline.cli import main
from tearline.cli.main import app
from tests.cli.calls import Sides, good, tearline

CLI = Path(main.__file__).parent
MOST_LINES = 25
HEAVY = ("cryptography", "httpx", "msgspec", "orjson", "pydantic", "rich.console", "sqlalchemy")


def _commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from _commands(each, (*path, name))
        else:
            yield " ".join((*path, name)), each


COMMANDS = dict(_commands(typer.main.get_command(app)))
each_command = pytest.mark.parametrize("name", COMMANDS)


def _options(name: str) -> set[str]:
    return {option for each in COMMANDS[name].params for option in each.opts}


@each_command
def test_every_verb_can_answer_in_json(name: str) -> None:
    assert "--json" in _options(name)


@each_command
def test_every_verb_takes_a_home(name: str) -> None:
    assert name == "demo" or "--home" in _options(name)


@each_command
def test_every_verb_explains_itself_and_its_options(name: str) -> None:
    said = CliRunner().invoke(app, [*name.split(), "--help"])
    assert said.exit_code == 0
    assert all(each.help for each in COMMANDS[name].params)
    first = COMMANDS[name].help.split("\n\n")[0].split(". ")[0]
    assert len(first) <= 64, "it would be cut off in the list of verbs"


def test_the_verbs_that_scripts_rely_on_are_there() -> None:
    named = "init import mark grade objects show hold release-hold explain sync recall recalls"
    wanted = {*named.split(), "serve", "status", "story", "demo", "config show"}
    groups = {
        "card": "renew rotate revoke chain",
        "party": "add confirm list show block unblock",
        "evidence": "list export verify",
        "agreement": "new check preview propose receive countersign reject withdraw suspend resume "
        "terminate list show export diff",
        "quarantine": "list accept refuse",
        "log": "verify copy list",
        "receipt": "make verify",
    }
    wanted |= {f"{group} {verb}" for group, verbs in groups.items() for verb in verbs.split()}
    assert wanted <= COMMANDS.keys()


@pytest.mark.parametrize("source", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_a_verb_reads_calls_one_function_and_shows(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and "json" in {a.arg for a in node.args.args}:
            lines = node.body[-1].end_lineno - node.body[0].end_lineno  # type: ignore[operator]
            assert lines < MOST_LINES, node.name


def test_help_imports_next_to_nothing() -> None:
    program = (
        "import sys; from tearline.cli.main import run; run(['--help']);"
        f"print([each for each in {HEAVY} if each in sys.modules])"
    )
    done = _python("-c", program)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_said() -> None:
    assert tearline("--version").out == f"tearline {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["init"], ["serve", "--port", "many"], ["import", "--nothing"], ["party"], []],
)
def test_misuse_exits_2_and_says_so(arguments: list[str]) -> None:
    said = tearline(*arguments)
    assert said.code == 2
    assert said.err
    assert said.out == ""


def test_a_refusal_exits_1_with_what_means_do(tmp_path: Path) -> None:
    said = tearline("status", home=tmp_path / "none")
    assert said.code == 1
    assert "is no home of a node" in said.err
    assert "tearline init" in said.err
    assert said.out == ""


def test_a_refusal_in_json_has_its_four_parts(tmp_path: Path) -> None:
    said = tearline("status", "--json", home=tmp_path / "none")
    assert said.code == 1
    assert said.value["error"].keys() == {"what", "means", "do", "place"}
    assert said.err == ""


def test_misuse_in_json_is_json_too() -> None:
    said = tearline("init", "--json")
    assert said.code == 2
    assert "--name" in said.value["error"]["what"]


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(_path: object) -> None:
        raise error

    monkeypatch.setattr("tearline.agreement.home.open_home", broken)


def test_the_unexpected_is_no_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TEARLINE_DEBUG", raising=False)
    _break(monkeypatch, ZeroDivisionError("a\n\x1b[31mb"))
    said = tearline("status", home=tmp_path)
    assert said.code == 1
    assert "Traceback" not in said.err
    assert "ZeroDivisionError: a" in said.err
    assert "\x1b" not in said.err


def test_the_unexpected_is_a_traceback_for_developers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEARLINE_DEBUG", "1")
    _break(monkeypatch, ZeroDivisionError("a"))
    assert "Traceback" in tearline("status", home=tmp_path).err


def test_what_the_system_refuses_is_said_in_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _break(monkeypatch, OSError(28, "No space left on device", "node.db"))
    said = tearline("status", home=tmp_path)
    assert said.code == 1
    assert "node.db: No space left on device" in said.err


def test_ctrl_c_exits_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _break(monkeypatch, KeyboardInterrupt())
    assert tearline("status", home=tmp_path).code == 130


def test_ctrl_c_stays_ctrl_c_when_cleaning_up_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_path: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise ZeroDivisionError

    monkeypatch.setattr("tearline.agreement.home.open_home", broken)
    said = tearline("status", home=tmp_path)
    assert said.code == 130
    assert said.err == "Stopped.\n"


def test_a_reader_who_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m tearline import --galaxies | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_the_home_comes_from_the_environment(strangers: Sides) -> None:
    done = _python("-m", "tearline", "card", "--json", TEARLINE_HOME=str(strangers.south))
    assert done.returncode == 0
    assert json.loads(done.stdout) == good("card", home=strangers.south)


def test_a_terminal_that_cannot_write_a_letter_gets_it_escaped(strangers: Sides) -> None:
    done = _python(
        "-m", "tearline", "agreement", "check", str(strangers.draft), PYTHONIOENCODING="latin-1"
    )
    assert done.returncode == 0, done.stderr
    assert "\\u201cRansomware" in done.stdout


def _python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="latin-1",
        env=os.environ | environment,
        check=False,
        timeout=120,
    )


def test_advice_names_verbs_that_are_there() -> None:
    verbs = {*COMMANDS, *(name.split()[0] for name in COMMANDS)}
    for source in CLI.parent.rglob("*.py"):
        text = " ".join(source.read_text("utf-8").split())
        for words in re.findall(r"`tearline ((?:[a-z][a-z-]* ?)+)", text.replace('" "', "")):
            named = words.split()
            group = any(each.startswith(f"{named[0]} ") for each in COMMANDS)
            wanted = " ".join(named[:2]) if group and len(named) > 1 else named[0]
            assert wanted in verbs, f"{source.name}: `tearline {words}`"
