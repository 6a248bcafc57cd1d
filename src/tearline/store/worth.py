"""What claims are worth: read to be weighed, and kept with what people judged of it.

The tables of judgements are in `store.claims`; `fallen` is the list of grades that were lowered,
and who had received the claim with the higher one. Who can write here can hide that a grade fell;
the private log has a line for each change of a grade.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Table, bindparam, delete, exists, func, select

from tearline.store.annotations import annotation
from tearline.store.claims import (
    CONFIRMED,
    alike,
    claim,
    claim_link,
    report_said,
    report_tie,
    same_source,
    standing,
    worth,
    worth_confirmed,
)
from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata
from tearline.store.objects import OURS

_FEW = 100
UNRELIABLE = "E"
"""The reliability that never corroborates."""

fallen = Table(
    "fallen",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=False),
    Column("stix_id", Text, nullable=False),
    Column("agreement_id", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("now", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)


class Stated(NamedTuple):
    """A claim to be weighed, in its proposition."""

    proposition: str
    polarity: str
    stix_id: str
    origin: str
    seq: int
    certainty: str
    own_judgement: bool
    report: str | None


class Worth(NamedTuple):
    """What one side of a proposition is worth by count; `flags` are those of `provenance.grade`."""

    proposition: str
    polarity: str
    supporting: int
    against: int
    credibility: int
    flags: str


class Tie(NamedTuple):
    """That one report rests on another: proposed, confirmed or refused, by whom and why."""

    from_id: str
    to_id: str
    kind: str
    state: str
    person: str
    at: int
    why: str


class Same(NamedTuple):
    """That an identity is judged to be the same source as another."""

    identity: str
    as_identity: str
    person: str
    at: int
    why: str


class Standing(NamedTuple):
    """Our letter for an identity, and why it is discredited, where it is."""

    identity: str
    reliability: str | None
    discredited: str | None
    person: str
    at: int


class Graded(NamedTuple):
    """The digit that a person gave a claim, beside what was proposed at that moment."""

    stix_id: str
    polarity: str
    credibility: int
    proposed: int
    person: str
    at: int
    why: str


class Fall(NamedTuple):
    """A grade that was lowered; `agreement_id` and `partner` are '' where nobody had it."""

    number: int
    stix_id: str
    agreement_id: str
    partner: str
    was: str
    now: str
    at: int
    why: str


_STATED = Statement(
    select(
        alike.c.proposition,
        claim.c.polarity,
        claim.c.stix_id,
        claim.c.origin,
        claim.c.seq,
        claim.c.certainty,
        claim.c.own_judgement,
        claim.c.report,
    )
    .join_from(alike, claim, claim.c.stix_id == alike.c.stix_id)
    .where(among(alike.c.proposition, bindparam("ids")), claim.c.problem.is_(None))
)
_STEPS = Statement(
    select(claim_link.c.seq, claim_link.c.identity, claim_link.c.role, claim_link.c.unnamed)
    .where(among(claim_link.c.seq, bindparam("ids")))
    .order_by(claim_link.c.seq, claim_link.c.place)
)
_NAMES = Statement(
    select(alike.c.proposition)
    .where(alike.c.proposition > bindparam("after"))
    .group_by(alike.c.proposition)
    .order_by(alike.c.proposition)
    .limit(bindparam("limit"))
)
_RESTING = Statement(
    select(alike.c.proposition)
    .distinct()
    .join_from(claim_link, claim, claim.c.seq == claim_link.c.seq)
    .join(alike, alike.c.stix_id == claim.c.stix_id)
    .where(among(claim_link.c.identity, bindparam("ids")))
)
_GRADED_IN = Statement(
    select(alike.c.proposition)
    .distinct()
    .where(
        among(alike.c.proposition, bindparam("ids")),
        exists().where(worth_confirmed.c.stix_id == alike.c.stix_id)
        | exists().where(annotation.c.stix_id == alike.c.stix_id, annotation.c.grade.is_not(None)),
    )
)
_WORTH = Statement(
    select(*(worth.c[name] for name in Worth._fields)).where(
        among(worth.c.proposition, bindparam("ids"))
    )
)
_DROP_WORTH = Statement(delete(worth).where(among(worth.c.proposition, bindparam("ids"))))
_SAME = Statement(select(*(same_source.c[name] for name in Same._fields)))
_SAME_AS = Statement(
    select(same_source.c.identity, same_source.c.as_identity).where(
        among(same_source.c.identity, bindparam("ids"))
    )
)
_SAME_SOME = Statement(
    select(same_source.c.identity, same_source.c.as_identity).limit(bindparam("limit"))
)
_MEMBERS = Statement(
    select(same_source.c.identity, same_source.c.as_identity).where(
        among(same_source.c.as_identity, bindparam("ids"))
    )
)
_STANDING = Statement(
    select(*(standing.c[name] for name in Standing._fields)).where(
        among(standing.c.identity, bindparam("ids"))
    )
)
_STANDINGS = Statement(select(*(standing.c[name] for name in Standing._fields)))
_BAD = Statement(
    select(standing.c.identity).where(
        standing.c.discredited.is_not(None) | (standing.c.reliability == UNRELIABLE)
    )
)
_TIE = select(*(report_tie.c[name] for name in Tie._fields))
_TIES = Statement(_TIE)
_TIES_FROM = Statement(_TIE.where(among(report_tie.c.from_id, bindparam("ids"))))
_TIES_TO = Statement(_TIE.where(among(report_tie.c.to_id, bindparam("ids"))))
_SAID_FROM = Statement(
    select(report_said.c.from_id, report_said.c.to_id, report_said.c.origin).where(
        among(report_said.c.from_id, bindparam("ids"))
    )
)
_GRADED = Statement(
    select(*(worth_confirmed.c[name] for name in Graded._fields)).where(
        among(worth_confirmed.c.stix_id, bindparam("ids"))
    )
)
_ANY_GRADED = Statement(select(worth_confirmed.c.stix_id).limit(1))
_FALLEN = Statement(
    select(*(fallen.c[name] for name in Fall._fields)).order_by(fallen.c.number.desc())
)


# --------------------------------------------------------------------------------------- reading


def names(tx: Tx, after: str, limit: int) -> list[str]:
    """The names of propositions after one, in order."""
    return [row[0] for row in _NAMES.rows(tx, after=after, limit=limit)]


def resting_on(tx: Tx, identities: Iterable[str]) -> list[str]:
    """The names of the propositions with a claim in whose chain one of these stands."""
    return sorted({row[0] for row in _RESTING.among(tx, identities)})


def graded_in(tx: Tx, propositions: Iterable[str]) -> list[str]:
    """Those of these propositions that have a claim with a grade in force."""
    return [row[0] for row in _GRADED_IN.among(tx, propositions)]


def stated(tx: Tx, propositions: Iterable[str]) -> list[Stated]:
    """The claims of propositions that count: of each id ours, else that of the first origin."""
    found: dict[str, Stated] = {}
    for row in stated_rows(tx, propositions):
        other = found.get(row[2])
        if other is None or row[3] < other.origin:
            found[row[2]] = Stated._make(row)
    return sorted(found.values())


def stated_rows(tx: Tx, propositions: Iterable[str]) -> list[tuple[Any, ...]]:
    """The claims of propositions as rows of a `Stated`, whoever gave them."""
    return list(_STATED.among(tx, propositions))


def steps(tx: Tx, seqs: Iterable[int]) -> list[tuple[Any, ...]]:
    """The links of claims as rows: claim, identity, role, whether it has no name; in order."""
    return list(_STEPS.among(tx, seqs))


def of(tx: Tx, propositions: Iterable[str]) -> dict[tuple[str, str], Worth]:
    """What sides of propositions are worth, by name and polarity."""
    return {(row[0], row[1]): Worth._make(row) for row in _WORTH.among(tx, propositions)}


def bodies(tx: Tx, identities: Collection[str]) -> dict[str, str]:
    """Which source each identity is judged to be, of those that are judged to be another."""
    if len(identities) > _FEW:
        # Few are judged at all: all of them are read sooner than each is looked up.
        every = _SAME_SOME.rows(tx, limit=len(identities))
        if len(every) < len(identities):
            return {row[0]: row[1] for row in every if row[0] in identities}
    return {row[0]: row[1] for row in _SAME_AS.among(tx, identities)}


def everybody(tx: Tx, identity: str) -> list[str]:
    """Every identity that is judged to be the same source as this one, itself among them."""
    return everybody_of(tx, [identity])[identity]


def everybody_of(tx: Tx, identities: Collection[str]) -> dict[str, list[str]]:
    """For each identity, every one that is judged to be the same source, itself among them."""
    body = bodies(tx, identities)
    same: dict[str, set[str]] = {root: {root} for root in (body.get(e, e) for e in identities)}
    for member, root in _MEMBERS.among(tx, same):
        same[root].add(member)
    return {each: sorted(same[body.get(each, each)]) for each in identities}


def bad(tx: Tx) -> list[str]:
    """Who is discredited or of reliability E."""
    return [row[0] for row in _BAD.rows(tx)]


def ties_from(tx: Tx, reports: Iterable[str]) -> list[tuple[str, str]]:
    """The ties that hold from these reports: confirmed, or said by an object of ours.

    What a person refused holds no more, whoever says it; what only a partner says is proposed.
    """
    wanted = list(reports)
    judged = {(row[0], row[1]): row[3] for row in _TIES_FROM.among(tx, wanted)}
    said = {(row[0], row[1]): CONFIRMED for row in _SAID_FROM.among(tx, wanted) if row[2] == OURS}
    return sorted(each for each, state in {**said, **judged}.items() if state == CONFIRMED)


def ties(tx: Tx) -> list[Tie]:
    """Every tie that was proposed, confirmed or refused, the last first."""
    found = [Tie._make(row) for row in _TIES.rows(tx)]
    return sorted(found, key=lambda each: (-each.at, each.from_id, each.to_id))


def ties_of(tx: Tx, reports: Sequence[str]) -> list[Tie]:
    """What was proposed or judged of these reports, on either end, in order of their ids."""
    rows = {*_TIES_FROM.among(tx, reports), *_TIES_TO.among(tx, reports)}
    return sorted(Tie._make(row) for row in rows)


def same(tx: Tx) -> list[Same]:
    """Every identity that is judged to be another."""
    return sorted(Same._make(row) for row in _SAME.rows(tx))


def standings(tx: Tx, identities: Iterable[str] | None = None) -> dict[str, Standing]:
    """Our standing of identities that have one; of all for None."""
    rows = _STANDINGS.rows(tx) if identities is None else _STANDING.among(tx, identities)
    return {row[0]: Standing._make(row) for row in rows}


def any_graded(tx: Tx) -> bool:
    """Whether a person ever gave a claim a digit that stands."""
    return bool(_ANY_GRADED.rows(tx))


def graded(tx: Tx, ids: Collection[str]) -> dict[str, Graded]:
    """The digit that a person gave each claim that has one."""
    return {row[0]: Graded._make(row) for row in _GRADED.among(tx, ids)}


def falls(tx: Tx) -> list[Fall]:
    """The grades that were lowered, the last first."""
    return [Fall._make(row) for row in _FALLEN.rows(tx)]


# --------------------------------------------------------------------------------------- writing


def put(tx: Tx, propositions: Sequence[str], rows: Sequence[Worth]) -> None:
    """Keep what these propositions are worth now, in place of what stood there."""
    for begin in range(0, len(propositions), 2_000):
        _DROP_WORTH(tx, ids=propositions[begin : begin + 2_000])
    insert_rows(tx, worth, rows)


def put_same(tx: Tx, new: Same) -> None:
    """Keep that an identity, and whoever is the same as it, is one source with another."""
    root = bodies(tx, [new.as_identity]).get(new.as_identity, new.as_identity)
    mine = bodies(tx, [new.identity]).get(new.identity, new.identity)
    if root == mine:
        return
    tx.execute(
        same_source.update().where(same_source.c.as_identity == mine).values(as_identity=root)
    )
    insert_rows(tx, same_source, [(mine, root, *new[2:])])


def drop_same(tx: Tx, identity: str) -> bool:
    """Take an identity out of those that it was the same as; false if it stood alone."""
    others = [each for each in everybody(tx, identity) if each != identity]
    if not others:
        return False
    tx.execute(delete(same_source).where(same_source.c.identity == identity))
    if bodies(tx, others).get(others[0]) == identity:
        # It gave the others their number: now the first of them does.
        root = others[0]
        tx.execute(delete(same_source).where(same_source.c.identity == root))
        held = same_source.c.as_identity == identity
        tx.execute(same_source.update().where(held).values(as_identity=root))
    return True


def put_standing(tx: Tx, new: Standing) -> None:
    """Keep how an identity stands with us."""
    tx.execute(delete(standing).where(standing.c.identity == new.identity))
    if new.reliability is not None or new.discredited is not None:
        insert_rows(tx, standing, [new])


def tie(tx: Tx, from_id: str, to_id: str) -> Tie | None:
    """What was judged of two reports, in this direction."""
    found = _TIES_FROM.among(tx, [from_id])
    return next((Tie._make(row) for row in found if row[1] == to_id), None)


def put_tie(tx: Tx, new: Tie) -> None:
    """Keep what is judged of two reports, in place of what was."""
    where = report_tie.c.from_id == new.from_id, report_tie.c.to_id == new.to_id
    tx.execute(delete(report_tie).where(*where))
    insert_rows(tx, report_tie, [new])


def propose_ties(tx: Tx, new: Sequence[Tie]) -> int:
    """Keep proposed ties between reports of which nothing was judged in either direction."""
    judged = {pair for row in _TIES.rows(tx) for pair in ((row[0], row[1]), (row[1], row[0]))}
    fresh = [each for each in new if (each.from_id, each.to_id) not in judged]
    insert_rows(tx, report_tie, fresh)
    return len(fresh)


def put_graded(tx: Tx, rows: Sequence[Graded]) -> None:
    """Keep the digits that a person gave."""
    drop_graded(tx, [each.stix_id for each in rows])
    insert_rows(tx, worth_confirmed, rows)


def drop_graded(tx: Tx, ids: Iterable[str]) -> None:
    """Forget the digits that a person gave these claims."""
    tx.execute(delete(worth_confirmed).where(among(worth_confirmed.c.stix_id, list(ids))))


def add_falls(tx: Tx, new: Sequence[Fall]) -> list[Fall]:
    """Keep lowered grades; returns them with their numbers."""
    first = (tx.execute(select(func.max(fallen.c.number))).scalar() or 0) + 1
    rows = [each._replace(number=number) for number, each in enumerate(new, first)]
    insert_rows(tx, fallen, rows)
    return rows
