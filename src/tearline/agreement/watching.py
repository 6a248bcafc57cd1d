"""Compare what a partner's log shows of statements with what the partner told us.

Its log is for both of us. A statement of its own in there that follows on the same one as another
that it sent us is its second face, and is signed.
"""

import msgspec

from tearline.agreement import evidence, jws
from tearline.agreement.cards_held import cards_of
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.agreement.signing import suspend_all
from tearline.agreement.state import parse_statement
from tearline.errors import TearlineError
from tearline.log import record
from tearline.stix import canonical
from tearline.store import agreements, logs
from tearline.store import evidence as kept
from tearline.store.agreements import StatementRow
from tearline.store.database import Tx
from tearline.store.evidence import Evidence

TWO_FACES = "Two statements of the partner follow on the same one."
_MARK = b'"kind":"statement"'


def compare_log(home: Home, agreement_id: str, *, now: int) -> list[Evidence]:
    """Return new evidence from the leaves of our copy that were not compared before.

    What is found is kept, and the agreement is suspended.
    """
    log = record.their_log(agreement_id)
    with home.store.read() as tx:
        after, last = kept.watched(tx, log), logs.last_opened(tx, log)
    if last <= after:
        return []
    with home.store.write() as tx:
        found = _second_faces(tx, agreement_id, after, now)
        kept.set_watched(tx, log, last)
        new = [each for each in found if evidence.keep(tx, each, now=now)]
        if new:
            versions = agreements.versions(tx, agreement_id)
            suspend_all(tx, home, versions, TWO_FACES, now=now)
        return new


def _second_faces(tx: Tx, agreement_id: str, after: int, now: int) -> list[Evidence]:
    versions = agreements.versions(tx, agreement_id)
    cards = cards_of(tx, versions[0].partner) if versions else None
    if cards is None:
        return []
    theirs = [row for row in agreements.statements(tx, agreement_id) if not row.ours]
    log, found = record.their_log(agreement_id), []
    while rows := logs.records_after(tx, log, after):
        for row in rows:
            if _MARK in row[3]:
                found += _second_face(cards, theirs, row[3], agreement_id, now)
        after = rows[-1][0]
    return found


def _second_face(
    cards: Cards, theirs: list[StatementRow], content: bytes, agreement_id: str, now: int
) -> list[Evidence]:
    """Return the evidence that a record of the log makes with a statement that we took."""
    try:
        signed = jws.convert(canonical.parse_canonical(content)["signed"])
        statement = parse_statement(signed.body)
        name = canonical.sha256(signed.body)
        if signed.kids[0] not in cards.not_revoked("sign"):
            return []
        jws.verify(signed, signed.kids[0])
    except (TearlineError, KeyError, TypeError, msgspec.ValidationError):
        return []
    return [
        evidence.of_statements(cards, agreement_id, jws.load(row.signed), signed, at=now)
        for row in theirs
        if row.hash != name
        and not row.void
        and (statement.id, statement.by, statement.previous)
        == ((held := parse_statement(row.body)).id, held.by, held.previous)
    ]
