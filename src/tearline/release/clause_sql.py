"""The clauses as a question to the database: which objects can concern an agreement at all.

It proposes; `decide` decides every one. It never leaves out what goes or waits, or is about a
topic but stays: see `concern.concerns`. Everything else stays for reasons that hang on no topic.
"""

from tearline.release.concern import anything
from tearline.release.rules import Named, Rules
from tearline.store import objects, proposing
from tearline.store.objects import OURS
from tearline.topics.held import Held
from tearline.topics.topic import AGAINST, ALONG, EDGE_REFS, HOLDERS, WHERE, depends

_SPEAKING = sorted((EDGE_REFS.keys() | HOLDERS) - {"relationship"})

_WORTH = 0.25
"""The share of what is held up to which it pays to look for what speaks of it."""


def proposed(held: Held, rules: Rules) -> set[str] | None:
    """Our objects that may concern an agreement of these rules.

    None where that is everything, or so much that to tell it from the rest does not pay.
    """
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
                held.tx,
                named.keys,
                named.stix_ids,
                clause.reach,
                along=ALONG | WHERE,
                against=AGAINST,
                members=clause.members,
            )
    if len(near) > sum(objects.count(held.tx, OURS).values()) * _WORTH:
        return None
    found = near | set(proposing.of_types(held.tx, OURS, _SPEAKING))
    edge = found
    while edge:
        tying = [*held.relations_from(edge), *held.relations_to(edge)]
        edge = {each.via_id for each in tying if depends(each.via_id)} - found
        found |= edge
    return objects.latest(held.tx, OURS, found).keys() & found
