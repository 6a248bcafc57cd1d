"""How far the end with a partner has come: what is open, and the receipts for what is done."""

from typing import NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.state import ENDED
from tearline.release.recall import Recalled, recalls
from tearline.store import agreements, received, releases
from tearline.store.database import Tx
from tearline.store.recalls import recalls_under


class Leaving(NamedTuple):
    """What is left to do under one agreement before nothing is owed any more.

    `live` is what they can still read, `held` what we still hold of theirs, `undelivered` our
    messages that have not reached them. `receipts` are theirs for recalls, as JSON texts that
    `log.verify` checks with their log's key alone. With `keeps`, each side may keep what it got.
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
        return self.has_ended and not rest and (self.keeps or not self.held)


def leaving(home: Home, party: str, *, now: int) -> list[Leaving]:
    """Say of every agreement with a party what is still open; MisuseError if it is unknown."""
    ordered = recalls(home, now=now)
    with home.store.read() as tx:
        partner = find_party(tx, party).slug
        undelivered = len(agreements.pending(tx, partner))
        return [
            _leaving(tx, each, ordered, undelivered)
            for each in force.all_in_force(tx, now=now)
            if each.partner == partner
        ]


def _leaving(tx: Tx, bound: InForce, ordered: list[Recalled], undelivered: int) -> Leaving:
    agreement_id = bound.agreement_id
    receipts = {row[5] for row in recalls_under(tx, agreement_id) if row[5] is not None}
    return Leaving(
        agreement_id,
        bound.title,
        bound.state,
        bound.terms.retention.after_end == "keep",
        releases.live_count(tx, agreement_id),
        tuple(each for each in ordered if each.agreement_id == agreement_id),
        len(received.in_state(tx, agreement_id, "accepted", "quarantined", "staged")),
        undelivered,
        tuple(sorted(receipts)),
    )
