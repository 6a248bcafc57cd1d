"""Agreements as files."""

from pathlib import Path
from typing import TYPE_CHECKING

from tearline.agreement.terms import Terms, parse_json, parse_toml
from tearline.cli.options import read_bytes
from tearline.errors import InputError, MisuseError

if TYPE_CHECKING:
    from tearline.agreement.card import Card
    from tearline.agreement.home import Home
    from tearline.agreement.template import Receiver


def read_terms(path: Path) -> Terms:
    """Return the agreement in a file, TOML or signed JSON bytes; InputError names the place."""
    content = read_bytes(path)
    try:
        if content.lstrip().startswith(b"{"):
            return parse_json(content.strip())
        return parse_toml(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            "The file is not UTF-8.", place=str(path), do="Save it as UTF-8."
        ) from error
    except InputError as error:
        place = f"{path}: {error.place}" if error.place else str(path)
        raise InputError(error.what, place=place, means=error.means, do=error.do) from error


def wider_here(home: Path | None, terms: Terms) -> list[str]:
    """Warn where it promises more than we may pass on; a draft can be read without a home too."""
    from tearline import clock
    from tearline.cli.options import open_home, place_of
    from tearline.release.onward import wider

    if not (place_of(home).expanduser() / "card.json").exists():
        return []
    return wider(open_home(home), terms, now=clock.now())


def terms_of(home: "Home", name: str) -> Terms:
    """Return the agreement in a file, or, where there is no such file, the one here called so."""
    from tearline.agreement.signing import versions_of
    from tearline.cli.readings import resolve

    path = Path(name)
    if name == "-" or path.exists():
        return read_terms(path)
    ref = resolve(home, name)
    with home.store.read() as tx:
        found = versions_of(tx, ref)
    return parse_json(next((each for each in found if each.hash == ref), found[-1]).terms)


def other_side(
    home: "Home", party: str | None, paper: Path | None, *, one_sided: bool
) -> "Card | Receiver":
    """Return what stands for the partner in a new agreement: its card, or a receiver on paper.

    MisuseError when a partner with a card is asked for on paper, or paper for one with a card.
    """
    from tearline.agreement.card import read_card
    from tearline.agreement.partners import find_party
    from tearline.agreement.template import Receiver
    from tearline.stix import canonical

    receiver = Receiver()
    if party is not None:
        with home.store.read() as tx:
            found = find_party(tx, party)
        if found.card is not None and not one_sided and paper is None:
            return read_card(found.card)
        if found.card is not None:
            raise MisuseError(
                f"{found.name} has a node, so it signs with its own key.",
                do="Leave out --one-sided and --paper.",
            )
        receiver = Receiver(found.name, found.slug)
    if paper is not None:
        receiver = receiver._replace(paper=canonical.sha256(read_bytes(paper)))
    return receiver
