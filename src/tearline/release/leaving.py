"""How far the end with a partner has come: what is open, and the receipts for what is done."""

from typing import Any, NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.state import ENDED
from tearline.release.certifying import certify, covers, our_receipt
from tearline.release.expiring import expire, must_go
from tearline.release.recall import Recalled, recalls
from tearline.store import agreements, received, releases
from tearline.store.database import Tx
from tearline.store.recalls import certificates, recalls_under


class Leaving(NamedTuple):
    """What is left to do under one agreement before nothing is owed any more.

    `live` is what they can still read, `held` what we still hold of theirs, `undelivered` our
    messages that have not reached them. `receipts` are theirs for recalls, as JSON texts that
    `log.verify` checks with their log's key alone. With `keeps`, each side may keep what it got.
    `certificate` is our statement that we hold nothing of theirs any more, `their_certificate`
    theirs; `lacks` names the sides (*ours*, *theirs*) whose statement is needed and is not there.
    """

    agreement_id: str
    title: str
    state: str
    keeps: bool
    live: int
    recalled: tuple[Recalled, ...]
    held: int
    undelivered: int
    receipts: tuple[str, ...]
    certificate: dict[str, Any] | None
    their_certificate: str | None
    lacks: tuple[str, ...]

    @property
    def has_ended(self) -> bool:
        """Whether the agreement is over for good."""
        return self.state in ENDED

    @property
    def open_recalls(self) -> int:
        """How many recalls they have not answered, and could."""
        return sum(each.state in {"open", "overdue"} for each in self.recalled)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        rest = self.live + self.open_recalls + self.undelivered
        return self.has_ended and not rest and not self.lacks and (self.keeps or not self.held)


def leave(home: Home, party: str, *, now: int) -> list[Leaving]:
    """Do what is ours to do at the end of each agreement with a party, and say what is left.

    What expired goes, and we state that nothing is left here. MisuseError if it is unknown.
    """
    with home.store.read() as tx:
        partner = find_party(tx, party).slug
        bound = [each for each in force.all_in_force(tx, now=now) if each.partner == partner]
    for each in bound:
        expire(home, each.agreement_id, now=now)
        certify(home, each.agreement_id, now=now)
    return leaving(home, party, now=now)


def leaving(home: Home, party: str, *, now: int) -> list[Leaving]:
    """Say of every agreement with a party what is still open; MisuseError if it is unknown."""
    ordered = recalls(home, now=now)
    with home.store.read() as tx:
        partner = find_party(tx, party).slug
        undelivered = len(agreements.undelivered(tx, partner))
        bound = [each for each in force.all_in_force(tx, now=now) if each.partner == partner]
    ours = {each.agreement_id: our_receipt(home, each.agreement_id, now=now) for each in bound}
    with home.store.read() as tx:
        return [_leaving(tx, each, ordered, undelivered, ours[each.agreement_id]) for each in bound]


def _leaving(
    tx: Tx,
    bound: InForce,
    ordered: list[Recalled],
    undelivered: int,
    ours: dict[str, Any] | None,
) -> Leaving:
    agreement_id = bound.agreement_id
    theirs = certificates(tx, agreement_id).get(False)
    recalled = tuple(each for each in ordered if each.agreement_id == agreement_id)
    lacks = []
    if must_go(bound) and not bound.one_sided:
        got = ("accepted", "quarantined", "staged", "ended", "expired")
        if ours is None and received.holds_any(tx, agreement_id, *got):
            lacks.append("ours")
        if recalled and not (theirs and covers(theirs, [each.position for each in recalled])):
            lacks.append("theirs")
    receipts = {row[5] for row in recalls_under(tx, agreement_id) if row[5] is not None}
    return Leaving(
        agreement_id,
        bound.title,
        bound.state,
        bound.terms.retention.after_end == "keep",
        releases.live_count(tx, agreement_id),
        recalled,
        len(received.in_state(tx, agreement_id, "accepted", "quarantined", "staged")),
        undelivered,
        tuple(sorted(receipts)),
        ours,
        theirs.receipt if theirs else None,
        tuple(lacks),
    )
