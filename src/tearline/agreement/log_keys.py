"""Under which name and key a log that we hold is signed: ours, or our copy of a partner's."""

from tearline.agreement.card import read_card
from tearline.agreement.home import Home
from tearline.errors import RefusedError
from tearline.log import record
from tearline.log.checkpoint import vkey_for
from tearline.store import agreements, parties
from tearline.store.database import Tx

THEIRS = "theirs/"


def key_of(tx: Tx, home: Home, log: str) -> tuple[str, str]:
    """Return the origin and the verifier key of a log, ours or a partner's.

    RefusedError for the log of a partner who has no card.
    """
    agreement_id = log.partition("/")[2] or None
    if not log.startswith(THEIRS):
        return record.origin_of(home.slug, agreement_id), home.log_vkey(agreement_id)
    slug = agreements.versions(tx, str(agreement_id))[0].partner
    partner = parties.partner_of(tx, slug)
    if partner is None or partner.card is None:
        raise RefusedError(f"{slug} has no card, and so no log.")
    origin = record.origin_of(slug, agreement_id)
    return origin, vkey_for(origin, read_card(partner.card).log)
