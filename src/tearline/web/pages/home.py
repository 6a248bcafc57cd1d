"""Home: what came in, what went out, and what waits for a person."""

from typing import Any

from tearline.agreement import force
from tearline.approval import queue
from tearline.release.recall import recalls
from tearline.store import objects, parties, received, releases
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.web.page import Asked, Form, Page
from tearline.web.pages.queue import short
from tearline.web.signing_in import WEIGHING

_SHOWN = 12


def _home(asked: Asked) -> dict[str, Any]:
    """What everybody may know, and what waits for those who weigh it."""
    ordered = recalls(asked.home, now=asked.now)
    with asked.home.store.read() as tx:
        bound = force.all_in_force(tx, now=asked.now)
        ids = [each.agreement_id for each in bound]
        found: dict[str, Any] = {
            "held": objects.number(tx, OURS),
            "came_in": sum(received.usable(tx, each, asked.now) for each in ids),
            "went_out": sum(releases.live_count(tx, each) for each in ids),
            "partners": len(parties.partners(tx)),
            "agreements": sum(each.serving or each.accepting for each in bound),
            "recalls": {s: sum(e.state == s for e in ordered) for s in ("open", "overdue")},
        }
        if not asked.who.may(*WEIGHING):
            return found
        found["quarantine"] = sum(len(_quarantined(tx, each)) for each in ids)
    waits = [e for e in queue.items(asked.home, now=asked.now) if e.state == "waits"]
    return found | {"waiting": len(waits), "waits": [short(each) for each in waits[:_SHOWN]]}


def _quarantined(tx: Tx, agreement_id: str) -> list[received.Received]:
    return received.in_state(tx, agreement_id, "quarantined", without_bytes=True)


PAGES = (Page("/", "home.html", _home),)
FORMS: tuple[Form, ...] = ()
