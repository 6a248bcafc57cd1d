"""Verbs that move and explain objects between partners: explain, sync, recall, quarantine."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, ObjectId, Party, Place, Reason

quarantine_app = typer.Typer(
    no_args_is_help=True, help="What came in outside the agreement and waits for a person."
)

To = Annotated[str, typer.Option("--to", metavar="PARTY", help="The partner.")]
Hash = Annotated[
    str, typer.Argument(metavar="ITEM", help="Its hash or object id, from `quarantine list`.")
]


def explain(object_id: ObjectId, to: To, home: Place = None, json: Json = False) -> None:
    """Say why an object goes to a partner, waits or stays.

    With every reason, and the path that ties it to the topic. Exit 0 whatever the outcome is; 1
    when the object or the partner is not known.
    """
    from tearline import clock
    from tearline.cli.known import known
    from tearline.cli.options import open_home
    from tearline.cli.outcomes import explanation_parts, explanation_value
    from tearline.cli.terminal import answer
    from tearline.release.preview import explain as weigh

    with known():
        found = weigh(open_home(home), object_id, to, now=clock.now())
    answer(json, explanation_value(object_id, to, found), *explanation_parts(to, found))


def sync(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A partner or a source; else each.")
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Exchange with partners, and read sources.

    Brings our messages, takes what partners give, checks it, and answers for it; then reads what
    foreign servers have (`tearline source`). Can be interrupted at any moment and run again:
    nothing is lost, nothing is taken twice. Exit 1 when something could not be brought or taken.
    """
    from tearline.cli.options import open_home
    from tearline.cli.syncing import sync_all, sync_parts
    from tearline.cli.terminal import answer

    found = sync_all(open_home(home), name, as_json=json)
    answer(json, found, *sync_parts(found))
    if not found["ok"]:
        raise typer.Exit(1)


def received(
    party: Annotated[str | None, typer.Argument(metavar="[PARTY]", help="One partner.")] = None,
    expired: Annotated[
        bool, typer.Option("--expired", help="Those alone whose time is over.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """List what partners gave us, and until when it may be used.

    What expired is gone from here, by our own clock: only this line is left of it, and the entry in
    our log that the giver has a receipt of.
    """
    from tearline import clock
    from tearline.cli.known import known
    from tearline.cli.options import open_home
    from tearline.cli.takings import received_table, received_value
    from tearline.cli.terminal import answer
    from tearline.release.holding import holdings

    with known():
        found = holdings(open_home(home), party, now=clock.now())
    found = [each for each in found if each.state == "expired" or not expired]
    none = "Nothing expired." if expired else "Nothing was received."
    answer(json, received_value(found), received_table(found), *([] if found else [none]))


def recall(
    object_id: ObjectId, to: To, reason: Reason, home: Place = None, json: Json = False
) -> None:
    """Take back what a partner holds of an object.

    It is an order to stop using it; the object is held back from now on. The partner's node answers
    with a receipt; see `tearline recalls`. A receiver without a node cannot answer: the object
    leaves its collection, and you tell it yourself.
    """
    from tearline import clock
    from tearline.cli.known import known
    from tearline.cli.options import open_home
    from tearline.cli.syncing import recall_line, recall_table, recall_value
    from tearline.cli.terminal import answer
    from tearline.release.recall import recall as order

    with known():
        done = order(open_home(home), object_id, to, reason, now=clock.now())
    line = recall_line(to, done)
    answer(json, recall_value(done), line, recall_table(done))


def recalls(
    party: Annotated[str | None, typer.Argument(metavar="[PARTY]", help="One partner.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Those alone that were not answered in time.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """List our recalls: which are confirmed, open or overdue.

    The agreement says within how many days a recall is answered. A receiver without a node cannot
    answer: its recalls are unconfirmable.
    """
    from tearline.cli.options import open_home
    from tearline.cli.syncing import recall_table, recall_value, recalled_from
    from tearline.cli.terminal import answer

    found = recalled_from(open_home(home), party, overdue=overdue)
    none = "None is overdue." if overdue else "No recalls."
    answer(json, recall_value(found), recall_table(found), *([] if found else [none]))


def exit_(
    party: Party,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write certificates and receipts into this folder.")
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Say what is left to do before an end with a partner is one.

    For each agreement: whether it is over, what they can still read, which recalls they have not
    answered, what we still hold of theirs, and whose certificate that nothing is left is missing.
    What expired goes first, and our own certificate is made. Exit 1 while anything is open.
    """
    from tearline import clock
    from tearline.cli.known import known
    from tearline.cli.leaving import leaving_parts, leaving_value, write_receipts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.release.leaving import leave

    with known():
        found = leave(open_home(home), party, now=clock.now())
    files = write_receipts(out, found) if out is not None else []
    done = all(each.is_done for each in found)
    value = {"done": done, "agreements": [leaving_value(each) for each in found], "files": files}
    parts = [part for each in found for part in leaving_parts(each)]
    last = "Nothing is left to do." if done else "Not at its end yet."
    answer(json, value, *parts, *files, last)
    if not done:
        raise typer.Exit(1)


@quarantine_app.command("list")
def quarantine_list(home: Place = None, json: Json = False) -> None:
    """List what waits in quarantine, and why."""
    from tearline.cli.options import open_home
    from tearline.cli.syncing import in_quarantine
    from tearline.cli.terminal import Table, answer, joined

    found = in_quarantine(open_home(home))
    rows = [
        (each["object"], joined(each["reasons"]), each["party"], each["at"], each["hash"])
        for each in found
    ]
    table = Table(("object", "reasons", "party", "since", "hash"), rows)
    answer(json, found, table, *([] if found else ["Nothing waits."]))


@quarantine_app.command("accept")
def quarantine_accept(item: Hash, reason: Reason, home: Place = None, json: Json = False) -> None:
    """Take an object out of quarantine on your word."""
    from tearline.cli.options import open_home
    from tearline.cli.syncing import settle_quarantined
    from tearline.cli.terminal import answer

    done = settle_quarantined(open_home(home), item, reason, accept=True)
    answer(json, done, f"Accepted {done['object']}.")


@quarantine_app.command("refuse")
def quarantine_refuse(item: Hash, reason: Reason, home: Place = None, json: Json = False) -> None:
    """Refuse an object in quarantine.

    Its bytes go, the line that says so stays.
    """
    from tearline.cli.options import open_home
    from tearline.cli.syncing import settle_quarantined
    from tearline.cli.terminal import answer

    done = settle_quarantined(open_home(home), item, reason, accept=False)
    answer(json, done, f"Refused {done['object']}.")
