"""Verbs about accounts of our own for TAXII; a partner's key is `agreement account`."""

from typing import Annotated

import typer

from tearline.cli.connect import Client, Url
from tearline.cli.options import Json, Place

app = typer.Typer(no_args_is_help=True, help="Accounts of our own for the local collections.")

User = Annotated[str, typer.Argument(metavar="USER", help="The account's name.")]
Read = Annotated[
    list[str] | None, typer.Option("--read", metavar="NAME", help="A collection that it may read.")
]
Write = Annotated[
    list[str] | None,
    typer.Option("--write", metavar="NAME", help="A collection that it may write to."),
]
Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
]


@app.command()
def add(
    user: User,
    password_stdin: Stdin = False,
    read: Read = None,
    write: Write = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Make an account, with rights to collections. Asks for its password on a terminal."""
    from tearline import clock
    from tearline.cli.asking import ask_password
    from tearline.cli.options import open_home
    from tearline.cli.shelves import one_account
    from tearline.cli.terminal import answer
    from tearline.exchange.accounts import add_account

    opened = open_home(home)
    password = ask_password(from_input=password_stdin, as_json=json)
    rights = {"read": read or (), "write": write or ()}
    made = add_account(opened, user, password, **rights, now=clock.now())
    answer(json, one_account(opened, made.name), f"Made the account {made.name}.")


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the accounts, with their rights and their keys by hash."""
    from tearline.cli.options import open_home
    from tearline.cli.shelves import all_accounts
    from tearline.cli.terminal import Table, answer, joined

    found = all_accounts(open_home(home))
    rows = [
        (
            each["account"],
            joined(each["read"]),
            joined(each["write"]),
            len(each["keys"]),
            each["ended"],
        )
        for each in found
    ]
    table = Table(("account", "reads", "writes", "keys", "ended"), rows)
    answer(json, found, table, *([] if found else ["No accounts yet."]))


@app.command()
def show(
    user: User, client: Client = None, url: Url = None, home: Place = None, json: Json = False
) -> None:
    """Say what to write into an account's client. Shows its last request, too."""
    from tearline.cli.connections import account_value, shown
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.exchange.accounts import find

    opened = open_home(home)
    found = account_value(opened, find(opened, user).name, client, url)
    answer(json, found, *shown(found))


@app.command()
def grant(
    user: User, read: Read = None, write: Write = None, home: Place = None, json: Json = False
) -> None:
    """Let an account read or write more collections."""
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.shelves import one_account
    from tearline.cli.terminal import answer
    from tearline.exchange import accounts

    opened = open_home(home)
    accounts.grant(opened, user, read=read or (), write=write or (), now=clock.now())
    answer(json, one_account(opened, user), f"Granted to {user}.")


@app.command()
def deny(
    user: User, read: Read = None, write: Write = None, home: Place = None, json: Json = False
) -> None:
    """Take rights from an account; it holds from the next request on."""
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.shelves import one_account
    from tearline.cli.terminal import answer
    from tearline.exchange import accounts

    opened = open_home(home)
    accounts.deny(opened, user, read=read or (), write=write or (), now=clock.now())
    answer(json, one_account(opened, user), f"Denied to {user} from now on.")


@app.command()
def password(
    user: User, password_stdin: Stdin = False, home: Place = None, json: Json = False
) -> None:
    """Change a password. The old one opens nothing from the next request on."""
    from tearline import clock
    from tearline.cli.asking import ask_password
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.exchange.accounts import set_password

    given = ask_password(from_input=password_stdin, as_json=json)
    set_password(open_home(home), user, given, now=clock.now())
    answer(json, {"account": user}, f"{user} has a new password.")


@app.command()
def key(
    user: User,
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="HASH", help="End the key whose hash begins so instead."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Make a key for an account and show it, this once. A program uses it in place of a password.

    It goes as a bearer token, in X-API-Key, or as the password of HTTP Basic.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.exchange.accounts import add_key, end_key

    opened = open_home(home)
    if end is not None:
        ended = end_key(opened, user, end, now=clock.now())
        answer(json, {"account": user, "ended": ended}, "The key opens nothing any more.")
        return
    made = add_key(opened, user, now=clock.now())
    lines = f"The key of {user}, shown this once:", made
    answer(json, {"account": user, "key": made}, *lines)


@app.command()
def end(user: User, home: Place = None, json: Json = False) -> None:
    """End an account with its keys and rights. It holds from the next request on."""
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.cli.shelves import one_account
    from tearline.cli.terminal import answer
    from tearline.exchange.accounts import end_account

    opened = open_home(home)
    end_account(opened, user, now=clock.now())
    answer(json, one_account(opened, user), f"The account {user} has ended.")
