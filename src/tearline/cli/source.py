"""Verbs about sources: foreign TAXII servers that we read."""

from typing import Annotated

import typer

from tearline.cli.objects import Grade, Mark
from tearline.cli.options import Json, Place

app = typer.Typer(
    no_args_is_help=True, help="Foreign TAXII servers that we read; what comes is our import."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The source's name.")]
User = Annotated[str | None, typer.Option("--user", help="The user; its password is asked for.")]
PasswordIn = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
KeyIn = Annotated[bool, typer.Option("--key-stdin", help="Read a key from standard input.")]
KeyHeader = Annotated[
    str, typer.Option("--key-header", help="The header of the key, X-API-Key say; or bearer.")
]


@app.command()
def add(
    name: Name,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A discovery, an API root or a collection.")
    ],
    *,
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", metavar="ID", help="A collection to read, by id or title."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Read each collection that may be read.")
    ] = False,
    user: User = None,
    password_stdin: PasswordIn = False,
    key_stdin: KeyIn = False,
    key_header: KeyHeader = "bearer",
    mark: Mark = None,
    grade: Grade = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="MOMENT", help="Read what was added after it.")
    ] = None,
    every: Annotated[
        int, typer.Option("--every", min=0, help="Seconds between polls; 0: only by sync.")
    ] = 300,
    page: Annotated[
        int | None, typer.Option("--page", min=1, help="Objects asked for at a time.")
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Allow HTTP without TLS to another machine.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Read a TAXII 2.1 or 2.0 server from now on.

    Finds out what stands at the address, and shows it. Objects of STIX 2.0 are lifted to 2.1. What
    comes is an import of ours from `taxii:NAME`, with the mark and the grade as defaults; it is
    never a partner's release. Where several collections may be read, name those that you mean.
    """
    from tearline.cli import feed_parts, feeds
    from tearline.cli.asking import ask_collections, ask_login
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    feeds.check_name(opened, name)
    secret = ask_login(user, password=password_stdin, key=key_stdin, as_json=json)
    login = feeds.login_with(user, secret, key_header)
    found = feeds.look(url, login, plain_http=plain_http)
    picked = feeds.chosen(found, collection or (), everything=everything)
    picked = picked or ask_collections(found, as_json=json)
    wishes = feeds.Wishes(mark, grade, since, every, page)
    added = feeds.add(opened, name, url, login, picked, wishes, plain_http=plain_http)
    line = f"Reading {len(picked)} of them as {name}; `tearline sync {name}` begins now."
    answer(json, added | {"found": feed_parts.found_value(found)}, *feed_parts.choices(found), line)


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the sources.

    With how far each is read, its last poll, its problem, and its next try.
    """
    from tearline.cli import feed_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = feed_parts.everything(open_home(home))
    answer(json, found, feed_parts.all_table(found), *([] if found else ["No sources yet."]))


@app.command()
def show(name: Name, home: Place = None, json: Json = False) -> None:
    """Show a source.

    With what came, what was refused and why, and how the last poll went.
    """
    from tearline.cli import feed_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    found = feed_parts.one(open_home(home), name)
    answer(json, found, *feed_parts.one_parts(found))


@app.command()
def end(name: Name, home: Place = None, json: Json = False) -> None:
    """Read a source no more.

    What it gave stays; what let us in there is erased.
    """
    from tearline import clock
    from tearline.cli import feed_parts
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.exchange import sources

    opened = open_home(home)
    sources.end(opened, name, now=clock.now())
    answer(json, feed_parts.one(opened, name), f"{name} is read no more.")


@app.command()
def retry(
    name: Name,
    *,
    user: User = None,
    password_stdin: PasswordIn = False,
    key_stdin: KeyIn = False,
    key_header: KeyHeader = "bearer",
    home: Place = None,
    json: Json = False,
) -> None:
    """Ask a source again, whatever stopped it.

    With another login if one is given.
    """
    from tearline.cli import feed_parts, feeds
    from tearline.cli.asking import ask_login
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer
    from tearline.exchange import sources

    opened = open_home(home)
    secret = ask_login(user, password=password_stdin, key=key_stdin, as_json=json)
    login = feeds.login_with(user, secret, key_header)
    sources.retry(opened, name, login if login.way else None)
    answer(json, feed_parts.one(opened, name), f"`tearline sync {name}` asks it again.")
