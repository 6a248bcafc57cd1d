"""Verbs about what claims are worth: how many origins, who is the same, what fell."""

from collections.abc import Callable
from typing import Annotated

import typer

from tearline.cli.options import ClaimId, Json, Place

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A source: its name or its id.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who judges it.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="How you know it; it is logged.")]


def worth(claim: ClaimId, home: Place = None, json: Json = False) -> None:
    """Say what a claim is worth, and why in one sentence.

    Counts the independent origins for and against it: the ends of the chains of all claims that say
    alike, after who is the same was made one. Proposes a credibility from 2 to 6; the one in force
    stands beside each claim.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = worth_parts.worth_of(open_home(home), claim)
    answer(json, found, *worth_parts.worth_lines(found))


def grade(
    claim: ClaimId,
    by: By,
    digit: Annotated[
        int | None,
        typer.Option("--digit", min=1, max=6, help="Another than what is proposed; 1 confirms."),
    ] = None,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="What the count omits.")] = "",
    home: Place = None,
    json: Json = False,
) -> None:
    """Put the proposed credibility in force, or with --digit yours.

    For the claim and all that say alike, as our grade beside them: the letter is that of the origin
    or F, the digit the credibility. Better than what is proposed needs --why; 1, confirmed by other
    sources, is never proposed. Releases follow at once.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = worth_parts.grade(open_home(home), claim, digit, why, by)
    answer(json, done, *worth_parts.grade_lines(done))


def same(
    source: Source,
    by: By,
    why: Why,
    other: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="The source that it is the same as.")
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="Take it back: the first is a source of its own.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Judge that two sources are one: they count once from now on.

    A ministry and its spokesman, two papers of one owner, one person by two names. All that rests
    on either is weighed anew; what falls is lowered at once, and who has it is listed.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    second = worth_parts.other_source(other, end=end)
    done = worth_parts.same(open_home(home), source, second, why, by)
    answer(json, done, *worth_parts.weighed_lines(done))


def tie(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="The report that rests on…")],
    other: Annotated[str, typer.Argument(metavar="REPORT", help="…this report.")],
    by: By,
    why: Why,
    refuse: Annotated[
        bool, typer.Option("--refuse", help="It does not; it is never proposed again.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Confirm that one report rests on another, or refuse it.

    The publisher of the first then cites that of the second, for all that both say.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = worth_parts.tie(open_home(home), report, other, why, by, refused=refuse)
    answer(json, done, *worth_parts.weighed_lines(done))


def copies(home: Place = None, json: Json = False) -> None:
    """Look for reports that copy each other, and list ties.

    Compares what came out within two days by runs of five words, and by the tags of agencies.
    Proposes only: confirm or refuse each with `tearline claim tie`.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = worth_parts.copies(open_home(home))
    answer(json, found, *worth_parts.copies_parts(found))


def discredit(
    source: Source,
    by: By,
    why: Annotated[
        str | None,
        typer.Option("--why", metavar="paid|forged|…", help="What was found out; it is logged."),
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Take it back.")] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say that a source is not to be believed; all in one act.

    Nothing that comes by it, or by who is the same, corroborates any more. Everything that
    rests on it is weighed anew; what falls is lowered at once, and who has it is listed.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = worth_parts.discredit(open_home(home), source, why, by, restore=restore)
    answer(json, done, *worth_parts.weighed_lines(done))


def rely(
    source: Source,
    letter: Annotated[str, typer.Argument(metavar="A-F", help="Its reliability.")],
    by: By,
    home: Place = None,
    json: Json = False,
) -> None:
    """Give a source its reliability, A to F.

    With E it corroborates nothing. The letter of a claim's grade is that of its origin.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = worth_parts.rely(open_home(home), source, letter, by)
    answer(json, done, *worth_parts.weighed_lines(done))


def fallen(home: Place = None, json: Json = False) -> None:
    """List grades that fell, and who has the claim with the higher.

    The last comes first. A partner's node is told by a new slip, or where the lower grade does not
    meet the agreement by a recall.
    """
    from tearline.cli import worth_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = worth_parts.fallen(open_home(home))
    answer(json, found, *worth_parts.fallen_parts(found))


VERBS: dict[str, Callable[..., None]] = {
    "worth": worth,
    "grade": grade,
    "same": same,
    "tie": tie,
    "copies": copies,
    "discredit": discredit,
    "rely": rely,
    "fallen": fallen,
}
