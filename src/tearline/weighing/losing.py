"""What would fall if a source were discredited: counted before the act, by what the act counts."""

from typing import NamedTuple

from tearline.store import claim_lists, claims, worth
from tearline.store.claim_lists import Chosen
from tearline.store.claims import Row
from tearline.store.database import Tx
from tearline.weighing import sides
from tearline.weighing.grades import Moved, falling
from tearline.weighing.worth import receivers_of

FEW, MOST = 100, 2_000
"""How many claims of a source are looked at, at a glance and when somebody wants to know more."""


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


def would_lose(tx: Tx, identity: str, most: int = MOST) -> Loss:
    """Count what `worth.discredit` of this source would change; nothing is written.

    No more than `most` claims are looked at, the newest of each identity of the source first.
    """
    rows: list[Row] = []
    for each in worth.everybody(tx, identity):
        rows += claim_lists.page(tx, Chosen(source=each), most + 1 - len(rows))
    whole = len(rows) <= most
    ids = {each.stix_id for each in rows[:most]}
    names = sorted(set(claims.propositions(tx, ids).values()))
    stand = sides.read(tx, names)
    before, after = (
        {(row.proposition, row.polarity): row for row in each.worth()}
        for each in (stand, sides.without(tx, stand, [identity]))
    )
    changed = [key for key in before if before[key] != after[key]]
    moved = {
        each.stix_id: Moved(each.origin, before[key].credibility, after[key].credibility)
        for key in changed
        for each in stand.found[key].claims
    }
    fall = falling(tx, moved)
    partners = {partner for its in receivers_of(tx, fall).values() for _, partner in its}
    return Loss(len(ids), len(names), len(changed), len(fall), tuple(sorted(partners)), whole)
