"""Claims in lines for a page: what each says, where it ends, and what it is worth."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from tearline.provenance.claims import EXTENSION
from tearline.store import claim_lists, claims, worth
from tearline.store.claim_lists import Chosen
from tearline.store.claims import ASSERTED, DENIED, Row
from tearline.store.database import Tx
from tearline.store.worth import Fall, Worth
from tearline.weighing import grades
from tearline.weighing.held import Held, held
from tearline.weighing.showing import Wrong, is_shown, no_claims


class Line(NamedTuple):
    """One claim; `source` is the name at the end of its chain, '' where that is kept back.

    `worth` is what is counted for its side, None where it is not weighed yet; `grade` is the one in
    force, '' for none; `fell` are the falls of its grade, the first first.
    """

    id: str
    origin: str
    title: str
    polarity: str
    certainty: str
    own_judgement: bool
    source_id: str
    source: str
    report: str
    report_name: str
    said: str
    proposition: str
    worth: Worth | None
    grade: str
    fell: tuple[Fall, ...]


class Part(NamedTuple):
    """One part of a list; `next` is the number of a version before which the list goes on."""

    lines: list[Line]
    next: int | None


class About(NamedTuple):
    """Some claims about an object: first what is asserted, then what is denied, the last first.

    `number` is how many there are, MOST of `store.claim_lists` + 1 for more.
    """

    lines: list[Line]
    number: int


class PartWrong(NamedTuple):
    """One part of what is no claim; `next` as of a `Part`."""

    lines: list[Wrong]
    next: int | None


def browse(tx: Tx, chosen: Chosen, *, limit: int, before: int | None = None, now: int) -> Part:
    """List the chosen claims, the last first."""
    rows = claim_lists.page(tx, chosen, limit + 1, before)
    return Part(lines(tx, rows[:limit], now=now), _further(rows, limit))


def about(tx: Tx, stix_id: str, *, most: int, now: int) -> About:
    """Return the newest claims about an object, as many of both sides where both say enough."""
    sides = (ASSERTED, DENIED)
    rows = [claim_lists.page(tx, Chosen(each, about=stix_id), most) for each in sides]
    if not any(rows):
        return About([], 0)
    found = lines(tx, chain.from_iterable(rows), now=now)
    asserted, denied = ([each for each in found if each.polarity == side] for side in sides)
    denied = denied[: max(most // 2, most - len(asserted))]
    shown = asserted[: most - len(denied)] + denied
    whole = all(len(each) < most for each in rows)
    number = len(found) if whole else claim_lists.number(tx, Chosen(about=stix_id))
    return About(shown, number)


def browse_wrong(tx: Tx, *, limit: int, before: int | None = None, now: int) -> PartWrong:
    """List what looks like a claim and is none, with what is wrong, the last first."""
    rows = claim_lists.wrong(tx, limit + 1, before)
    return PartWrong(no_claims(tx, rows[:limit], now=now), _further(rows, limit))


def lines(tx: Tx, rows: Iterable[Row], *, now: int) -> list[Line]:
    """Return claims as lines; what may not be used any more, and what we hold ourselves, is out."""
    rows = list(rows)
    found = held(tx, {each.stix_id for each in rows}, now=now)
    shown = [each for each in rows if is_shown(each, found)]
    ids = [each.stix_id for each in shown]
    links = claims.links(tx, [each.seq for each in shown])
    ends = {seq: chain[-1].identity for seq, chain in links.items()}
    named = held(tx, {*ends.values(), *(each.report or "" for each in shown)} - {""}, now=now)
    stand = claims.propositions(tx, ids)
    counted = worth.of(tx, set(stand.values()))
    graded = grades.written(tx, {each.stix_id: each.origin for each in shown})
    fell = claim_lists.falls_of(tx, ids)
    return [
        Line(
            each.stix_id,
            each.origin,
            found[each.stix_id].title,
            each.polarity,
            each.certainty,
            each.own_judgement,
            ends.get(each.seq, ""),
            title_of(named, ends.get(each.seq, "")),
            each.report or "",
            title_of(named, each.report or ""),
            _said(found[each.stix_id]),
            stand.get(each.stix_id, each.stix_id),
            counted.get((stand.get(each.stix_id, ""), each.polarity)),
            graded.get(each.stix_id, ""),
            tuple(fell.get(each.stix_id, ())),
        )
        for each in shown
    ]


def title_of(named: Mapping[str, Held], stix_id: str) -> str:
    """What somebody or something is called: by its id where it is not held, '' for nobody."""
    return named[stix_id].title if stix_id in named else stix_id


def _further(rows: list[Row], limit: int) -> int | None:
    """Before which number the list goes on, where one row more than the limit was found."""
    return rows[limit - 1].seq if len(rows) > limit else None


def _said(its: Held) -> str:
    """When a claim was said, in its own words: it was checked when it was sorted in."""
    return str(its.doc.get("extensions", {}).get(EXTENSION, {}).get("said", ""))
