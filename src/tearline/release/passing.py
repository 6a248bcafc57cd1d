"""Taking away what stands beside ours though a partner gave it: recalled, replaced, or ours now."""

from collections.abc import Iterable

from tearline.release.candidates import homes
from tearline.store import objects, onward, releases, reviews, stirred, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS


def take_away(tx: Tx, ids: Iterable[str]) -> None:
    """Erase received objects from among ours, and stir whatever may be decided otherwise then.

    What was released of them is served no more from this moment on; the next `reconcile` withdraws
    and recalls it.
    """
    gone = sorted(ids)
    if not gone:
        return
    stirred.stir(tx, _around(tx, gone))
    for row in reviews.reviews_on(tx, gone):
        reviews.end_reviews(tx, row.agreement_id, [(row.stix_id, row.item)])
    for head in releases.heads(tx):
        onward.forget_bytes(tx, head.agreement_id, gone)
    objects.erase(tx, OURS, gone)
    onward.drop_passed(tx, gone)


def _around(tx: Tx, ids: list[str]) -> set[str]:
    """`ids`, what they tie to each other or are tied to, and who names them."""
    found = set(ids)
    for read in (ties.relations_via, ties.relations_from, ties.relations_to):
        for each in read(tx, OURS, ids):
            found.update((each.via_id, each.source_id, each.target_id))
    found.update(each.to_id for each in ties.references_of(tx, OURS, ids))
    found.update(each.from_id for each in ties.references_to(tx, OURS, ids))
    return found.union(*homes(tx, set(ids)).values())
