"""Passing on what was given: what is asked about it, and the answers."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Place, Reason

app = typer.Typer(
    no_args_is_help=True, help="Passing on what partners gave: questions, consents, refusals."
)

Item = Annotated[
    str, typer.Argument(metavar="ITEM", help="Its hash or the start of it, from `onward list`.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write the messages to this file, to carry, and send nothing."),
]


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also what is answered.")] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """List what is asked either way, and what was passed on to us.

    A partner asks whether an object that we gave it may go on to somebody: we consent or refuse. Of
    what was passed on to us, the consent that came along is checked: its signature, the bytes, the
    agreement and that it is for us. It is *verified* when it is signed with the key of a partner of
    ours, else *attested* by who passed it on.
    """
    from tearline.cli.options import open_home
    from tearline.cli.passing_on import list_parts, list_value
    from tearline.cli.terminal import answer

    found = list_value(open_home(home), everything=all_)
    answer(json, found, *list_parts(found))


@app.command()
def show(item: Item, home: Place = None, json: Json = False) -> None:
    """Show one question.

    Who asks, for whom, the exact bytes, the answer.
    """
    from tearline.cli.options import open_home
    from tearline.cli.passing_on import shown, shown_parts
    from tearline.cli.terminal import answer

    found = shown(open_home(home), item)
    answer(json, found, *shown_parts(found))


@app.command()
def consent(
    item: Item,
    reason: Annotated[str, typer.Option("--reason", help="A remark, for our own log.")] = "",
    out: Out = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Let a partner pass on exactly these bytes to exactly this party.

    Signed with our key; it travels with the release. To take it back, recall the object.
    """
    from tearline.cli.passing_on import say

    say(home, item, "consent", reason, out, as_json=json)


@app.command()
def refuse(
    item: Item, reason: Reason, out: Out = None, home: Place = None, json: Json = False
) -> None:
    """Say no.

    The object stays with the partner, and the third party learns nothing.
    """
    from tearline.cli.passing_on import say

    say(home, item, "refuse", reason, out, as_json=json)
