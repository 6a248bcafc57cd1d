"""Say our view of a claim, and see everybody's, side by side."""

from typing import NamedTuple

import msgspec

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import InputError
from tearline.provenance import perspectives
from tearline.provenance.perspectives import View
from tearline.release.arrive import NOTHING, Annotation
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.weighing.held import Held, held_claim, known_hashes, speaking_of
from tearline.weighing.signed import Seal, detached, seal_of
from tearline.weighing.writing import moments, put


class HeldView(NamedTuple):
    """A view with the opinion that states it, and what its signature is worth.

    `stale` where it speaks of other bytes than we hold of the claim, or gave of it.
    """

    view: View
    stix_id: str
    origin: str
    seal: Seal
    stale: bool


class Views(NamedTuple):
    """All views of a claim at equal rank, and what claims to be one and is not, with why."""

    claim: Held
    views: tuple[HeldView, ...]
    problems: tuple[tuple[str, str], ...]


def say(home: Home, view: View, *, annotation: Annotation = NOTHING, now: int) -> HeldView:
    """Sign our view of a claim and keep it as an opinion; a second one is a new version of it.

    Party, hash and signature are ours to fill in, whatever `view` has. RefusedError where the claim
    is not held, InputError where it is none or the view cannot be said.
    """
    with home.store.write() as tx:
        claim = held_claim(tx, view.claim_ref, now=now)
        whole = msgspec.structs.replace(
            view, party=home.slug, claim_hash=claim.version.hash, signature=None
        )
        signature = detached(home, perspectives.said(whole))
        whole = msgspec.structs.replace(whole, signature=signature)
        before = _ours(tx, home.slug, claim.stix_id, now)
        created_at, modified_at = moments(before, now)
        doc = perspectives.opinion_of(
            whole,
            stix_id=before.stix_id if before else f"opinion--{clock.fresh_uuid()}",
            created_at=created_at,
            modified_at=modified_at,
        )
        perspectives.view_of(doc)
        put(tx, [doc], source=home.slug, annotation=annotation, now=now)
    return HeldView(whole, doc["id"], OURS, "signed", stale=False)


def views(home: Home, claim_id: str, *, now: int) -> Views:
    """Everybody's view of a claim; RefusedError where it is not held."""
    with home.store.read() as tx:
        return look(tx, held_claim(tx, claim_id, now=now), now=now)


def look(tx: Tx, claim: Held, *, now: int) -> Views:
    """Everybody's view of a claim that is held."""
    said: list[tuple[Held, View]] = []
    problems: list[tuple[str, str]] = []
    for each in speaking_of(tx, claim.stix_id, "opinion", now=now):
        try:
            view = perspectives.view_of(each.doc)
        except InputError as error:
            problems.append((each.stix_id, str(error)))
            continue
        if view is not None:
            said.append((each, view))
    known = known_hashes(tx, claim.stix_id, now=now) if said else set()
    found = [
        HeldView(
            view,
            each.stix_id,
            each.origin,
            seal_of(tx, each.origin, view.party, perspectives.said(view), view.signature),
            stale=view.claim_hash is not None and view.claim_hash not in known,
        )
        for each, view in said
    ]
    # At equal rank: by the name of the party, and never by what they say.
    found.sort(key=lambda each: (each.view.party, each.stix_id))
    return Views(claim, tuple(found), tuple(problems))


def _ours(tx: Tx, party: str, claim_id: str, now: int) -> Held | None:
    for each in speaking_of(tx, claim_id, "opinion", now=now):
        if each.origin == OURS:
            try:
                view = perspectives.view_of(each.doc)
            except InputError:
                continue
            if view is not None and view.party == party:
                return each
    return None
