"""The queue: what waits for people, and one item with the exact bytes that they would get."""

from typing import Any

import orjson

from tearline.approval import queue
from tearline.approval.queue import Item
from tearline.errors import RefusedError
from tearline.release.showing import changes
from tearline.store import objects
from tearline.store.objects import OURS
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.signing_in import WEIGHING


def _queue(asked: Asked) -> dict[str, Any]:
    wanted = asked.query.get("state", "waits")
    found = queue.items(asked.home, now=asked.now)
    counts: dict[str, int] = {}
    for each in found:
        counts[each.state] = counts.get(each.state, 0) + 1
    return {
        "state": wanted,
        "counts": counts,
        "items": [short(each) for each in found if each.state == wanted],
    }


def _item(asked: Asked) -> dict[str, Any]:
    try:
        found, raw = queue.item(asked.home, asked.path["item"], now=asked.now)
    except RefusedError as error:
        raise AbsentError(error.what, means=error.means, do=error.do) from error
    theirs = orjson.loads(raw)
    with asked.home.store.read() as tx:
        held = objects.latest(tx, OURS, [found.review.stix_id]).get(found.review.stix_id)
        ours = orjson.loads(objects.raw_of(tx, [held.seq])[held.seq]) if held else {}
    rest = [e for e in queue.items(asked.home, now=asked.now) if e.state == "waits"]
    names = [each.review.item for each in rest]
    place = names.index(found.review.item) if found.review.item in names else None
    return short(found) | {
        "needed": found.needed,
        "ours": ours,
        "theirs": theirs,
        "difference": [each._asdict() for each in changes(ours, theirs)],
        "hash": found.review.hash,
        "sentences": [told.sentence for told in found.reasons],
        "said": [
            {"person": each.person, "verdict": each.verdict, "at": each.at} for each in found.said
        ],
        "place": None if place is None else place + 1,
        "waiting": len(names),
        "next": names[(place + 1) % len(names)] if place is not None and len(names) > 1 else None,
    }


def short(each: Item) -> dict[str, Any]:
    """What a list shows of an item."""
    return {
        "item": each.review.item,
        "state": each.state,
        "object": each.review.stix_id,
        "type": each.type,
        "partner": each.partner,
        "agreement": each.title,
        "clause": each.review.clause,
        "reasons": [told.code for told in each.reasons],
        "since_at": each.review.asked_at,
        "until_at": each.until_at,
    }


PAGES = (
    Page("/queue", "queue.html", _queue, WEIGHING),
    Page("/queue/{item}", "item.html", _item, WEIGHING),
)
FORMS: tuple[Form, ...] = ()
