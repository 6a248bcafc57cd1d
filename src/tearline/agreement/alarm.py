"""Suspend by itself what an agreement says is suspended when the other side is found out."""

from tearline.agreement.document import Cause
from tearline.agreement.fitting import LIVE
from tearline.agreement.home import Home
from tearline.agreement.signing import suspend_all
from tearline.agreement.terms import parse_json
from tearline.store import agreements
from tearline.store.agreements import Version
from tearline.store.database import Tx


def raise_alarm(
    tx: Tx, home: Home, party: str, cause: Cause, reason: str, *, now: int
) -> list[Version]:
    """Suspend every running agreement with a party that names `cause`; return what was suspended.

    In the caller's transaction: what was found out, the signed statement and its message are
    durable together. Whatever agreement it was found under, a party that lies does so to us.
    """
    running = [
        each
        for each in agreements.every_version(tx, partner=party)
        if each.state in LIVE and not each.one_sided
        if cause in parse_json(each.terms).suspend.on
    ]
    return suspend_all(tx, home, running, reason, now=now)
