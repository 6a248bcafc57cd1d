"""Verbs that show and run a node, and those that tell stories: status, serve, story, demo."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Place


def status(home: Place = None, json: Json = False) -> None:
    """Show how the node stands.

    What is held, released, waiting and not delivered, and the state of each agreement.
    """
    from tearline.cli.options import open_home
    from tearline.cli.standing import standing, standing_parts
    from tearline.cli.terminal import answer

    found = standing(open_home(home))
    answer(json, found, *standing_parts(found))


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port.")] = 8400,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 1,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak TLS with the key of `tearline tls make`.")
    ] = False,
    home: Place = None,
    json: Json = False,
) -> None:
    """Run the node until it is stopped.

    It serves partners and pages, syncs, and signs our logs. It speaks TLS with --tls, or with the
    files that TEARLINE_TLS_CERT and TEARLINE_TLS_KEY name. As long as nobody uses the pages it
    prints a link by which the first admin signs in.
    """
    from tearline import clock
    from tearline.cli.options import open_home, place_of
    from tearline.cli.terminal import note
    from tearline.config import settings
    from tearline.node.serve import serve as run
    from tearline.node.serve import shows
    from tearline.web.signing_in import first

    place = place_of(home)
    opened = open_home(place)
    token = first(opened, now=clock.now())
    opened.store.close()
    shown = shows(place, own=tls)
    scheme = "http" if shown is None else "https"
    note(f"Serving at {scheme}://{host}:{port}; Ctrl-C stops it.", as_json=json)
    if token is not None:
        # Passkeys belong to a name, never to an address of numbers.
        name = "localhost" if host in {"127.0.0.1", "::1"} else host
        at = settings().pages_url.rstrip("/") or f"{scheme}://{name}:{port}"
        note(f"First sign-in: {at}/welcome/{token}", as_json=json)
    run(place, host, port, workers, shown)


def story(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|REPORT]", help="A bundle, or the id of a report we hold."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Read a report as attributed text.

    Who said what, through whom, how surely, and who denies it. Without an argument: the reports
    with claims that we hold.
    """
    from tearline.cli.options import open_home
    from tearline.cli.stories import is_file, read_held, read_story, story_lines
    from tearline.cli.terminal import answer

    if source is not None and is_file(source):
        found = read_story(Path(source))
    else:
        found = read_held(open_home(home), source)
    answer(json, found, *story_lines(found))


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop the nodes at the end.")] = False,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the verdict to this file.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep the two homes in this folder."),
    ] = None,
) -> None:
    """Play the founding story between two nodes.

    A third process judges it. Exit 1 when the judge finds anything that the signed text does not
    allow.
    """
    from tearline.cli.demo.play import run

    raise typer.Exit(run(once=once, json=json, keep=keep))
