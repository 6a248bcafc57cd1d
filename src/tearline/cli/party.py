"""Verbs about partners: add a card once its words were compared, list, show, block."""

from pathlib import Path
from typing import Annotated

import typer

from tearline.cli.options import Json, Party, Place, Reason

app = typer.Typer(no_args_is_help=True, help="Partners, and the cards that people confirmed.")

_WORDS = "The eight words as the partner read them out, by telephone or in person."


@app.command()
def add(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The partner's card file.")],
    words: Annotated[str | None, typer.Option("--words", help=_WORDS)] = None,
    vouch: Annotated[
        Path | None,
        typer.Option("--vouch", help="What a partner whom we know signed of this card."),
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Add a partner by its card, once its words were compared.

    Without the words the card is refused: whoever sent the file could have made it. Asks for them
    on a terminal. A partner who compared them can vouch for the card: `tearline card vouch`.
    """
    from tearline import clock
    from tearline.agreement.card import read_card
    from tearline.agreement.partners import add_party
    from tearline.cli import cards
    from tearline.cli.asking import ask_words
    from tearline.cli.options import open_home, read_bytes
    from tearline.cli.terminal import answer

    content = read_bytes(card)
    vouched = read_bytes(vouch) if vouch else None
    heard = words or (None if vouched else ask_words(read_card(content), as_json=json))
    added = add_party(open_home(home), content, heard, vouched=vouched, now=clock.now())
    value = {"party": added.slug, "name": added.name, **cards.described(added)}
    answer(json, value, f"{added.name} is a partner now, as {added.slug}.")


@app.command("add-plain")
def add_plain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the party is called.")],
    short: Annotated[
        str | None, typer.Option("--short", help="Its short name; made from the name without it.")
    ] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Enter a party that has no node, only a TAXII client.

    It gets objects under a one-sided agreement: our signature, and the paper that it signed.
    """
    from tearline import clock
    from tearline.agreement.partners import add_plain as enter
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    added = enter(open_home(home), name, short, now=clock.now())
    value = {"party": added.slug, "name": added.name, "card": None}
    line = f"{added.name} is a party now, as {added.slug}, without a node."
    follow = f"Next: tearline agreement new --with {added.slug} --paper FILE --out DRAFT"
    answer(json, value, line, follow)


@app.command("list")
def list_(home: Place = None, json: Json = False) -> None:
    """List the partners."""
    from tearline.cli import readings
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer

    found = readings.partners(open_home(home))
    names = ("party", "name", "since", "agreements", "url")
    rows = [[each[name] for name in names] + [each["blocked"] or ""] for each in found]
    answer(json, found, Table((*names, "blocked"), rows), *([] if found else ["No partners yet."]))


@app.command()
def show(party: Party, home: Place = None, json: Json = False) -> None:
    """Show a partner: its card, its words, and the agreements with it."""
    from tearline.agreement.card import read_card
    from tearline.cli import cards, readings
    from tearline.cli.options import open_home
    from tearline.cli.terminal import Table, answer

    value, card = readings.partner(open_home(home), party)
    described = cards.described(read_card(card)) if card else {"card": None, "words": None}
    lines = cards.lines(read_card(card)) if card else [f"Name      {value['name']}, without a node"]
    lines += [f"Vouched   by {each}" for each in value["vouched_by"]]
    if value["blocked"]:
        lines.append(f"Blocked   since {value['blocked_at']}: {value['blocked']}")
    if value["doubt"]:
        lines.append(f"Doubt     since {value['doubted_at']}: {value['doubt']}")
    names = ("agreement", "version", "state", "title")
    rows = [[each[name] for name in names] for each in value["agreements"]]
    answer(json, value | described, *lines, Table(names, rows))


@app.command()
def confirm(
    party: Party,
    words: Annotated[str | None, typer.Option("--words", help=_WORDS)] = None,
    home: Place = None,
    json: Json = False,
) -> None:
    """Confirm a partner's newest card, once words were compared.

    After a revoked key or a second card of it. Agreements stay suspended until both sides resume.
    """
    from tearline import clock
    from tearline.agreement.partners import confirm_party
    from tearline.cli import cards, readings
    from tearline.cli.asking import ask_words
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    heard = words or ask_words(readings.card_of(opened, party), as_json=json)
    card = confirm_party(opened, party, heard, now=clock.now())
    value = {"party": card.slug, "name": card.name, **cards.described(card)}
    follow = "What is suspended with it: `tearline agreement resume`, on both sides."
    answer(json, value, f"The card of {card.name} is confirmed.", follow)


@app.command()
def block(party: Party, reason: Reason, home: Place = None, json: Json = False) -> None:
    """Stop everything with a partner at once.

    Its keys open nothing, its messages are refused, every agreement with it is suspended.
    """
    from tearline import clock
    from tearline.agreement.partners import block_party
    from tearline.cli import afterwards
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = open_home(home)
    blocked = block_party(opened, party, reason, now=clock.now())
    withdrawn = afterwards.reconcile(opened)
    value = {"party": blocked.slug, "blocked": blocked.blocked_reason, **withdrawn}
    line = f"{blocked.name} is blocked: no key of it opens, nothing is served, nothing is taken."
    answer(json, value, line, *afterwards.reconcile_lines(withdrawn))


@app.command()
def unblock(party: Party, reason: Reason, home: Place = None, json: Json = False) -> None:
    """Listen to a partner again.

    Its agreements stay suspended until both sides resume them.
    """
    from tearline import clock
    from tearline.agreement.partners import unblock_party
    from tearline.cli.options import open_home
    from tearline.cli.terminal import answer

    opened = unblock_party(open_home(home), party, reason, now=clock.now())
    line = f"{opened.name} is no longer blocked. Agreements with it stay as they are."
    answer(json, {"party": opened.slug, "blocked": None}, line)
