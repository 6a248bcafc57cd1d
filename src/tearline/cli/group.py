"""Verbs about groups: one template, a pair with each member, and who has signed."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Party, Place, Reason
from tearline.cli.options import Out as OutFile

app = typer.Typer(no_args_is_help=True, help="Groups: one text that every member signs with you.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the group is called here.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A template as TOML.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Write the messages to this folder, a file for each member, and send nothing.",
    ),
]


@app.command()
def draft(out: OutFile = None, home: Place = None, json: Json = False) -> None:
    """Write a commented template to begin with."""
    from tearline import clock
    from tearline.agreement.template import group_template
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import text

    written = group_template(open_home(home).card, now=clock.now())
    if out is not None:
        write_bytes(out, written.encode())
    said = written if out is None else f"Wrote {out}. Edit it, then `tearline group check`.\n"
    text(json, {"toml": written, "file": str(out) if out else None}, said)


@app.command()
def check(file: File, home: Place = None, json: Json = False) -> None:
    """Read a template back in English, with its warnings and hash."""
    from tearline.cli.grouping import draft_parts, draft_value, read_template
    from tearline.cli.terminal import answer

    del home  # a draft needs none
    found = read_template(file)
    answer(json, draft_value(found), *draft_parts(found))


@app.command()
def new(
    name: Name,
    template: Annotated[
        Path, typer.Option("--template", metavar="FILE", help="The template as TOML.")
    ],
    home: Place = None,
    json: Json = False,
) -> None:
    """Make a group; nobody is asked anything yet."""
    from tearline import clock
    from tearline.agreement import groups
    from tearline.cli.grouping import draft_parts, draft_value, text_of
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = groups.new(open_home(home), name, text_of(template), now=clock.now())
    line = f"Made the group {name}. Ask its members with `tearline group add {name} PARTY…`."
    answer(json, {"group": name} | draft_value(found), line, *draft_parts(found))


@app.command()
def add(
    name: Name,
    parties: Annotated[
        list[str], typer.Argument(metavar="PARTY…", help="Partners, by short name or name.")
    ],
    out: Folder = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Make and propose a pair of the group's text for each party.

    Each accedes by countersigning its own; none waits for the others. Exit 1 when one of them could
    not be asked; the others are.
    """
    from tearline import clock
    from tearline.agreement import groups
    from tearline.cli.grouping import show_offers
    from tearline.cli.options import open_home

    opened = open_home(home)
    done = groups.add(opened, name, parties, now=clock.now())
    show_offers(opened, name, done, out, as_json=json)


@app.command()
def propose(
    name: Name,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The new text; without it the newest one."),
    ] = None,
    out: Folder = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Offer every member a new text, as the next version of its pair.

    Whoever signs it runs on it at once; the others stay on what they signed. Run again, it asks
    only those who were not asked. Exit 1 when one of them could not be asked; the others are.
    """
    from tearline import clock
    from tearline.agreement import groups
    from tearline.cli.grouping import show_offers, text_of
    from tearline.cli.options import open_home

    opened, now = open_home(home), clock.now()
    if file is None:
        done = groups.offer(opened, name, now=now)
    else:
        done = groups.propose(opened, name, text_of(file), now=now)
    show_offers(opened, name, done, out, as_json=json)


@app.command()
def show(name: Name, home: Place = None, json: Json = False) -> None:
    """Show a group: its text, and each member's answer to it."""
    from tearline import clock
    from tearline.agreement import groups
    from tearline.cli.grouping import group_parts, group_value
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = groups.show(open_home(home), name, now=clock.now())
    answer(json, group_value(found), *group_parts(found))


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the groups, and how many signed the newest text of each."""
    from tearline import clock
    from tearline.agreement import groups
    from tearline.cli.grouping import group_value, groups_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = groups.all_groups(open_home(home), now=clock.now())
    answer(json, [group_value(each) for each in found], *groups_parts(found))


@app.command()
def remove(
    name: Name,
    party: Party,
    reason: Reason,
    out: Folder = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """End a member's pair, or take back what it was offered. The other pairs stay as they are."""
    from tearline import clock
    from tearline.agreement import groups
    from tearline.agreement.groups import Offer
    from tearline.cli.grouping import show_offers
    from tearline.cli.options import open_home

    opened = open_home(home)
    done = groups.remove(opened, name, party, reason, now=clock.now())
    offers = [Offer(done[-1].partner, done[-1], done=True)]
    show_offers(opened, name, offers, out, as_json=json)
