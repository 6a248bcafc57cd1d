"""One claim: its words, its sources, what it is worth, who denies it; forms that judge it."""

from collections.abc import Iterable, Mapping
from typing import Any

from tearline.errors import MisuseError, RefusedError
from tearline.provenance.claims import Claim
from tearline.provenance.grade import WORDS
from tearline.release.arrive import annotation_of
from tearline.store import claims
from tearline.store import worth as worth_rows
from tearline.store.claims import CONFIRMED, REFUSED
from tearline.store.database import Tx
from tearline.store.worth import Tie
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.pages.claims import brief, told
from tearline.web.pages.stops import reason_of
from tearline.web.signing_in import Role
from tearline.weighing import explained, grouping, views, worth
from tearline.weighing.browsing import title_of
from tearline.weighing.explained import Explained, Source
from tearline.weighing.held import Held, held
from tearline.weighing.rests import Chained, Rests, rests
from tearline.weighing.showing import Brief, Shown, look
from tearline.weighing.sides import Sides

JUDGING: tuple[Role, ...] = ("analyst", "officer")
"""Who may judge claims and sources."""
_LINKS = 60
"""How many links of the chain of the claim itself are told."""
_REPORTS = 200


def _claim(asked: Asked) -> dict[str, Any]:
    stix_id = asked.path["id"]
    with asked.home.store.read() as tx:
        try:
            shown = look(tx, stix_id, now=asked.now)
        except RefusedError as error:
            raise AbsentError(error.what, means=error.means, do=error.do) from error
        found = explained.read(tx, shown.brief.proposition)
        resting = rests(tx, found, now=asked.now)
        ties = _ties(tx, asked, resting)
        weighed = _worth(tx, shown.brief, found, asked.now)
        said = _views(tx, held(tx, [stix_id], now=asked.now)[stix_id], asked.now)
    return {
        **_words(shown),
        "denies": brief(shown.denies) if shown.denies else None,
        "denied_by": [brief(each) for each in shown.denied_by],
        "worth": weighed,
        "claims": [told(each.line) for each in resting.claims],
        "more": resting.more,
        "chains": [_chained(each) for each in resting.claims],
        "echoes": [each._asdict() for each in resting.echoes],
        "loops": resting.loops,
        "estimates": _estimates(resting.claims),
        "ties": ties,
        "views": said,
        "may": asked.who.may(*JUDGING),
    }


def _views(tx: Tx, claim: Held, now: int) -> list[dict[str, Any]]:
    """What parties say of the claim, at equal rank: in the order of their names."""
    return [
        {
            "party": each.view.party,
            "opinion": each.view.opinion,
            "wording": each.view.wording,
            "reliability": each.view.reliability,
            "credibility": each.view.credibility,
            "likelihood": each.view.likelihood.word if each.view.likelihood else None,
            "reasons": list(each.view.reasons),
            "seal": each.seal,
            "stale": each.stale,
        }
        for each in views.look(tx, claim, now=now).views
    ]


def _words(shown: Shown) -> dict[str, Any]:
    """What the note says, each part apart."""
    claim, brief = shown.claim, shown.brief
    return {
        "id": brief.id,
        "agreement": brief.origin or None,
        "title": brief.title,
        "polarity": brief.polarity,
        "certainty": brief.certainty,
        "proposition": brief.proposition,
        "content": shown.content,
        "quoted": claim.excerpt_start is not None,
        "hash": shown.hash,
        "lang": shown.lang,
        "hedges": list(claim.hedges),
        "likelihood": _pair(claim),
        "said": claim.said or None,
        "true_from": claim.true_from or None,
        "true_until": claim.true_until or None,
        "quantity": _quantity(claim),
        "own_judgement": claim.own_judgement,
        "missing": [
            {
                "what": each.what,
                "source": _named(each.identity_ref, shown.names),
                "report": _named(each.report_ref, shown.names),
            }
            for each in claim.missing
        ],
        "report": _named(claim.report_ref, shown.names),
        "excerpt": [claim.excerpt_start, claim.excerpt_end] if claim.report_ref else None,
        "review": claim.review,
        "extractor": claim.extractor or None,
        "denies_ref": claim.denies_ref or None,
        "chain": [
            {
                "role": each.role,
                "source": _named(each.identity_ref, shown.names),
                "cue": each.cue or None,
                "said": each.said or None,
                "unnamed": each.unnamed,
                "interest": each.interest or None,
                "report": _named(each.report_ref, shown.names),
            }
            for each in claim.source_chain[:_LINKS]
        ],
        "links": len(claim.source_chain),
        "twice": [shown.names.get(each, each) for each in shown.loop],
    }


