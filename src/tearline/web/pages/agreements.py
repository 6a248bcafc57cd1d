"""Agreements: each with its state, its text as sentences, and what would go under it."""

from collections.abc import Mapping
from typing import Any

from tearline.agreement import force, signing
from tearline.agreement.state import parse_statement
from tearline.agreement.terms import Terms, parse_json, sentences, warnings
from tearline.release.counting import Preview
from tearline.release.onward import wider
from tearline.release.preview import preview
from tearline.store import agreements, parties, releases
from tearline.store.agreements import Version
from tearline.web.page import AbsentError, Asked, Form, Page

_STEPS = {"suspend": signing.suspend, "terminate": signing.terminate}


def _agreements(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        names = {each.slug: each.name for each in parties.partners(tx)}
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=asked.now)}
        found = []
        for agreement_id in agreements.agreement_ids(tx):
            newest = agreements.versions(tx, agreement_id)[-1]
            its = bound.get(agreement_id)
            found.append(
                {
                    "agreement": agreement_id,
                    "title": parse_json(newest.terms).title,
                    "partner": newest.partner,
                    "partner_name": names.get(newest.partner, newest.partner),
                    "version": newest.version,
                    "state": its.state if its else newest.state,
                    "serving": bool(its and its.serving),
                    "accepting": bool(its and its.accepting),
                    "live": releases.live_count(tx, agreement_id),
                    "until_at": newest.until_at,
                }
            )
    return {"agreements": sorted(found, key=lambda e: (e["state"] != "active", e["title"]))}


def _agreement(asked: Asked) -> dict[str, Any]:
    agreement_id = f"urn:uuid:{asked.path['id']}"
    with asked.home.store.read() as tx:
        versions = agreements.versions(tx, agreement_id)
        if not versions:
            raise AbsentError("There is no such agreement.", do="Look at the list of agreements.")
        newest = versions[-1]
        bound = force.in_force(tx, agreement_id, now=asked.now)
        statements = agreements.statements(tx, agreement_id)
        live = releases.live_count(tx, agreement_id)
    terms = parse_json(newest.terms)
    return {
        "agreement": agreement_id,
        "title": terms.title,
        "partner": newest.partner,
        "version": newest.version,
        "hash": newest.hash,
        "state": bound.state if bound else newest.state,
        "serving": bool(bound and bound.serving),
        "accepting": bool(bound and bound.accepting),
        "live": live,
        "until_at": newest.until_at,
        "lines": [_line(each) for each in sentences(terms)],
        "warnings": [*warnings(terms, now=asked.now), *wider(asked.home, terms, now=asked.now)],
        "versions": [_version(each) for each in reversed(versions)],
        "statements": [
            {
                "ours": each.ours,
                "step": (said := parse_statement(each.body)).step,
                "at": said.at,
                "reason": said.reason,
            }
            for each in statements
        ],
        "preview": _counts(asked, terms) if "preview" in asked.query else None,
    }


def _line(text: str) -> dict[str, str]:
    place, _, sentence = text.partition(": ")
    return {"place": place, "sentence": sentence}


def _version(version: Version) -> dict[str, Any]:
    return {"version": version.version, "hash": version.hash, "state": version.state}


def _counts(asked: Asked, terms: Terms) -> dict[str, Any]:
    found: Preview = preview(asked.home, terms, now=asked.now)
    return {
        "held": found.held,
        "go": found.go,
        "wait": found.wait,
        "stay": found.stay,
        "reasons": [
            {"code": each.code, "total": each.total, "only": each.only} for each in found.reasons
        ],
    }


def _step(asked: Asked, given: Mapping[str, str]) -> str:
    """Suspend or end: by either side alone, at once."""
    agreement_id = f"urn:uuid:{asked.path['id']}"
    act = _STEPS.get(given.get("step", ""))
    if act is None:
        raise AbsentError("There is no such step.")
    act(asked.home, agreement_id, given.get("reason", "").strip(), now=asked.now)
    return f"/agreements/{asked.path['id']}"


PAGES = (
    Page("/agreements", "agreements.html", _agreements),
    Page("/agreements/{id}", "agreement.html", _agreement),
)
FORMS = (Form("/agreements/{id}/step", _step, ("officer", "admin"), proven=True),)
