"""What is known of objects that came under an agreement and may be passed on: slip and rule.

Where the agreement lets its receiver pass things on, what came under it stands beside ours, and its
source is the id of the agreement. `facts` asks here what that means at a moment.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.release import slips
from tearline.release.concern import rules_under
from tearline.release.decide import passes_but_for_about
from tearline.release.rules import FOREVER, Facts, Onward, Source, onward_of
from tearline.release.slips import Slip
from tearline.stix.timestamp import parse_timestamp
from tearline.store import received
from tearline.store.database import Tx
from tearline.store.objects import Version

AGREEMENT = "urn:uuid:"
"""How the source of what came under an agreement begins."""


class Origin(NamedTuple):
    """The agreement that an object came under, as it binds now, and the slip that it came with."""

    bound: InForce
    slip: Slip

    def source(self, facts: Facts) -> Source:
        """What the agreement says of passing the object on; `facts` are as its giver has them."""
        rules = rules_under(self.bound.terms_bytes, self.bound.their_slot)
        clause = next((each for each in rules.clauses if each.id == self.slip.clause), None)
        kept = clause is not None and passes_but_for_about(rules, clause, facts, if_approved=True)
        until_at = FOREVER if self.slip.until is None else parse_timestamp(self.slip.until)
        return Source(
            rule=rule_of(self.bound),
            giver=self.bound.partner,
            in_force=self.bound.accepting,
            kept=kept,
            until_at=min(until_at, self.bound.until_at),
        )


def rule_of(bound: InForce) -> Onward:
    """What an agreement lets its receiver pass on."""
    return onward_of(bound.terms)


def allows(bound: InForce) -> bool:
    """Whether an agreement lets anything be passed on; most do not, and are not parsed for it."""
    return b'"onward":{"allowed":true' in bound.terms_bytes and rule_of(bound).allowed


def origins(
    tx: Tx, rows: Iterable[Version], known: Mapping[str, Slip], now: int
) -> dict[str, Origin]:
    """For each of these versions that came under an agreement with a slip: both."""
    rows = [each for each in rows if each.stix_id in known]
    bound = {each: force.in_force(tx, each, now=now) for each in {row.source for row in rows}}
    return {
        row.stix_id: Origin(its, known[row.stix_id])
        for row in rows
        if (its := bound[row.source]) is not None
    }


def slips_of(tx: Tx, rows: Iterable[Version]) -> dict[str, Slip]:
    """The slips of versions that came under agreements, by their objects."""
    by_agreement: dict[str, list[str]] = {}
    for row in rows:
        by_agreement.setdefault(row.source, []).append(row.stix_id)
    return {
        each.delivered_id: slips.read_slip(each.slip)
        for agreement_id, ids in by_agreement.items()
        for each in received.given_as(tx, agreement_id, ids, "accepted")
        if each.slip
    }
