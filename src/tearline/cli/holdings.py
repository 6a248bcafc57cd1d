"""What we hold, as plain values: counts, short lists, one object with all we say of it."""

from typing import Any

import orjson

from tearline import clock
from tearline.agreement import force
from tearline.agreement.home import Home
from tearline.cli.terminal import Part, Table, count, moment, stamp
from tearline.errors import RefusedError
from tearline.release import finding
from tearline.release.expiring import must_go
from tearline.release.finding import Wanted
from tearline.release.holding import is_over
from tearline.release.listing import sort_in
from tearline.stix.marking import NO_GRADE, grade_name, level_name
from tearline.store import annotations, objects, parties
from tearline.store import received as came
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version

_STEPS = 50
"""How many steps of sorting in a command takes before it searches."""


def listing(home: Home, type_: str | None, limit: int) -> dict[str, Any]:
    """Return counts by type and the newest objects, of one type or of all."""
    with home.store.read() as tx:
        types = objects.count(tx, OURS)
        newest = objects.newest(tx, OURS, type_=type_, limit=limit)
        raws = objects.raw_of(tx, [each.seq for each in newest])
    return {
        "held": sum(types.values()),
        "types": dict(sorted(types.items(), key=lambda each: (-each[1], each[0]))),
        "objects": [_short(each, orjson.loads(raws[each.seq])) for each in newest],
    }


def searched(home: Home, text: str, type_: str | None, limit: int) -> dict[str, Any]:
    """Return what has all words of a text; what came of late is sorted in first, as far as quick.

    `behind` says of how many more, at most, nobody knows yet.
    """
    sort_in(home, steps=_STEPS)
    with home.store.read() as tx:
        found = finding.find(
            tx, Wanted(words=text, type=type_), finding.everything, limit=max(limit, 1)
        )
        rows = [each for _, each in (*found.whole, *found.rows)][:limit]
        raws = objects.raw_of(tx, [each.seq for each in rows])
    return {
        "search": text,
        "whole": min(len(found.whole), limit),
        "more": found.next is not None or len(found.whole) + len(found.rows) > limit,
        "behind": found.behind,
        "objects": [_short(each, orjson.loads(raws[each.seq])) for each in rows],
    }


def searched_parts(found: dict[str, Any]) -> list[Part]:
    """Return what was found for people."""
    rows = objects_table(found)
    lines: list[Part] = [rows] if rows.rows else ["Nothing has all of these words."]
    lines += ["There is more: take a higher --limit."] if found["more"] and rows.rows else []
    left = count(found["behind"], "object")
    lines += [f"{left} that came of late were not looked through."] if found["behind"] else []
    return lines


def objects_table(found: dict[str, Any]) -> Table:
    """Return the objects of a list, a row each."""
    rows = [
        (each["id"], each["name"], each["marking"], each["source"]) for each in found["objects"]
    ]
    return Table(("id", "name", "marking", "source"), rows)


def one_object(home: Home, stix_id: str) -> dict[str, Any]:
    """Return one object: ours with what we say of it, or one that partners gave us."""
    with home.store.read() as tx:
        origin, version = _held(tx, stix_id)
        raw = objects.raw_of(tx, [version.seq])[version.seq]
        marking, grade = annotations.annotations(tx, [stix_id]).get(stix_id, (None, None))
        held = annotations.holds(tx)
        versions = objects.versions_of(tx, origin, [stix_id])[stix_id]
    reason = held.get(("object", stix_id)) or held.get(("source", version.source))
    return {
        "id": stix_id,
        "type": version.type,
        "object": orjson.loads(raw),
        "hash": version.hash,
        "source": version.source,
        "agreement": origin or None,
        "arrived_at": stamp(version.arrived_at),
        "versions": len(versions),
        "marking": level_name(version.marking),
        "our_marking": None if marking is None else level_name(marking),
        "our_grade": None if grade in {None, NO_GRADE} else grade_name(grade or 0),
        "hold": reason,
    }


def one_object_lines(found: dict[str, Any]) -> list[str]:
    """Return an object for people: what we say of it, then its content."""
    lines = [
        f"{found['id']}",
        f"From       {found['source']}, {found['arrived_at']}, {found['versions']} version(s)",
        f"Marking    {found['marking']}; ours {found['our_marking'] or 'none'}",
        f"Grade      {found['our_grade'] or 'none'}",
        f"Hash       {found['hash']}",
    ]
    if found["agreement"]:
        lines.append(f"Received   under {found['agreement']}")
    if found["hold"]:
        lines.append(f"Held back  {found['hold']}")
    content = orjson.dumps(found["object"], option=orjson.OPT_INDENT_2).decode()
    return [*lines, *content.splitlines()]


def summary(home: Home) -> dict[str, Any]:
    """Return what `status` shows of our objects and of those we received."""
    with home.store.read() as tx:
        bound = force.all_in_force(tx, now=clock.now())
        usable = [each for each in bound if not must_go(each)]
        received = sum(came.usable(tx, each.agreement_id, clock.now()) for each in usable)
        return {
            "held": objects.count(tx, OURS),
            "received": received,
            "holds": len(annotations.holds(tx)),
            "partners": len(parties.partners(tx)),
        }


def _held(tx: Tx, stix_id: str) -> tuple[str, Version]:
    origins = [OURS, *(each.agreement_id for each in force.all_in_force(tx, now=clock.now()))]
    expired_at = None
    for origin in origins:
        over = is_over(tx, origin, stix_id, now=clock.now()) if origin else None
        found = objects.latest(tx, origin, [stix_id]) if over is None else {}
        if found:
            return origin, found[stix_id]
        expired_at = over or expired_at
    if expired_at is not None:
        raise RefusedError(
            f"{stix_id} expired at {moment(expired_at)}.",
            means="A partner gave it for so long. It is not here any more, and not to be used.",
            do="See `tearline received --expired`.",
        )
    raise RefusedError(f"We hold no object {stix_id}.", do="See `tearline objects`.")


def _short(version: Version, doc: dict[str, Any]) -> dict[str, Any]:
    name = doc.get("name") or doc.get("value") or doc.get("abstract") or doc.get("pattern")
    if version.type == "relationship":
        name = f"{doc.get('source_ref')} {doc.get('relationship_type')} {doc.get('target_ref')}"
    return {
        "id": version.stix_id,
        "type": version.type,
        "name": str(name) if name else None,
        "marking": level_name(version.marking),
        "source": version.source,
        "modified": doc.get("modified"),
    }
