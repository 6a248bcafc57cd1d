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
    name: Name, key: KeyFile, password_stdin: Stdin = False, home: Place = None, json: Json = False
) -> None:
    """Enrol a person with a key of their own.

    Makes the key where the file is not there yet, encrypted with the password that you type; an
    empty one leaves it open. The key belongs to the person: this node keeps the public half alone.
    """
    from tearline import clock
    from tearline.approval.people import enrol
    from tearline.cli.options import open_home
    from tearline.cli.queueing import key_file, person_value
    from tearline.cli.terminal import answer

    opened = open_home(home)
    made = not key.exists()
    with key_file(key, from_input=password_stdin, as_json=json) as own:
        found = enrol(opened, name, own, now=clock.now())
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
