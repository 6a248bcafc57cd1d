"""One source of claims: how it stands with us, what rests on it, and what its loss would lower."""

from collections.abc import Mapping
from typing import Any

from tearline.errors import MisuseError
from tearline.store import claim_lists, parties, worth
from tearline.store.claim_lists import Chosen
from tearline.store.database import Tx
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.pages.claims import counted, told
from tearline.web.pages.one_claim import JUDGING
from tearline.web.pages.stops import reason_of
from tearline.weighing import browsing, losing
from tearline.weighing import worth as weighing
from tearline.weighing.browsing import title_of
from tearline.weighing.grades import LETTERS
from tearline.weighing.held import held
from tearline.weighing.sources import source_of

_SHOWN = 50


def _source(asked: Asked) -> dict[str, Any]:
    identity = asked.path["id"]
    with asked.home.store.read() as tx:
        its = held(tx, [identity], now=asked.now).get(identity)
        part = browsing.browse(tx, Chosen(source=identity), limit=_SHOWN, now=asked.now)
        known = its is not None and its.version.type == "identity"
        if not known and not part.lines:
            raise AbsentError("We know no source of this id.", do="Look at the list of claims.")
        standing = worth.standings(tx, [identity]).get(identity)
        return {
            "id": identity,
            "name": its.title if its else identity,
            "held": its is not None,
            "agreement": (its.origin or None) if its else None,
            "standing": standing._asdict() if standing else None,
            "same": _same(tx, asked, identity),
            "number": counted(claim_lists.number(tx, Chosen(source=identity))),
            "claims": [told(each) for each in part.lines],
            "loss": _loss(tx, identity, asked.query.get("count") == "all"),
            "may": asked.who.may(*JUDGING),
        }


def _same(tx: Tx, asked: Asked, identity: str) -> list[dict[str, Any]]:
    """Who is judged to be the same source, with their own standing."""
    others = [each for each in worth.everybody(tx, identity) if each != identity]
    names = held(tx, others, now=asked.now)
    stand = worth.standings(tx, others)
    return [
        {
            "id": each,
            "name": title_of(names, each),
            "reliability": stand[each].reliability if each in stand else None,
            "discredited": stand[each].discredited if each in stand else None,
        }
        for each in others
    ]


def _loss(tx: Tx, identity: str, more: bool) -> dict[str, Any]:  # noqa: FBT001  # of an address
    found = losing.would_lose(tx, identity, losing.MOST if more else losing.FEW)
    names = parties.names(tx)
    partners = [{"partner": each, "name": names[each]} for each in found.partners]
    return {**found._asdict(), "partners": partners, "more": more}


# ----------------------------------------------------------------------------------------- forms


def _discredit(asked: Asked, given: Mapping[str, str]) -> str:
    """Say that it is not to be believed, or with `act=restore` that it is again."""
    why = None if given.get("act") == "restore" else reason_of(given)
    weighing.discredit(asked.home, _known(asked), why, asked.who.name, now=asked.now)
    return _at(asked)


def _rely(asked: Asked, given: Mapping[str, str]) -> str:
    """Give it its letter, or with an empty one take it back."""
    letter = given.get("letter", "").strip() or None
    if letter is not None and (len(letter) != 1 or letter not in LETTERS):
        raise MisuseError("A reliability is a letter from A to F.", means="Nothing was done.")
    weighing.rely(asked.home, _known(asked), letter, asked.who.name, now=asked.now)
    return _at(asked)


def _one(asked: Asked, given: Mapping[str, str]) -> str:
    """Judge that it is one source with another."""
    why, identity = reason_of(given), _known(asked)
    with asked.home.store.read() as tx:
        other = source_of(tx, given.get("other", ""))
    weighing.same(asked.home, identity, other, why, asked.who.name, now=asked.now)
    return _at(asked)


def _apart(asked: Asked, given: Mapping[str, str]) -> str:
    """Judge that it is a source of its own."""
    weighing.apart(asked.home, _known(asked), reason_of(given), now=asked.now)
    return _at(asked)


def _known(asked: Asked) -> str:
    identity = asked.path["id"]
    with asked.home.store.read() as tx:
        if not _is_source(tx, asked, identity):
            raise AbsentError("We know no source of this id.", do="Look at the list of claims.")
    return identity


def _is_source(tx: Tx, asked: Asked, identity: str) -> bool:
    its = held(tx, [identity], now=asked.now).get(identity)
    if its is not None:
        return its.version.type == "identity"
    return bool(identity and claim_lists.page(tx, Chosen(source=identity), 1))


def _at(asked: Asked) -> str:
    return f"/sources/{asked.path['id']}"


PAGES = (Page("/sources/{id}", "source.html", _source),)
FORMS = (
    Form("/sources/{id}/discredit", _discredit, JUDGING, proven=True),
    Form("/sources/{id}/rely", _rely, JUDGING, proven=True),
    Form("/sources/{id}/same", _one, JUDGING, proven=True),
    Form("/sources/{id}/apart", _apart, JUDGING, proven=True),
)
