"""The graph around one object: what is tied to it, and what is tied to that."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tearline.release import lives
from tearline.store import objects
from tearline.topics.neighbours import DEEPEST, Neighbour, neighbours
from tearline.web.naming import names_of
from tearline.web.page import AbsentError, Asked, Form, Page

_NEWEST, _LAST = 12, 300
_WORTH = ("intrusion-set", "threat-actor", "campaign", "malware", "report", "infrastructure")
"""What is offered to begin with."""


def _explore(asked: Asked) -> dict[str, Any]:
    stix_id = asked.query.get("id") or None
    if stix_id is None:
        return _begin(asked)
    depth = _depth(asked.query.get("depth", ""))
    chosen = {name: asked.query.get(name) or None for name in ("type", "kind")}
    with asked.home.store.read() as tx:
        origin, versions = lives.held_as(tx, stix_id, now=asked.now)
        if not versions:
            raise AbsentError("We hold no object of this id.", do="Look for it among the objects.")
        found = neighbours(
            tx,
            origin,
            stix_id,
            depth=depth,
            types=[chosen["type"]] if chosen["type"] else (),
            kinds=[chosen["kind"]] if chosen["kind"] else (),
        )
        every = list(_every(found))
        names = names_of(tx, [stix_id, *(each.id for each in every if each.id)], origin)
    return {
        "id": stix_id,
        "name": names.get(stix_id, stix_id),
        "type": versions[-1].type,
        "depth": depth,
        "deepest": DEEPEST,
        "chosen": chosen,
        "types": sorted({each.type for each in every}),
        "kinds": sorted({each.kind for each in every}),
        "marks": len(every) + 1,
        "around": _all_told(found, names),
        "offered": [],
    }


def _begin(asked: Asked) -> dict[str, Any]:
    """With what one can begin: of the newest first what usually has most around it."""
    with asked.home.store.read() as tx:
        last = objects.newest(tx, objects.OURS, limit=_LAST)
        rows = sorted(last, key=lambda each: each.type not in _WORTH)[:_NEWEST]
        names = names_of(tx, [each.stix_id for each in rows])
    return {
        "id": None,
        "offered": [
            {"id": each.stix_id, "name": names[each.stix_id], "type": each.type} for each in rows
        ],
    }


def _depth(text: str) -> int:
    return int(text) if text in {str(each) for each in range(1, DEEPEST + 1)} else 1


def _every(found: Sequence[Neighbour]) -> Iterator[Neighbour]:
    for each in found:
        yield each
        yield from _every(each.around)


def _all_told(found: Sequence[Neighbour], names: Mapping[str, str]) -> list[dict[str, Any]]:
    told = [_told(each, names) for each in found]
    return sorted(told, key=lambda e: (e["kind"], e["type"], str(e["name"]).casefold()))


def _told(each: Neighbour, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": each.id or None,
        "name": names.get(each.id) if each.id else None,
        "type": each.type,
        "kind": each.kind,
        "outward": each.outward,
        "via": each.via or None,
        "number": each.number,
        "whole": each.whole,
        "again": each.again,
        "around": _all_told(each.around, names),
    }


PAGES = (Page("/explore", "explore.html", _explore),)
FORMS: tuple[Form, ...] = ()
