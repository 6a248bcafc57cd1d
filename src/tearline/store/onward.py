"""What may be passed on, who consented to it, and how far a recall went beyond us.

`passed` lists the received objects that stand beside ours because their agreement lets them be
passed on, `passing` how each such agreement stood when that was last seen. `consent` has what was
asked and answered, at whoever asks and at whoever answers. `second_hop` ties a recall of ours to
the recall by which the giver had it back, `hop_report` is what a receiver says of its own.
Who can write here can have a yes forgotten or a request invented; a yes itself is signed, and the
logs of both sides have it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from tearline.store.aliases import alias
from tearline.store.columns import Text, among
from tearline.store.database import Statement, Tx, in_chunks, insert_rows, metadata
from tearline.store.recalls import recall
from tearline.store.received import received
from tearline.store.releases import release

passed = Table(
    "passed",
    metadata,
    Column("stix_id", Text, primary_key=True),
    Column("agreement_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("passed_agreement", "agreement_id"),
)
passing = Table(
    "passing",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("in_force", Boolean, nullable=False),
)
consent = Table(
    "consent",
    metadata,
    Column("ours", Boolean, primary_key=True),
    Column("party", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("agreement_id", Text, nullable=False),
    Column("agreement", Text, nullable=False),
    Column("given", Text, nullable=False),
    Column("given_hash", Text, nullable=False),
    Column("under", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("to_slug", Text, nullable=False),
    Column("to_name", Text, nullable=False),
    Column("to_key", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("signed", Text, nullable=False),
    Column("answered_at", BigInteger),
    Index("consent_item", "item"),
    Index("consent_given", "agreement_id", "given"),
)
second_hop = Table(
    "second_hop",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("release", BigInteger, primary_key=True),
    Column("over_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Index("second_hop_over", "over_id", "position"),
)
hop_report = Table(
    "hop_report",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("told", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
)


class Consent(NamedTuple):
    """One question whether an object may go on, and its answer: at who asks, and at who answers.

    `party` is the other side of agreement `agreement` (a hash), under which the object `given` came
    as the bytes of `given_hash`. It would go on under the agreement `under`, by one of its clauses,
    as `object` with the bytes of `hash`: in `raw` where these are others. `verdict` is
    '', 'consent' or 'refuse', `signed` the statement with it.
    """

    ours: bool
    party: str
    item: str
    agreement_id: str
    agreement: str
    given: str
    given_hash: str
    under: str
    clause: str
    object: str
    hash: str
    raw: bytes | None
    to_slug: str
    to_name: str
    to_key: str
    asked_at: int
    verdict: str = ""
    signed: str = ""
    answered_at: int | None = None


class Hop(NamedTuple):
    """A recall of ours, and the recall of a release to us that it follows."""

    agreement_id: str
    release: int
    over_id: str
    position: int


# --------------------------------------------------------------------------- objects passed on

_PASSED = select(passed.c.stix_id, passed.c.agreement_id)
_PASSED_AMONG = Statement(_PASSED.where(among(passed.c.stix_id, bindparam("ids"))))
_ANY = Statement(select(passed.c.stix_id).limit(bindparam("most")))


def passed_among(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """Those of `ids` that stand beside ours, each with the agreement it came under."""
    if not _ANY(tx, most=1).first():
        return {}
    return {row[0]: row[1] for row in _PASSED_AMONG.among(tx, ids)}


def passed_under(tx: Tx, agreement_id: str) -> list[str]:
    """What stands beside ours of what came under an agreement."""
    query = select(passed.c.stix_id).where(passed.c.agreement_id == agreement_id)
    return list(tx.execute(query.order_by(passed.c.stix_id)).scalars())


def not_passed(tx: Tx, agreement_id: str) -> list[tuple[str, str, bytes]]:
    """What was accepted under an agreement, and does not stand beside ours as it came: id, hash.

    And its bytes. What a person took out of quarantine did not fit the agreement, and stays apart.
    """
    there = exists().where(
        passed.c.stix_id == received.c.delivered_id,
        passed.c.agreement_id == received.c.agreement_id,
        passed.c.hash == received.c.hash,
    )
    query = select(received.c.delivered_id, received.c.hash, received.c.raw).where(
        received.c.agreement_id == agreement_id,
        received.c.state == "accepted",
        received.c.reasons == "[]",
        received.c.slip != "",
        ~there,
    )
    return [tuple(row) for row in tx.execute(query.order_by(received.c.at, received.c.hash))]


def not_received(tx: Tx, agreement_id: str) -> list[str]:
    """What stands beside ours and is not held under its agreement any more, or not as it was."""
    there = exists().where(
        passed.c.stix_id == received.c.delivered_id,
        passed.c.agreement_id == received.c.agreement_id,
        passed.c.hash == received.c.hash,
        received.c.state == "accepted",
    )
    query = select(passed.c.stix_id).where(passed.c.agreement_id == agreement_id, ~there)
    return list(tx.execute(query.order_by(passed.c.stix_id)).scalars())


def put_passed(tx: Tx, agreement_id: str, rows: Iterable[tuple[str, str]]) -> None:
    """Note that objects (id, hash) that came under an agreement stand beside ours."""
    insert_rows(tx, passed, [(stix_id, agreement_id, hash_) for stix_id, hash_ in rows])


def drop_passed(tx: Tx, ids: Iterable[str]) -> None:
    """Note that objects stand beside ours no more."""
    for chunk in in_chunks(ids):
        tx.execute(delete(passed).where(among(passed.c.stix_id, chunk)))


def forget_bytes(tx: Tx, agreement_id: str, ids: Sequence[str]) -> None:
    """Take what was released of objects out of service, and forget its bytes.

    Its row stays, with the hash; but nothing is given again from it.
    """
    derived = select(alias.c.delivered_id).where(
        alias.c.agreement_id == agreement_id, among(alias.c.stix_id, ids)
    )
    names = [*ids, *tx.execute(derived).scalars()]
    of_agreement = release.c.agreement_id == agreement_id
    tx.execute(
        update(release)
        .where(of_agreement, among(release.c.delivered_id, names))
        .values(live=False, seq=None, cut_raw=None, basis="")
    )


def states(tx: Tx) -> dict[str, tuple[str, bool]]:
    """By agreement that lets things be passed on: version and whether in force when last seen."""
    return {row[0]: (row[1], bool(row[2])) for row in tx.execute(select(passing))}


def put_state(tx: Tx, agreement_id: str, state: tuple[str, bool] | None) -> None:
    """Note how an agreement stands, or that it lets nothing be passed on."""
    tx.execute(delete(passing).where(passing.c.agreement_id == agreement_id))
    if state is not None:
        insert_rows(tx, passing, [(agreement_id, state[0], 1 if state[1] else 0)])


# ------------------------------------------------------------------------------------- consents

_ON = Statement(select(consent).where(consent.c.ours, among(consent.c.item, bindparam("ids"))))


def consents_on(tx: Tx, items: Iterable[str]) -> dict[str, Consent]:
    """What we asked of items, answered or not."""
    return {row[2]: _consent(row) for row in _ON.among(tx, items)}


def consents(tx: Tx) -> list[Consent]:
    """All that was asked, by us and of us; first what was asked first."""
    query = select(consent).order_by(consent.c.asked_at, consent.c.item)
    return [_consent(row) for row in tx.execute(query)]


def unanswered(tx: Tx, agreement_id: str) -> int:
    """How many questions of a partner's, of what we gave under an agreement, wait for our word."""
    query = select(func.count()).where(
        ~consent.c.ours, consent.c.agreement_id == agreement_id, consent.c.verdict == ""
    )
    return int(tx.execute(query).scalar_one())


