"""Verbs about local collections: what our own accounts read and write over TAXII."""

from typing import Annotated

import typer

from tearline.cli.objects import Source, Type
from tearline.cli.options import Json, Place

app = typer.Typer(
    no_args_is_help=True, help="Collections for our own accounts; no agreement rules them."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The collection's name.")]
Objects = Annotated[
    list[str] | None, typer.Argument(metavar="[OBJECT…]", help="The objects' STIX ids.")
]


@app.command()
def add(
    name: Name,
    title: Annotated[str, typer.Option("--title", help="Its title; else the name.")] = "",
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    home: Place = None,
    json: Json = False,
) -> None:
    """Make a collection. Nobody sees it until an account is given a right to it."""
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.shelves import described
    from tearline.cli.terminal import answer
    from tearline.release.collecting import add_collection

    made = add_collection(open_home(home), name, title, description, now=clock.now())
    answer(json, described(made), f"Made the collection {made.name}, {made.id}.")


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the collections, and how many objects each holds."""
    from tearline.cli.options import open_home
    from tearline.cli.shelves import all_shelves
    from tearline.cli.terminal import Table, answer

    found = all_shelves(open_home(home))
    names = ("name", "id", "objects", "since", "ended")
    rows = [[each[name] for name in names] for each in found]
    answer(json, found, Table(names, rows), *([] if found else ["No collections yet."]))


@app.command()
def show(name: Name, home: Place = None, json: Json = False) -> None:
    """Show a collection: its address, its contents, its accounts."""
    from tearline.cli.options import open_home
    from tearline.cli.shelves import shelf, shelf_parts
    from tearline.cli.terminal import answer

    found = shelf(open_home(home), name)
    answer(json, found, *shelf_parts(found))


@app.command()
def end(name: Name, home: Place = None, json: Json = False) -> None:
    """End a collection: for clients it does not exist any more.

    The objects stay with the node, and what was released of them stays released. The name is not
    given again.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.shelves import described
    from tearline.cli.terminal import answer
    from tearline.release.collecting import end_collection

    now = clock.now()
    ended = end_collection(open_home(home), name, now=now)._replace(ended_at=now)
    answer(json, described(ended), f"The collection {name} has ended. Its objects stay here.")


@app.command()
def put(
    name: Name,
    objects: Objects = None,
    type: Type = None,  # the option's name
    source: Source = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Put objects of ours into a collection. What is there already stays where it is.

    Only what is ours: what came under an agreement cannot be put anywhere.
    """
    from tearline.cli.options import open_home
    from tearline.cli.shelves import put_in
    from tearline.cli.terminal import answer, count

    done = put_in(open_home(home), name, tuple(objects or ()), type, source)
    answer(json, done, f"Put {count(done['changed'], 'object')} of {done['chosen']:,} into {name}.")


@app.command()
def take(
    name: Name,
    objects: Objects = None,
    type: Type = None,  # the option's name
    source: Source = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Take objects out of a collection. All versions go; they stay with the node."""
    from tearline.cli.options import open_home
    from tearline.cli.shelves import take_from
    from tearline.cli.terminal import answer, count

    done = take_from(open_home(home), name, tuple(objects or ()), type, source)
    line = f"Took {count(done['changed'], 'version')} out of {name}. The objects stay here."
    answer(json, done, line)
