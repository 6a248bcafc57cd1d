"""What was taken back from partners, and what of theirs waits because it fits no agreement."""

from typing import Any

import orjson

from tearline.agreement import force
from tearline.release.recall import recalls
from tearline.store import received
from tearline.web.page import Asked, Form, Page
from tearline.web.signing_in import WEIGHING

_MOST = 200


def _recalls(asked: Asked) -> dict[str, Any]:
    found = recalls(asked.home, now=asked.now)
    with asked.home.store.read() as tx:
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=asked.now)}
    counts: dict[str, int] = {}
    for each in found:
        counts[each.state] = counts.get(each.state, 0) + 1
    wanted = asked.query.get("state") or None
    rows = [each for each in found if wanted in {None, each.state}]
    return {
        "counts": counts,
        "state": wanted,
        "number": len(rows),
        "recalls": [
            {
                "agreement": each.agreement_id,
                "title": bound[each.agreement_id].title if each.agreement_id in bound else "",
                "partner": bound[each.agreement_id].partner if each.agreement_id in bound else "",
                "object": each.delivered_id,
                "position": each.position,
                "reason": each.reason,
                "at": each.at,
                "due_at": each.due_at,
                "acknowledged_at": each.acknowledged_at,
                "state": each.state,
            }
            for each in sorted(rows, key=lambda each: (each.state != "overdue", -each.at))[:_MOST]
        ],
    }


def _quarantine(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        rows = [
            {
                "agreement": each.agreement_id,
                "title": each.title,
                "partner": each.partner,
                "object": row.delivered_id,
                "hash": row.hash,
                "reasons": orjson.loads(row.reasons or "[]"),
                "at": row.at,
            }
            for each in force.all_in_force(tx, now=asked.now)
            for row in received.in_state(tx, each.agreement_id, "quarantined", without_bytes=True)
        ]
    return {"number": len(rows), "quarantined": rows[:_MOST]}


PAGES = (
    Page("/recalls", "recalls.html", _recalls),
    Page("/quarantine", "quarantine.html", _quarantine, WEIGHING),
)
FORMS: tuple[Form, ...] = ()