def put_consents(tx: Tx, rows: Sequence[Consent]) -> None:
    """Keep questions and answers; whatever was there of the same item gives way."""
    for each in rows:
        tx.execute(
            delete(consent).where(
                consent.c.ours == each.ours,
                consent.c.party == each.party,
                consent.c.item == each.item,
            )
        )
    insert_rows(tx, consent, [tuple(each) for each in rows])


def forget_older(tx: Tx, new: Consent) -> None:
    """Forget what was asked before of the same object and the same receiver: it is void."""
    tx.execute(
        delete(consent).where(
            consent.c.ours == new.ours,
            consent.c.agreement_id == new.agreement_id,
            consent.c.given == new.given,
            consent.c.to_slug == new.to_slug,
            consent.c.item != new.item,
        )
    )


def forget_given(tx: Tx, agreement_id: str, ids: Iterable[str]) -> None:
    """Forget what we asked of objects that came under an agreement and are gone."""
    for chunk in in_chunks(ids):
        tx.execute(
            delete(consent).where(
                consent.c.ours,
                consent.c.agreement_id == agreement_id,
                among(consent.c.given, chunk),
            )
        )


def _consent(row: Sequence[object]) -> Consent:
    """Read a question; SQLite has numbers for truth values."""
    return Consent._make((bool(row[0]), *row[1:]))


