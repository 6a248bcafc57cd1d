"""Verbs that move an agreement on: propose, receive, countersign, reject, suspend, end.

Each signs a statement, lets releases follow it, and tells the partner at once where its node can be
reached; the answer says whether it arrived. Nothing here needs a running node.
"""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.agreement import File, FileOrRef, app
from tearline.cli.options import Json, Place, Reason, Ref

__all__ = ["app"]

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write the messages to this file, to carry, and send nothing."),
]
Why = Annotated[str | None, typer.Option("--reason", help="Why, in one sentence; it is logged.")]


@app.command()
def propose(file: File, out: Out = None, home: Place = None, json: Json = False) -> None:
    """Sign an agreement and offer it to the partner it names. Warnings name their clause."""
    from tearline import clock
    from tearline.agreement import signing
    from tearline.agreement.terms import warnings
    from tearline.cli import afterwards
    from tearline.cli.documents import read_terms
    from tearline.cli.options import open_home
    from tearline.release.onward import wider

    opened = open_home(home)
    terms, now = read_terms(file), clock.now()
    done = signing.propose(opened, terms, now=now)
    line = f"Proposed {done.agreement_id}, version {done.version}, to {done.partner}."
    cautions = [*warnings(terms, now=now), *wider(opened, terms, now=now)]
    afterwards.show(opened, [done], line, out, as_json=json, cautions=cautions)


@app.command("offer-preview")
def offer_preview(file: FileOrRef, out: Out = None, home: Place = None, json: Json = False) -> None:
    """Tell the partner in bands what of ours would go.

    Of each type that the agreement lists from us: how many would go, wait and stay, as none, 1-9,
    10-99 and so on. It is signed, and said once for each version; asked again, nothing new is said.
    """
    from tearline import clock
    from tearline.cli import afterwards
    from tearline.cli.documents import terms_of
    from tearline.cli.options import open_home
    from tearline.release import offering
    from tearline.store.agreements import version_of

    opened = open_home(home)
    offered = offering.offer(opened, terms_of(opened, file), now=clock.now())
    with opened.store.read() as tx:
        version = version_of(tx, offered.agreement)
    line = f"Offered a preview in bands; see `tearline agreement show {offered.agreement[:19]}`."
    afterwards.show(opened, [version] if version else [], line, out, as_json=json)


@app.command()
def receive(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The messages; - is input.")],
    out: Out = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Take a partner's messages from a file.

    Each line is one. Taking one twice changes nothing. Answers that follow at once go to the
    partner's node, or with --out to a file. Exit 1 when one of them does not hold.
    """
    from tearline.cli import afterwards
    from tearline.cli.mail import receive_file
    from tearline.cli.options import open_home

    opened = open_home(home)
    taken = receive_file(opened, file)
    afterwards.show_received(opened, taken, out, as_json=json)
    if any(each.problem for each in taken):
        raise typer.Exit(1)


@app.command()
def countersign(ref: Ref, out: Out = None, home: Place = None, json: Json = False) -> None:
    """Sign what the partner proposed.

    Read it first: `tearline agreement show ID`, and `tearline agreement preview ID`.
    """
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve

    opened = open_home(home)
    done = signing.countersign(opened, resolve(opened, ref), now=clock.now())
    afterwards.show(opened, [done], f"Countersigned {done.agreement_id}.", out, as_json=json)


@app.command()
def reject(
    ref: Ref, reason: Reason, out: Out = None, home: Place = None, json: Json = False
) -> None:
    """Say no to what the partner proposed."""
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve

    opened = open_home(home)
    done = signing.reject(opened, resolve(opened, ref), reason, now=clock.now())
    afterwards.show(opened, [done], f"Rejected {done.agreement_id}.", out, as_json=json)


@app.command()
def withdraw(
    ref: Ref, reason: Why = None, out: Out = None, home: Place = None, json: Json = False
) -> None:
    """Take back a proposal of ours that nobody has countersigned."""
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve

    opened = open_home(home)
    done = signing.withdraw(opened, resolve(opened, ref), reason, now=clock.now())
    afterwards.show(opened, [done], f"Withdrew {done.agreement_id}.", out, as_json=json)


@app.command()
def suspend(
    ref: Ref, reason: Reason, out: Out = None, home: Place = None, json: Json = False
) -> None:
    """Stop an agreement at once. Either side may.

    What was given under it is recalled.
    """
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve

    opened = open_home(home)
    done = signing.suspend(opened, resolve(opened, ref), reason, now=clock.now())
    afterwards.show(opened, done, f"Suspended {done[-1].agreement_id}.", out, as_json=json)


@app.command()
def resume(
    ref: Ref, reason: Why = None, out: Out = None, home: Place = None, json: Json = False
) -> None:
    """Ask to end a suspension, or agree to: it takes both."""
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve

    opened = open_home(home)
    done = signing.resume(opened, resolve(opened, ref), reason, now=clock.now())
    waits = done[-1].state == "suspended"
    line = "Asked to resume; it takes the partner too." if waits else "Resumed."
    afterwards.show(opened, done, line, out, as_json=json)


@app.command()
def terminate(
    ref: Ref, reason: Reason, out: Out = None, home: Place = None, json: Json = False
) -> None:
    """End an agreement for good. Either side may."""
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve

    opened = open_home(home)
    done = signing.terminate(opened, resolve(opened, ref), reason, now=clock.now())
    afterwards.show(opened, done, f"Ended {done[-1].agreement_id}.", out, as_json=json)


@app.command("account")
def account(ref: Ref, home: Place = None, json: Json = False) -> None:
    """Make a key for a receiver who has no node.

    For a one-sided agreement. The key is shown once, and only its hash is kept.
    """
    from tearline import clock
    from tearline.agreement import signing
    from tearline.cli.options import open_home
    from tearline.cli.readings import resolve
    from tearline.cli.terminal import answer

    opened = open_home(home)
    key = signing.open_account(opened, resolve(opened, ref), now=clock.now())
    answer(json, {"key": key}, f"Key: {key}", "It is not kept here: hand it over by a safe way.")
