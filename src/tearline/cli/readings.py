"""What verbs read of agreements and partners, as plain values: the JSON that scripts get."""

from typing import Any

import msgspec

from tearline import clock
from tearline.agreement import force
from tearline.agreement.card import Card, read_card
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.signing import versions_of
from tearline.agreement.state import parse_statement
from tearline.agreement.terms import Terms, parse_json, sentences, warnings
from tearline.agreement.vouching import vouchers
from tearline.cli.terminal import stamp
from tearline.errors import MisuseError, RefusedError
from tearline.release import offering
from tearline.release.rules import day_of
from tearline.store import agreements, evidence, groups, offers, parties, quotas
from tearline.store.agreements import Outgoing, StatementRow, Version
from tearline.store.database import Tx
from tearline.store.offers import Offer
from tearline.store.parties import Partner

_SHORTEST = 4


def partners(home: Home) -> list[dict[str, Any]]:
    """Return every partner."""
    with home.store.read() as tx:
        return [_partner(tx, each) for each in parties.partners(tx)]


def partner(home: Home, name: str) -> tuple[dict[str, Any], bytes | None]:
    """Return one partner with its agreements, and its card file if it has one."""
    with home.store.read() as tx:
        found = find_party(tx, name)
        versions = agreements.every_version(tx, partner=found.slug)
        listed = [described(each) | _now(tx, each) for each in versions]
        vouched = vouchers(tx, found.card_hash) if found.card_hash else []
        value = {"agreements": listed, "vouched_by": vouched}
        return _partner(tx, found) | value, found.card


def card_of(home: Home, name: str) -> Card:
    """Return a partner's newest card; RefusedError when it has none."""
    with home.store.read() as tx:
        found = find_party(tx, name)
    if found.card is None:
        raise RefusedError(f"{found.name} has no card.", do="There is nothing to confirm.")
    return read_card(found.card)


def described(version: Version) -> dict[str, Any]:
    """Return one version of an agreement."""
    return {
        "agreement": version.agreement_id,
        "hash": version.hash,
        "version": version.version,
        "title": version.title,
        "state": version.state,
        "party": version.partner,
        "our_slot": version.our_slot,
        "their_slot": version.their_slot,
        "proposed_by": version.our_slot if version.ours else version.their_slot,
        "one_sided": version.one_sided,
        "from": stamp(version.from_at),
        "until": stamp(version.until_at),
    }


def all_agreements(home: Home) -> list[dict[str, Any]]:
    """Return every version of every agreement, with its state at this moment."""
    with home.store.read() as tx:
        return [described(each) | _now(tx, each) for each in agreements.every_version(tx)]


def one_agreement(home: Home, ref: str) -> dict[str, Any]:
    """Return one agreement: its versions, its statements, and its newest text in English."""
    with home.store.read() as tx:
        versions = versions_of(tx, ref)
        shown = next((each for each in versions if each.hash == ref), versions[-1])
        terms = parse_json(shown.terms)
        statements = agreements.statements(tx, shown.agreement_id)
        conflicts = evidence.all_of(tx, about=shown.agreement_id)
        waiting = [
            _outgoing(each)
            for each in agreements.pending(tx, shown.partner)
            if each.agreement_id == shown.agreement_id
        ]
        return {
            **described(shown),
            **_now(tx, shown),
            "versions": [described(each) | _now(tx, each) for each in versions],
            "statements": [_statement(each) for each in statements],
            "two_faces": [each.hash for each in conflicts],
            "pending": waiting,
            "template": terms.template,
            "group": groups.group_of(tx, shown.agreement_id),
            "limits": limits_of(tx, shown, terms),
            "sentences": sentences(terms),
            "warnings": warnings(terms),
            "previews": offered(tx, shown.hash),
        }


