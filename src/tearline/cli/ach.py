"""Verbs about competing hypotheses: ask, add, rate, show."""

from typing import Annotated

import typer

from tearline.cli.options import ClaimId, Json, Place
from tearline.cli.views import Mark

app = typer.Typer(no_args_is_help=True, help="Questions with competing hypotheses, rated by sides.")

Question = Annotated[str, typer.Argument(metavar="ID", help="The question's STIX id.")]
Hypotheses = Annotated[
    list[str] | None,
    typer.Option("--hypothesis", metavar="TEXT", help="A hypothesis; may be given several times."),
]
Claims = Annotated[
    list[str] | None,
    typer.Option("--claim", metavar="ID", help="A claim as evidence; may be given several times."),
]


@app.command()
def new(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in words.")],
    hypothesis: Hypotheses = None,
    claim: Claims = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="A label, that of the topic it is about say."),
    ] = None,
    mark: Mark = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Ask a question with its hypotheses, and claims as evidence.

    It is kept as a STIX grouping, and goes to partners with those of its claims that may go: where
    it carries a label of the agreement's topic, and a marking.
    """
    from tearline.cli import matrix
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    parts = (hypothesis or (), claim or (), label or ())
    found = matrix.ask(open_home(home), question, *parts, mark)
    answer(json, found.value, *found.parts)


@app.command()
def add(
    question: Question,
    claim: Claims = None,
    hypothesis: Hypotheses = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="ID", help="Take out a claim, or a hypothesis by H1."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Add claims or hypotheses to a question of ours, or take out.

    What was rated of the others stays. A hypothesis keeps its number for ever: none that comes
    later gets it, so no rating comes to mean another one.
    """
    from tearline.cli import matrix
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    parts = (claim or (), hypothesis or (), without or ())
    found = matrix.change(open_home(home), question, *parts)
    answer(json, found.value, *found.parts)


@app.command()
def rate(
    question: Question,
    claim: ClaimId,
    ratings: Annotated[
        list[str],
        typer.Argument(metavar="H1=CC…", help="A hypothesis and CC, C, N, NA, I or II."),
    ],
    why: Annotated[
        list[str] | None,
        typer.Option("--why", metavar="H1=TEXT", help="Why; may be given several times."),
    ] = None,
    mark: Mark = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say how well a claim goes with hypotheses, signed.

    CC and C: very consistent, consistent. N: neutral. NA: not applicable. I and II: inconsistent,
    very inconsistent. What was rated before and is not named stays as it was.
    """
    from tearline.cli import matrix
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = matrix.rate(open_home(home), question, claim, ratings, why or (), mark)
    answer(json, found.value, *found.parts)


@app.command()
def show(
    question: Question,
    weighted: Annotated[
        bool, typer.Option("--weighted", help="Each claim weighs by its credibility.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Show a question: all ratings, and what speaks against what.

    Side by side, each side at equal rank: the ratings, what they come to, which claim alone would
    change the order, which tells nothing, and where the sides differ.
    """
    from tearline.cli import matrix
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = matrix.shown(open_home(home), question, weighted=weighted)
    answer(json, found.value, *found.parts)


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the questions that we ask, and that partners gave us."""
    from tearline.cli import matrix
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = matrix.listed(open_home(home))
    answer(json, found.value, *found.parts)
