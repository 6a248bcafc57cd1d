"""The ``tearline`` command: joins the verb groups, one file for each beside this one."""

from typing import Annotated

import typer

from tearline import __version__

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback(invoke_without_command=True)
def tearline(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Exchange threat intelligence under a signed agreement, and prove what passed."""
    if version:
        typer.echo(f"tearline {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    app()