def _named(stix_id: str, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Somebody or something by id and name; `held` is whether we hold it."""
    if not stix_id:
        return None
    return {"id": stix_id, "name": names.get(stix_id, stix_id), "held": stix_id in names}


def _pair(claim: Claim) -> dict[str, str] | None:
    likelihood = claim.likelihood
    return {"scale": likelihood.scale, "word": likelihood.word} if likelihood else None


def _quantity(claim: Claim) -> dict[str, Any] | None:
    quantity = claim.quantity
    if quantity is None:
        return None
    found = {name: getattr(quantity, name) for name in quantity.__struct_fields__}
    return {**found, "number": float(quantity.number), "upto": _real(quantity.upto)}


def _real(number: float | None) -> float | None:
    return None if number is None else float(number)


# ---------------------------------------------------------------------------------------- worth


def _worth(tx: Tx, claim: Brief, sides: Sides, now: int) -> dict[str, Any] | None:
    """What the claim is worth, with the sentence; None where it is not sorted in yet."""
    place = claim.proposition, claim.polarity
    if place not in sides.found:
        return None
    found = explained.told(tx, claim.id, place, sides, now=now)
    given = found.given
    return {
        **_proposal(found),
        "reason": found.reason,
        "origins": [_source(each) for each in found.origins],
        "denied_by": [_source(each) for each in found.denied_by],
        "given": {
            "credibility": given.credibility,
            "word": WORDS[given.credibility],
            "proposed": given.proposed,
            "person": given.person,
            "at": given.at,
            "why": given.why,
        }
        if given
        else None,
        "grade": next((each.grade for each in found.claims if each.stix_id == claim.id), "")
        or None,
    }


def _proposal(found: Explained) -> dict[str, Any]:
    return {
        "supporting": found.supporting,
        "against": found.against,
        "credibility": found.credibility,
        "word": WORDS[found.credibility],
        "flags": list(found.flags),
    }


def _source(source: Source) -> dict[str, Any]:
    return source._asdict() | {"same_as": list(source.same_as)}


# --------------------------------------------------------------------------------------- sources


def _chained(each: Chained) -> dict[str, Any]:
    line = each.line
    return {
        "claim": line.id,
        "title": line.title,
        "polarity": line.polarity,
        "certainty": line.certainty,
        "steps": [step._asdict() for step in each.steps],
    }


def _estimates(found: Iterable[Chained]) -> list[dict[str, Any]]:
    """The numbers that are claimed, by unit, the earliest said first."""
    rows = [
        {
            "claim": each.line.id,
            "title": each.line.title,
            "polarity": each.line.polarity,
            "source": each.line.source,
            "source_id": each.line.source_id,
            "number": each.row.number,
            "upto": each.row.upto,
            "bound": each.row.bound,
            "unit": each.row.unit,
            "said": each.line.said or None,
            "at": each.row.said_at,
        }
        for each in found
        if each.row.number is not None
    ]
    return sorted(rows, key=lambda each: (str(each["unit"]), each["at"] or 0, str(each["claim"])))


def _ties(tx: Tx, asked: Asked, resting: Rests) -> list[dict[str, Any]]:
    """What is proposed, judged or said of the reports of these claims."""
    reports = sorted({each.line.report for each in resting.claims if each.line.report})[:_REPORTS]
    judged = worth_rows.ties_of(tx, reports)
    known = {(each.from_id, each.to_id) for each in judged}
    said = [
        Tie(each.from_id, each.to_id, each.kind, "said", "", 0, "")
        for each in claims.said_ties(tx, reports)
        if (each.from_id, each.to_id) not in known
    ]
    every = [*judged, *said]
    names = held(tx, {one for each in every for one in each[:2]}, now=asked.now)
    return [
        {
            "from": each.from_id,
            "from_name": title_of(names, each.from_id),
            "to": each.to_id,
            "to_name": title_of(names, each.to_id),
            "kind": each.kind,
            "state": each.state,
            "person": each.person or None,
            "at": each.at or None,
            "why": each.why or None,
        }
        for each in every
    ]


# ----------------------------------------------------------------------------------------- forms


def _grade(asked: Asked, given: Mapping[str, str]) -> str:
    """Put the proposed grade in force, or another digit, for which there has to be a reason."""
    digit = given.get("digit", "").strip()
    if digit not in {"", *map(str, WORDS)}:
        raise MisuseError("A credibility is a digit from 1 to 6.", means="Nothing was done.")
    why = reason_of(given) if digit else given.get("reason", "").strip()
    chosen = int(digit) if digit else None
    worth.give(asked.home, asked.path["id"], chosen, why, asked.who.name, now=asked.now)
    return f"/claims/{asked.path['id']}#worth"


def _alike(asked: Asked, given: Mapping[str, str]) -> str:
    """Put this claim and others together."""
    grouping.together(
        asked.home,
        [asked.path["id"], *given.get("claims", "").split()],
        labels=given.get("labels", "").split(),
        annotation=annotation_of(given.get("marking") or None),
        now=asked.now,
    )
    worth.settle(asked.home, now=asked.now)
    return f"/claims/{asked.path['id']}#alike"


def _apart(asked: Asked, _given: Mapping[str, str]) -> str:
    """Take this claim out of its proposition."""
    grouping.apart(asked.home, [asked.path["id"]], now=asked.now)
    worth.settle(asked.home, now=asked.now)
    return f"/claims/{asked.path['id']}#alike"


def _tie(asked: Asked, given: Mapping[str, str]) -> str:
    """Confirm or refuse that one report rests on another."""
    state = {"confirm": CONFIRMED, "refuse": REFUSED}.get(given.get("act", ""))
    first, second = given.get("from", ""), given.get("to", "")
    if state is None or not first or not second:
        raise MisuseError("There is no such act.", means="Nothing was done.")
    kind = "derived-from" if given.get("kind") == "derived-from" else "duplicate-of"
    new = Tie(first, second, kind, state, asked.who.name, asked.now, reason_of(given))
    worth.tie(asked.home, new, now=asked.now)
    return f"/claims/{asked.path['id']}#ties"


PAGES = (Page("/claims/{id}", "claim.html", _claim),)
FORMS = (
    Form("/claims/{id}/grade", _grade, JUDGING, proven=True),
    Form("/claims/{id}/alike", _alike, JUDGING, proven=True),
    Form("/claims/{id}/apart", _apart, JUDGING, proven=True),
    Form("/claims/{id}/tie", _tie, JUDGING, proven=True),
)
