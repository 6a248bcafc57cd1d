"""Our own stops: holds on an object, a source or a topic, and the recall of one object."""

from collections.abc import Mapping, Sequence
from typing import Any

from tearline.errors import MisuseError
from tearline.release import arrive
from tearline.release.recall import recall
from tearline.release.taking_back import Stopped, would_stop
from tearline.stix import canonical
from tearline.store import annotations, parties
from tearline.store.annotations import OBJECT, SOURCE, TOPIC
from tearline.store.database import Tx
from tearline.web.naming import names_of
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.signing_in import WEIGHING, Role

_STOPPING: tuple[Role, ...] = ("analyst", "officer", "admin")
"""Who may hold: a stop lets nothing go."""
_BINDING: tuple[Role, ...] = ("officer", "admin")
_KINDS = (OBJECT, SOURCE, TOPIC)
_LISTED = 12
_LONGEST = 500


def reason_of(given: Mapping[str, str]) -> str:
    """The reason that a form gives; MisuseError where it gives none, or a novel."""
    reason = given.get("reason", "").strip()
    if not reason:
        raise MisuseError("There is no reason.", means="Nothing was done.", do="Say why.")
    if len(reason) > _LONGEST:
        raise MisuseError(f"A reason has {_LONGEST} characters at most.", means="Nothing was done.")
    return reason


def _holds(asked: Asked) -> dict[str, Any]:
    kind, what = asked.query.get("kind", OBJECT), asked.query.get("what", "").strip()
    if kind not in _KINDS:
        raise AbsentError("There is no such kind of hold.")
    found = would_stop(asked.home, kind, what, now=asked.now) if what else None
    with asked.home.store.read() as tx:
        held = annotations.holds(tx)
        names = names_of(tx, {w for k, w in held if k == OBJECT} | ({what} if what else set()))
        would = _would(tx, found) if found else None
    return {
        "kind": kind,
        "what": what or None,
        "name": names.get(what),
        "may_hold": asked.who.may(*_STOPPING),
        "may_end": asked.who.may(*_BINDING),
        "would": would,
        "holds": [
            {"hold": _key(k, w), "kind": k, "what": w, "name": names.get(w), "reason": why}
            for (k, w), why in sorted(held.items())
        ],
    }


def _would(tx: Tx, found: Stopped) -> dict[str, Any]:
    shown = {each.agreement_id: _first(each.ids) for each in found.taken}
    names = names_of(tx, [each for ids in shown.values() for each in ids])
    partners = parties.names(tx)
    return {
        "named": found.named,
        "whole": found.whole,
        "reason": found.reason,
        "taken": [
            {
                "agreement": each.agreement_id,
                "title": each.title,
                "partner": each.partner,
                "partner_name": partners[each.partner],
                "number": len(each.ids),
                "due_at": each.due_at,
                "objects": [
                    {"id": one, "name": names.get(one)} for one in shown[each.agreement_id]
                ],
            }
            for each in found.taken
        ],
    }


def _first(ids: Sequence[str]) -> list[str]:
    """Some of what would be taken back: what is named before what only ties."""
    return sorted(ids, key=lambda each: each.startswith("relationship--"))[:_LISTED]


def _hold(asked: Asked, given: Mapping[str, str]) -> str:
    kind, what = given.get("kind", ""), given.get("what", "").strip()
    if not what:
        raise MisuseError("There is nothing to hold.", do="Name an object, a source or a topic.")
    arrive.hold(asked.home, kind, what, reason_of(given), now=asked.now)
    return "/holds"


def _key(kind: str, what: str) -> str:
    """A name for a hold that survives any form: what is held may have any characters."""
    return canonical.sha256(f"{kind}\n{what}".encode())


def _end(asked: Asked, given: Mapping[str, str]) -> str:
    with asked.home.store.read() as tx:
        known = {_key(*each): each for each in annotations.holds(tx)}
    if given.get("hold") not in known:
        raise AbsentError("There is no such hold.", do="Look at the list of holds.")
    kind, what = known[given["hold"]]
    arrive.release_hold(asked.home, kind, what, reason_of(given), now=asked.now)
    return "/holds"


# -------------------------------------------------------------------------------------- recall


def _recall(asked: Asked) -> dict[str, Any]:
    """What a recall of an object from a partner would take back, and when it would be due."""
    what, to = asked.path["id"], asked.path["party"]
    found = would_stop(asked.home, OBJECT, what, now=asked.now)
    taken = tuple(each for each in found.taken if each.partner == to)
    if not taken:
        raise AbsentError("They hold nothing of it from us.", do="Look at the object's page.")
    with asked.home.store.read() as tx:
        would = _would(tx, found)
        name = names_of(tx, [what]).get(what)
    named = {each["partner"]: each["partner_name"] for each in would["taken"]}
    return {
        "object": what,
        "name": name,
        "partner": to,
        "partner_name": named.pop(to),
        "would": would,
        "others": list(named),
    }


def _order(asked: Asked, given: Mapping[str, str]) -> str:
    what, to = asked.path["id"], asked.path["party"]
    recall(asked.home, what, to, reason_of(given), now=asked.now)
    return "/recalls"


PAGES = (
    Page("/holds", "holds.html", _holds, WEIGHING),
    Page("/objects/{id}/recall/{party}", "recall.html", _recall, _BINDING),
)
FORMS = (
    Form("/holds", _hold, _STOPPING),
    Form("/holds/end", _end, _BINDING, proven=True),
    Form("/objects/{id}/recall/{party}", _order, _BINDING, proven=True),
)
