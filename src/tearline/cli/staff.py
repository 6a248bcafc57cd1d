"""Verbs about who of ours uses the pages."""

from typing import Annotated

import typer

from tearline.cli.options import Json, Place, Reason

app = typer.Typer(no_args_is_help=True, help="Who of ours uses the pages in a browser.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", help="Where the pages are; else TEARLINE_PAGES_URL, or as our card says."
    ),
]


@app.command()
def invite(
    name: Name,
    role: Annotated[
        str,
        typer.Option("--role", help="reader, analyst, officer, approver, overseer or admin."),
    ] = "reader",
    url: Url = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Print a link by which somebody chooses a password.

    It counts once and for two days. For somebody who is there already it sets role and password
    anew, and ends the sessions.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.config import settings
    from tearline.web import signing_in

    opened = open_home(home)
    token = signing_in.invite(opened, name, role, now=clock.now())
    at = url or settings().pages_url or opened.card.url or "http://localhost:8400"
    link = f"{at.rstrip('/')}/welcome/{token}"
    answer(json, {"name": name, "role": role, "link": link}, f"For {name}, as {role}:", link)


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List who uses or used the pages."""
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer, moment, stamp
    from tearline.web import signing_in

    found = signing_in.everybody(open_home(home))
    rows = [(e.name, e.role, moment(e.since_at), moment(e.ended_at)) for e in found]
    value = [
        {
            "name": each.name,
            "role": each.role,
            "since": stamp(each.since_at),
            "until": None if each.ended_at is None else stamp(each.ended_at),
        }
        for each in found
    ]
    table = Table(("name", "role", "since", "until"), rows)
    answer(json, value, table, *([] if found else ["Nobody yet: `tearline staff invite NAME`."]))


@app.command()
def end(name: Name, reason: Reason, home: Place = None, json: Json = False) -> None:
    """Let somebody in no more; every session of theirs ends at once."""
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.web import signing_in

    done = signing_in.end(open_home(home), name, reason, now=clock.now())
    answer(json, {"name": done.name}, f"{done.name} uses the pages no more.")
