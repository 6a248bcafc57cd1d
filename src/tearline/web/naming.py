"""An object in one line: what people call it, and what a list shows of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tearline.stix.marking import NO_GRADE, grade_name, level_name
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version

_LONGEST = 120
_CALLED = (
    "name",
    "value",
    "pattern",
    "path",
    "opinion",
    "abstract",
    "content",
    "subject",
    "display_name",
    "account_login",
    "user_id",
    "command_line",
    "key",
    "product",
    "url",
)
"""By what properties people call an object of STIX 2.1, the one that says most first."""
_ENDS = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "network-traffic": ("src_ref", "dst_ref"),
}
"""What an object is called by where it has no name of its own."""


def parsed(tx: Tx, rows: Iterable[Version]) -> dict[str, dict[str, Any]]:
    """Versions as the objects they are, by id."""
    ids = {each.seq: each.stix_id for each in rows}
    return {ids[seq]: orjson.loads(raw) for seq, raw in objects.raw_of(tx, ids).items()}


def row(version: Version, name: str, said: tuple[int | None, int | None] | None) -> dict[str, Any]:
    """What a list shows of an object; `said` is our marking and grade beside it."""
    marking, grade = said or (None, None)
    return {
        "id": version.stix_id,
        "type": version.type,
        "name": name,
        "marking": level_name(version.marking),
        "our_marking": None if marking is None else level_name(marking),
        "our_grade": None if grade in {None, NO_GRADE} else grade_name(grade or 0),
        "source": version.source,
        "arrived_at": version.arrived_at,
        "revoked": version.revoked,
    }


def name_of(doc: dict[str, Any], named: Mapping[str, str]) -> str:
    """What people call an object: its name, its value or pattern, what it ties, or a hash of it.

    `named` has the names of what it may tie.
    """
    for name in _CALLED:
        if isinstance(found := doc.get(name), str) and found:
            return found[:_LONGEST]
    if ends := [named.get(each, each) for each in ends_of(doc)]:
        between = f" {doc.get('relationship_type', '-')} "
        return between.join(ends)
    if isinstance(hashes := doc.get("hashes"), dict) and hashes:
        return str(next(iter(hashes.values())))[:_LONGEST]
    return str(doc.get("id", ""))


def ends_of(doc: dict[str, Any]) -> tuple[str, ...]:
    """What an object ties that is called by it: the ends of a relationship, what was sighted."""
    ends = (doc.get(each) for each in _ENDS.get(str(doc.get("type")), ()))
    return tuple(each for each in ends if isinstance(each, str))


def called(tx: Tx, docs: Mapping[str, dict[str, Any]], origin: str = OURS) -> dict[str, str]:
    """What people call each of these objects, by the names that an origin's objects have."""
    ends = {end for doc in docs.values() for end in ends_of(doc)}
    held = parsed(tx, objects.latest(tx, origin, ends).values())
    named = {each: name_of(doc, {}) for each, doc in held.items()}
    return {each: name_of(doc, named) for each, doc in docs.items()}


def names_of(tx: Tx, ids: Iterable[str], origin: str = OURS) -> dict[str, str]:
    """What people call each of `ids` that is held."""
    return called(tx, parsed(tx, objects.latest(tx, origin, set(ids)).values()), origin)
