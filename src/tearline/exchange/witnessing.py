"""Witness partners' logs and have ours witnessed: what becomes of a submission, and of evidence.

We are the witness of the logs that a partner shows us: of each agreement, and of its node. A
partner's key opens its own logs here and no others, so that nobody learns whose witness we are.
"""

from collections.abc import Mapping

import orjson

from tearline.agreement.alarm import raise_alarm
from tearline.agreement.document import Cause
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import ProofError
from tearline.log import record, witness
from tearline.log.checkpoint import vkey_for
from tearline.log.evidence import PROVEN
from tearline.log.witness import Known, Outcome, Submission
from tearline.stix.timestamp import format_timestamp
from tearline.store import evidence, private
from tearline.store.database import Tx
from tearline.store.evidence import Evidence

_WORDS: Mapping[Cause, str] = {
    "split-view": "A log of the other party shows two histories; the evidence is {}.",
    "bad-proof": "A proof of the other party's does not hold: {}",
}
_REASON = 900
_HOUR_US = 3_600_000_000


def known_logs(cards: Cards, agreement_id: str, *, now: int) -> dict[str, Known]:
    """Return the logs of a partner that one agreement lets it have witnessed, by origin.

    With the keys that count for them now, and those that did.
    """
    slug = cards.newest.slug
    copies = {
        record.origin_of(slug, agreement_id): record.their_log(agreement_id),
        node_origin(slug): None,
    }
    return {origin: _known(cards, origin, copy, now) for origin, copy in copies.items()}


def _known(cards: Cards, origin: str, copy: str | None, now: int) -> Known:
    valid, former = (
        tuple(vkey_for(origin, each) for each in keys)
        for keys in (cards.valid("log", now), cards.every("log"))
    )
    newest = vkey_for(origin, cards.newest.log)
    return Known(newest, cards.newest.slug, copy, valid, former)


def node_origin(slug: str) -> str:
    """Return the origin of a party's node log."""
    return record.origin_of(slug, record.NODE)


def take(  # what is to be known of a head, each by its name
    home: Home,
    cards: Cards,
    agreement_id: str,
    given: Submission,
    *,
    now: int,
    asked: bool = False,
    grown: bool = False,
) -> Outcome:
    """Cosign a partner's head, or keep the evidence of why not; one transaction.

    `asked`: we asked for it after we had seen a larger one. What is sent to us may have been
    overtaken on the way: that it is smaller is kept then, and suspends nothing. `grown`: we saw
    just now that it goes on from the last one; where it is smaller all the same, the partner
    brought a larger one since, and nothing is kept.
    """
    us, known = home.witness, known_logs(cards, agreement_id, now=now)
    with home.store.write() as tx:
        outcome = witness.add_checkpoint(tx, us, given, known, now=now)
        found = outcome.evidence
        if found is not None and found.kind == "rollback" and grown:
            outcome, found = outcome._replace(evidence=None), None
        if found is not None:
            quiet = found.kind == "rollback" and not asked
            kept = keep(tx, home, found, now=now, quiet=quiet)
            outcome = outcome._replace(evidence=kept)
    return outcome


def keep(tx: Tx, home: Home, found: Evidence, *, now: int, quiet: bool = False) -> Evidence:
    """Keep evidence, note it in the private log, and suspend what is to be suspended for it.

    Returns what stands for it: of one kind, about one log, the first in an hour is kept.
    """
    kept = evidence.add_in_span(tx, found, since=now - _HOUR_US)
    if kept.hash == found.hash:
        entry = {"evidence": found.hash, "proves": found.kind, "party": found.party}
        _note(tx, "evidence", entry | {"document": found.hash}, now)
    cause: Cause = "split-view" if found.kind in PROVEN else "bad-proof"
    if not quiet:
        raise_alarm(tx, home, found.party, cause, _WORDS[cause].format(kept.hash), now=now)
    return kept


def doubt(home: Home, party: str, error: ProofError, *, now: int) -> None:
    """Note that a proof of a partner's does not hold, without two signatures that show it."""
    with home.store.write() as tx:
        _note(tx, "bad-proof", {"party": party, "what": error.what[:_REASON]}, now)
        reason = _WORDS["bad-proof"].format(error.what)[:_REASON]
        raise_alarm(tx, home, party, "bad-proof", reason, now=now)


def _note(tx: Tx, kind: str, said: Mapping[str, str], now: int) -> None:
    entry = {"kind": kind, **said, "at": format_timestamp(now, digits=6)}
    private.add(tx, kind, [orjson.dumps(entry).decode()])
