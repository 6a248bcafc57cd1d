"""Verbs about what became of claims: echoes, versions, what was used and changed, numbers."""

from collections.abc import Callable
from typing import Annotated

import typer

from tearline.cli.options import ClaimId, Json, Limit, Place


def echoes(limit: Limit = 20, home: Place = None, json: Json = False) -> None:
    """List our own reports that came back by way of partners.

    Their chain comes to us or ends in a source that we gave under a pseudonym, they are or rest on
    what we gave, or their giver says that they are derived from it. They count for nothing.
    """
    from tearline.cli import history_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = history_parts.echoes(open_home(home), limit)
    answer(json, found, *history_parts.echo_lines(found))


def versions(claim: ClaimId, home: Place = None, json: Json = False) -> None:
    """List the versions of a claim, and what each says otherwise.

    The oldest comes first. What is compared is the wording, the certainty, the dates, the number,
    the chain and what is missing.
    """
    from tearline.cli import history_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = history_parts.versions(open_home(home), claim)
    answer(json, found, *history_parts.version_lines(found))


def use(
    claim: ClaimId,
    place: Annotated[
        str, typer.Option("--in", metavar="WHAT", help="What it is used in: a paper, a case.")
    ],
    home: Place = None,
    json: Json = False,
) -> None:
    """Remember that a claim, as it stands now, is used in something.

    `tearline claim news` then tells what became of it. What an opinion of ours is about is
    remembered by itself.
    """
    from tearline.cli import history_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    done = history_parts.use(open_home(home), claim, place)
    answer(json, done, f"Used       {done['id']} in {done['place']}")


def news(home: Place = None, json: Json = False) -> None:
    """Say what became of the claims that we used.

    Which were revised since, and how; which were recalled or denied; which are worth another grade.
    """
    from tearline.cli import history_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = history_parts.news(open_home(home))
    answer(json, found, *history_parts.news_lines(found))


def series(claim: ClaimId, home: Place = None, json: Json = False) -> None:
    """Show a number over time: what the claims of a proposition say.

    By the date for which each is said to be true, else on which it was said, with its source.
    Numbers of different units stand apart; nothing is converted.
    """
    from tearline.cli import history_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = history_parts.series(open_home(home), claim)
    answer(json, found, *history_parts.series_parts(found))


VERBS: dict[str, Callable[..., None]] = {
    "echoes": echoes,
    "versions": versions,
    "use": use,
    "news": news,
    "series": series,
}
