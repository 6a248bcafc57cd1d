"""Verbs about the people who approve."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Place, Reason

app = typer.Typer(no_args_is_help=True, help="The people who approve what waits.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]
KeyFile = Annotated[
    Path, typer.Option("--key", metavar="FILE", help="The file with the person's private key.")
]
Stdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the key's password from standard input, one line."),
]


@app.command()
def add(
    name: Name,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="A file with a private key.")
    ] = None,
    passkey: Annotated[
        str | None,
        typer.Option(
            "--passkey", metavar="MARK", help="A passkey, by the mark on its owner's account page."
        ),
    ] = None,
    also: Annotated[
        bool, typer.Option("--also", help="It is one more key of somebody who is enrolled.")
    ] = False,
    password_stdin: Stdin = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Enrol a person with a key of their own, or a passkey.

    Makes the key where the file is not there yet, encrypted with the password that you type; an
    empty one leaves it open. The key belongs to the person: this node keeps the public half alone.
    With a passkey, NAME is the name that its owner signs in with.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.queueing import enrolled, person_value
    from tearline.cli.terminal import answer
    from tearline.web import passkeys

    opened = open_home(home)
    made = key is not None and not key.exists()
    if passkey is not None and key is None:
        found = passkeys.enrol(opened, name, passkey, also=also, now=clock.now())
    else:
        file = key if passkey is None else None
        found = enrolled(opened, name, file, also=also, from_input=password_stdin, as_json=json)
    lines = [f"Made a key for {found.name} in {key}: it is theirs to keep."] if made else []
    lines.append(f"{found.name} may approve from now on.")
    answer(json, person_value(found), *lines)


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List who may approve, and who might."""
    from tearline.approval.people import people
    from tearline.cli.options import open_home
    from tearline.cli.queueing import person_value
    from tearline.cli.terminal import Table, answer, moment

    found = people(open_home(home))
    rows = [(each.name, moment(each.since_at), moment(each.ended_at), each.key) for each in found]
    table = Table(("person", "since", "until", "key"), rows)
    answer(json, [person_value(each) for each in found], table, *([] if found else ["Nobody yet."]))


@app.command()
def end(name: Name, reason: Reason, home: Place = None, json: Json = False) -> None:
    """Let a person say nothing more; what was said stays."""
    from tearline import clock
    from tearline.approval.people import end as end_person
    from tearline.cli.options import open_home
    from tearline.cli.queueing import person_value
    from tearline.cli.terminal import answer

    done = end_person(open_home(home), name, reason, now=clock.now())
    answer(json, person_value(done), f"{done.name} approves nothing from now on.")