def limits_of(tx: Tx, version: Version, terms: Terms) -> dict[str, Any] | None:
    """Return what an agreement allows of each number, and how many objects we gave today.

    None where it sets no number.
    """
    most = terms.limits.objects_per_day
    if most is None and terms.limits.requests_per_hour is None:
        return None
    day_at = day_of(clock.now())
    given = quotas.given(tx, version.agreement_id, day_at)
    return {
        "objects_per_day": most,
        "requests_per_hour": terms.limits.requests_per_hour,
        "day": stamp(day_at),
        "given_today": given if most is not None else None,
        "left_today": max(most - given, 0) if most is not None else None,
    }


def offered(tx: Tx, hash_: str) -> dict[str, Any]:
    """Return what each side offered as a preview of a version; None where it did not."""
    return {
        side: _preview(offers.offer_of(tx, hash_, ours=side == "ours"))
        for side in ("ours", "theirs")
    }


def _preview(found: Offer | None) -> dict[str, Any] | None:
    """What a side offered in bands."""
    if found is None:
        return None
    bands = msgspec.to_builtins(offering.read(found))
    return {"at": stamp(found.at), "bands": bands}


def resolve(home: Home, ref: str) -> str:
    """Return the agreement id, or the exact hash, that `ref` names.

    Besides what the acts understand, `ref` may be the start of a hash, or a title or its start;
    MisuseError when that fits more than one agreement.
    """
    with home.store.read() as tx:
        known = agreements.every_version(tx)
    start = ref.removeprefix("urn:uuid:").casefold()
    if any(each.hash == ref or _uuid(each).startswith(start) for each in known):
        return ref
    digest = start.removeprefix("sha256:")
    by_hash = {each.hash for each in known if each.hash.removeprefix("sha256:").startswith(digest)}
    if len(start) >= _SHORTEST and len(by_hash) == 1:
        return by_hash.pop()
    titled = {
        each.agreement_id for each in known if each.title.casefold().startswith(ref.casefold())
    }
    if len(titled) > 1 or len(by_hash) > 1:
        raise MisuseError(
            f"{ref!r} names more than one agreement.",
            do="Take the id from `tearline agreement list`.",
        )
    return titled.pop() if titled and ref else ref


def agreement_id_of(home: Home, ref: str) -> str:
    """Return the id of the agreement that `ref` names, whichever of its versions that is."""
    with home.store.read() as tx:
        return versions_of(tx, resolve(home, ref))[-1].agreement_id


def pending(home: Home) -> list[dict[str, Any]]:
    """Return the messages that are not known to have arrived."""
    with home.store.read() as tx:
        return [_outgoing(each) for each in agreements.pending(tx)]


def _uuid(version: Version) -> str:
    return version.agreement_id.removeprefix("urn:uuid:")


def _now(tx: Tx, version: Version) -> dict[str, Any]:
    """What the clock and a block add to the state of a version."""
    found = force.standing(tx, version.hash, now=clock.now())
    if found is None:
        return {}
    return {"state": found.state, "serving": found.serving, "accepting": found.accepting}


def _partner(tx: Tx, found: Partner) -> dict[str, Any]:
    card = read_card(found.card) if found.card else None
    return {
        "party": found.slug,
        "name": found.name,
        "url": card.url if card else None,
        "since": stamp(found.since_at),
        "agreements": len(
            {v.agreement_id for v in agreements.every_version(tx, partner=found.slug)}
        ),
        "blocked": found.blocked_reason,
        "blocked_at": stamp(found.blocked_at),
        "doubt": found.doubt,
        "doubted_at": stamp(found.doubted_at),
    }


def _statement(row: StatementRow) -> dict[str, Any]:
    said = parse_statement(row.body)
    return {
        "step": said.step,
        "by": said.by,
        "ours": row.ours,
        "at": said.at,
        "reason": said.reason,
        "agreement": said.agreement,
        "statement": row.hash,
        "leaf": row.leaf,
        "void": row.void,
    }


def _outgoing(message: Outgoing) -> dict[str, Any]:
    return {
        "id": message.id,
        "party": message.party,
        "kind": message.kind,
        "agreement": message.agreement_id,
        "at": stamp(message.at),
        "attempts": message.attempts,
    }
