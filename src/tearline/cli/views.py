"""Verbs about views of a claim: say ours, and see everybody's side by side."""

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from tearline.cli.options import ClaimId, Json, Place

Mark = Annotated[
    str | None, typer.Option("--mark", metavar="TLP:…", help="Our marking of what is said.")
]


def view(
    claim: ClaimId,
    *,
    agree: Annotated[bool, typer.Option("--agree", help="We agree.")] = False,
    strongly_agree: Annotated[bool, typer.Option("--strongly-agree", help="Strongly.")] = False,
    disagree: Annotated[bool, typer.Option("--disagree", help="We disagree.")] = False,
    strongly_disagree: Annotated[
        bool, typer.Option("--strongly-disagree", help="Strongly.")
    ] = False,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="We see it, and take no side.")
    ] = False,
    wording: Annotated[
        str | None, typer.Option("--wording", help="The claim in our own words.")
    ] = None,
    grade: Annotated[
        str | None, typer.Option("--grade", metavar="C3", help="Our grade of source and content.")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", help="Why; may be given several times.")
    ] = None,
    likely: Annotated[
        str | None, typer.Option("--likely", metavar="WORDS", help="How likely: “very unlikely”.")
    ] = None,
    scale: Annotated[
        Literal["icd-203", "stix"], typer.Option("--scale", help="Whose words these are.")
    ] = "icd-203",
    mark: Mark = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say what we think of a claim, signed; again to change it.

    It is kept as a STIX opinion on the exact bytes of the claim, and goes to partners who may have
    the claim, and to whoever gave it to us, once it is marked.
    """
    from tearline.cli import view_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    flags = (strongly_disagree, disagree, neutral, agree, strongly_agree)
    draft = view_parts.draft(claim, flags, wording, grade, reason or (), (likely, scale))
    done = view_parts.say(open_home(home), draft, mark)
    answer(json, done.value, *done.parts)


def views(
    claim: ClaimId,
    side: Annotated[
        str | None, typer.Option("--side", metavar="PARTY", help="Show this side's as current.")
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Show what every side thinks of a claim, at equal rank.

    In order of the parties' names. None is the current one unless a side is picked with `--side`.
    """
    from tearline.cli import view_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = view_parts.shown(open_home(home), claim, side)
    answer(json, found.value, *found.parts)


VERBS: dict[str, Callable[..., None]] = {"view": view, "views": views}
