"""The ``tearline`` command: joins the verb groups, one file for each beside this one."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from tearline import __version__
from tearline.cli import (
    account,
    ach,
    card,
    claim,
    collection,
    connect,
    evidence,
    exchanging,
    group,
    history,
    node,
    objects,
    onward,
    party,
    person,
    proofs,
    queue,
    signing,
    source,
    staff,
    status,
    store,
    tls,
    views,
    witnessing,
    worth,
)
from tearline.cli.terminal import fail, note
from tearline.errors import MisuseError, TearlineError

INTERRUPTED = 130

# Plain help: drawn by rich it takes twice as long and breaks lines in the middle of a sentence.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def tearline(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Exchange threat intelligence under a signed agreement, and prove what passed."""
    if version:
        typer.echo(f"tearline {__version__}")
        raise typer.Exit


_VERBS: dict[str, Callable[..., None]] = {
    "init": node.init,
    "status": status.status,
    "serve": status.serve,
    "import": objects.import_,
    "objects": objects.objects,
    "show": objects.show,
    "mark": objects.mark,
    "grade": objects.grade,
    "hold": objects.hold,
    "release-hold": objects.release_hold,
    "holds": objects.holds,
    "connect": connect.connect,
    "explain": exchanging.explain,
    "sync": exchanging.sync,
    "received": exchanging.received,
    "recall": exchanging.recall,
    "recalls": exchanging.recalls,
    "exit": exchanging.exit_,
    "replay": proofs.replay,
    "story": status.story,
    "demo": status.demo,
}
for name, verb in _VERBS.items():
    app.command(name)(verb)
for name, verb in witnessing.VERBS.items():
    proofs.log_app.command(name)(verb)
for name, verb in {**worth.VERBS, **history.VERBS, **views.VERBS}.items():
    claim.app.command(name)(verb)
for name, group_app in {
    "card": card.app,
    "party": party.app,
    "agreement": signing.app,
    "group": group.app,
    "collection": collection.app,
    "account": account.app,
    "source": source.app,
    "quarantine": exchanging.quarantine_app,
    "queue": queue.app,
    "onward": onward.app,
    "claim": claim.app,
    "ach": ach.app,
    "person": person.app,
    "staff": staff.app,
    "log": proofs.log_app,
    "receipt": proofs.receipt_app,
    "evidence": evidence.app,
    "store": store.app,
    "tls": tls.app,
    "config": node.config_app,
}.items():
    app.add_typer(group_app, name=name)


def run(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit code; whatever goes wrong is said, never thrown.

    0 for yes, 1 for a refusal or a failed check, 2 for misuse, 130 when interrupted.
    """
    as_json = "--json" in arguments
    try:
        code = app(args=list(arguments), prog_name="tearline", standalone_mode=False)
        sys.stdout.flush()
    except TearlineError as error:
        fail(error, as_json=as_json)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        note("Stopped.", as_json=as_json)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001  # people get three sentences, not a traceback
        return _unexpected(error, as_json=as_json)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def _unexpected(error: Exception, *, as_json: bool) -> int:
    """Say what typer or Python threw, and return the exit code for it."""
    if _was_interrupted(error):
        note("Stopped.", as_json=as_json)
        return INTERRUPTED
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error}\n")
        return MisuseError.exit_code
    if os.environ.get("TEARLINE_DEBUG"):
        traceback.print_exception(error)
    explained = _explained(error)
    fail(explained, as_json=as_json)
    return explained.exit_code


def _was_interrupted(error: BaseException) -> bool:
    """Whether an error only followed on Ctrl-C: cleaning up may fail while it is passed on."""
    cause = error.__context__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _was_interrupted(cause))


def _explained(error: Exception) -> TearlineError:
    """Say in three sentences what typer or Python threw."""
    said = getattr(error, "format_message", None)
    if said is not None:
        return MisuseError(" ".join(str(said()).split()), do="Run the verb with --help.")
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return TearlineError(
            f"{place}{error.strerror or error}.",
            means="The system did not let this be done.",
            do="Check the file, its permissions and the space on the disk.",
        )
    first = (str(error).splitlines() or [""])[0]
    return TearlineError(
        f"Something broke inside Tearline: {type(error).__name__}: {first}",
        means="This is a mistake in the program. What was being written was undone.",
        do="Run it again with TEARLINE_DEBUG=1 and report what it prints.",
    )
