"""Claims as they are found and counted: who said what through whom, and what says alike.

`claim`, `claim_link`, `alike` and the tables beside them speak of latest versions only and are
made from the notes, groupings and relationships that are held; `weighing.indexing` sorts them in
after arrival, as `store.claims_upto` remembers. A claim of ours has origin '' and a partner's the
id of the agreement, as objects have. The last tables hold what people judged, and are not made
again.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    text,
)

from tearline.store.columns import Serial, Text, among
from tearline.store.database import Statement, Tx, insert_rows, metadata

ASSERTED, DENIED = "asserted", "denied"
PROPOSED, CONFIRMED, REFUSED = "proposed", "confirmed", "refused"
"""The states of a tie between reports."""

claim = Table(
    "claim",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("polarity", Text, nullable=False),
    Column("denies", Text),
    Column("certainty", Text, nullable=False),
    Column("said_at", BigInteger),
    Column("true_from_at", BigInteger),
    Column("true_until_at", BigInteger),
    Column("report", Text),
    Column("number", Double),
    Column("upto", Double),
    Column("bound", Text),
    Column("unit", Text),
    Column("own_judgement", Boolean, nullable=False),
    Column("problem", Text),
    UniqueConstraint("stix_id", "origin"),
    Index("claim_denies", "denies"),
    Index("claim_report", "report"),
    Index(
        "claim_problem",
        "seq",
        sqlite_where=text("problem IS NOT NULL"),
        postgresql_where=text("problem IS NOT NULL"),
    ),
    Index(
        "claim_denial",
        "seq",
        sqlite_where=text("denies IS NOT NULL"),
        postgresql_where=text("denies IS NOT NULL"),
    ),
    info={"derived": True},
)
claim_link = Table(
    "claim_link",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("unnamed", Boolean, nullable=False),
    Column("report", Text),
    Index("claim_link_identity", "identity", "seq"),
    sqlite_with_rowid=False,
    info={"derived": True},
)
claim_about = Table(
    "claim_about",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("about", Text, primary_key=True),
    Column("polarity", Text, nullable=False),
    Index("claim_about_of", "about", "polarity", "seq"),
    sqlite_with_rowid=False,
    info={"derived": True},
)
alike_said = Table(
    "alike_said",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("member", Text, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("stix_id", Text, nullable=False),
    Index("alike_said_member", "member"),
    sqlite_with_rowid=False,
    info={"derived": True},
)
alike = Table(
    "alike",
    metadata,
    Column("stix_id", Text, primary_key=True),
    Column("proposition", Text, nullable=False),
    Index("alike_proposition", "proposition"),
    sqlite_with_rowid=False,
    info={"derived": True},
)
report_said = Table(
    "report_said",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("from_id", Text, nullable=False),
    Column("to_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Index("report_said_from", "from_id"),
    Index("report_said_to", "to_id"),
    info={"derived": True},
)
worth = Table(
    "worth",
    metadata,
    Column("proposition", Text, primary_key=True),
    Column("polarity", Text, primary_key=True),
    Column("supporting", Integer, nullable=False),
    Column("against", Integer, nullable=False),
    Column("credibility", Integer, nullable=False),
    Column("flags", Text, nullable=False),
    sqlite_with_rowid=False,
    info={"derived": True},
)
echo = Table(
    "echo",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("stix_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ours", Text, nullable=False),
    Index("echo_stix_id", "stix_id"),
    info={"derived": True},
)

# What people judged: not made again from anything, and moved with the store.
report_tie = Table(
    "report_tie",
    metadata,
    Column("from_id", Text, primary_key=True),
    Column("to_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Index("report_tie_to", "to_id"),
)
same_source = Table(
    "same_source",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("as_identity", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Index("same_source_as", "as_identity"),
)
standing = Table(
    "standing",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("reliability", Text),
    Column("discredited", Text),
    Column("person", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
worth_confirmed = Table(
    "worth_confirmed",
    metadata,
    Column("stix_id", Text, primary_key=True),
    Column("polarity", Text, primary_key=True),
    Column("credibility", Integer, nullable=False),
    Column("proposed", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)
"""The grade that a person confirmed, kept by a claim: the name of a proposition may change."""


class Row(NamedTuple):
    """A claim, or with a `problem` a note that has our extension and is none.

    Moments are microseconds; `number` to `unit` are the quantity that is claimed.
    """

    seq: int
    origin: str
    stix_id: str
    polarity: str
    denies: str | None
    certainty: str
    said_at: int | None
    true_from_at: int | None
    true_until_at: int | None
    report: str | None
    number: float | None
    upto: float | None
    bound: str | None
    unit: str | None
    own_judgement: bool
    problem: str | None = None


class LinkRow(NamedTuple):
    """One step of the chain of the claim with this number of a version; `identity` '' is unsaid."""

    seq: int
    place: int
    identity: str
    role: str
    unnamed: bool
    report: str | None = None


class About(NamedTuple):
    """What a claim is about, by the id that we have for it, and which side the claim takes."""

    seq: int
    about: str
    polarity: str


class Alike(NamedTuple):
    """That a grouping has a member, by the number of its version."""

    seq: int
    member: str
    origin: str
    stix_id: str


class Said(NamedTuple):
    """That a relationship says one report rests on another, by the number of its version."""

    seq: int
    origin: str
    from_id: str
    to_id: str
    kind: str


ROWS = select(*(claim.c[name] for name in Row._fields))
_BY_ID = Statement(ROWS.where(among(claim.c.stix_id, bindparam("ids"))))
_BY_SEQ = Statement(ROWS.where(among(claim.c.seq, bindparam("ids"))))
_DENYING = Statement(ROWS.where(among(claim.c.denies, bindparam("ids"))))
_OF_REPORT = Statement(ROWS.where(among(claim.c.report, bindparam("ids"))))
_LINKS = Statement(
    select(*(claim_link.c[name] for name in LinkRow._fields))
    .where(among(claim_link.c.seq, bindparam("ids")))
    .order_by(claim_link.c.seq, claim_link.c.place)
)
_NAMING = Statement(
    ROWS.where(
        claim.c.seq.in_(
            select(claim_link.c.seq).where(among(claim_link.c.identity, bindparam("ids")))
        )
    )
)
_GROUPS_OF = Statement(
    select(*(alike_said.c[name] for name in Alike._fields)).where(
        among(alike_said.c.member, bindparam("ids"))
    )
)
_MEMBERS = Statement(
    select(*(alike_said.c[name] for name in Alike._fields)).where(
        among(alike_said.c.seq, bindparam("ids"))
    )
)
_ALIKE = Statement(
    select(alike.c.stix_id, alike.c.proposition).where(among(alike.c.stix_id, bindparam("ids")))
)
_IN = Statement(
    select(alike.c.stix_id, alike.c.proposition).where(among(alike.c.proposition, bindparam("ids")))
)
_SAID = Statement(
    select(*(report_said.c[name] for name in Said._fields)).where(
        among(report_said.c.from_id, bindparam("ids"))
    )
)
_SAID_BY = Statement(
    select(report_said.c.from_id, report_said.c.to_id).where(
        among(report_said.c.seq, bindparam("ids"))
    )
)
_SAID_OF = Statement(
    select(*(report_said.c[name] for name in Said._fields)).where(
        among(report_said.c.to_id, bindparam("ids"))
    )
)


# --------------------------------------------------------------------------------------- writing


def put(tx: Tx, rows: Sequence[Row], links: Sequence[LinkRow], about: Sequence[About] = ()) -> None:
    """Sort claims in with their chains; none of these versions is there yet."""
    insert_rows(tx, claim, rows)
    insert_rows(tx, claim_link, links)
    insert_rows(tx, claim_about, about)


def put_alike(tx: Tx, rows: Sequence[Alike]) -> None:
    """Note what a grouping holds; none of these versions is there yet."""
    insert_rows(tx, alike_said, rows)


def put_said(tx: Tx, rows: Sequence[Said]) -> None:
    """Note which report rests on which, as a relationship says it."""
    insert_rows(tx, report_said, rows)


def drop(tx: Tx, seqs: Sequence[int]) -> list[str]:
    """Take versions out; returns the claims that they were, held together, denied or tied."""
    if not seqs:
        return []
    gone = [Row._make(row) for row in _BY_SEQ.among(tx, seqs)]
    apart = [row[1] for row in _MEMBERS.among(tx, seqs)]
    tied = {end for row in _SAID_BY.among(tx, seqs) for end in row}
    apart += [each.stix_id for each in of_reports(tx, tied)]
    for table in (claim, claim_link, claim_about, alike_said, report_said, echo):
        tx.execute(delete(table).where(among(table.c.seq, seqs)))
    named = [each.stix_id for each in gone] + [each.denies for each in gone if each.denies]
    return list(dict.fromkeys(named + apart))


def put_propositions(tx: Tx, named: Sequence[tuple[str, str | None]]) -> list[str]:
    """Say of claims in which proposition they stand; None takes a claim out.

    Returns the claims and the names of propositions for which that changed anything.
    """
    before = propositions(tx, (each for each, _ in named))
    moved = [(each, to) for each, to in named if before.get(each) != to]
    tx.execute(delete(alike).where(among(alike.c.stix_id, [each for each, _ in moved])))
    insert_rows(tx, alike, [(each, to) for each, to in moved if to is not None])
    touched = [name for each, to in moved for name in (each, to, before.get(each)) if name]
    return list(dict.fromkeys(touched))


# --------------------------------------------------------------------------------------- reading


def by_id(tx: Tx, ids: Iterable[str]) -> dict[str, list[Row]]:
    """The claims of these ids, of each origin that gave one, ours first; problems among them."""
    return _by(map(row_of, _BY_ID.among(tx, ids)))


def denying(tx: Tx, ids: Iterable[str]) -> list[Row]:
    """The claims that deny one of `ids`, in the order in which they came."""
    return sorted(map(row_of, _DENYING.among(tx, ids)))


def of_reports(tx: Tx, ids: Iterable[str]) -> list[Row]:
    """The claims that stand in one of these reports, in the order in which they came."""
    return sorted(map(row_of, _OF_REPORT.among(tx, ids)))


def naming(tx: Tx, identities: Iterable[str]) -> list[Row]:
    """The claims in whose chain one of `identities` stands, in the order in which they came."""
    return sorted({each.seq: each for each in map(row_of, _NAMING.among(tx, identities))}.values())


def links(tx: Tx, seqs: Iterable[int]) -> dict[int, list[LinkRow]]:
    """The chain of each claim, by the number of its version, publisher first."""
    found: dict[int, list[LinkRow]] = {}
    for row in _LINKS.among(tx, seqs):
        found.setdefault(row[0], []).append(_link(row))
    for chain in found.values():
        chain.sort()
    return found


def number(tx: Tx) -> tuple[int, int]:
    """How many claims are held, and how many notes that are none though they look like one."""
    query = select(func.count(), func.count(claim.c.problem)).select_from(claim)
    total, wrong = tx.execute(query).one()
    return total - wrong, wrong


def propositions(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """The proposition of each claim."""
    return {row[0]: row[1] for row in _ALIKE.among(tx, ids)}


def in_propositions(tx: Tx, names: Iterable[str]) -> dict[str, list[str]]:
    """The claims of each proposition, in order of their ids."""
    found: dict[str, list[str]] = {}
    for stix_id, name in sorted(_IN.among(tx, names)):
        found.setdefault(name, []).append(stix_id)
    return found


def groups_of(tx: Tx, members: Iterable[str]) -> list[Alike]:
    """The groupings in which any of `members` stands, a row for each of these."""
    return [Alike._make(row) for row in _GROUPS_OF.among(tx, members)]


def members_of(tx: Tx, seqs: Iterable[int]) -> dict[int, list[Alike]]:
    """What groupings hold, by the numbers of their versions."""
    found: dict[int, list[Alike]] = {}
    for row in _MEMBERS.among(tx, seqs):
        found.setdefault(row[0], []).append(Alike._make(row))
    return found


def said_ties(tx: Tx, reports: Iterable[str]) -> list[Said]:
    """What relationships say of these reports: on what they rest, and what rests on them."""
    wanted = list(reports)
    rows = {*_SAID.among(tx, wanted), *_SAID_OF.among(tx, wanted)}
    return sorted(Said._make(row) for row in rows)


def _by(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda each: each.origin):
        found.setdefault(row.stix_id, []).append(row)
    return found


def row_of(row: Sequence[Any]) -> Row:
    """Read a claim; SQLite has numbers for truth values."""
    made = Row._make(row)
    return made._replace(own_judgement=bool(made.own_judgement))


def _link(row: tuple[Any, ...]) -> LinkRow:
    made = LinkRow._make(row)
    return made._replace(unnamed=bool(made.unnamed))
