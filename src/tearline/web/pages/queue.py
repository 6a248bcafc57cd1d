"""The queue: what waits for people, and one item with the exact bytes that they would get."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tearline.approval import queue
from tearline.approval.queue import Item, Says, State
from tearline.errors import RefusedError
from tearline.release.showing import changes
from tearline.store import objects, parties
from tearline.store.objects import OURS
from tearline.web import approving
from tearline.web.naming import names_of
from tearline.web.page import AbsentError, Asked, Call, Form, Page
from tearline.web.passkeys import APPROVING
from tearline.web.signing_in import WEIGHING

_MOST = 500
"""Items that a list shows; those that wait longest come first."""


def _queue(asked: Asked) -> dict[str, Any]:
    wanted = asked.query.get("state", "waits")
    found = queue.items(asked.home, now=asked.now)
    counts: dict[str, int] = {}
    for each in found:
        counts[each.state] = counts.get(each.state, 0) + 1
    return {
        "state": wanted,
        "counts": counts,
        "items": lines(asked, [each for each in found if each.state == wanted][:_MOST]),
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
    names = _waiting(asked)
    place = names.index(found.review.item) if found.review.item in names else None
    (line,) = lines(asked, [found])
    return line | {
        "needed": found.needed,
        "approved": len(found.reviewed.approvals),
        "requested_by": found.review.requested_by or None,
        "ours": ours,
        "theirs": theirs,
        "difference": [each._asdict() for each in changes(ours, theirs)],
        "hash": found.review.hash,
        "sentences": [told.sentence for told in found.reasons],
        "said": [
            {
                "person": each.person,
                "verdict": each.verdict,
                "text": each.text,
                "at": each.at,
                "passkey": '"assertion"' in each.signed,
                "spent": each.spent,
            }
            for each in found.said
        ],
        "place": None if place is None else place + 1,
        "waiting": len(names),
        "passkeys": len(approving.ready(asked.home, asked.who, asked.where)),
        "approves": asked.who.may(*APPROVING),
        "here": asked.where.here,
        "may_say": _may_say(found.state) if asked.who.may(*APPROVING) else [],
        "previous": names[place - 1] if place is not None and len(names) > 1 else None,
        "next": names[(place + 1) % len(names)] if place is not None and len(names) > 1 else None,
    }


def _may_say(state: State) -> list[Says]:
    """What can be said of an item as it stands; who may is another question."""
    if state in {"refused", "lapsed"}:
        return ["request", "query"]
    return ["query"] if state == "approved" else ["approve", "refuse", "query"]


def _begin(asked: Asked, given: Mapping[str, str]) -> dict[str, Any]:
    verdict, text = given.get("verdict", ""), given.get("reason", "")
    at = asked.home, asked.who, asked.where
    return approving.begin(*at, asked.path["item"], verdict, text, now=asked.now)


def _say(asked: Asked, given: Mapping[str, str]) -> dict[str, Any]:
    """Keep what was said and lead on; what was refused may take others out of the queue with it."""
    item, before = asked.path["item"], _waiting(asked)
    answer = given.get("answer", "")
    verdict = approving.say(asked.home, asked.who, asked.where, answer, now=asked.now)
    next_item = item
    if verdict in {"approve", "refuse"} and item in before:
        place, still = before.index(item), set(_waiting(asked))
        following = before[place + 1 :] + before[:place]
        next_item = next((each for each in following if each in still), item)
    return {"said": verdict, "next": f"/queue/{next_item}"}


def _waiting(asked: Asked) -> list[str]:
    """What waits for people now, in the order of the queue."""
    found = queue.items(asked.home, now=asked.now)
    return [each.review.item for each in found if each.state == "waits"]


def lines(asked: Asked, items: Sequence[Item]) -> list[dict[str, Any]]:
    """What a list shows of items; what is not held any more is called by its id."""
    ids = [each.review.stix_id for each in items]
    with asked.home.store.read() as tx:
        named = names_of(tx, ids)
        partners = {each.slug: each.name for each in parties.partners(tx)}
    return [
        {
            "item": each.review.item,
            "state": each.state,
            "object": each.review.stix_id,
            "name": named.get(each.review.stix_id, each.review.stix_id),
            "type": each.type,
            "partner": each.partner,
            "partner_name": partners.get(each.partner, each.partner),
            "agreement": each.title,
            "clause": each.review.clause,
            "reasons": [told.code for told in each.reasons],
            "since_at": each.review.asked_at,
            "until_at": each.until_at,
        }
        for each in items
    ]


PAGES = (
    Page("/queue", "queue.html", _queue, WEIGHING),
    Page("/queue/{item}", "item.html", _item, WEIGHING),
)
FORMS: tuple[Form, ...] = ()
CALLS = (
    Call("/queue/{item}/begin", _begin, APPROVING),
    Call("/queue/{item}/say", _say, APPROVING),
)
