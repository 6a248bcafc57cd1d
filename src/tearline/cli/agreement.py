"""Verbs that write, read and weigh agreements: new, check, preview, diff, list, show, export."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.objects import Grade, Mark
from tearline.cli.options import Json, Out, Place, Ref

app = typer.Typer(no_args_is_help=True, help="Agreements: write, weigh, sign, suspend, end.")

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="An agreement as TOML, or as its signed JSON bytes.")
]
FileOrRef = Annotated[
    str, typer.Argument(metavar="FILE|ID", help="A draft's file, or an agreement that is here.")
]


@app.command()
def new(
    party: Annotated[
        str | None,
        typer.Option("--with", help="The partner; without it the receiver has no node."),
    ] = None,
    one_sided: Annotated[
        bool, typer.Option("--one-sided", help="The receiver has no node; it signed paper.")
    ] = False,
    paper: Annotated[
        Path | None, typer.Option("--paper", help="The paper that the receiver signed.")
    ] = None,
    out: Out = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Write a commented agreement to begin with.

    With a party that has no card it is one-sided, as with --one-sided: our signature and the hash
    of the paper are enough.
    """
    from tearline import clock
    from tearline.agreement.template import template
    from tearline.cli.documents import other_side
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import text

    opened = open_home(home)
    them = other_side(opened, party, paper, one_sided=one_sided)
    written = template(opened.card, them, now=clock.now())
    if out is not None:
        write_bytes(out, written.encode())
    said = written if out is None else f"Wrote {out}. Edit it, then `tearline agreement check`.\n"
    text(json, {"toml": written, "file": str(out) if out else None}, said)


@app.command()
def check(file: File, json: Json = False, home: Place = None) -> None:
    """Read an agreement back in English, with warnings.

    One sentence for each line, and the hash that both parties sign. Where there is a home, also
    where it promises more than we may pass on of what others gave us.
    """
    from tearline.agreement.terms import agreement_hash, sentences, to_bytes, warnings
    from tearline.cli.documents import read_terms, wider_here
    from tearline.cli.terminal import answer

    terms = read_terms(file)
    said, cautions = sentences(terms), [*warnings(terms), *wider_here(home, terms)]
    value = {
        "agreement": terms.id,
        "version": terms.version,
        "title": terms.title,
        "hash": agreement_hash(to_bytes(terms)),
        "sentences": said,
        "warnings": cautions,
    }
    warned = [f"Warning: {each}" for each in cautions]
    answer(json, value, *said, *warned, f"Hash: {value['hash']}")


@app.command()
def preview(
    file: FileOrRef,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="DATA",
            help="A bundle or MISP export instead of what is held; can be repeated.",
        ),
    ] = None,
    mark: Mark = None,
    grade: Grade = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Only a first answer, from a sample.")
    ] = False,
    listed: Annotated[
        int, typer.Option("--list", help="How many of the objects that change side to list.")
    ] = 20,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say what would go, wait and stay under it, and why.

    The same decision as release makes, over everything held; nothing is written. A reason counts
    the objects that have it, and those that have no other. Where a version runs, also which objects
    change side against it. While much is held, a sample says first about how many. Then warnings,
    the days that it takes where there is a quota, and what the partner offered as its own preview.

    With --against the question is what would have left of files that are not imported: they are
    looked at aside, with --mark and --grade as an import would put them beside, and forgotten.
    """
    import msgspec

    from tearline import clock
    from tearline.cli import importing, weighing
    from tearline.cli.documents import terms_of
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    terms = terms_of(opened, file)
    labels = importing.labels_of(mark, grade, None)
    with importing.looked_at(opened, against or [], labels, as_json=json) as holding:
        how = weighing.How(sample, listed, json)
        found, parts = weighing.weigh(holding, terms, how, now=clock.now())
    go = found.go if isinstance(found.go, int) else found.go.likely
    more, lines = weighing.beside(opened, terms, go=go, now=clock.now())
    answer(json, msgspec.to_builtins(found) | more, *parts, *lines)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The older version.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The newer version.")],
    home: Place = None,
    json: Json = False,
) -> None:
    """Say what differs between two versions.

    Of a changed limit also whether it became wider or narrower.
    """
    from tearline.agreement.change import changes
    from tearline.cli.documents import read_terms
    from tearline.cli.terminal import answer

    del home  # drafts need none
    found = changes(read_terms(old), read_terms(new))
    answer(json, {"changes": found}, *(found or ["They say the same."]))


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the agreements, every version, with its state."""
    from tearline.cli import readings
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer

    found = readings.all_agreements(open_home(home))
    names = ("agreement", "version", "party", "state", "until", "title")
    rows = [[each[name] for name in names] for each in found]
    answer(json, found, Table(names, rows), *([] if found else ["No agreements yet."]))


@app.command()
def show(ref: Ref, home: Place = None, json: Json = False) -> None:
    """Show an agreement: state, statements, text in English."""
    from tearline.cli import readings
    from tearline.cli.options import open_home
    from tearline.cli.outcomes import agreement_parts
    from tearline.cli.terminal import answer

    opened = open_home(home)
    found = readings.one_agreement(opened, readings.resolve(opened, ref))
    answer(json, found, *agreement_parts(found))


@app.command()
def export(
    party: Annotated[
        str | None, typer.Option("--party", help="Only what is for this partner.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The folder to write to.")] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Write the messages that have not arrived, to carry.

    One file for each partner, with a message on each line.
    """
    from tearline.cli.mail import export_pending
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer, count

    written = export_pending(open_home(home), party, out or Path())
    lines = [
        f"{count(each['messages'], 'message')} for {each['party']}: {each['file']}"
        for each in written
    ]
    answer(json, written, *(lines or ["Everything has arrived."]))
