"""Write docs/reference/cli.md from what every verb says with --help.

Run without arguments it writes the page; with --check it exits 1 when the page is not in step.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from tearline.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
_HEAD = """\
# The command line

<!-- Written by tools/cli_reference.py from the program itself; change it there. -->

Every verb takes `--json` and then writes one JSON value to standard output. The node's home folder
is `--home`, else the variable `TEARLINE_HOME`, else `~/.tearline`.

| exit code | means |
|---|---|
| 0 | yes |
| 1 | a refusal, or a check that failed |
| 2 | the verb was called the wrong way |
| 130 | interrupted |

An error says what happened, what it means and what to do, on standard error; with `--json` it is
`{"error": {"what", "means", "do", "place"}}` on standard output. What a partner wrote is shown with
its control and direction characters made visible.
"""


def page() -> str:
    """Return the page as it should be."""
    return "\n".join((_HEAD, *_sections(typer.main.get_command(app), "tearline")))


def _sections(command: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # typer keeps its type
    for name, each in command.commands.items():
        if hasattr(each, "commands"):
            if each.invoke_without_command:
                yield "\n".join(_verb(each, f"{path} {name}", "##"))
            else:
                yield f"## tearline {name}\n\n{each.help}\n"
            yield from _sections(each, f"{path} {name}")
        else:
            level = "##" if path == "tearline" else "###"
            yield "\n".join(_verb(each, f"{path} {name}", level))


def _verb(verb: Any, path: str, level: str) -> Iterator[str]:  # noqa: ANN401  # as above
    arguments = [each for each in verb.params if each.param_type_name == "argument"]
    options = [each for each in verb.params if each.param_type_name == "option"]
    usage = " ".join((path, *map(_usage, arguments), "[OPTIONS]"))
    yield f"{level} {path}\n"
    yield f"```console\n$ {usage}\n```\n"
    yield f"{verb.help}\n"
    yield "| argument or option | |\n|---|---|"
    for each in (*arguments, *options):
        said = each.help.replace("|", "\\|")
        wanted = " (required)" if each in options and each.required else ""
        yield f"| `{_written(each)}` | {said}{wanted}{_default(each)} |"
    yield ""


def _usage(argument: Any) -> str:  # noqa: ANN401  # as above
    return str(argument.metavar or argument.name.upper())


def _written(parameter: Any) -> str:  # noqa: ANN401  # as above
    if parameter.param_type_name == "argument":
        return _usage(parameter).replace("|", "\\|")
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(parameter.opts) + value


def _default(parameter: Any) -> str:  # noqa: ANN401  # as above
    shown = parameter.default not in (None, False, "", [])
    return f" Default: {parameter.default}." if shown else ""


def main() -> None:
    """Write the page, or check it."""
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text("utf-8") != page())
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
