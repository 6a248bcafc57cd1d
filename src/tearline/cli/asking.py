"""Questions to the person at the terminal."""

import sys

import typer

from tearline.agreement.card import Card
from tearline.cli.terminal import interactive, visible
from tearline.errors import MisuseError, RefusedError


def ask_words(card: Card, *, as_json: bool) -> str:
    """Ask for the words that the partner reads out; RefusedError where nobody can be asked.

    The words of this card are not shown: who sees them would confirm them without listening.
    """
    if as_json or not interactive():
        raise RefusedError(
            f"The words of the card of {card.name} were not compared.",
            means="Whoever sent the file could have made it; trust on first use is refused.",
            do="Have the partner read its words out by telephone, and give them with --words.",
        )
    typer.echo(f"This card says it is of {visible(card.name)} ({card.slug}).", err=True)
    typer.echo("Call them by a number that you know, and have them read their words.", err=True)
    said: str = typer.prompt("The eight words you hear", err=True)
    return said


def ask_password(*, from_input: bool, as_json: bool) -> str:
    """Return a password: the first line of standard input, or typed twice at the terminal.

    MisuseError where there is neither: as an argument it would stand in the list of processes.
    """
    if from_input:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if as_json or not interactive():
        raise MisuseError("No password came.", do="Pipe it into --password-stdin.")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed
