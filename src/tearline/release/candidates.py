"""Which of the objects that were stirred can concern which agreement.

What an agreement's topics do not touch has no row under it, and must cost it nothing. A path from
a topic leads only over objects that are about the topic themselves; so the first stirred object on
a new path is a topic, or is tied to something that is about it already and has a row. From there
the plan goes on by itself. What is shared, the keys and ties of what was stirred, is read once for
all agreements.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from tearline.release.answering import answered
from tearline.release.concern import anything
from tearline.release.rules import Rules
from tearline.store import releases, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.topic import EDGE_REFS, type_of

_TYING = frozenset({role for roles in EDGE_REFS.values() for role in roles}) | {
    "object_refs",
    "where_sighted_refs",
}
"""Properties by which *about*, a victim or the fate of an edge goes from one object to another."""


class Stirred(NamedTuple):
    """What was stirred, and all that says whom it can concern.

    `after` has the number under which each id was stirred last, `keyed` who carries a key, `tied`
    which of them an object is tied to, `rows` the objects near them that each agreement decided,
    `answers` by agreement what speaks of something that came under it.
    """

    after: dict[str, int]
    keyed: dict[str, set[str]]
    tied: dict[str, set[str]]
    rows: dict[str, set[str]]
    answers: dict[str, set[str]]


def gathered(tx: Tx, log: list[tuple[int, str]]) -> Stirred:
    """Read once what says whom the stirred objects of a stretch of the log can concern."""
    after = {stix_id: seq for seq, stix_id in log}
    keyed: dict[str, set[str]] = {}
    for key, stix_id in ties.keys_on(tx, OURS, after):
        keyed.setdefault(key, set()).add(stix_id)
    tied: dict[str, set[str]] = {}
    for group in ties.of(tx, OURS, after, _TYING):
        for each in after.keys() & group:
            for other in group:
                tied.setdefault(other, set()).add(each)
    for target, found in homes(tx, after).items():
        for other in found:
            tied.setdefault(other, set()).add(target)
    rows = releases.standing_on(tx, after.keys() | tied.keys())
    return Stirred(after, keyed, tied, rows, answered(tx, after, tied))


def homes(tx: Tx, after: Collection[str]) -> dict[str, set[str]]:
    """For each of the stirred that says where an identity is, whatever targets the identity.

    What is targeted may be about the topic only once it is known where it is.
    """
    stated = {*ties.relations_via(tx, OURS, after), *ties.relations_to(tx, OURS, _places(after))}
    placing = [each for each in stated if each.kind == "located-at"]
    targeting: dict[str, set[str]] = {}
    for each in ties.relations_to(tx, OURS, {each.source_id for each in placing}):
        if each.kind == "targets":
            targeting.setdefault(each.target_id, set()).update((each.via_id, each.source_id))
    found: dict[str, set[str]] = {}
    for each in placing:
        for stix_id in {each.via_id, each.target_id} & set(after):
            found.setdefault(stix_id, set()).update(targeting.get(each.source_id, ()))
    return found


def _places(ids: Iterable[str]) -> set[str]:
    return {each for each in ids if type_of(each) == "location"}


def candidates(found: Stirred, agreement_id: str, rules: Rules, seen: int) -> set[str]:
    """The objects stirred after `seen` that can concern an agreement."""
    if anything(rules):
        near = set(found.after)
    else:
        rows = found.rows.get(agreement_id, set())
        near = rows & found.after.keys() | found.answers.get(agreement_id, set())
        for each in rows & found.tied.keys():
            near |= found.tied[each]
        for clause in rules.clauses:
            topics = clause.topics
            near |= topics.stix_ids & found.after.keys()
            for key in topics.keys & found.keyed.keys():
                near |= found.keyed[key]
    return {each for each in near if found.after[each] > seen}
