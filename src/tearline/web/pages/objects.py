"""What we hold: a list that begins with the newest, and one object with all that became of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tearline.agreement import force
from tearline.errors import RefusedError
from tearline.release.preview import explain
from tearline.stix.marking import NO_GRADE, grade_name, level_name
from tearline.store import annotations, objects, parties, releases
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version
from tearline.web.page import AbsentError, Asked, Form, Page

_ROWS = 50
_LONGEST = 120


def _objects(asked: Asked) -> dict[str, Any]:
    type_, before = asked.query.get("type") or None, asked.query.get("before", "")
    with asked.home.store.read() as tx:
        types = objects.count(tx, OURS)
        rows = objects.newest(
            tx,
            OURS,
            type_=type_,
            before=int(before) if before.isascii() and before.isdigit() else None,
            limit=_ROWS + 1,
        )
        docs = _parsed(tx, rows)
        ends = {end for doc in docs.values() for end in _ends(doc)}
        named = {e: name_of(d, {}) for e, d in _parsed(tx, _latest(tx, ends)).items()}
        said = annotations.annotations(tx, [each.stix_id for each in rows])
    shown = rows[:_ROWS]
    return {
        "held": sum(types.values()),
        "types": dict(sorted(types.items(), key=lambda each: (-each[1], each[0]))),
        "type": type_,
        "before": before or None,
        "next": shown[-1].seq if len(rows) > _ROWS else None,
        "objects": [
            _row(each, name_of(docs[each.stix_id], named), said.get(each.stix_id)) for each in shown
        ],
    }


def _latest(tx: Tx, ids: Iterable[str]) -> Iterable[Version]:
    return objects.latest(tx, OURS, ids).values()


def _parsed(tx: Tx, rows: Iterable[Version]) -> dict[str, dict[str, Any]]:
    ids = {each.seq: each.stix_id for each in rows}
    return {ids[seq]: orjson.loads(raw) for seq, raw in objects.raw_of(tx, ids).items()}


def _ends(doc: dict[str, Any]) -> tuple[str, ...]:
    """What a relationship ties."""
    if doc.get("type") != "relationship":
        return ()
    return str(doc.get("source_ref")), str(doc.get("target_ref"))


def _row(version: Version, name: str, said: tuple[int | None, int | None] | None) -> dict[str, Any]:
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
    if ends := _ends(doc):
        source, target = (named.get(each, each) for each in ends)
        return f"{source} {doc.get('relationship_type')} {target}"
    return str(doc.get("id", ""))


def _object(asked: Asked) -> dict[str, Any]:
    stix_id = asked.path["id"]
    with asked.home.store.read() as tx:
        versions = objects.versions_of(tx, OURS, [stix_id]).get(stix_id, [])
        if not versions:
            raise AbsentError("We hold no object of this id.", do="Look for it among the objects.")
        latest = next((each for each in versions if each.latest), versions[-1])
        doc = _parsed(tx, [latest])[stix_id]
        ends = _parsed(tx, _latest(tx, _ends(doc)))
        name = name_of(doc, {each: name_of(its, {}) for each, its in ends.items()})
        said = annotations.annotations(tx, [stix_id]).get(stix_id)
        holds = annotations.holds(tx)
        bound = force.all_in_force(tx, now=asked.now)
        has = [found for each in bound if (found := _had(tx, each, stix_id)) is not None]
        names = {each.slug: each.name for each in parties.partners(tx)}
    to = asked.query.get("to") or None
    return _row(latest, name, said) | {
        "object": doc,
        "hash": latest.hash,
        "versions": [
            {"at": e.version_at, "arrived_at": e.arrived_at, "hash": e.hash, "source": e.source}
            for e in reversed(versions)
        ],
        "hold": holds.get(("object", stix_id)) or holds.get(("source", latest.source)),
        "has": has,
        "parties": {each.partner: names.get(each.partner, each.partner) for each in bound},
        "to": to,
        "could": _could(asked, stix_id, to) if to else None,
    }


def _had(tx: Tx, bound: force.InForce, stix_id: str) -> dict[str, Any] | None:
    """What a partner has of an object under one agreement."""
    stood = releases.standing(tx, bound.agreement_id, [stix_id]).get(stix_id)
    if stood is None or not stood.position:
        return None
    row = releases.releases_at(tx, bound.agreement_id, [stood.position]).get(stood.position)
    return {
        "partner": bound.partner,
        "agreement": bound.agreement_id,
        "title": bound.title,
        "clause": stood.clause,
        "delivered_id": stood.delivered_id,
        "position": stood.position,
        "at": row.at if row else None,
        "leaf": row.leaf if row else None,
        "hash": row.hash if row else None,
    }


def _could(asked: Asked, stix_id: str, to: str) -> list[dict[str, Any]]:
    """Whether it could go to a partner, with every reason, by the function that releases."""
    try:
        found = explain(asked.home, stix_id, to, now=asked.now)
    except RefusedError as error:
        raise AbsentError(error.what, means=error.means, do=error.do) from error
    return [
        {
            "title": each.title,
            "outcome": each.outcome,
            "clause": each.clause,
            "reasons": [
                {"code": told.code, "clause": told.clause, "sentence": told.sentence}
                for told in each.reasons
            ],
            "path": [{"id": step.id, "name": step.name} for step in each.path],
        }
        for each in found
    ]


PAGES = (
    Page("/objects", "objects.html", _objects),
    Page("/objects/{id}", "object.html", _object),
)
FORMS: tuple[Form, ...] = ()
