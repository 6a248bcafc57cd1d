"""One object: its line of life, who says what of it, who has it, what it is tied to; a form."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.errors import ProofError, RefusedError
from tearline.log import record
from tearline.log.receipt import prove
from tearline.release import arrive, lives
from tearline.release.lives import Said, Side
from tearline.release.showing import Shown, changes, show
from tearline.stix.handling import pap_name
from tearline.stix.marking import NO_GRADE, grade_name, level_name
from tearline.store import annotations, around, claims, objects, parties
from tearline.store.around import Tie
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version
from tearline.topics.topic import type_of
from tearline.web.naming import called, name_of, names_of, parsed, row
from tearline.web.page import AbsentError, Asked, Form, Page, number_of
from tearline.web.pages.claims import counted, told
from tearline.web.signing_in import WEIGHING, Role
from tearline.weighing import browsing

_VERSIONS = 8
_SIDES = 60
_CLAIMS = 6
_PARTIES = 20
_TIES = 25
_READ = 1_000
"""Ties of each sort that are read; what has more says so."""
_WHOLE = 200_000
"""Bytes up to which an object is shown whole."""
_SAYING: tuple[Role, ...] = ("analyst", "officer", "admin")


def _object(asked: Asked) -> dict[str, Any]:
    stix_id = asked.path["id"]
    with asked.home.store.read() as tx:
        origin, versions = lives.held_as(tx, stix_id, now=asked.now)
        if not versions:
            raise AbsentError("We hold no object of this id.", do="Look for it among the objects.")
        latest = lives.latest_of(versions)
        raw = objects.raw_of(tx, [latest.seq])[latest.seq]
        doc = orjson.loads(raw)
        name = called(tx, {stix_id: doc}, origin)[stix_id]
        said = annotations.annotations(tx, [stix_id]).get(stix_id)
        bound = force.all_in_force(tx, now=asked.now)
        names = parties.names(tx)
        line = row(latest, name, said)
        given = lives.given(tx, stix_id, bound)
        others = [each for each in bound if each.agreement_id != origin]
        beside = lives.said(tx, stix_id, given, others, now=asked.now)
        found = line | {
            "object": doc if len(raw) <= _WHOLE else None,
            "bytes": len(raw),
            "hash": latest.hash,
            "confidence": latest.confidence,
            "pap": None if latest.pap < 0 else pap_name(latest.pap),
            "version_at": latest.version_at,
            "agreement": origin or None,
            "beside": _said(tx, beside[:_PARTIES], (raw, doc), names),
            "beside_number": len(beside),
            "versions": _versions(tx, versions),
            "versions_number": len(versions),
            "hold": _hold(tx, latest),
            "is_claim": stix_id in claims.propositions(tx, [stix_id]),
            "is_source": latest.type == "identity",
            "life": _life(tx, asked, (origin, line, doc, versions), (bound, given), names),
            "ties": _ties(tx, asked, origin, latest),
            "receipt": _receipt(tx, asked, stix_id, bound),
        }
    to = asked.query.get("to") or None
    sides = _beside(asked, stix_id, to) if to else None
    return found | {
        "parties": {each.partner: names[each.partner] for each in bound},
        "says": asked.who.may(*_SAYING) and origin == OURS,
        "to": to,
        "could": sides,
    }


def _hold(tx: Tx, latest: Version) -> str | None:
    held = annotations.holds(tx)
    return held.get(("object", latest.stix_id)) or held.get(("source", latest.source))


# -------------------------------------------------------------------------------------- versions


def _versions(tx: Tx, versions: Sequence[Version]) -> list[dict[str, Any]]:
    """The newest versions, each with what changed since the one before."""
    last = versions[-_VERSIONS - 1 :]
    raws = objects.raw_of(tx, [each.seq for each in last])
    docs = {seq: orjson.loads(raw) for seq, raw in raws.items() if len(raw) <= _WHOLE}
    known = {
        new.seq: changes(docs[old.seq], docs[new.seq])
        for old, new in pairwise(last)
        if old.seq in docs and new.seq in docs
    }
    return [
        {
            "at": each.version_at,
            "arrived_at": each.arrived_at,
            "hash": each.hash,
            "source": each.source,
            "latest": each.latest,
            "changes": [one._asdict() for one in known.get(each.seq, ())],
        }
        for each in reversed(versions[-_VERSIONS:])
    ]


# ------------------------------------------------------------------------------------------ life


def _life(
    tx: Tx,
    asked: Asked,
    it: tuple[str, dict[str, Any], dict[str, Any], Sequence[Version]],
    theirs: tuple[list[InForce], Mapping[str, Sequence[Version]]],
    names: parties.Names,
) -> dict[str, Any]:
    origin, line, doc, versions = it
    bound, given = theirs
    titles = {each.agreement_id: each.title for each in bound}
    came = lives.sources(origin, versions, given, bound)
    claimed = browsing.about(tx, line["id"], most=_CLAIMS, now=asked.now)
    sides = lives.sides(tx, line["id"], bound, most=_SIDES)
    weighs = asked.who.may(*WEIGHING)
    return {
        "author": _author(tx, origin, doc),
        "sources": [
            {
                "name": names[each.name] if each.agreement else each.name,
                "agreement": each.agreement,
                "title": titles.get(each.agreement or ""),
                "versions": each.versions,
                "last_at": each.last_at,
            }
            for each in came
        ],
        "claims": [told(each) for each in claimed.lines],
        "claims_number": counted(claimed.number),
        "object": {
            "id": line["id"],
            "name": line["name"],
            "type": line["type"],
            "version_at": versions[-1].version_at,
        },
        "sides": [_side(each, names, asked.now, weighs=weighs) for each in sides],
        "sides_number": len(bound),
    }


def _author(tx: Tx, origin: str, doc: Mapping[str, Any]) -> dict[str, Any] | None:
    who = doc.get("created_by_ref")
    if not isinstance(who, str):
        return None
    found = parsed(tx, objects.latest(tx, origin, [who]).values()).get(who)
    return {"id": who, "name": name_of(found, {}) if found else who, "held": found is not None}


def _side(each: Side, names: parties.Names, now: int, *, weighs: bool) -> dict[str, Any]:
    given, took, bound = each.given, each.recall, each.bound
    late = each.answered == "open" and each.due_at is not None and now >= each.due_at
    return {
        "partner": bound.partner,
        "partner_name": names[bound.partner],
        "agreement": bound.agreement_id,
        "title": bound.title,
        "state": bound.state,
        "stands": each.stands,
        "clause": each.clause,
        "reasons": [list(pair) for pair in each.reasons],
        "version": given.version if given else None,
        "delivered_id": given.delivered_id if given else None,
        "hash": given.hash if given else None,
        "at": given.at if given else None,
        "position": given.position if given else None,
        "leaf": given.leaf if given else None,
        "queue_item": each.item if weighs else None,
        "recalled_at": took.at if took else None,
        "recall_reason": took.reason if took else None,
        "due_at": each.due_at,
        "acknowledged_at": took.acknowledged_at if took else None,
        "answered": "overdue" if late else each.answered,
    }


def _receipt(tx: Tx, asked: Asked, stix_id: str, bound: list[InForce]) -> dict[str, Any] | None:
    """The receipt of the last release under the agreement that is asked for, checked."""
    wanted = asked.query.get("receipt")
    chosen = [each for each in bound if each.agreement_id == f"urn:uuid:{wanted}"]
    if not wanted or not chosen:
        return None
    (side,) = lives.sides(tx, stix_id, chosen, most=1)
    if side.given is None:
        return None
    origin = record.origin_of(asked.home.slug, side.bound.agreement_id)
    vkey = asked.home.log_vkey(side.bound.agreement_id)
    found: dict[str, Any] = {"agreement": side.bound.agreement_id, "partner": side.bound.partner}
    found |= {"leaf": side.given.leaf, "why": None}
    try:
        document = record.receipt(
            tx, lives.log_of(side), side.given.leaf, side.given.item, origin=origin, vkey=vkey
        )
        proven = prove(document, vkey)
    except ProofError as error:
        return found | {"good": False, "why": error.what, "receipt": None}
    head = proven.checkpoint
    return found | {
        "good": True,
        "at": proven.at,
        "size": head.size,
        "root": head.root.hex(),
        "record": proven.record,
        "receipt": document,
    }


# ------------------------------------------------------------------------------------------ ties


def _ties(tx: Tx, asked: Asked, origin: str, latest: Version) -> dict[str, Any]:
    """What ties the object to others: groups with their numbers, and one page of one by one."""
    found, whole = around.ties_of(tx, origin, latest.stix_id, latest.seq, most=_READ)
    groups: dict[tuple[str, bool, str], int] = {}
    for each in found:
        key = (each.kind, each.outward, type_of(each.other))
        groups[key] = groups.get(key, 0) + 1
    kind, type_ = asked.query.get("kind") or None, asked.query.get("tied") or None
    wanted = [
        each for each in found if kind in {None, each.kind} and type_ in {None, type_of(each.other)}
    ]
    page = number_of(asked.query.get("ties")) or 1
    rows = wanted[(page - 1) * _TIES :][:_TIES]
    return {
        "number": len(found),
        "whole": whole,
        "groups": [
            {"kind": kind, "outward": outward, "type": type_, "number": number}
            for (kind, outward, type_), number in sorted(
                groups.items(), key=lambda item: (-item[1], item[0])
            )
        ],
        "kind": kind,
        "type": type_,
        "page": page,
        "next": page + 1 if len(wanted) > page * _TIES else None,
        "rows": tied(tx, origin, rows),
    }


def tied(tx: Tx, origin: str, rows: Sequence[Tie]) -> list[dict[str, Any]]:
    """Ties as people read them, with the names of what they lead to."""
    names = names_of(tx, (each.other for each in rows), origin)
    return [
        {
            "id": each.other,
            "name": names.get(each.other),
            "type": type_of(each.other),
            "kind": each.kind,
            "outward": each.outward,
            "via": each.via,
        }
        for each in rows
    ]


# ---------------------------------------------------------------------------------------- theirs


def _said(
    tx: Tx, parties: Sequence[Said], it: tuple[bytes, dict[str, Any]], names: parties.Names
) -> list[dict[str, Any]]:
    """What partners say of it by versions of their own, and how these differ from the one shown."""
    raw, doc = it
    raws = objects.raw_of(tx, [each.version.seq for each in parties])
    return [
        {
            "partner": each.bound.partner,
            "name": names[each.bound.partner],
            "agreement": each.bound.agreement_id,
            "title": each.bound.title,
            "marking": level_name(each.version.marking),
            "attested": None if each.marking is None else level_name(each.marking),
            "grade": None if each.grade in {None, NO_GRADE} else grade_name(each.grade or 0),
            "confidence": each.version.confidence,
            "version_at": each.version.version_at,
            "revoked": each.version.revoked,
            "same": theirs == raw,
            "difference": [one._asdict() for one in changes(doc, orjson.loads(theirs))]
            if max(len(raw), len(theirs)) <= _WHOLE
            else None,
        }
        for each in parties
        for theirs in (raws[each.version.seq],)
    ]


def _beside(asked: Asked, stix_id: str, to: str) -> list[dict[str, Any]]:
    """Whether it could go to a partner, with every reason, and what they have or would get."""
    try:
        _, found = show(asked.home, stix_id, to, now=asked.now)
    except RefusedError as error:
        raise AbsentError(error.what, means=error.means, do=error.do) from error
    return [_shown(each) for each in found]


def _shown(shown: Shown) -> dict[str, Any]:
    each = shown.explanation
    return {
        "title": each.title,
        "outcome": each.outcome,
        "clause": each.clause,
        "reasons": [
            {"code": told.code, "clause": told.clause, "sentence": told.sentence}
            for told in each.reasons
        ],
        "path": [{"id": step.id, "name": step.name} for step in each.path],
        "has": shown.has,
        "theirs": None if shown.raw is None else orjson.loads(shown.raw),
        "theirs_hash": shown.hash,
        "difference": [each._asdict() for each in shown.changes],
    }


def _say(asked: Asked, given: Mapping[str, str]) -> str:
    """Put our marking or grade beside an object; what is left empty stays as it is."""
    grade = given.get("grade", "").strip()
    said = arrive.annotation_of(given.get("marking") or None, grade or None)
    arrive.annotate(asked.home, [asked.path["id"]], said, now=asked.now)
    return f"/objects/{asked.path['id']}"


PAGES = (Page("/objects/{id}", "object.html", _object),)
FORMS = (Form("/objects/{id}/say", _say, _SAYING, proven=True),)
