"""An object in one line: what people call it, and what a list shows of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tearline.stix.marking import NO_GRADE, grade_name, level_name
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version

_LONGEST = 120


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
    """What people call an object: its name, its value or pattern, or what it ties.

    `named` has the names of what a relationship may tie.
    """
    for name in ("name", "value", "pattern", "path", "opinion", "content", "abstract"):
        if isinstance(found := doc.get(name), str) and found:
            return found[:_LONGEST]
    if ends := ends_of(doc):
        source, target = (named.get(each, each) for each in ends)
        return f"{source} {doc.get('relationship_type')} {target}"
    return str(doc.get("id", ""))


def ends_of(doc: dict[str, Any]) -> tuple[str, ...]:
    """What a relationship ties."""
    if doc.get("type") != "relationship":
        return ()
    return str(doc.get("source_ref")), str(doc.get("target_ref"))


def names_of(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """The name of each of `ids` that we hold; a relationship is named by what it ties."""
    docs = parsed(tx, objects.latest(tx, OURS, set(ids)).values())
    ends = {end for doc in docs.values() for end in ends_of(doc)}
    held = parsed(tx, objects.latest(tx, OURS, ends).values())
    named = {each: name_of(doc, {}) for each, doc in held.items()}
    return {each: name_of(doc, named) for each, doc in docs.items()}
