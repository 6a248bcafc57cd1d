"""The clauses as a question to the database: which objects can concern an agreement at all.

It proposes; `decide` decides every one. It never leaves out what goes or waits, or is about a
topic but stays: see `concern.concerns`. Everything else stays for reasons that hang on no topic.
"""

from collections.abc import Set as AbstractSet

from tearline.release.concern import anything
from tearline.release.rules import Named, Rules
from tearline.store import objects, proposing
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.held import Held
from tearline.topics.topic import AGAINST, ALONG, WHERE

_WORTH = 0.25
"""The share of what is held up to which a plan gains by leaving out the rest."""


def proposed(held: Held, rules: Rules, also: AbstractSet[str] = frozenset()) -> set[str] | None:
    """Our objects that may concern an agreement of these rules, and those that `also` may.

    None where that is everything, or so much that to tell it from the rest does not pay.
    """
    near = reached(held.tx, rules)
    if near is None or len(near) > objects.number(held.tx, OURS) * _WORTH:
        return None
    found = with_speaking(held, near | also)
    return objects.latest(held.tx, OURS, found).keys() & found


def reached(tx: Tx, rules: Rules) -> set[str] | None:
    """Ids of whatever a path from a topic may lead to, held or not; None for everything."""
    if anything(rules):
        return None
    near: set[str] = set()
    for clause in rules.clauses:
        ends = [
            Named(clause.keys, clause.stix_ids),
            *(end for pair in clause.pairs for end in pair),
        ]
        for named in ends:
            near |= proposing.near(
                tx,
                named.keys,
                named.stix_ids,
                clause.reach,
                along=ALONG | WHERE,
                against=AGAINST,
                members=clause.members,
            )
    return near


def with_speaking(held: Held, ids: set[str]) -> set[str]:
    """`ids`, and what goes only where something of it goes, at any remove."""
    found = edge = ids
    while edge:
        edge = held.speaking_of(edge) - found
        found = found | edge
    return found