# ----------------------------------------------------------------------------------- second hop


def put_hops(tx: Tx, rows: Iterable[Hop]) -> None:
    """Note which recalls of ours follow which recalls of what was given to us."""
    insert_rows(tx, second_hop, list(rows), ignore=True)


def hops_over(tx: Tx, over_id: str, positions: Iterable[int]) -> list[tuple[str, int]]:
    """The recalls, by agreement and release, that recalls of ours under an agreement follow."""
    wanted = list(positions)
    query = select(second_hop.c.agreement_id, second_hop.c.release).where(
        second_hop.c.over_id == over_id, among(second_hop.c.position, wanted)
    )
    return sorted({(row[0], row[1]) for row in tx.execute(query)})


def hop_counts(tx: Tx, agreement_id: str, released: Iterable[int]) -> dict[int, tuple[int, int]]:
    """For each recalled release to us: how many we told further, and how many confirmed it."""
    told = and_(
        recall.c.agreement_id == second_hop.c.over_id, recall.c.position == second_hop.c.position
    )
    query = (
        select(second_hop.c.release, func.count(), func.count(recall.c.acknowledged_at))
        .select_from(second_hop.outerjoin(recall, told))
        .where(
            second_hop.c.agreement_id == agreement_id,
            among(second_hop.c.release, list(released)),
        )
        .group_by(second_hop.c.release)
    )
    return {row[0]: (row[1], row[2]) for row in tx.execute(query)}


def unlinked(tx: Tx, over_id: str, ids: Sequence[str]) -> list[int]:
    """Recalls of ours of objects that follow no recall yet, by the position of the release."""
    derived = select(alias.c.delivered_id).where(
        alias.c.agreement_id == over_id, among(alias.c.stix_id, ids)
    )
    names = [*ids, *tx.execute(derived).scalars()]
    linked = exists().where(
        second_hop.c.over_id == recall.c.agreement_id,
        second_hop.c.position == recall.c.position,
    )
    query = select(recall.c.position).where(
        recall.c.agreement_id == over_id, among(recall.c.delivered_id, names), ~linked
    )
    return list(tx.execute(query).scalars())


def put_reports(tx: Tx, agreement_id: str, rows: Iterable[tuple[int, int, int]]) -> None:
    """Keep what a receiver says of recalls, by position: how many it told, how many confirmed."""
    found = list(rows)
    for position, _, _ in found:
        tx.execute(
            delete(hop_report).where(
                hop_report.c.agreement_id == agreement_id, hop_report.c.position == position
            )
        )
    insert_rows(tx, hop_report, [(agreement_id, *each) for each in found])


def reports(
    tx: Tx, agreement_id: str, positions: Collection[int] | None = None
) -> dict[int, tuple[int, int]]:
    """What a receiver said of recalls, of all or of some, by the position of the release."""
    query = select(hop_report.c.position, hop_report.c.told, hop_report.c.confirmed).where(
        hop_report.c.agreement_id == agreement_id
    )
    if positions is not None:
        query = query.where(among(hop_report.c.position, positions))
    return {row[0]: (row[1], row[2]) for row in tx.execute(query)}
