"""Claims as lists: by index and part by part, so that no page reads them all."""

from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from tearline.store.claims import (
    ASSERTED,
    DENIED,
    ROWS,
    Row,
    claim,
    claim_about,
    claim_link,
    row_of,
)
from tearline.store.columns import among, aside
from tearline.store.database import Statement, Tx
from tearline.store.objects import OURS, reference
from tearline.store.worth import Fall, fallen

MOST = 10_000
"""Up to how many are counted."""


class Chosen(NamedTuple):
    """Which claims are listed: None leaves a property open.

    `source` is an identity in the chain, `about` an object that is neither a source nor the report;
    `fell` are those whose grade fell.
    """

    polarity: str | None = None
    report: str | None = None
    source: str | None = None
    fell: bool = False
    about: str | None = None


class Dated(NamedTuple):
    """When a claim was said, and from when it is said to hold, in microseconds."""

    seq: int
    stix_id: str
    said_at: int | None
    true_from_at: int | None


_BEFORE = claim.c.seq < bindparam("before")
_SOUND = claim.c.problem.is_(None)
_WRONG = Statement(
    ROWS.where(_BEFORE, claim.c.problem.is_not(None))
    .order_by(claim.c.seq.desc())
    .limit(bindparam("limit"))
)
_FALLS = Statement(
    select(*(fallen.c[name] for name in Fall._fields))
    .where(among(fallen.c.stix_id, bindparam("ids")))
    .order_by(fallen.c.number)
)
_newest_falls = (
    select(fallen.c.stix_id, fallen.c.at).order_by(fallen.c.number.desc()).limit(MOST).subquery()
)
_FELL = Statement(
    select(func.count(_newest_falls.c.stix_id.distinct())).where(
        _newest_falls.c.at >= bindparam("since")
    )
)
_DATED = Statement(
    select(claim.c.seq, claim.c.stix_id, claim.c.said_at, claim.c.true_from_at)
    .where(_SOUND, claim.c.origin == OURS)
    .order_by(claim.c.seq.desc())
    .limit(bindparam("limit"))
)
_NAMED = Statement(
    select(reference.c.from_seq, reference.c.to_id).where(
        among(reference.c.from_seq, bindparam("ids")), reference.c.to_id.like("location--%")
    )
)


def page(tx: Tx, chosen: Chosen, limit: int, before: int | None = None) -> list[Row]:
    """The chosen claims that came last, the last first; `before` the number of a version.

    What is asserted about an object and what is denied stand apart in the index: both are read.
    """
    if chosen.about is not None and chosen.polarity is None:
        sides = (chosen._replace(polarity=each) for each in (ASSERTED, DENIED))
        parts = chain.from_iterable(page(tx, each, limit, before) for each in sides)
        return sorted(parts, key=attrgetter("seq"), reverse=True)[:limit]
    query, at = _narrowed(ROWS, chosen)
    query = query.order_by(at.desc()).limit(limit)
    found: dict[int, Row] = {}
    after = 2**62 if before is None else before
    while True:
        part = [row_of(row) for row in tx.execute(_before(query, at, after))]
        found |= {each.seq: each for each in part}
        if len(found) >= limit or len(part) < limit:
            return list(found.values())[:limit]
        after = part[-1].seq


def wrong(tx: Tx, limit: int, before: int | None = None) -> list[Row]:
    """The notes that look like claims and are none, the last first."""
    return [row_of(row) for row in _WRONG.rows(tx, limit=limit, before=before or 2**62)]


def number(tx: Tx, chosen: Chosen) -> int:
    """How many claims are chosen; MOST + 1 stands for more."""
    query, at = _narrowed(select(claim.c.seq), chosen)
    if chosen.source is not None:
        query = query.with_only_columns(at).distinct().order_by(at.desc())
    return _number(tx, query)


def number_wrong(tx: Tx) -> int:
    """How many notes look like claims and are none; MOST + 1 stands for more."""
    return _number(tx, select(claim.c.seq).where(claim.c.problem.is_not(None)))


def falls_of(tx: Tx, ids: list[str]) -> dict[str, list[Fall]]:
    """The falls of these claims' grades, the first first."""
    found: dict[str, list[Fall]] = {}
    for row in _FALLS.among(tx, ids):
        found.setdefault(row[1], []).append(Fall._make(row))
    return found


def number_fell(tx: Tx, since_at: int) -> int:
    """How many claims' grades fell since a moment, among the newest MOST falls."""
    return int(_FELL.rows(tx, since=since_at)[0][0])


def dated(tx: Tx, limit: int) -> list[Dated]:
    """When the newest claims of ours were said, and from when they hold."""
    return [Dated._make(row) for row in _DATED.rows(tx, limit=limit)]


def places_named(tx: Tx, seqs: list[int]) -> list[tuple[int, str]]:
    """The locations that claims name: the number of the claim's version, the location's id."""
    return [(row[0], row[1]) for row in _NAMED.among(tx, seqs)]


def _narrowed(query: Select[Any], chosen: Chosen) -> tuple[Select[Any], ColumnElement[int]]:
    """Narrow a query of claims to the chosen ones; return it with the column of their order.

    The claims of a source, and those about an object, are walked in the order of its links, so
    that a page reads no more of a busy one than it shows; a claim that cites a source twice comes
    twice.
    """
    query = query.where(_SOUND, *_chosen(chosen))
    at: ColumnElement[int] = claim.c.seq
    if chosen.source is not None:
        query = query.join(claim_link, claim_link.c.seq == claim.c.seq)
        query, at = query.where(claim_link.c.identity == chosen.source), claim_link.c.seq
    if chosen.about is not None:
        query = query.join(claim_about, claim_about.c.seq == claim.c.seq)
        query, at = query.where(claim_about.c.about == chosen.about), claim_about.c.seq
        if chosen.polarity is not None:
            query = query.where(claim_about.c.polarity == chosen.polarity)
    return query, at


def _before(query: Select[Any], at: ColumnElement[int], before: int) -> Select[Any]:
    """Narrow a query to what came before; said of both tables, for PostgreSQL may merge them."""
    return query.where(at < before, aside(claim.c.seq) < before)


def _chosen(chosen: Chosen) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.polarity is not None and chosen.about is None:
        # As the index has it: a denial says what it denies, and nothing else does.
        denied = chosen.polarity == DENIED
        found.append(claim.c.denies.is_not(None) if denied else claim.c.polarity == chosen.polarity)
    if chosen.report is not None:
        found.append(claim.c.report == chosen.report)
    if chosen.fell:
        found.append(claim.c.stix_id.in_(select(fallen.c.stix_id)))
    return found


def _number(tx: Tx, query: Select[Any]) -> int:
    some = query.limit(MOST + 1).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar() or 0
