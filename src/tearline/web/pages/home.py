"""Home: what came in, what went out, what waits for a person, and how the log stands."""

from collections.abc import Mapping
from typing import Any

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.approval import queue
from tearline.release import finding, health
from tearline.release.finding import Counts, Wanted
from tearline.release.health import Counted, Flow
from tearline.store import claim_lists, parties
from tearline.store.database import Tx
from tearline.store.releases import Release
from tearline.web.naming import names_of
from tearline.web.page import Asked, Form, Page
from tearline.web.pages.listed import CAME, sight
from tearline.web.pages.queue import lines
from tearline.web.signing_in import WEIGHING

_SHOWN = 8
_SOURCES = 3


def _home(asked: Asked) -> dict[str, Any]:
    """What everybody may know, and what waits for those who weigh it."""
    with asked.home.store.read() as tx:
        bound = force.all_in_force(tx, now=asked.now)
        names = parties.names(tx)
        flows = list(zip(bound, health.flows(tx, bound, now=asked.now), strict=True))
        since_at = asked.now - CAME["week"]
        week, ours = finding.count_both(tx, Wanted(since_at=since_at), sight(asked.who))
        found = {
            "came_in": _came_in(since_at, week, ours.number),
            "received": _received(ours, bound, names),
            "went_out": _by_partner(flows, names, "live"),
            "new": not bound and not ours.number,
            "agreements": sum(each.serving or each.accepting for each in bound),
            "recalls": {
                "open": _open(flows),
                "overdue": _counted(health.total([flow.recalls_overdue for _, flow in flows])),
            },
            "head": _head(tx, asked.now),
            "grades_fell": claim_lists.number_fell(tx, since_at),
        }
        weighs = asked.who.may(*WEIGHING)
        went = _newest(tx, flows)
        waits = queue.listed(tx, bound, "waits", _SHOWN) if weighs else []
        number = queue.number(tx, bound, "waits") if weighs else 0
        ids = [row.delivered_id for _, row in went if row.seq is not None]
        named = names_of(tx, [*ids, *(each.review.stix_id for each in waits)])
    found["receipts"] = _receipts(went, named, names)
    if not weighs:
        return found
    due = [each.until_at for each in waits if each.until_at is not None]
    return found | {
        "quarantine": _counted(health.total([flow.quarantined for _, flow in flows])),
        "waiting": _counted(Counted.of(number)),
        "oldest_at": waits[0].review.asked_at if waits else None,
        "due_at": min(due, default=None),
        "waits": lines(waits, named, names),
    }


def _came_in(since_at: int, found: Counts, held: int) -> dict[str, Any]:
    """What we hold that came within a week, in all and by source."""
    sources = [each for each in found.facets["source"] if each.number]
    return {
        "since_at": since_at,
        "number": found.number,
        "held": held,
        "behind": found.behind,
        "sources": [{"source": each.value, "number": each.number} for each in sources[:_SOURCES]],
        "further": max(len(sources) - _SOURCES, 0),
    }


def _received(found: Counts, bound: list[InForce], names: parties.Names) -> dict[str, Any]:
    """What partners gave and is kept, as the list of objects has it."""
    partner = {each.agreement_id: each.partner for each in bound}
    rows: dict[str, int] = {}
    for each in found.facets["origin"]:
        if slug := partner.get(str(each.value)):
            rows[slug] = rows.get(slug, 0) + each.number
    return {
        "number": sum(rows.values()),
        "partners": [
            {"partner": slug, "name": names[slug], "number": number}
            for slug, number in sorted(rows.items(), key=lambda each: -each[1])
        ],
    }


def _by_partner(
    flows: list[tuple[InForce, Flow]], names: parties.Names, which: str
) -> dict[str, Any]:
    rows: dict[str, list[Counted]] = {}
    for bound, flow in flows:
        rows.setdefault(bound.partner, []).append(getattr(flow, which))
    totals = {slug: health.total(counts) for slug, counts in rows.items()}
    listed = sorted(totals.items(), key=lambda each: -each[1].number)
    return _counted(health.total(list(totals.values()))) | {
        "partners": [
            {"partner": slug, "name": names[slug], **_counted(each)}
            for slug, each in listed
            if each.number
        ]
    }


def _open(flows: list[tuple[InForce, Flow]]) -> dict[str, Any]:
    """Recalls that are open and not overdue: as the list of recalls has them."""
    every = health.total([flow.recalls_open for _, flow in flows])
    overdue = health.total([flow.recalls_overdue for _, flow in flows])
    return _counted(Counted(max(every.number - overdue.number, 0), every.more))


def _newest(tx: Tx, flows: list[tuple[InForce, Flow]]) -> list[tuple[InForce, Release]]:
    """What was released last, under whichever agreement."""
    given = sorted(flows, key=lambda pair: -(pair[1].last_given_at or 0))[:_SHOWN]
    rows = [(each, row) for each, _ in given for row in health.newest(tx, each, _SHOWN)]
    return sorted(rows, key=lambda pair: -pair[1].at)[:_SHOWN]


def _receipts(
    went: list[tuple[InForce, Release]], named: Mapping[str, str], names: parties.Names
) -> list[dict[str, Any]]:
    """What was released, to whom, and the leaf that proves it."""
    return [
        {
            "object": row.delivered_id,
            "name": named.get(row.delivered_id) if row.seq is not None else None,
            "partner_name": names[each.partner],
            "type": row.type,
            "whole": row.seq is not None,
            "partner": each.partner,
            "agreement": each.agreement_id,
            "title": each.title,
            "leaf": row.leaf,
            "at": row.at,
        }
        for each, row in went
    ]


def _head(tx: Tx, now: int) -> dict[str, Any]:
    found = health.node_log(tx, now=now)
    seen = max((at for _, _, at in found.cosigned), default=None)
    return {
        "size": found.size,
        "signed_at": found.signed_at,
        "witnesses": len(found.cosigned),
        "cosigned_at": seen,
        "late": found.late,
    }


def _counted(found: Counted) -> dict[str, Any]:
    return {"number": found.number, "more": found.more}


PAGES = (Page("/", "home.html", _home),)
FORMS: tuple[Form, ...] = ()
