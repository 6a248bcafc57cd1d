"""Verbs about the TLS key that this node shows, and those that its card names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tearline.cli.options import Json, Place

if TYPE_CHECKING:
    from tearline.exchange.certificates import Shown

app = typer.Typer(no_args_is_help=True, help="The TLS key that this node shows to partners.")
Days = Annotated[int, typer.Option("--days", help="How long the certificate lasts.")]


@app.command("show")
def show(home: Place = None, json: Json = False) -> None:
    """Show our certificate, and the keys that our card names."""
    from tearline.cli.options import open_home
    from tearline.exchange import certificates

    _answer(json, certificates.shown(open_home(home)))


@app.command("make")
def make(days: Days = 90, home: Place = None, json: Json = False) -> None:
    """Make a self-signed certificate for the address on our card.

    The card names the key, and partners believe the card: nobody else has to vouch for it. Run it
    again before the certificate ends; the key stays, and so does the card.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.exchange import certificates

    _answer(json, certificates.make(open_home(home), days=days, now=clock.now()), changed=True)


@app.command("next")
def prepare(home: Place = None, json: Json = False) -> None:
    """Make the key that is to come, and name it on our card.

    Sync, so that partners have the new card; once they do, run `tearline tls change`.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.exchange import certificates

    _answer(json, certificates.prepare(open_home(home), now=clock.now()), changed=True)


@app.command("change")
def change(days: Days = 90, home: Place = None, json: Json = False) -> None:
    """Put the prepared key in the place of the one in use.

    The old one leaves our card.
    """
    from tearline import clock
    from tearline.cli.options import open_home
    from tearline.exchange import certificates

    _answer(json, certificates.change(open_home(home), days=days, now=clock.now()), changed=True)


@app.command("pin")
def pin(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[CERTIFICATE]...", help="PEM files; none: the card names no key."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Name on our card the keys of these certificates alone.

    Those of a proxy, say.
    """
    from tearline import clock
    from tearline.cli.options import open_home, read_bytes
    from tearline.exchange import certificates

    found = [read_bytes(each) for each in files or []]
    done = certificates.name_keys(open_home(home), found, now=clock.now())
    _answer(json, done, changed=True)


def _answer(json: bool, found: "Shown", *, changed: bool = False) -> None:
    from tearline.agreement.card import card_hash, check_words
    from tearline.cli.terminal import answer, moment, stamp

    words = check_words(card_hash(found.card))
    value: dict[str, Any] = {
        "certificate": str(found.certificate) if found.certificate else None,
        "pin": found.pin,
        "until": stamp(found.until_at) if found.until_at else None,
        "card_names": list(found.card.tls),
        "fits": found.pin is None or found.pin in found.card.tls,
        "words": words,
    }
    lines = [f"Certificate  {found.certificate or 'none'}"]
    if found.until_at is not None:
        lines += [f"Key          {found.pin}", f"Lasts until  {moment(found.until_at)}"]
    lines += [f"Card names   {each}" for each in found.card.tls or ("no key",)]
    if not value["fits"]:
        lines.append("The card does not name this key: partners whose card has pins refuse it.")
    if changed:
        lines.append(f"Words        {words}")
        lines.append("A new card goes out with the next sync, or `tearline agreement export`.")
    answer(json, value, *lines)
