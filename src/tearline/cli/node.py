"""Verbs about this node itself: init, config."""

from typing import Annotated

import typer

from tearline.cli.options import Json, Place

config_app = typer.Typer(no_args_is_help=True, help="What this node is set to.")


def init(
    name: Annotated[
        str, typer.Option("--name", help="The organisation's name, as partners see it.")
    ],
    url: Annotated[
        str | None, typer.Option("--url", help="Where partners reach this node, if they do.")
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Make a home: keys, a card and an empty store.

    The card shows eight check words. Read them to your partners by telephone: they add your card
    only with the words that they hear.
    """
    from tearline import clock
    from tearline.agreement.home import create_home
    from tearline.cli import cards
    from tearline.cli.options import place_of
    from tearline.cli.terminal import answer

    made = create_home(place_of(home), name, url, clock.now())
    value = {"home": str(made.path), "name": made.name, "slug": made.slug}
    answer(json, value | cards.value(made.path), f"Made {made.path}.", *cards.lines(made.card))


@config_app.command("show")
def config_show(home: Place = None, json: Json = False) -> None:
    """Show every setting and the variable that sets it."""
    from tearline.cli.options import place_of
    from tearline.cli.terminal import Table, answer
    from tearline.config import settings

    values = settings().model_dump(mode="json") | {"home": str(place_of(home).expanduser())}
    rows = [(f"TEARLINE_{name.upper()}", value) for name, value in values.items()]
    answer(json, values, Table(("variable", "value"), rows))
