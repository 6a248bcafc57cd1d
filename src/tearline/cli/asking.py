"""Questions to the person at the terminal."""

import sys
from typing import TYPE_CHECKING

import typer

from tearline.agreement.card import Card
from tearline.cli.terminal import interactive, visible
from tearline.errors import MisuseError, RefusedError

if TYPE_CHECKING:
    from tearline.exchange.foreign_find import Collection, Found


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


def ask_login(user: str | None, *, password: bool, key: bool, as_json: bool) -> str | None:
    """Return the password of a user, or a key, at a server that we read; None for neither."""
    if key and (user is not None or password):
        raise MisuseError("A key and a password came together.", do="Give one of them.")
    if password and user is None:
        raise MisuseError("A password without a user.", do="Name the user with --user.")
    if user is None and not key:
        return None
    return ask_password(from_input=password or key, as_json=as_json)


def ask_collections(found: "Found", *, as_json: bool) -> "list[Collection]":
    """Ask which collections are to be read; RefusedError where nobody can be asked."""
    from tearline.cli import feeds

    if as_json or not interactive():
        raise feeds.unchosen(found)
    readable = [each for each in found.collections if each.can_read]
    for number, each in enumerate(readable, 1):
        typer.echo(f"{number:4}  {visible(each.title)}  {each.id}", err=True)
    said: str = typer.prompt("Which of them? Numbers with commas, or all", err=True)
    if said.strip().lower() == "all":
        return readable
    numbers = [int(each) for each in said.replace(",", " ").split() if each.isdigit()]
    return [readable[each - 1] for each in numbers if 0 < each <= len(readable)] or (
        ask_collections(found, as_json=as_json)
    )
