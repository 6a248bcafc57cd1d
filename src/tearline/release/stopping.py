"""What a hold stops: it is withdrawn and recalled in the act that holds it.

A hold withholds whatever else a clause says, so nothing has to be decided for that. `reconcile`
decides afterwards what follows from it for other objects, and notes each decision with its reasons.
A receiver without a node is left to it, too: it gets revoked versions, which take longer to make.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tearline.agreement import force
from tearline.log import record
from tearline.release.reasons import Code
from tearline.stix.strict import collector_paused
from tearline.stix.timestamp import format_timestamp
from tearline.store import releases, reviews, stopping
from tearline.store.database import Tx
from tearline.store.releases import Head
from tearline.store.stopping import Ended

LEAF = 4_096
"""The most entries that one leaf stands for: it is opened as a whole, in one answer."""


def stop(tx: Tx, ids: Sequence[str], *, now: int) -> dict[str, int]:
    """Withdraw and recall what partners' nodes hold of `ids`; how many, under each agreement."""
    heads = _decided(tx, now)
    if not heads:
        return {}
    with collector_paused():
        ended = stopping.stop(tx, ids, list(heads), reason=str(Code.HELD), at=now)
        at = format_timestamp(now, digits=6)
        entries: list[record.Entry] = []
        for agreement_id, gone in ended.items():
            head = heads[agreement_id]
            said = [_entry(head, *each, at) for each in enumerate(sorted(gone), start=1)]
            batches = [said[begin : begin + LEAF] for begin in range(0, len(said), LEAF)]
            entries += record.entries(record.our_log(agreement_id), "withdraw", batches, head.hash)
        record.append_all(tx, entries, at=now)
    _forget_approvals(tx, ids, ended)
    releases.put_heads(tx, [_after(heads[each], len(gone), now) for each, gone in ended.items()])
    return {each: len(gone) for each, gone in ended.items()}


def _decided(tx: Tx, now: int) -> dict[str, Head]:
    """Where agreements with nodes stand that serve and have decided under what binds now."""
    heads = {each.agreement_id: each for each in releases.heads(tx)}
    return {
        each.agreement_id: head
        for each in force.all_in_force(tx, now=now)
        if each.serving and not each.one_sided
        if (head := heads.get(each.agreement_id)) is not None and head.hash == each.hash
    }


def _forget_approvals(tx: Tx, ids: Sequence[str], ended: Mapping[str, Sequence[Ended]]) -> None:
    """An approval is for one release: what goes again is asked about again."""
    said: dict[str, set[tuple[str, str]]] = {}
    for each in reviews.reviews_on(tx, ids):
        said.setdefault(each.agreement_id, set()).add((each.stix_id, each.item))
    for agreement_id, its in said.items():
        over = {stix_id for _, _, _, stix_id in ended.get(agreement_id, ())}
        reviews.end_reviews(tx, agreement_id, sorted(each for each in its if each[0] in over))


def _entry(head: Head, number: int, ended: Ended, at: str) -> dict[str, Any]:
    """The log entry of a withdrawal; of a hold they are told only that it is withdrawn."""
    _, position, delivered_id, _ = ended
    return {
        "kind": "withdraw",
        "agreement": head.hash,
        "position": head.position + number,
        "object": delivered_id,
        "release": position,
        "reason": "withdrawn",
        "recall": True,
        "at": at,
    }


def _after(head: Head, issued: int, now: int) -> Head:
    """The head after so many events, of which each has a position and a moment of its own."""
    last_at = max(now, head.last_at + 1) + issued - 1
    return head._replace(position=head.position + issued, last_at=last_at)
