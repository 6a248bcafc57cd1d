"""A report as attributed text: each claim with its origin, its chain and its wording.

A claim is a note or an opinion in the report; examples/founding-story/README.md says how they are
written. Nothing is judged here, and a denial stands beside what it denies.
"""

from pathlib import Path
from typing import Any

import orjson

from tearline.agreement.home import Home
from tearline.errors import InputError, RefusedError
from tearline.exchange.files import read_document
from tearline.stix.bundle import split_bundle
from tearline.store import objects
from tearline.store.objects import OURS

_CLAIMS = frozenset({"note", "opinion"})
_LINES = ("Origin", "Relay", "Publisher", "Wording", "Said", "True", "Interest", "Not held")

Doc = dict[str, Any]


def is_file(source: str) -> bool:
    """Whether `source` names a file, and not a report that we hold."""
    return source == "-" or Path(source).exists() or not source.startswith("report--")


def read_story(path: Path) -> dict[str, Any]:
    """Return the reports in a bundle; InputError when it holds none."""
    docs = [orjson.loads(each) for each in split_bundle(read_document(path))]
    found = _stories([each for each in docs if isinstance(each, dict)])
    if not found["reports"]:
        raise InputError("There is no report with claims in this bundle.", place=str(path))
    return found


def read_held(home: Home, report: str | None) -> dict[str, Any]:
    """Return the reports with claims that we hold, or one of them."""
    with home.store.read() as tx:
        kinds = {"report", "identity", *_CLAIMS}
        held = [each for each in objects.latest_all(tx, OURS) if each.type in kinds]
        raws = objects.raw_of(tx, [each.seq for each in held])
    found = _stories([orjson.loads(raws[each.seq]) for each in held], report)
    if not found["reports"]:
        raise RefusedError(
            "We hold no report with claims." if report is None else f"We hold no report {report}.",
            do="Import one, or name its file.",
        )
    return found


def story_lines(found: dict[str, Any]) -> list[str]:
    """Return reports for people."""
    lines: list[str] = []
    for report in found["reports"]:
        lines += ["", report["name"], f"{report['published']}  {report['id']}"]
        lines += [f"  {line}" for line in report["description"].splitlines()]
        for number, claim in enumerate(report["claims"], 1):
            lines += ["", f"{number}. {claim['title']}{_marks(claim)}"]
            lines += [f"   {line}" for line in claim["text"].splitlines()]
            lines += [f"   {name:<10}{said}" for name, said in claim["chain"].items()]
            lines += [f"   {each}" for each in claim["speaks_of"]]
    return lines[1:]


def _stories(docs: list[Doc], report: str | None = None) -> dict[str, Any]:
    by_id = {str(each.get("id")): each for each in docs}
    reports = [
        each
        for each in docs
        if each.get("type") == "report"
        and report in {None, each.get("id")}
        and _claims(each, by_id)
    ]
    return {"reports": [_report(each, by_id) for each in reports]}


def _claims(report: Doc, by_id: dict[str, Doc]) -> list[Doc]:
    named = (by_id.get(str(ref)) for ref in report.get("object_refs", ()))
    return [each for each in named if each is not None and each.get("type") in _CLAIMS]


def _report(report: Doc, by_id: dict[str, Doc]) -> dict[str, Any]:
    claims = _claims(report, by_id)
    numbers = {each["id"]: number for number, each in enumerate(claims, 1)}
    return {
        "id": report.get("id"),
        "name": str(report.get("name", "")),
        "published": report.get("published"),
        "description": str(report.get("description", "")),
        "claims": [_claim(each, numbers) for each in claims],
    }


def _claim(claim: Doc, numbers: dict[str, int]) -> dict[str, Any]:
    """One claim: its text, and the lines at the end of it that say who, how and when."""
    stated = str(claim.get("content") or claim.get("explanation") or "")
    chain: dict[str, str] = {}
    text: list[str] = []
    for line in stated.splitlines():
        name, colon, said = line.partition(": ")
        if colon and name in _LINES:
            chain[name] = said
        elif line.strip():
            text.append(line)
    labels = [str(each) for each in claim.get("labels", ())]
    about = [numbers[ref] for ref in claim.get("object_refs", ()) if ref in numbers]
    stance = claim.get("opinion")
    title = claim.get("abstract") or f"{stance or 'A view'}, by {_authors(claim)}"
    return {
        "id": claim.get("id"),
        "title": str(title),
        "authors": [str(each) for each in claim.get("authors", ())],
        "text": "\n".join(text),
        "chain": chain,
        "polarity": _label(labels, "polarity:"),
        "certainty": _label(labels, "certainty:"),
        "labels": labels,
        "speaks_of": [f"Speaks of claim {number}" for number in about],
    }


def _authors(claim: Doc) -> str:
    return ", ".join(str(each) for each in claim.get("authors", ())) or "nobody named"


def _label(labels: list[str], start: str) -> str | None:
    return next((each.removeprefix(start) for each in labels if each.startswith(start)), None)


def _marks(claim: dict[str, Any]) -> str:
    said = [each for each in (claim["polarity"], claim["certainty"]) if each]
    return f"  [{', '.join(said)}]" if said else ""
