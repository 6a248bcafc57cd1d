"""Verbs about what we hold: import, mark, grade, objects, show, hold, release-hold."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tearline.cli.options import Json, ObjectId, Place, Reason

Mark = Annotated[
    str | None, typer.Option("--mark", metavar="TLP:…", help="Our marking beside each object.")
]
Grade = Annotated[
    str | None, typer.Option("--grade", metavar="B2", help="Our grade beside each object.")
]
Objects = Annotated[
    list[str] | None, typer.Argument(metavar="[OBJECT…]", help="The objects' STIX ids.")
]
Type = Annotated[str | None, typer.Option("--type", help="Those of this STIX type.")]
Source = Annotated[str | None, typer.Option("--source", help="Those that came from this source.")]
Unmarked = Annotated[
    bool, typer.Option("--unmarked", help="Those without any marking, theirs or ours.")
]


def import_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE…]", help="STIX bundles or MISP events; - is input."),
    ] = None,
    mark: Mark = None,
    grade: Grade = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Where they come from; else the file's name.")
    ] = None,
    galaxy: Annotated[
        list[str] | None, typer.Option("--galaxy", metavar="NAME", help="Import a MISP galaxy.")
    ] = None,
    galaxies: Annotated[
        bool, typer.Option("--galaxies", help="List the galaxies there are, and stop.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Import STIX bundles, MISP events and galaxies.

    Files may be gzip. Objects of STIX 2.0 are lifted to 2.1, with notes on what that changed. What
    may go under an agreement is released at once.

    A file that does not parse stores nothing and ends the import with exit 1; what came before it
    is kept. In one that parses, unsound objects are listed and the others kept: exit 0, or 1 when
    nothing at all was kept and something was refused. Importing twice stores nothing new.
    """
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.exchange.galaxies import available

    if galaxies:
        answer(json, available(), *available())
        return
    from tearline.cli import importing

    labels = importing.labels_of(mark, grade, source)
    found = importing.run(open_home(home), files or [], galaxy or [], labels, as_json=json)
    answer(json, importing.value_of(found), *importing.parts_of(found))
    if importing.nothing_kept(found):
        raise typer.Exit(1)


def mark(
    level: Annotated[str, typer.Argument(metavar="TLP:…", help="The level, TLP:AMBER say.")],
    objects: Objects = None,
    type: Type = None,  # the option's name
    source: Source = None,
    unmarked: Unmarked = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Put our marking beside objects; their bytes stay. The strictest marking wins."""
    from tearline.cli.choosing import Choice, annotate
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer, count
    from tearline.release.arrive import annotation_of

    choice = Choice(tuple(objects or ()), type, source, unmarked)
    done = annotate(open_home(home), choice, annotation_of(level))
    answer(json, done, f"Marked {count(done['changed'], 'object')} of {done['chosen']:,}.")


def grade(
    grade: Annotated[str, typer.Argument(metavar="GRADE", help="Letter and digit, B2 say.")],
    objects: Objects = None,
    type: Type = None,  # the option's name
    source: Source = None,
    unmarked: Unmarked = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Put our grade beside objects: source A to F, claim 1 to 6.

    The letter says how reliable the source is, the digit how credible what it says.
    """
    from tearline.cli.choosing import Choice, annotate
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer, count
    from tearline.release.arrive import annotation_of

    choice = Choice(tuple(objects or ()), type, source, unmarked)
    done = annotate(open_home(home), choice, annotation_of(None, grade))
    answer(json, done, f"Graded {count(done['changed'], 'object')} of {done['chosen']:,}.")


def objects(
    type: Type = None,  # the option's name
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Those with all of these words.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many to list.")] = 20,
    home: Place = None,
    json: Json = False,
) -> None:
    """Count what we hold by type, and list the newest.

    With --search: what has all of the words, in names, values, patterns, descriptions, aliases and
    ids; "words in a row" stand in double quotes, and begin* finds what begins so. Whose name or
    value is just that comes first. It is the search of the pages.
    """
    from tearline.cli.holdings import listing, objects_table, searched, searched_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer, count

    opened = open_home(home)
    if search is not None:
        hits = searched(opened, search, type, limit)
        answer(json, hits, *searched_parts(hits))
        return
    found = listing(opened, type, limit)
    counts = [(name, f"{number:,}") for name, number in found["types"].items()]
    total = f"{count(found['held'], 'object')} held."
    answer(json, found, total, Table(("type", "held"), counts), objects_table(found))


def show(
    object_id: ObjectId,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PARTY", help="Beside what this party has of it.")
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Show an object, and all that we say of it.

    With --to, show also what a partner has of it or would get, byte for byte, and the difference,
    under each agreement. Takes our id, or the one under which they have it. Exit 0 whatever they
    get.
    """
    from tearline.cli.holdings import one_object, one_object_lines
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    if to is not None:
        from tearline.cli.showing import both

        value, parts = both(opened, object_id, to)
        answer(json, value, *parts)
        return
    found = one_object(opened, object_id)
    answer(json, found, *one_object_lines(found))


What = Annotated[
    str,
    typer.Argument(
        metavar="OBJECT|SOURCE|TOPIC",
        help="An object's id, the name of a source, or a name, ATT&CK id or label of a topic.",
    ),
]
Kind = Annotated[
    Literal["object", "source", "topic"] | None,
    typer.Option("--kind", help="What it is, where the name does not tell."),
]


def hold(
    what: What, reason: Reason, kind: Kind = None, home: Place = None, json: Json = False
) -> None:
    """Stop an object, a source or a topic at once, everywhere.

    It holds under every agreement, ours alone and without asking anybody. What was released of it
    is recalled. A topic is what carries its name, now or later; what is tied to the topic by it
    alone stays with it.
    """
    from tearline.cli.afterwards import reconcile_lines
    from tearline.cli.choosing import set_hold
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = set_hold(open_home(home), what, kind, reason, held=True)
    named = what if done["kind"] == "object" else f"the {done['kind']} {what}"
    line = f"Holding {named}." if done["changed"] else f"{named} was held already."
    answer(json, done, line, *reconcile_lines(done))


def release_hold(
    what: What, reason: Reason, kind: Kind = None, home: Place = None, json: Json = False
) -> None:
    """End a hold; the agreements decide again."""
    from tearline.cli.afterwards import reconcile_lines
    from tearline.cli.choosing import set_hold
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = set_hold(open_home(home), what, kind, reason, held=False)
    named = what if done["kind"] == "object" else f"the {done['kind']} {what}"
    line = f"No longer holding {named}." if done["changed"] else f"{named} was not held."
    answer(json, done, line, *reconcile_lines(done))


def holds(home: Place = None, json: Json = False) -> None:
    """List what we hold back, and why."""
    from tearline.cli.choosing import all_holds
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer

    found = all_holds(open_home(home))
    rows = [(each["kind"], each["what"], each["reason"]) for each in found]
    table = Table(("kind", "what", "reason"), rows)
    answer(json, found, table, *([] if found else ["Nothing is held."]))
