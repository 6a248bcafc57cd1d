"""Verbs about our card: show it, renew it, change a key of it, list the cards before; vouch."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Out, Party, Place, Reason

app = typer.Typer(help="Show our card and its check words, or change it with one of the verbs.")

Use = Annotated[
    str, typer.Argument(metavar="USE", help="What the key is for, as the card names it: root, …")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
NextRoot = Annotated[
    Path | None,
    typer.Option("--next-root", help="The file of the next root key, if it was moved away."),
]


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the card for partners to this file; - is output."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Show our card and its eight check words, or change it with a verb."""
    from tearline.cli import cards
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import answer, text

    if context.invoked_subcommand is not None:
        cards.refuse_before_verb(out, home, as_json=json)
        return
    opened = open_home(home)
    content = (opened.path / "card.json").read_bytes()
    if out == Path("-"):
        text(json, cards.value(opened.path), content.decode())
        return
    if out is not None:
        write_bytes(out, content)
    written = () if out is None else (f"Wrote {out}.",)
    answer(json, cards.value(opened.path), *written, *cards.lines(opened.card))


@app.command()
def renew(
    url: Annotated[
        str | None, typer.Option("--url", help="Another address where partners reach this node.")
    ] = None,
    no_url: Annotated[
        bool, typer.Option("--no-url", help="No address: messages go by file.")
    ] = False,
    yes: Yes = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Issue our card again, with the same keys.

    It counts for a new span, and names another address if one is given.
    """
    from tearline import clock
    from tearline.agreement import renewing
    from tearline.cli import turning
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    address = None if no_url else url or opened.card.url
    turning.ask(turning.renewal(opened, address), yes=yes, as_json=json)
    file = renewing.renew(opened, address, now=clock.now())
    answer(json, *turning.done(opened, file, "renewed"))


@app.command()
def rotate(
    use: Use,
    overlap_days: Annotated[
        int, typer.Option("--overlap-days", help="For how long the old key counts too.")
    ] = 30,
    next_root: NextRoot = None,
    yes: Yes = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Put a new key in the place of one of ours.

    Without --yes it says what it would do, and asks on a terminal.
    """
    from tearline import clock
    from tearline.agreement import renewing
    from tearline.cli import turning
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    turning.ask(turning.rotation(opened, use, overlap_days), yes=yes, as_json=json)
    file = renewing.rotate(
        opened, use, overlap_days=overlap_days, next_root=next_root, now=clock.now()
    )
    answer(json, *turning.done(opened, file, f"rotated {use}"))


@app.command()
def revoke(
    use: Use,
    reason: Reason,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Since when someone else may have had it; now without it."),
    ] = None,
    next_root: NextRoot = None,
    yes: Yes = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say that someone else may have a key of ours, and replace it.

    Every partner suspends what runs with us until a person there has compared our new words.
    """
    from tearline import clock
    from tearline.agreement import renewing
    from tearline.cli import turning
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened, now = open_home(home), clock.now()
    since_at = turning.moment_of(since, now)
    turning.ask(turning.revocation(opened, use, since_at), yes=yes, as_json=json)
    file = renewing.revoke(opened, use, since_at, reason, next_root=next_root, now=now)
    answer(json, *turning.done(opened, file, f"revoked {use}"))


@app.command()
def vouch(party: Party, out: Out = None, home: Place = None, json: Json = False) -> None:
    """Vouch for a partner's card, for others who know us.

    Only once people here compared its words. They give the file to `party add --vouch`.
    """
    from tearline import clock
    from tearline.agreement.partners import vouch_for
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import answer, text
    from tearline.stix.canonical import parse_canonical

    document = vouch_for(open_home(home), party, now=clock.now())
    value = parse_canonical(document)
    if out is None or out == Path("-"):
        text(json, value, document.decode())
        return
    write_bytes(out, document)
    answer(json, value, f"Wrote {out}: we vouch for the card of {party}.")


@app.command()
def chain(
    party: Annotated[
        str | None, typer.Option("--of", metavar="PARTY", help="A partner's cards, not ours.")
    ] = None,
    out: Out = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """List our cards, or a partner's, and which key counted when.

    With --out, for who checks logs and receipts offline: `--card` takes the file.
    """
    from tearline.cli import turning
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import answer

    found = turning.chain_of(open_home(home), party)
    if out is not None:
        write_bytes(out, turning.chain_file(found))
    written = () if out is None else (f"Wrote {out}.",)
    answer(json, turning.chain_value(found), *written, *turning.chain_parts(found))
