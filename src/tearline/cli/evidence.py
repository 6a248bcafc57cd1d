"""Verbs about evidence that a partner signed two faces: list, export, verify."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Place

app = typer.Typer(no_args_is_help=True, help="Proof that a partner signed two faces.")

Item = Annotated[
    str, typer.Argument(metavar="EVIDENCE", help="The start of its hash, from `evidence list`.")
]


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the evidence that we hold."""
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
    home: Place = None,
    json: Json = False,
) -> None:
    """Check evidence. Exit 1 when it proves nothing.

    Needs no home and no network. Whose it is, the words of the card say that it begins with:
    compare them, unless this home holds that card and says so.
    """
    from tearline.agreement.evidence import check
    from tearline.cli import proving
    from tearline.cli.options import read_bytes
    from tearline.cli.terminal import answer

    finding = check(read_bytes(file))
    known = proving.is_known(home, finding)
    answer(json, finding._asdict() | {"known": known}, *proving.lines(finding, known=known))
