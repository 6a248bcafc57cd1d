"""The verb that says how a plain TAXII client gets in, and why nothing arrives if nothing does."""

from typing import Annotated

import typer

from tearline.cli.options import Json, Place

Name = Annotated[
    str, typer.Argument(metavar="PARTY|USER", help="A party without a node, or an account of ours.")
]
Client = Annotated[
    list[str] | None,
    typer.Option(
        "--client",
        help="Only for this client: taxii2-client, opencti, sentinel, splunk, elastic, cortex.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Where clients reach this node, if not at the address of its card."),
]


def connect(
    name: Name,
    client: Client = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Make a key and show it, this once.")
    ] = False,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="With --new-key: the keys before it go on opening.")
    ] = False,
    agreement: Annotated[
        str | None, typer.Option("--agreement", help="One agreement, where there are several.")
    ] = None,
    url: Url = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say what to write into a TAXII client. Shows how its last request went, too.

    For a party without a node, under its one-sided agreement. If nothing arrived, it says why.
    """
    from tearline.cli.connections import make_key, shown, value
    from tearline.cli.known import known
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    with known():
        made = make_key(opened, name, agreement, keep=keep_old) if new_key else None
        found = value(opened, name, agreement, client, url, made)
    answer(json, found, *shown(found))
