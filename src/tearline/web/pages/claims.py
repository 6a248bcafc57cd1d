"""The list of claims: what is said, by whom, how many say so and how many deny it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tearline.store import claim_lists
from tearline.store.claim_lists import MOST, Chosen
from tearline.store.claims import ASSERTED, DENIED
from tearline.store.database import Tx
from tearline.store.worth import Fall, Worth
from tearline.web.naming import name_of
from tearline.web.page import Asked, Form, Page, number_of
from tearline.weighing import browsing, indexing
from tearline.weighing.browsing import Line, title_of
from tearline.weighing.held import held
from tearline.weighing.showing import Brief, Wrong

ROWS, MOST_ROWS = 50, 200
FILTERS = ("polarity", "report", "source", "about", "only")
FELL, WRONG = "fallen", "wrong"


def _claims(asked: Asked) -> dict[str, Any]:
    filters = {name: asked.query.get(name, "").strip() or None for name in FILTERS}
    chosen = _chosen(filters)
    with asked.home.store.read() as tx:
        found = _part(tx, asked, filters, chosen)
        found["number"] = {
            "chosen": counted(claim_lists.number(tx, chosen)),
            "all": counted(claim_lists.number(tx, Chosen())),
            DENIED: counted(claim_lists.number(tx, Chosen(DENIED))),
            FELL: counted(claim_lists.number(tx, Chosen(fell=True))),
            WRONG: counted(claim_lists.number_wrong(tx)),
        }
        found["behind"] = indexing.behind(tx)
    return found | {
        "filters": filters,
        "query": urlencode({name: each for name, each in filters.items() if each}),
    }


def _part(
    tx: Tx, asked: Asked, filters: Mapping[str, str | None], chosen: Chosen
) -> dict[str, Any]:
    """One part of the list: claims, or with `only=wrong` what is none."""
    before = number_of(asked.query.get("before"))
    limit = min(max(number_of(asked.query.get("rows")) or ROWS, 1), MOST_ROWS)
    wanted = [each for each in (chosen.report, chosen.source, chosen.about) if each]
    named = held(tx, wanted, now=asked.now)
    found: dict[str, Any] = {
        "report_name": title_of(named, chosen.report or "") or None,
        "source_name": title_of(named, chosen.source or "") or None,
        "about_name": name_of(named[chosen.about].doc, {})
        if chosen.about in named
        else chosen.about,
        "first": before is None,
        "claims": [],
        "wrong": [],
    }
    if filters["only"] == WRONG:
        wrong = browsing.browse_wrong(tx, limit=limit, before=before, now=asked.now)
        return found | {"wrong": [brief(each) for each in wrong.lines], "next": wrong.next}
    part = browsing.browse(tx, chosen, limit=limit, before=before, now=asked.now)
    return found | {"claims": [told(each) for each in part.lines], "next": part.next}


def brief(each: Brief | Wrong) -> dict[str, Any]:
    """A claim, or what is none, in short."""
    found = each._asdict()
    return {**found, "agreement": found.pop("origin") or None}


def told(line: Line) -> dict[str, Any]:
    """A claim in a line, as pages have it."""
    found = line._asdict()
    found["agreement"] = found.pop("origin") or None
    found["worth"] = weighed(line.worth) if line.worth else None
    found["grade"] = line.grade or None
    found["said"] = line.said or None
    found["fell"] = [fell(each) for each in line.fell]
    return found


def weighed(worth: Worth) -> dict[str, Any]:
    """What one side of a proposition is worth by count."""
    return {
        "supporting": worth.supporting,
        "against": worth.against,
        "credibility": worth.credibility,
        "flags": worth.flags.split(",") if worth.flags else [],
    }


def fell(fall: Fall) -> dict[str, Any]:
    """A fall of a grade: from what to what, when and why, and who has the claim with the higher."""
    return {
        "was": fall.was,
        "now": fall.now,
        "at": fall.at,
        "why": fall.why,
        "partner": fall.partner or None,
        "agreement": fall.agreement_id or None,
    }


def counted(number: int) -> dict[str, Any]:
    """A number that was counted no further than MOST."""
    return {"number": min(number, MOST), "more": number > MOST}


def _chosen(filters: Mapping[str, str | None]) -> Chosen:
    polarity = filters.get("polarity")
    return Chosen(
        polarity=polarity if polarity in {ASSERTED, DENIED} else None,
        report=filters.get("report"),
        source=filters.get("source"),
        about=filters.get("about"),
        fell=filters.get("only") == FELL,
    )


PAGES = (Page("/claims", "claims.html", _claims),)
FORMS: tuple[Form, ...] = ()
