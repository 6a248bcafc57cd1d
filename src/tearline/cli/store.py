"""Verbs about the store: store show, store move."""

from typing import Annotated

import typer

from tearline.cli.options import Json, Place

app = typer.Typer(no_args_is_help=True, help="Where this node keeps what it holds.")


@app.command("show")
def show(home: Place = None, json: Json = False) -> None:
    """Show which store this node has, its size, and its rows by table."""
    from tearline.cli.options import open_home
    from tearline.cli.stores import described, described_parts
    from tearline.cli.terminal import answer

    found = described(open_home(home))
    answer(json, found, *described_parts(found))


@app.command("move")
def move(
    url: Annotated[
        str,
        typer.Argument(
            metavar="POSTGRESQL-URL",
            help="postgresql://user:password@host/database; - reads it from standard input.",
        ),
    ],
    home: Place = None,
    json: Json = False,
) -> None:
    """Move this node from SQLite into an empty PostgreSQL database.

    The node must not be running. All of it comes along or nothing: every row is counted, and every
    log is computed again and held against its signed checkpoints. The file is kept under another
    name. Afterwards set TEARLINE_STORE to the address.
    """
    from tearline.cli.options import open_home
    from tearline.cli.stores import moved_parts, moved_value, run_move
    from tearline.cli.terminal import answer

    done = run_move(open_home(home), url, as_json=json)
    answer(json, moved_value(done), *moved_parts(done))
