"""Which claims say alike: the *proposition* of each, found again around what changed.

Claims stand together where one denies the other, and where a grouping labelled `proposition` holds
both. A grouping of ours may hold any. A partner's binds only what that partner asserts and we do
not hold ourselves: nobody else decides which of our claims say alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tearline.provenance.grade import better
from tearline.store import claims, worth
from tearline.store.claims import Row
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.worth import Worth


class _Around(NamedTuple):
    """The claims that were looked at, by id, and which stand together."""

    held: dict[str, Row | None]
    together: list[tuple[str, str]]


def assign(tx: Tx, moved: Iterable[str]) -> list[str]:
    """Give claims their proposition, after these changed, came or went.

    A proposition is named by the smallest id among its claims, ours before others'. Returns the
    claims, and the names of propositions, for which anything is different now.
    """
    ids = set(moved)
    if not ids:
        return []
    before = set(claims.propositions(tx, ids).values())
    for members in claims.in_propositions(tx, before).values():
        ids.update(members)
    around = _around(tx, ids)
    names = _names(around)
    was = claims.propositions(tx, around.held)
    _take_along(tx, {(was[each], to) for each, to in names.items() if was.get(each, to) != to})
    return claims.put_propositions(tx, [(each, names.get(each)) for each in sorted(around.held)])


def _take_along(tx: Tx, moved: Iterable[tuple[str, str]]) -> None:
    """Let a proposition that is new be worth what the one was that its claims come from; the best.

    Their grades rest on that. So they fall when it is weighed for the first time and found less.
    """
    pairs = sorted(moved)
    known = worth.of(tx, {name for pair in pairs for name in pair})
    weighed = {name for name, _ in known}
    taken: dict[tuple[str, str], Worth] = {}
    for old, new in pairs:
        for polarity in (claims.ASSERTED, claims.DENIED):
            row, best = known.get((old, polarity)), taken.get((new, polarity))
            if row is None or new in weighed:
                continue
            if best is None or better(row.credibility, best.credibility):
                taken[new, polarity] = row._replace(proposition=new)
    worth.put(tx, (), list(taken.values()))


def _around(tx: Tx, ids: set[str]) -> _Around:
    """Follow everything that holds claims together, from `ids` on to the end."""
    found = _Around({}, [])
    groups: set[int] = set()
    ahead = ids
    while ahead:
        found.held.update(_held(tx, ahead))
        denials = _denials(tx, found.held, ahead)
        seqs = {each.seq for each in claims.groups_of(tx, ahead)} - groups
        grouped = _grouped(tx, seqs)
        groups |= seqs
        found.together.extend(denials + grouped)
        ahead = {each for pair in denials + grouped for each in pair} - found.held.keys()
    return found


def _held(tx: Tx, ids: Iterable[str]) -> dict[str, Row | None]:
    """The claim that counts for each id: ours, else that of the first origin; None for no claim."""
    found = claims.by_id(tx, ids)
    return {each: next(_sound(found.get(each, ())), None) for each in ids}


def _sound(rows: Iterable[Row]) -> Iterator[Row]:
    return (each for each in rows if each.problem is None)


def _denials(tx: Tx, held: Mapping[str, Row | None], ids: set[str]) -> list[tuple[str, str]]:
    stated = [row for each in ids if (row := held[each]) is not None and row.denies]
    by_others = [each for each in claims.denying(tx, ids) if each.stix_id not in ids]
    counting = _held(tx, {each.stix_id for each in by_others})
    stated += [each for each in by_others if counting[each.stix_id] == each]
    return [(each.stix_id, each.denies) for each in stated if each.denies]


def _grouped(tx: Tx, seqs: Iterable[int]) -> list[tuple[str, str]]:
    """Pairs that groupings hold together: each member with the first."""
    found: list[tuple[str, str]] = []
    groups = claims.members_of(tx, seqs)
    others = {each.member for group in groups.values() for each in group if each.origin != OURS}
    held = _held(tx, others)
    for group in groups.values():
        members = [
            each.member
            for each in group
            if each.origin == OURS or _binds(held[each.member], each.origin)
        ]
        found += [(members[0], each) for each in members[1:]]
    return found


def _binds(row: Row | None, origin: str) -> bool:
    return row is not None and row.origin == origin and row.polarity == claims.ASSERTED


def _names(around: _Around) -> dict[str, str]:
    """The proposition of each claim among what was looked at."""
    leader = {each: each for each in around.held}

    def first(each: str) -> str:
        while leader[each] != each:
            leader[each] = leader[leader[each]]
            each = leader[each]
        return each

    for one, other in around.together:
        leader[first(one)] = first(other)
    parts: dict[str, list[Row]] = {}
    for each, row in around.held.items():
        if row is not None:
            parts.setdefault(first(each), []).append(row)
    return {
        row.stix_id: min((each.origin != OURS, each.stix_id) for each in rows)[1]
        for rows in parts.values()
        for row in rows
    }
