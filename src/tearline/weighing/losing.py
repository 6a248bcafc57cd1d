"""What would fall if a source were discredited: counted before the act, by what the act counts."""

from typing import NamedTuple

from tearline.store import claim_lists, claims, worth
from tearline.store.claim_lists import Chosen
from tearline.store.database import Tx
from tearline.weighing import sides
from tearline.weighing.grades import Moved, falling
from tearline.weighing.worth import receivers_of

MOST = 2_000
"""How many claims are looked at for each identity of the source."""


class Loss(NamedTuple):
    """What rests on a source: claims, and the propositions in which they stand.

    `changed` sides of these would be worth something else, `fall` claims would have a lower grade
    in force, and `partners` have one of these with the higher. Without `whole` there is more.
    """

    claims: int
    propositions: int
    changed: int
    fall: int
    partners: tuple[str, ...]
    whole: bool


def would_lose(tx: Tx, identity: str) -> Loss:
    """Count what `worth.discredit` of this source would change; nothing is written."""
    rows = []
    whole = True
    for each in worth.everybody(tx, identity):
        found = claim_lists.page(tx, Chosen(source=each), MOST)
        whole = whole and len(found) < MOST
        rows += found
    ids = {each.stix_id for each in rows}
    names = sorted(set(claims.propositions(tx, ids).values()))
    before, after = (
        {(row.proposition, row.polarity): row for row in sides.read(tx, names, without=bad).worth()}
        for bad in ((), (identity,))
    )
    changed = [key for key in before if before[key] != after[key]]
    found_sides = sides.read(tx, names).found
    moved = {
        each.stix_id: Moved(each.origin, before[key].credibility, after[key].credibility)
        for key in changed
        for each in found_sides[key].claims
    }
    fall = falling(tx, moved)
    partners = {partner for its in receivers_of(tx, fall).values() for _, partner in its}
    return Loss(len(ids), len(names), len(changed), len(fall), tuple(sorted(partners)), whole)
