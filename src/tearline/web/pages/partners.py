"""Partners: who they are, the words that confirmed their cards, and what runs with them."""

from typing import Any

from tearline.agreement import force
from tearline.agreement.card import check_words, read_card
from tearline.store import agreements, parties
from tearline.web.page import Asked, Form, Page


def _partners(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        bound = force.all_in_force(tx, now=asked.now)
        found = [
            {
                "slug": each.slug,
                "name": each.name,
                "since_at": each.since_at,
                "blocked_at": each.blocked_at,
                "blocked_reason": each.blocked_reason,
                "words": check_words(each.card_hash) if each.card_hash else None,
                "url": read_card(each.card).url if each.card else None,
                "undelivered": len(agreements.pending(tx, each.slug)),
                "agreements": [
                    {"agreement": e.agreement_id, "title": e.title, "state": e.state}
                    for e in bound
                    if e.partner == each.slug
                ],
            }
            for each in parties.partners(tx)
        ]
    return {
        "us": {"name": asked.home.name, "slug": asked.home.slug, "url": asked.home.card.url},
        "partners": found,
    }


PAGES = (Page("/partners", "partners.html", _partners),)
FORMS: tuple[Form, ...] = ()
