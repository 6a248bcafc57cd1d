"""Verbs about claims: who said it, according to whom, and who denies it."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import ClaimId, Json, Limit, Place

app = typer.Typer(
    no_args_is_help=True, help="Claims: who said it, according to whom, and who denies it."
)

ClaimIds = Annotated[list[str], typer.Argument(metavar="CLAIM…", help="The ids of claims' notes.")]
Mark = Annotated[
    str | None, typer.Option("--mark", metavar="TLP:…", help="Our marking beside what is new.")
]
Grade = Annotated[
    str | None, typer.Option("--grade", metavar="B2", help="Our grade beside what is new.")
]


@app.command()
def add(  # noqa: PLR0917  # what a claim has, an option each
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A claim as TOML or JSON; - is input.")
    ] = None,
    says: Annotated[
        str | None, typer.Option("--says", metavar="TEXT", help="What is claimed, in our words.")
    ] = None,
    quote: Annotated[
        str | None, typer.Option("--quote", metavar="TEXT", help="The words as they stand.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--origin", metavar="SOURCE", help="Who said it first.")
    ] = None,
    relay: Annotated[
        list[str] | None,
        typer.Option(
            "--relay", metavar="SOURCE", help="Who passed it on, the last to do so first."
        ),
    ] = None,
    publisher: Annotated[
        str | None, typer.Option("--publisher", metavar="SOURCE", help="Where we have it from.")
    ] = None,
    certainty: Annotated[
        str, typer.Option("--certainty", metavar="WORD", help="How surely it is put.")
    ] = "plain",
    denies: Annotated[
        str | None, typer.Option("--denies", metavar="CLAIM", help="The claim that it denies.")
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="REPORT", help="The report it stands in.")
    ] = None,
    about: Annotated[
        list[str] | None, typer.Option("--about", metavar="OBJECT", help="Whom it is about.")
    ] = None,
    said: Annotated[
        str | None, typer.Option("--said", metavar="DATE", help="When it was said: 2015-11, say.")
    ] = None,
    mark: Mark = None,
    grade: Grade = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Add a claim, from a file or as options say.

    A source is an id or a name: the one that we hold of that name, else a new one. A file has all
    that a claim can have, and with the id of a claim of ours makes a newer version of it. A denial
    writes an opinion too, for tools that do not know claims. docs/claims.md shows files.

    The words for --certainty: plain, reported, probable, possible, apparent, alleged, hearsay,
    speculation, subjunctive.
    """
    from tearline.cli import claim_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    options = {
        "abstract": says,
        "content": quote,
        "chain": claim_parts.chain(publisher, relay or [], origin),
        "certainty": certainty,
        "denies_ref": denies,
        "report_ref": report,
        "about": about,
        "said": said,
    }
    given = claim_parts.given(file, options)
    done = claim_parts.add(open_home(home), given, mark, grade)
    answer(json, done, *claim_parts.added_parts(done))


@app.command("list")
def list_(
    report: Annotated[
        str | None, typer.Option("--report", metavar="REPORT", help="Those of one report.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="ID", help="Those that pass through a source.")
    ] = None,
    limit: Limit = 20,
    home: Place = None,
    json: Json = False,
) -> None:
    """List claims, and what looks like one and is none.

    The newest come first, ours and partners'. A note whose extension is wrong is kept as any note
    is, and listed with what is wrong.
    """
    from tearline.cli import claim_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = claim_parts.listing(open_home(home), limit, report, source)
    answer(json, found, *claim_parts.list_parts(found))


@app.command()
def show(claim: ClaimId, home: Place = None, json: Json = False) -> None:
    """Show a claim: its chain, its denials, what is missing.

    And the other claims of its proposition: those that say alike or deny it.
    """
    from tearline.cli import claim_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = claim_parts.shown(open_home(home), claim)
    answer(json, found, *claim_parts.shown_parts(found))


@app.command()
def alike(
    claims: ClaimIds,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="TEXT", help="A label, that of a topic say."),
    ] = None,
    mark: Mark = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say that claims say alike: one proposition.

    Writes a grouping that other tools can read. It goes to a partner with those of its claims that
    go, if it carries a label of the agreement's topic, and a marking. Groupings of ours that held
    any of them become one.
    """
    from tearline.cli import claim_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = claim_parts.put_together(open_home(home), claims, label or [], mark)
    answer(json, done, *claim_parts.grouped_parts(done))


@app.command()
def apart(claims: ClaimIds, home: Place = None, json: Json = False) -> None:
    """Take claims out of their proposition again.

    Out of the groupings of ours, that is: what denies another claim stands with it.
    """
    from tearline.cli import claim_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = claim_parts.take_apart(open_home(home), claims)
    answer(json, done, *claim_parts.grouped_parts(done))
