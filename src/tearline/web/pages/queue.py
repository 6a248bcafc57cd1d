"""The queue: what waits for people, and one item with the exact bytes that they would get."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import orjson

from tearline.agreement import force
from tearline.approval import queue
from tearline.approval.queue import Line, Says
from tearline.errors import RefusedError
from tearline.release.health import Counted
from tearline.release.reviewing import State
from tearline.release.showing import changes
from tearline.store import objects, parties
from tearline.store.objects import OURS
from tearline.store.reviews import Place, Review
from tearline.topics.topic import type_of
from tearline.web import approving
from tearline.web.naming import names_of
from tearline.web.page import AbsentError, Asked, Call, Form, Page, number_of
from tearline.web.passkeys import APPROVING
from tearline.web.signing_in import WEIGHING

ROWS, MOST_ROWS = 50, 500


def _queue(asked: Asked) -> dict[str, Any]:
    """The items in one state, part by part; those that people were asked about first come first."""
    named = {each: each for each in get_args(State)}
    wanted: State = named.get(asked.query.get("state", ""), "waits")
    after = _place(asked.query.get("after", ""))
    limit = min(max(number_of(asked.query.get("rows")) or ROWS, 1), MOST_ROWS)
    with asked.home.store.read() as tx:
        bound = force.all_in_force(tx, now=asked.now)
        found = queue.listed(tx, bound, wanted, limit + 1, after)
        shown = found[:limit]
        counts = {each: Counted.of(queue.number(tx, bound, each)) for each in get_args(State)}
        named = names_of(tx, [each.review.stix_id for each in shown])
        partners = parties.names(tx)
    return {
        "state": wanted,
        "counts": {state: each._asdict() for state, each in counts.items()},
        "items": lines(shown, named, partners),
        "first": after is None,
        "next": _name(shown[-1].review) if len(found) > limit else None,
    }


def _place(text: str) -> Place | None:
    """Read the place that an address names; None without one, or when it is none."""
    asked_at, _, item = text.partition(".")
    number = number_of(asked_at)
    return None if number is None else Place(number, item)


def _name(row: Review) -> str:
    """The name of an item's place in an address."""
    return f"{row.asked_at}.{row.item}"


def _item(asked: Asked) -> dict[str, Any]:
    try:
        found, raw = queue.item(asked.home, asked.path["item"], now=asked.now)
    except RefusedError as error:
        raise AbsentError(error.what, means=error.means, do=error.do) from error
    theirs = orjson.loads(raw)
    with asked.home.store.read() as tx:
        held = objects.latest(tx, OURS, [found.review.stix_id]).get(found.review.stix_id)
        ours = orjson.loads(objects.raw_of(tx, [held.seq])[held.seq]) if held else {}
        named, partners = names_of(tx, [found.review.stix_id]), parties.names(tx)
    at = Place(found.review.asked_at, found.review.item)
    among = queue.among_waiting(asked.home, at, now=asked.now)
    others = found.state != "waits" or among.number > 1
    (line,) = lines([found.line], named, partners)
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
        "place": Counted.of(among.place)._asdict() if found.state == "waits" else None,
        "waiting": Counted.of(among.number)._asdict(),
        "passkeys": len(approving.ready(asked.home, asked.who, asked.where)),
        "approves": asked.who.may(*APPROVING),
        "here": asked.where.here,
        "may_say": _may_say(found.state) if asked.who.may(*APPROVING) else [],
        "previous": among.previous if others else None,
        "next": among.next if others else None,
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
    item = asked.path["item"]
    before, _ = queue.item(asked.home, item, now=asked.now)
    verdict = approving.say(
        asked.home, asked.who, asked.where, given.get("answer", ""), now=asked.now
    )
    following = None
    if verdict in {"approve", "refuse"} and before.state == "waits":
        at = Place(before.review.asked_at, before.review.item)
        following = queue.among_waiting(asked.home, at, now=asked.now).next
    return {"said": verdict, "next": f"/queue/{following or item}"}


def lines(
    items: Sequence[Line], named: Mapping[str, str], partners: parties.Names
) -> list[dict[str, Any]]:
    """What a list shows of items; what is not held any more is called by its id."""
    return [
        {
            "item": each.review.item,
            "state": each.state,
            "object": each.review.stix_id,
            "name": named.get(each.review.stix_id, each.review.stix_id),
            "type": type_of(each.review.stix_id),
            "partner": each.partner,
            "partner_name": partners[each.partner],
            "agreement": each.title,
            "clause": each.review.clause,
            "reasons": list(each.codes),
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
