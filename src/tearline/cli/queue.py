"""Verbs about what waits for people: the queue."""

from typing import Annotated

import typer

from tearline.cli.options import Json, Place
from tearline.cli.person import KeyFile, Stdin

app = typer.Typer(no_args_is_help=True, help="What waits for people before it may go.")

ItemName = Annotated[
    str, typer.Argument(metavar="ITEM", help="Its hash or the start of it, from `queue list`.")
]
Party = Annotated[
    str | None, typer.Argument(metavar="[PARTY]", help="What waits to go to one partner.")
]
Why = Annotated[str, typer.Option("--reason", help="Why, in one sentence; it is signed.")]


@app.command("list")
def list_(
    party: Party = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Also what was approved, refused or passed over.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """List what waits for people, why, and until when."""
    from tearline.cli.known import known
    from tearline.cli.options import open_home
    from tearline.cli.queueing import item_value, listed, queue_table
    from tearline.cli.terminal import answer

    with known():
        found = listed(open_home(home), party, everything=all_)
    said = "Nobody was asked about anything." if all_ else "Nothing waits."
    lines = [] if found else [said]
    answer(json, [item_value(each) for each in found], queue_table(found), *lines)


@app.command()
def show(item: ItemName, home: Place = None, json: Json = False) -> None:
    """Show one item: the exact bytes, why it waits, who said what."""
    from tearline import clock
    from tearline.approval import queue
    from tearline.cli.options import open_home
    from tearline.cli.queueing import item_parts, item_value
    from tearline.cli.terminal import answer

    found, raw = queue.item(open_home(home), item, now=clock.now())
    answer(json, item_value(found) | {"bytes": raw.decode()}, *item_parts(found, raw))


@app.command()
def approve(
    item: ItemName,
    key: KeyFile,
    password_stdin: Stdin = False,
    reason: Annotated[str, typer.Option("--reason", help="A remark, which is signed.")] = "",
    home: Place = None,
    json: Json = False,
) -> None:
    """Sign a yes to exactly these bytes.

    It goes at once when as many people have approved it as the clause asks for.
    """
    from tearline.cli.queueing import tell

    tell(home, item, key, "approve", reason, from_input=password_stdin, as_json=json)


@app.command()
def refuse(
    item: ItemName,
    key: KeyFile,
    reason: Why,
    password_stdin: Stdin = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Sign a no to exactly these bytes: one is enough."""
    from tearline.cli.queueing import tell

    tell(home, item, key, "refuse", reason, from_input=password_stdin, as_json=json)


@app.command()
def query(
    item: ItemName,
    key: KeyFile,
    reason: Why,
    password_stdin: Stdin = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Ask something about an item, for the others to read."""
    from tearline.cli.queueing import tell

    tell(home, item, key, "query", reason, from_input=password_stdin, as_json=json)


@app.command()
def request(
    item: ItemName,
    key: KeyFile,
    reason: Why,
    password_stdin: Stdin = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Ask people anew about an item, with the reason why it should go.

    What was said of it counts no more, the time begins again, and who requests it cannot approve.
    """
    from tearline.cli.queueing import tell

    tell(home, item, key, "request", reason, from_input=password_stdin, as_json=json)
