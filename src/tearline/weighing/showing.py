"""Claims for whoever reads them: in a list, and one with all that stands around it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tearline.agreement.home import Home
from tearline.errors import RefusedError
from tearline.provenance.claims import Claim, Link, twice_in
from tearline.store import claim_lists, claims
from tearline.store import echoes as echo_rows
from tearline.store.claim_lists import Chosen
from tearline.store.claims import Row
from tearline.store.database import Tx
from tearline.weighing import echoes
from tearline.weighing.echoes import Circle
from tearline.weighing.held import Held, held, no_claim
from tearline.weighing.indexing import sort_in

_STEPS = 50
_MOST = 200
"""How many other claims are shown beside one."""


class Brief(NamedTuple):
    """One claim in a line; `origin` is the agreement under which it came, '' for ours.

    `source` is the name at the end of its chain, '' where that is not named.
    """

    id: str
    origin: str
    title: str
    polarity: str
    certainty: str
    source: str
    proposition: str


class Wrong(NamedTuple):
    """A note that has our extension and is no claim, and what is wrong with it."""

    id: str
    origin: str
    title: str
    problem: str


class Listed(NamedTuple):
    """The claims that came last, how many there are, and how many are not sorted in."""

    claims: list[Brief]
    wrong: list[Wrong]
    number: int
    number_wrong: int
    behind: int


class Shown(NamedTuple):
    """One claim. `names` has what sources and reports are called; `loop` who stands in it twice.

    `denies` is what it denies, None also where that is not held; `alike` are other claims of its
    proposition, and `more` how many there are beyond these. `echoes` says that it is our own report
    come back.
    """

    brief: Brief
    content: str
    hash: str
    lang: str | None
    claim: Claim
    names: dict[str, str]
    loop: tuple[str, ...]
    denies: Brief | None
    denied_by: list[Brief]
    alike: list[Brief]
    more: int
    echoes: list[Circle]


def listed(
    home: Home,
    *,
    limit: int,
    report: str | None = None,
    source: str | None = None,
    now: int,
) -> Listed:
    """List claims, the last first: all, or those of a report and in whose chain a source is."""
    behind = sort_in(home, steps=_STEPS)
    with home.store.read() as tx:
        number, wrong = claims.number(tx)
        return Listed(
            _briefs(tx, claim_lists.page(tx, Chosen(report=report, source=source), limit), now=now),
            no_claims(tx, claim_lists.wrong(tx, limit), now=now),
            number,
            wrong,
            behind,
        )


def show(home: Home, claim_id: str, *, now: int) -> Shown:
    """Show one claim; RefusedError where none is held, or the note is none, with what is wrong."""
    sort_in(home, steps=_STEPS)
    with home.store.read() as tx:
        return look(tx, claim_id, now=now)


def look(tx: Tx, claim_id: str, *, now: int) -> Shown:
    """Show one claim as it is sorted in; RefusedError as of `show`."""
    found = held(tx, [claim_id], now=now).get(claim_id)
    if found is None or (claim := found.claim) is None:
        raise _no_claim(tx, claim_id, found)
    name = claims.propositions(tx, [claim_id]).get(claim_id, claim_id)
    others = claims.in_propositions(tx, [name]).get(name, [])
    denying = [each.stix_id for each in claims.denying(tx, [claim_id])]
    near = {*others[:_MOST], *denying[:_MOST], claim_id}
    around = {each.id: each for each in _of_ids(tx, near, now)}
    denied = _of_ids(tx, [claim.denies_ref] if claim.denies_ref else [], now)
    return Shown(
        around.get(claim_id) or _brief(found, _source(claim, {}), name),
        str(found.doc.get("content", "")),
        found.version.hash,
        found.doc.get("lang"),
        claim,
        _names(tx, claim, now),
        tuple(twice_in(claim.source_chain)),
        next(iter(denied), None),
        [around[each] for each in dict.fromkeys(denying) if each in around],
        [each for each in around.values() if each.id != claim_id],
        max(len(others) - len(near), 0),
        echoes.told(tx, echo_rows.of_claims(tx, [claim_id]), now=now),
    )


def no_claims(tx: Tx, rows: Iterable[Row], *, now: int) -> list[Wrong]:
    """Return notes that are no claims, with why; what is not shown for its id is out."""
    rows = list(rows)
    found = held(tx, {each.stix_id for each in rows}, now=now)
    return [
        Wrong(each.stix_id, each.origin, found[each.stix_id].title, each.problem or "")
        for each in rows
        if is_shown(each, found)
    ]


def is_shown(row: Row, found: Mapping[str, Held]) -> bool:
    """Whether this is the version that is shown for its id: ours before a partner's."""
    its = found.get(row.stix_id)
    return its is not None and its.version.seq == row.seq


def _no_claim(tx: Tx, claim_id: str, found: Held | None) -> RefusedError:
    rows = claims.by_id(tx, [claim_id]).get(claim_id, [])
    if found is None or not rows or rows[0].problem is None:
        return no_claim(claim_id)
    return RefusedError(
        f"{claim_id} is not a claim: {rows[0].problem}",
        means="It is kept as a note like any other.",
        do="Have it corrected where it was written.",
    )


def _of_ids(tx: Tx, ids: Iterable[str], now: int) -> list[Brief]:
    rows = [each[0] for each in claims.by_id(tx, ids).values() if each[0].problem is None]
    return _briefs(tx, sorted(rows), now=now)


def _briefs(tx: Tx, rows: list[Row], *, now: int) -> list[Brief]:
    found = held(tx, {each.stix_id for each in rows}, now=now)
    known = {each.stix_id: its for each in rows if (its := found.get(each.stix_id)) is not None}
    read = {each: claim for each, its in known.items() if (claim := its.claim) is not None}
    ends = {each: _end(claim) for each, claim in read.items()}
    names = held(tx, {end.identity_ref for end in ends.values() if end.identity_ref}, now=now)
    stand = claims.propositions(tx, read)
    return [
        _brief(known[each], _source(claim, names), stand.get(each, each))
        for each, claim in read.items()
    ]


def _brief(its: Held, source: str, proposition: str) -> Brief:
    claim = its.claim
    said = (claim.polarity, claim.certainty) if claim else ("", "")
    return Brief(its.stix_id, its.origin, its.title, *said, source, proposition)


def _end(claim: Claim) -> Link:
    return claim.source_chain[-1]


def _source(claim: Claim, names: dict[str, Held]) -> str:
    end = _end(claim)
    if end.identity_ref not in names:
        return ""
    return names[end.identity_ref].title


def _names(tx: Tx, claim: Claim, now: int) -> dict[str, str]:
    wanted = {claim.report_ref}
    wanted |= {one for each in claim.source_chain for one in (each.identity_ref, each.report_ref)}
    wanted |= {one for each in claim.missing for one in (each.identity_ref, each.report_ref)}
    return {each: its.title for each, its in held(tx, wanted - {""}, now=now).items()}
