"""Verbs about proof: log verify, audit, copy, list, replay; receipt make, verify."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Out, Place

log_app = typer.Typer(no_args_is_help=True, help="Logs: copy ours, check anyone's.")
receipt_app = typer.Typer(no_args_is_help=True, help="Receipts: proof that an act is in a log.")

Keys = Annotated[
    list[str] | None,
    typer.Option("--vkey", help="A log's verifier key, as its owner gave it; can be repeated."),
]
CardFiles = Annotated[
    list[Path] | None,
    typer.Option("--card", help="The card of a log's owner, for its key; can be repeated."),
]
Since = Annotated[
    list[Path] | None,
    typer.Option("--since", help="An older copy or checkpoint of either; can be repeated."),
]
Private = Annotated[
    list[Path] | None,
    typer.Option("--private", help="A private log with records: its decisions are taken again."),
]


@log_app.command("verify")
def log_verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a log.")],
    other: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="The other side's log of the same agreement."),
    ] = None,
    vkey: Keys = None,
    card: CardFiles = None,
    since: Since = None,
    private: Private = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Check a log, or the two logs of an agreement against each other.

    Of each: tree, signature, tiles, records, and that it only grew since older copies. Of two: that
    each statement, delivery and recall in one has its counterpart in the other. Needs no home and
    no network. Without a key a folder is checked against the pinned partners' keys and ours; if it
    is of none of them, that it is consistent, not whose it is. Exit 1 when anything does not hold.
    """
    from tearline.cli import checking, comparing
    from tearline.cli.terminal import answer

    given = checking.Given(vkey, card, home, since)
    if other is None:
        verdict = checking.check_folder(directory, given)
        answer(json, checking.verdict_value(verdict), *checking.verdict_lines(verdict))
        good = verdict.good
    else:
        found = comparing.check_both((directory, other), given, private or [])
        answer(json, comparing.as_json(found), *comparing.lines(found))
        good = found.good
    if not good:
        raise typer.Exit(1)


@log_app.command("audit")
def log_audit(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="One side's log.")],
    other: Annotated[Path, typer.Argument(metavar="DIR", help="The other side's log.")],
    vkey: Keys = None,
    card: CardFiles = None,
    since: Since = None,
    private: Private = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Answer an auditor from the two logs of an agreement.

    What passed, under which clause, who said yes, what was recalled, and whether both sides agree.
    With a private log also what people said of each item, under their own signatures. Needs no home
    and no network when cards or keys are given. Exit 1 when the two logs do not agree.
    """
    from tearline.cli import auditing, checking, comparing
    from tearline.cli.terminal import answer

    given = checking.Given(vkey, card, home, since)
    found = comparing.check_both((directory, other), given, private or [])
    value = auditing.audit(found, private or [])
    answer(json, value, *auditing.parts(value, found))
    if not found.good:
        raise typer.Exit(1)


@log_app.command("copy")
def log_copy(
    log: Annotated[
        str,
        typer.Argument(metavar="AGREEMENT|private|node|all", help="Which log of ours."),
    ],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    records: Annotated[
        bool, typer.Option("--records", help="With records.jsonl, which opens what leaves hide.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Our copy of the partner's log of the agreement.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Write a log of ours as a folder that anyone can check.

    What it holds is signed first; the node log keeps its own pace. `all` writes those that others
    read, each into a folder of its own, for any static host: the private log is for nobody else.
    """
    from tearline.cli.copying import copy_all, copy_log
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer, count

    if log == "all":
        all_done = copy_all(open_home(home), directory, records=records)
        rows = [[each["origin"], each["size"], each["folder"]] for each in all_done]
        answer(json, all_done, Table(("log", "leaves", "folder"), rows))
        return
    done = copy_log(open_home(home), log, directory, records=records, theirs=theirs)
    line = f"Wrote {count(done['size'], 'leaf', 'leaves')} of {done['origin']} to {directory}."
    waits = f"{count(done['waiting'], 'record')} wait for a leaf, which a running node makes."
    answer(json, done, line, f"Its key: {done['vkey']}", *([waits] if done["waiting"] else []))


@log_app.command("list")
def log_list(home: Place = None, json: Json = False) -> None:
    """List the logs: ours, and our copies of partners'."""
    from tearline.cli.copying import all_logs
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer

    found = all_logs(open_home(home))
    names = ("log", "leaves", "signed", "last", "origin")
    answer(json, found, Table(names, [[each[name] for name in names] for each in found]))


