"""Changes of our card, as they are told before and after, and what is to be done about cards."""

from typing import Any

import typer

from tearline.agreement.card import (
    USES,
    CardFile,
    check_words,
    write_cards,
)
from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.document import moment as moment_in
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.rotation import Cards
from tearline.cli import cards
from tearline.cli.terminal import Part, Table, count, interactive, joined, moment, stamp, visible
from tearline.errors import InputError, MisuseError, RefusedError
from tearline.store import parties
from tearline.store.database import Tx

SOON_DAYS = 60
_US_PER_DAY = 86_400_000_000


# -------------------------------------------------------------------------------------- before


def ask(plan: list[str], *, yes: bool, as_json: bool) -> None:
    """Tell what would be done, and ask; RefusedError unless a person or `yes` says so."""
    if yes:
        return
    if as_json or not interactive():
        raise RefusedError(
            "Nothing was changed: nobody said yes.", means=" ".join(plan), do="Add --yes to do it."
        )
    for line in plan:
        typer.echo(visible(line), err=True)
    if not typer.confirm("Do it?", err=True):
        raise RefusedError("Nothing was changed.")


def renewal(home: Home, url: str | None) -> list[str]:
    """Say what renewing would do."""
    return [
        f"A new card with the same keys, at {url or 'no address'}.",
        *_follows(home),
        "No words have to be compared: the same root key signs it.",
    ]


def rotation(home: Home, use: str, days: int) -> list[str]:
    """Say what rotating a key would do; MisuseError for a use that no card has."""
    _check(use)
    if use == "root":
        return [
            "A new card; its root key is the one to which the card of today committed.",
            "It commits to a fresh one in turn.",
            "Both root keys sign it; then the old one is erased.",
            *_follows(home),
            "No words have to be compared.",
        ]
    also = " Both sign our checkpoints." if use == "log" else ""
    return [
        f"A new {use} key on a new card; the old one counts for {count(days, 'day')} more.{also}",
        "After that its file is overwritten and removed.",
        *_follows(home),
        "No words have to be compared: the same root key signs the card.",
    ]


def revocation(home: Home, use: str, since_at: int) -> list[str]:
    """Say what revoking a key would do; MisuseError for a use that no card has."""
    _check(use)
    return [
        f"Our {use} key counts for nothing that partners had not seen before {moment(since_at)}.",
        "Its file is erased at once; a new key takes its place on a new card.",
        *_follows(home),
        "What runs is suspended, here and at every partner.",
        "A person there has to compare the words of the new card; then both sides resume.",
    ]


def _follows(home: Home) -> list[str]:
    with home.store.read() as tx:
        told = [each.slug for each in parties.partners(tx) if each.card is not None]
    return [f"The card goes into our logs and, with the next message, to: {joined(told)}."]


def _check(use: str) -> None:
    if use not in USES:
        raise MisuseError(f"A card has no {use!r} key.", do=f"It has {joined(USES)}.")


def moment_of(text: str | None, now: int) -> int:
    """Return the moment that was named, or now; MisuseError when it is none."""
    try:
        return now if text is None else moment_in(text)
    except (InputError, ValueError) as error:
        do = "Write a date, or 2026-03-01T12:00:00Z."
        raise MisuseError(f"{text!r} is no moment.", do=do) from error


# --------------------------------------------------------------------------------------- after


def done(home: Home, file: CardFile, what: str) -> tuple[dict[str, Any], *tuple[Part, ...]]:
    """Return what was done, as JSON and for people."""
    with home.store.read() as tx:
        told = [each.slug for each in parties.partners(tx) if each.card is not None]
    keys = sorted((home.path / "keys").glob("next-root*.pem"))
    value = {"done": what, **cards.described(file.card), "tells": told}
    value["next_root"] = str(keys[0]) if keys else None
    lines = [f"Done: {what}.", *cards.lines(file.card)]
    lines.append(f"Goes to   {joined(told)}, with the next sync, or `tearline agreement export`.")
    if keys:
        lines.append(f"Move {keys[0]} to a safe place off this machine.")
    return value, *lines


# --------------------------------------------------------------------------------------- chain


def chain_of(home: Home, party: str | None) -> Cards:
    """Return our cards, or a partner's; RefusedError for a partner without any."""
    with home.store.read() as tx:
        if party is None:
            return our_cards(tx, home)
        partner = find_party(tx, party)
        found = cards_of(tx, partner.slug)
    if found is None:
        raise RefusedError(f"{partner.name} has no card.", do="It has no node.")
    return found


def chain_file(found: Cards) -> bytes:
    """Return the file that carries all of a party's cards."""
    return write_cards(found.files) + b"\n"


def chain_value(found: Cards) -> dict[str, Any]:
    """Return a party's cards and keys as JSON."""
    return {
        "party": found.newest.slug,
        "cards": [
            {
                "hash": name,
                "words": check_words(name),
                "issued": each.card.issued,
                "expires": each.card.expires,
                "replaces": each.card.replaces,
            }
            for name, each in zip(found.hashes, found.files, strict=True)
        ],
        "keys": [
            {
                "use": use,
                "key": key,
                "from": stamp(span.from_at or None),
                "until": stamp(span.until_at),
                "revoked": span.revoked,
            }
            for (use, key), span in found.spans.items()
        ],
    }


def chain_parts(found: Cards) -> list[Part]:
    """Return a party's cards and keys for people."""
    listed = [
        (each.card.issued[:19], name[7:19], check_words(name))
        for name, each in zip(found.hashes, found.files, strict=True)
    ]
    keys = [
        (
            use,
            key.split("+")[1],
            moment(span.from_at or None),
            moment(span.until_at),
            span.revoked or "",
        )
        for (use, key), span in found.spans.items()
    ]
    return [
        Table(("issued", "card", "words"), listed),
        Table(("key", "id", "counts from", "until", "revoked"), keys),
    ]


# -------------------------------------------------------------------------------------- status


def alarms(tx: Tx, home: Home, *, now: int) -> list[str]:
    """Return what a person has to do about cards: those that end soon, and those in doubt."""
    known = parties.partners(tx)
    lines = [_ending("Our card", home.card.expires_at, now, "run `tearline card renew`")]
    for each in known:
        held = cards_of(tx, each.slug)
        if held is not None:
            whose, then = f"The card of {each.name}", "ask it for `tearline card renew`"
            lines.append(_ending(whose, held.newest.expires_at, now, then))
        if each.doubt is not None:
            lines.append(
                f"{each.name} has to be confirmed again: {each.doubt} "
                f"Compare its words: `tearline party confirm {each.slug}`."
            )
    return [each for each in lines if each]


def _ending(whose: str, at: int, now: int, then: str) -> str:
    days = (at - now) // _US_PER_DAY
    if days < 0:
        return f"{whose} has expired at {moment(at)}: {then}."
    return f"{whose} ends in {count(days, 'day')}: {then}." if days < SOON_DAYS else ""
