"""What became of claims, as values and lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.terminal import Part, Table, count, moment, stamp
from tearline.provenance.claims import Quantity
from tearline.provenance.history import Change, number_text
from tearline.weighing import echoes as circles
from tearline.weighing import uses
from tearline.weighing.worth import catch_up


def _ready(home: Home) -> int:
    now = clock.now()
    catch_up(home, now=now)
    return now


def echoes(home: Home, limit: int) -> list[dict[str, Any]]:
    """Return our own reports that came back."""
    now = _ready(home)
    return [
        {**each._asdict(), "why": each.why} for each in circles.listed(home, limit=limit, now=now)
    ]


def echo_lines(found: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Say them to people."""
    lines: list[Part] = []
    for each in found:
        lines += [
            f"{each['title']}  {each['id']}",
            f"  This is our own report coming back: {each['why']}.",
        ]
        if each["ours"]:
            lines.append(f"  Ours: {each['ours_title'] or each['ours']}")
    return lines or ["Nothing of ours came back."]


def versions(home: Home, claim: str) -> list[dict[str, Any]]:
    """Return the versions of a claim."""
    found = uses.versions(home, claim, now=_ready(home))
    return [
        {
            "hash": each.hash,
            "version": stamp(each.version_at),
            "arrived": stamp(each.arrived_at),
            "changes": _changes(each.changes),
        }
        for each in found
    ]


def version_lines(found: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Say them to people."""
    lines: list[Part] = []
    for each in found:
        lines += [f"{each['version']}  {each['hash']}", *_change_lines(each["changes"])]
    return lines


def use(home: Home, claim: str, place: str) -> dict[str, Any]:
    """Remember a use."""
    made = uses.use(home, claim, place, now=_ready(home))
    return {"id": made.stix_id, "place": made.place, "hash": made.hash, "at": stamp(made.at)}


def news(home: Home) -> list[dict[str, Any]]:
    """Return what became of what we used."""
    found = uses.news(home, now=_ready(home))
    return [
        {**each._asdict(), "used_at": stamp(each.used_at), "changes": _changes(each.changes)}
        for each in found
    ]


def news_lines(found: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Say it to people."""
    lines: list[Part] = []
    for each in found:
        lines.append(f"{each['kind'].capitalize():10} {each['title'] or each['id']}")
        lines.append(f"  {each['id']}, used in {each['place']} on {each['used_at'][:10]}")
        lines += _change_lines(each["changes"])
        lines += [f"  denied by {by}" for by in each["by"]]
        if each["kind"] == "regraded":
            lines.append(f"  credibility: {each['was']} → {each['now']}")
    return lines or ["Nothing that we used has changed."]


def series(home: Home, claim: str) -> list[dict[str, Any]]:
    """Return numbers over time, one list for each unit."""
    found = uses.numbers(home, claim, now=_ready(home))
    return [
        {
            "unit": each.unit,
            "points": [
                {**its._asdict(), "at": stamp(its.at), "until_at": stamp(its.until_at)}
                for its in each.points
            ],
        }
        for each in found
    ]


def series_parts(found: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Say them to people, a table for each unit."""
    parts: list[Part] = []
    for each in found:
        parts.append(f"{each['unit']}: {count(len(each['points']), 'claim')}")
        rows = [
            (
                (its["at"] or moment(None))[:10],
                number_text(Quantity(*(its[name] for name in ("number", "bound", "unit", "upto")))),
                "denied" if its["polarity"] == "denied" else "",
                its["source"] or "nobody named",
                its["title"],
            )
            for its in each["points"]
        ]
        parts.append(Table(("true on", "number", "", "source", "claim"), rows))
    return parts or ["None of these claims gives a number."]


def _changes(found: Sequence[Change]) -> list[dict[str, str]]:
    return [each._asdict() for each in found]


def _change_lines(found: Sequence[Mapping[str, str]]) -> list[Part]:
    return [
        f"  {each['what']}: {each['was'] or 'nothing'} → {each['now'] or 'nothing'}"
        for each in found
    ]
