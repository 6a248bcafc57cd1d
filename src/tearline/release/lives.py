"""The life of one object: where it came from, and what became of it with every partner.

Told from what was decided, not decided anew: that is what `explain` does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import orjson

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.log import record
from tearline.release import holding
from tearline.release.rules import DAY
from tearline.release.slips import Attested, read_slip
from tearline.store import aliases, around, objects, received, releases, reviews
from tearline.store.around import Given, Recall
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version
from tearline.store.releases import WITHDRAWN, Standing

Stands: TypeAlias = Literal["has", "waits", "recalled", "stays", "apart"]

STANDS: tuple[Stands, ...] = get_args(Stands)


class Source(NamedTuple):
    """Where versions of an object came from: a feed or a person here, or a partner.

    `agreement` is under which a partner gave it, None for what is ours alone.
    """

    name: str
    agreement: str | None
    versions: int
    last_at: int


class Said(NamedTuple):
    """What a partner says of an object under an agreement: its own version of it, as it came.

    `marking` and `grade` are what it attests beside the bytes, in the codes of `stix.marking`.
    """

    bound: InForce
    version: Version
    marking: int | None
    grade: int | None


class Side(NamedTuple):
    """How an object stands with a partner under one agreement.

    *has*: they can read it now; *waits* for people; *recalled*, they had it; *stays*: we withhold
    it; *apart*: nothing was decided, for it does not concern the agreement. `given` is what they
    have or had last; `item` what people are asked about.
    """

    bound: InForce
    stands: Stands
    clause: str
    reasons: tuple[tuple[str, str | None], ...]
    given: Given | None
    recall: Recall | None
    item: str | None

    @property
    def answered(self) -> Literal["confirmed", "open", "overdue", "unconfirmable"] | None:
        """How a recall was answered, but for whether it is late."""
        if self.recall is None:
            return None
        if self.bound.one_sided:
            return "unconfirmable"
        return "confirmed" if self.recall.acknowledged_at is not None else "open"

    @property
    def due_at(self) -> int | None:
        """When a recall is to be answered."""
        if self.recall is None:
            return None
        return self.recall.at + self.bound.terms.retention.recall_days * DAY


def held_as(tx: Tx, stix_id: str, *, now: int) -> tuple[str, list[Version]]:
    """Return the origin under which an object is held, and its versions, oldest first.

    Ours comes first; else that of the first agreement under which a partner gave it. Without
    versions where nobody did.
    """
    if found := objects.versions_of(tx, OURS, [stix_id]).get(stix_id):
        return OURS, found
    for each in force.all_in_force(tx, now=now):
        if found := objects.versions_of(tx, each.agreement_id, [stix_id]).get(stix_id):
            return each.agreement_id, found
    return OURS, []


def latest_of(versions: Sequence[Version]) -> Version:
    """The version that counts among all of one object, oldest first."""
    return next((each for each in versions if each.latest), versions[-1])


def given(tx: Tx, stix_id: str, bound: list[InForce]) -> dict[str, list[Version]]:
    """The versions of an object that partners gave, oldest first, by the agreement."""
    found = {
        each.agreement_id: objects.versions_of(tx, each.agreement_id, [stix_id]).get(stix_id)
        for each in bound
    }
    return {agreement_id: versions for agreement_id, versions in found.items() if versions}


def said(
    tx: Tx, stix_id: str, given: Mapping[str, Sequence[Version]], bound: list[InForce], *, now: int
) -> list[Said]:
    """What partners say of an object, each by the latest version that we may still use."""
    usable = (
        each
        for each in bound
        if each.agreement_id in given
        and holding.is_over(tx, each.agreement_id, stix_id, now=now) is None
    )
    found = []
    for each in usable:
        latest = latest_of(given[each.agreement_id])
        slips = received.given_as(tx, each.agreement_id, [stix_id], "accepted")
        slip = next((one.slip for one in slips if one.hash == latest.hash and one.slip), None)
        attested = read_slip(slip).beside() if slip else Attested()
        found.append(Said(each, latest, attested.marking, attested.grade))
    return found


def sources(
    origin: str,
    versions: Sequence[Version],
    given: Mapping[str, Sequence[Version]],
    bound: list[InForce],
) -> list[Source]:
    """Where the versions of an object came from, and which partners gave it to us besides."""
    agreed = {each.agreement_id: each for each in bound}
    found: dict[tuple[str, str | None], list[int]] = {}
    for each in versions if origin == OURS else ():
        its = agreed.get(each.source)
        key = (its.partner, its.agreement_id) if its else (each.source, None)
        found.setdefault(key, []).append(each.arrived_at)
    for agreement_id, theirs in given.items():
        key = agreed[agreement_id].partner, agreement_id
        found.setdefault(key, []).extend(each.arrived_at for each in theirs)
    return [Source(*key, len(moments), max(moments)) for key, moments in found.items()]


def sides(tx: Tx, stix_id: str, bound: list[InForce], *, most: int) -> list[Side]:
    """How an object stands under each agreement, first where something was decided.

    Only of the first `most` is it read in full; of the rest that nothing was decided.
    """
    stood = {
        agreement_id: found[stix_id]
        for agreement_id, found in releases.standing_among(tx, [stix_id]).items()
        if stix_id in found
    }
    asked = {each.agreement_id: each.item for each in reviews.reviews_on(tx, [stix_id])}
    ordered = sorted(bound, key=lambda each: _place(each, stood.get(each.agreement_id)))
    found = [
        _side(tx, stix_id, each, stood.get(each.agreement_id), asked) for each in ordered[:most]
    ]
    return sorted(found, key=lambda each: STANDS.index(each.stands))


def _place(bound: InForce, standing: Standing | None) -> tuple[Any, ...]:
    order = ("release", "wait", "withhold")
    place = order.index(standing.outcome) if standing else len(order)
    return place, bound.partner, bound.title, bound.agreement_id


def _side(
    tx: Tx, stix_id: str, bound: InForce, standing: Standing | None, asked: dict[str, str]
) -> Side:
    if standing is None:
        return Side(bound, "apart", "", (), None, None, None)
    ids = {stix_id, *aliases.ours_of(tx, bound.agreement_id, [stix_id])}
    given = [e for e in around.given_of(tx, bound.agreement_id, ids) if e.basis != WITHDRAWN]
    recalled = around.recalls_of(tx, bound.agreement_id, [each.position for each in given])
    last = given[-1] if given else None
    took = recalled.get(last.position) if last else None
    stands: Stands = "stays"
    if standing.position and standing.live:
        stands, took = "has", None
    elif standing.outcome == "wait":
        stands = "waits"
    elif took is not None:
        stands = "recalled"
    codes = tuple((code, clause) for code, clause in orjson.loads(standing.reasons))
    item = asked.get(bound.agreement_id)
    return Side(bound, stands, standing.clause, codes, last, took, item)


def log_of(side: Side) -> str:
    """The log in which a release stands."""
    return record.our_log(side.bound.agreement_id)
