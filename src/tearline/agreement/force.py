"""Which version of an agreement binds now, and whether we may serve or accept under it.

A giver serves from the moment it holds the receiver's activation, which says that the receiver's
log shows the countersigned hash; a receiver accepts from the countersignature on. Both end at once
with a suspension, an end, the clock, or a block of the partner.
"""

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from tearline.agreement.state import ENDED
from tearline.agreement.terms import Terms, parse_json
from tearline.errors import RefusedError
from tearline.store import agreements, parties
from tearline.store.agreements import Version
from tearline.store.database import Tx
from tearline.store.parties import Partner


class InForce(Struct, frozen=True, kw_only=True):
    """One version as it stands at one moment.

    `state` includes the clock. `serving`: we may give under it. `accepting`: we may take under it.
    """

    agreement_id: str
    hash: str
    version: int
    title: str
    terms_bytes: bytes
    our_slot: str
    their_slot: str
    partner: str
    one_sided: bool
    from_at: int
    until_at: int
    state: str
    serving: bool
    accepting: bool

    @property
    def terms(self) -> Terms:
        """The agreement, parsed."""
        return _terms(self.terms_bytes)


def in_force(tx: Tx, agreement_id: str, *, now: int) -> InForce | None:
    """Return the version that binds now, or stood last: None before anything was countersigned.

    The newest that both activated, be it suspended or ended since; else the newest countersigned.
    """
    chosen = _chosen(agreements.versions(tx, agreement_id))
    return _standing(parties.partner_of(tx, chosen.partner), chosen, now) if chosen else None


def _chosen(versions: Iterable[Version]) -> Version | None:
    signed: Version | None = None
    active: Version | None = None
    for version in versions:
        if version.state in {"active", "suspended", "terminated", "superseded"}:
            active = version
        elif version.state == "countersigned":
            signed = version
    return signed if active is None or (signed and active.state in ENDED) else active


def standing(tx: Tx, agreement: str, *, now: int) -> InForce | None:
    """Return the version with this hash, whatever its state."""
    version = agreements.version_of(tx, agreement)
    return _standing(parties.partner_of(tx, version.partner), version, now) if version else None


def all_in_force(tx: Tx, *, now: int) -> list[InForce]:
    """Return what binds now or stood last, for every agreement, by id."""
    by_id: dict[str, list[Version]] = {}
    for version in agreements.every_version(tx):
        by_id.setdefault(version.agreement_id, []).append(version)
    partners = {each.slug: each for each in parties.partners(tx)}
    chosen = (
        _chosen(sorted(by_id[each], key=lambda version: (version.version, version.arrived_at)))
        for each in sorted(by_id)
    )
    return [_standing(partners.get(each.partner), each, now) for each in chosen if each]


def serves(tx: Tx, agreement_id: str, *, now: int) -> InForce:
    """Return the version under which we give now; RefusedError when there is none."""
    found = in_force(tx, agreement_id, now=now)
    if found is None or not found.serving:
        raise _nothing(found, "Nothing may be given under it.")
    return found


def accepts(tx: Tx, agreement_id: str, *, now: int) -> InForce:
    """Return the version under which we take now; RefusedError when there is none."""
    found = in_force(tx, agreement_id, now=now)
    if found is None or not found.accepting:
        raise _nothing(found, "What comes under it waits in quarantine.")
    return found


def _standing(partner: Partner | None, version: Version, now: int) -> InForce:
    state = version.state
    if now >= version.until_at and state not in ENDED:
        state = "expired"
    open_now = (
        state not in ENDED
        and version.from_at <= now
        and partner is not None
        and partner.blocked_at is None
    )
    return InForce(
        agreement_id=version.agreement_id,
        hash=version.hash,
        version=version.version,
        title=version.title,
        terms_bytes=version.terms,
        our_slot=version.our_slot,
        their_slot=version.their_slot,
        partner=version.partner,
        one_sided=version.one_sided,
        from_at=version.from_at,
        until_at=version.until_at,
        state=state,
        serving=version.serving and open_now,
        accepting=version.accepting and open_now,
    )


@lru_cache(maxsize=4_096)
def _terms(document: bytes) -> Terms:
    return parse_json(document)


def _nothing(found: InForce | None, means: str) -> RefusedError:
    return RefusedError(
        f"The agreement is {found.state}, not in force." if found else "No agreement is in force.",
        means=means,
        do="Look at `tearline agreement show` for what it waits for.",
    )
