"""A node full of claims: echoes, a loop, denials, numbers, copies, and what is no claim."""

from typing import Any

from tearline.agreement.home import Home
from tearline.provenance.claims import EXTENSION, Likelihood, Missing, Quantity
from tearline.provenance.perspectives import View
from tearline.release import listing
from tearline.store import worth as judged
from tearline.store.worth import Tie
from tearline.weighing import views
from tearline.weighing import worth as weighing
from tests.pair import sdo
from tests.weighing.told import group, keep, note_id, source, told

MANY, FEW, ENVOY, NO = "Arms were promised", "Arms were offered", "Arms are to come", "No arms"
"""What is claimed; each claim is called so."""
HARBOUR = sdo("location", "a harbour", country="MT")
REPORTS = [
    sdo("report", f"Report {n}", published=f"2026-02-0{n}T00:00:00Z", object_refs=[HARBOUR["id"]])
    for n in (1, 2, 3)
]
NAMES = ("Blue Paper", "Red Paper", "Gray Paper", "Tall Mast Radio", "a spokeswoman", "an envoy")


def _said(name: str, *chain: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # of a claim
    doc = told(name, *chain, **more)
    return {**doc, "object_refs": [*doc["object_refs"], HARBOUR["id"]]}


def _fighters(number: int, upto: int | None = None) -> Quantity:
    return Quantity(number, "about", "fighters", upto)


BROKEN = sdo("note", "half a claim", content="half", object_refs=[HARBOUR["id"]])
BROKEN |= {
    "extensions": {EXTENSION: {"extension_type": "property-extension", "polarity": "perhaps"}}
}
CLAIMS = [
    _said(
        MANY,
        "Blue Paper",
        "Tall Mast Radio",
        "a spokeswoman",
        report_ref=REPORTS[0]["id"],
        said="2026-01-03",
        true_from="2026",
        quantity=_fighters(3000),
        hedges=("is said to",),
        likelihood=Likelihood("icd-203", "likely"),
        missing=(Missing("a letter of the ministry"),),
    ),
    _said(
        FEW,
        "Red Paper",
        "a spokeswoman",
        report_ref=REPORTS[1]["id"],
        said="2026-01-09",
        quantity=_fighters(2500, 4000),
    ),
    told(
        ENVOY,
        "Gray Paper",
        "an envoy",
        report_ref=REPORTS[2]["id"],
        said="2026-02",
        quantity=_fighters(5200),
    ),
    told(NO, "Gray Paper", "a ministry", denies=ENVOY),
    told("Round one", "Round A", "Round B"),
    told("Round two", "Round B", "Round A"),
    told("Apart", "an envoy"),
    group("g", MANY, FEW, ENVOY, "Round one", "Round two"),
]
ALL = [HARBOUR, *map(source, NAMES), *REPORTS, *CLAIMS, BROKEN]


def debate(home: Home, *more: dict[str, Any], now: int) -> None:
    """Hold it all, sorted in and weighed, with a proposed tie and a grade in force."""
    with home.store.write() as tx:
        keep(tx, *ALL, *more, now=now)
        why = "45% of their runs of five words are the same"
        ends = REPORTS[1]["id"], REPORTS[0]["id"]
        judged.propose_ties(tx, [Tie(*ends, "duplicate-of", "proposed", "", now, why)])
    ready(home, now=now)
    weighing.give(home, note_id(ENVOY), None, "", "ada", now=now)
    view = View(
        claim_ref=note_id(MANY),
        opinion="disagree",
        party=home.slug,
        wording="Nothing was promised",
        reliability="C",
        credibility=4,
        reasons=("Nobody else heard of it",),
        likelihood=Likelihood("icd-203", "unlikely"),
    )
    views.say(home, view, now=now)


def ready(home: Home, *, now: int) -> None:
    """Sort claims in and weigh them, as a node's jobs do."""
    listing.sort_in(home)
    weighing.catch_up(home, now=now)
