"""Verbs about evidence that a partner has two faces: list, export, verify."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Place
from tearline.cli.witnessing import CardFile, Key

app = typer.Typer(no_args_is_help=True, help="Proof that a partner has two faces.")

Item = Annotated[
    str, typer.Argument(metavar="EVIDENCE", help="The start of its hash, from `evidence list`.")
]


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the evidence that we hold.

    Two cards or two statements that follow on the same one, or two histories of a log.
    """
    from tearline.cli import proving
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = proving.held(open_home(home))
    answer(json, found, *proving.parts(found))


@app.command()
def export(
    item: Item,
    out: Annotated[Path, typer.Option("--out", help="The file to write; - is output.")],
    home: Place = None,
    json: Json = False,
) -> None:
    """Write evidence to a file that anyone can check without us."""
    from tearline.cli import proving
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import answer, text

    found = proving.named(open_home(home), item)
    value = {"evidence": found.hash, "kind": found.kind, "party": found.party, "out": str(out)}
    if out == Path("-"):
        text(json, value, found.document.decode() + "\n")
        return
    write_bytes(out, found.document + b"\n")
    answer(json, value, f"Wrote {out}.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `evidence export` wrote.")],
    vkey: Key = None,
    card: CardFile = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Check evidence, and say what it shows. Exit 1 when it does not hold.

    Needs no home and no network. Whose it is, a card or a key says that is given, or that this home
    has; else compare the words of the card that it begins with, or the key that it names.
    """
    from tearline.cli import proving
    from tearline.cli.options import read_bytes
    from tearline.cli.terminal import answer

    value, lines = proving.checked(read_bytes(file), vkey, card, home)
    answer(json, value, *lines)