@log_app.command("replay")
def log_replay(home: Place = None, json: Json = False) -> None:
    """Take every logged decision again from its facts.

    Exit 1 when an answer is another than the one in the private log.
    """
    replay(None, home=home, json=json)


def replay(
    agreement: Annotated[
        str | None,
        typer.Argument(metavar="[AGREEMENT]", help="One agreement's id, its start, or a hash."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Take every logged decision again from its facts.

    Under one agreement or all. Exit 1 when an answer is another than the one in the private log;
    each such decision is listed, with what was logged and what its facts come to now.
    """
    from tearline.cli.options import open_home
    from tearline.cli.readings import agreement_id_of
    from tearline.cli.terminal import Table, answer, count
    from tearline.release.replay import replay as take_again

    opened = open_home(home)
    of = agreement_id_of(opened, agreement) if agreement is not None else None
    found = take_again(opened, of)
    differing = [each._asdict() for each in found.differing]
    rows = [
        (each.object, each.logged["outcome"], each.now["outcome"] if each.now else "another")
        for each in found.differing
    ]
    line = f"{count(found.decisions, 'decision')} taken again, {len(rows):,} answered otherwise."
    table = Table(("object", "logged", "now"), rows)
    answer(json, {"decisions": found.decisions, "differing": differing}, line, table)
    if differing:
        raise typer.Exit(1)


@receipt_app.command("make")
def receipt_make(  # noqa: PLR0917  # an act an option
    release: Annotated[
        str | None, typer.Option("--release", metavar="OBJECT", help="The release of this object.")
    ] = None,
    delivery: Annotated[
        str | None,
        typer.Option("--delivery", metavar="OBJECT", help="That it was received: acknowledged."),
    ] = None,
    recall: Annotated[
        str | None,
        typer.Option("--recall", metavar="OBJECT", help="Its recall; with --theirs the answer."),
    ] = None,
    approval: Annotated[
        str | None,
        typer.Option("--approval", metavar="ITEM|OBJECT", help="A person's yes to exact bytes."),
    ] = None,
    statement: Annotated[
        str | None,
        typer.Option(
            "--statement", metavar="HASH|AGREEMENT", help="A statement; of an agreement the newest."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PARTY", help="With this partner.")
    ] = None,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="What the partner says of it, from its log.")
    ] = False,
    log: Annotated[
        str | None, typer.Option("--log", help="Or name the log: private, ours/ID, theirs/ID.")
    ] = None,
    leaf: Annotated[int | None, typer.Option("--leaf", min=0, help="Its leaf.")] = None,
    item: Annotated[int, typer.Option("--item", min=0, help="The record in the leaf.")] = 0,
    out: Out = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Make a receipt: proof that an act is in a log."""
    from tearline.cli.copying import Wanted, make_receipt
    from tearline.cli.options import open_home, write_bytes
    from tearline.cli.terminal import answer, print_json
    from tearline.stix.canonical import canonical

    acts = {
        "release": release,
        "delivery": delivery,
        "recall": recall,
        "approval": approval,
        "statement": statement,
    }
    made = make_receipt(open_home(home), Wanted(acts, to, theirs, log, leaf, item))
    if out is None:
        print_json(made)
        return
    write_bytes(out, canonical(made) + b"\n")
    answer(json, {"file": str(out), "receipt": made}, f"Wrote {out}.")


@receipt_app.command("verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt; - is input.")],
    vkey: Keys = None,
    card: CardFiles = None,
    split: Annotated[
        Path | None,
        typer.Option("--split", metavar="DIR", help="Write leaf and tlog-proof for other tools."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Check a receipt and show the record that it proves.

    Needs no home and no network when a key or a card is given; else the keys of the pinned
    partners and ours are tried. Exit 1 when it does not hold. With --split the part that any tool
    for C2SP logs can check is written as two files, `leaf` and `leaf.tlog-proof`.
    """
    from tearline.cli.checking import Given, check_receipt, receipt_lines, split_receipt
    from tearline.cli.terminal import answer

    found = check_receipt(file, Given(vkey, card, home))
    if split is not None:
        split_receipt(file, split)
    answer(json, found, *receipt_lines(found))
