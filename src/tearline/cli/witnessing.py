"""Verbs about witnesses: log publish, witnesses, verify-node, rebuild."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Place

Key = Annotated[
    str | None, typer.Option("--vkey", help="The log's verifier key, as its owner gave it to you.")
]
CardFile = Annotated[
    Path | None, typer.Option("--card", help="The card file of the log's owner, for its key.")
]


def publish(home: Place = None, json: Json = False) -> None:
    """Sign our logs now, as a running node does by itself.

    Commits to all of them in the node log, once for each turn of its clock, and has the outside
    witness cosign, where the settings name one. Exit 1 when that witness does not.
    """
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.cli.witnesses import publish_all, published_lines

    done = publish_all(open_home(home))
    answer(json, done, *published_lines(done))
    if any(each["problem"] for each in done["outside"]):
        raise typer.Exit(1)


def witnesses(home: Place = None, json: Json = False) -> None:
    """List who cosigned our logs, and whose logs we cosigned.

    Of each log the last head that was cosigned.
    """
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer
    from tearline.cli.witnesses import all_cosigned

    found = all_cosigned(open_home(home))
    names = ("log", "leaves", "cosigned by", "at")
    answer(json, found, Table(names, [list(each.values()) for each in found]))


def verify_node(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a node log.")],
    vkey: Key = None,
    card: CardFile = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Check an opened node log, and list every log it commits to.

    Needs no home and no network when a key or a card is given; else the keys of the pinned partners
    and ours are tried. `tearline log copy node DIR --records` writes such a folder, for
    an auditor whom its owner trusts with the names of all its logs. Exit 1 when it does not hold.
    """
    from tearline.cli.terminal import Table, answer
    from tearline.cli.witnesses import checked_node, node_lines

    found = checked_node(directory, vkey, card, home)
    rows = [[each["log"], each["leaves"], each["root"]] for each in found["logs"]]
    answer(json, found, Table(("log", "leaves", "root"), rows), *node_lines(found))
    if found["problems"]:
        raise typer.Exit(1)


def rebuild(home: Place = None, json: Json = False) -> None:
    """Derive the tiles of every log again from its leaves.

    Nothing that was signed changes: tiles are only kept to be quicker.
    """
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer, count
    from tearline.cli.witnesses import rebuild_all

    done = rebuild_all(open_home(home))
    answer(json, done, f"Derived the tiles of {count(len(done), 'log')} again.")


VERBS: dict[str, Callable[..., None]] = {
    "publish": publish,
    "witnesses": witnesses,
    "verify-node": verify_node,
    "rebuild": rebuild,
}
"""What `tearline log` has beside the verbs of `proofs`."""
