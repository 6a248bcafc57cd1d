"""Partners: who they are, the keys that count, and how the exchange with each goes."""

from typing import Any, TypeAlias

from tearline.agreement import force
from tearline.agreement.card import check_words, read_card
from tearline.agreement.cards_held import cards_of
from tearline.agreement.force import InForce
from tearline.agreement.rotation import Cards, Span
from tearline.log import record
from tearline.release import health
from tearline.release.health import Counted, Flow, Held, Witnessed
from tearline.store import agreements, evidence, parties, tallies, visits, witnessing
from tearline.store.database import Tx
from tearline.store.parties import Partner
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.signing_in import WEIGHING

_REASONS = 12
_OUTBOX = 20

_Its: TypeAlias = tuple[InForce, Flow, Held]
"""An agreement, and how the exchange under it goes."""


def _partners(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        bound = force.all_in_force(tx, now=asked.now)
        its = _its(tx, bound, asked.now)
        found = [
            _short(each)
            | _sums([one for one in its if one[0].partner == each.slug])
            | {"undelivered": len(agreements.undelivered(tx, each.slug))}
            for each in parties.partners(tx)
        ]
    return {
        "us": {"name": asked.home.name, "slug": asked.home.slug, "url": asked.home.card.url},
        "partners": found,
    }


def _short(each: Partner) -> dict[str, Any]:
    return {
        "slug": each.slug,
        "name": each.name,
        "since_at": each.since_at,
        "blocked_at": each.blocked_at,
        "blocked_reason": each.blocked_reason,
        "doubted_at": each.doubted_at,
        "doubt": each.doubt,
        "words": check_words(each.card_hash) if each.card_hash else None,
        "url": read_card(each.card).url if each.card else None,
    }


def _its(tx: Tx, bound: list[InForce], now: int) -> list[_Its]:
    flows, helds = health.flows(tx, bound, now=now), health.held(tx, bound, now=now)
    return list(zip(bound, flows, helds, strict=True))


def _sums(its: list[_Its]) -> dict[str, Any]:
    """What a line of the list says of all agreements with a partner together."""
    return {
        "agreements": [_agreement(each) for each, _, _ in its],
        "live": _counted(health.total([flow.live for _, flow, _ in its])),
        "usable": _counted(health.total([held.usable for _, _, held in its])),
        "overdue": _counted(health.total([flow.recalls_overdue for _, flow, _ in its])),
        "synced_at": max((held.synced_at or 0 for _, _, held in its), default=0) or None,
    }


def _partner(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        found = parties.partner_of(tx, asked.path["party"])
        if found is None:
            raise AbsentError("There is no such partner.", do="Look at the list of partners.")
        bound = [e for e in force.all_in_force(tx, now=asked.now) if e.partner == found.slug]
        its = _its(tx, bound, asked.now)
        cards = cards_of(tx, found.slug)
        value = _short(found) | {
            "cards": _cards(cards),
            "keys": _keys(cards, asked.now),
            "agreements": [_agreement(each) | _flow(flow, held) for each, flow, held in its],
            "versions": _others(tx, found.slug, bound),
        }
        if asked.who.may(*WEIGHING):
            value |= _exchange(tx, found, bound, asked)
    return value


def _exchange(tx: Tx, found: Partner, bound: list[InForce], asked: Asked) -> dict[str, Any]:
    """How the exchange goes: what waits, what was refused, who asked last, who cosigned."""
    refused, codes = health.refused(tx, found.slug, now=asked.now)
    stayed = asked.query.get("stayed") or None
    outbox = agreements.undelivered(tx, found.slug)
    return {
        "undelivered": len(outbox),
        "outbox": [
            {"kind": each.kind, "at": each.at, "attempts": each.attempts}
            for each in outbox[:_OUTBOX]
        ],
        "refused": refused,
        "refusals": list(codes),
        "evidence": sum(len(evidence.all_of(tx, about=each.agreement_id)) for each in bound),
        "logs": [_log(tx, each, asked.now) for each in bound if not each.one_sided],
        "visits": [
            {
                "at": each.at,
                "agreement": each.agreement_id,
                "status": each.status,
                "title": each.title,
                "objects": each.objects_total,
                "requests": each.requests,
                "refused": each.refused,
                "given_at": each.given_at,
            }
            for each in visits.visits_of(tx, "partner", found.slug)
        ],
        "stayed": stayed,
        "reasons": _reasons(tx, stayed) if stayed in {e.agreement_id for e in bound} else None,
    }


def _cards(cards: Cards | None) -> list[dict[str, Any]]:
    """The chain of cards, the newest first."""
    if cards is None:
        return []
    listed = zip(cards.hashes, cards.files, strict=True)
    return [
        {
            "hash": name,
            "words": check_words(name),
            "issued": each.card.issued,
            "expires": each.card.expires,
            "replaces": each.card.replaces,
        }
        for name, each in reversed(list(listed))
    ]


def _keys(cards: Cards | None, now: int) -> list[dict[str, Any]]:
    if cards is None:
        return []
    return [
        {
            "use": use,
            "key": key,
            "state": _state(span, now),
            "from_at": span.from_at or None,
            "until_at": span.until_at,
            "revoked": span.revoked,
        }
        for (use, key), span in sorted(cards.spans.items(), key=lambda e: (e[0][0], -e[1].from_at))
    ]


def _state(span: Span, now: int) -> str:
    """What a key is at a moment: current, ending, next, ended or revoked."""
    if span.revoked is not None:
        return "revoked"
    if span.until_at is not None and span.until_at <= now:
        return "ended"
    if not span.counts(now):
        return "next"
    return "current" if span.until_at is None else "ending"


def _agreement(each: InForce) -> dict[str, Any]:
    return {
        "agreement": each.agreement_id,
        "title": each.title,
        "version": each.version,
        "state": each.state,
        "serving": each.serving,
        "accepting": each.accepting,
        "until_at": each.until_at,
    }


def _others(tx: Tx, slug: str, bound: list[InForce]) -> list[dict[str, Any]]:
    """Versions that do not bind: proposed, rejected, replaced."""
    binding = {each.hash for each in bound}
    return [
        {
            "agreement": each.agreement_id,
            "version": each.version,
            "title": each.title,
            "state": each.state,
        }
        for each in agreements.every_version(tx, partner=slug)
        if each.hash not in binding
    ]


def _flow(flow: Flow, held: Held) -> dict[str, Any]:
    return {
        "live": _counted(flow.live),
        "usable": _counted(held.usable),
        "quarantined": _counted(flow.quarantined),
        "open": _counted(flow.recalls_open),
        "overdue": _counted(flow.recalls_overdue),
        "synced_at": held.synced_at,
        "given_at": flow.last_given_at,
    }


def _log(tx: Tx, bound: InForce, now: int) -> dict[str, Any]:
    """Our log of an agreement, and our copy of theirs."""
    ours = health.witnessed(tx, record.our_log(bound.agreement_id), now=now)
    theirs = health.witnessed(tx, record.their_log(bound.agreement_id), now=now)
    shown = witnessing.last_shown(tx, theirs.log)
    return {
        "title": bound.title,
        "ours": _head(ours),
        "theirs": _head(theirs) | {"committed": shown[1] if shown else None},
    }


def _head(found: Witnessed) -> dict[str, Any]:
    return {
        "size": found.size,
        "signed": found.signed,
        "signed_at": found.signed_at,
        "late": found.late,
        "cosigned": [
            {"witness": name, "size": size, "at": at} for name, size, at in found.cosigned
        ],
    }


def _reasons(tx: Tx, agreement_id: str) -> list[dict[str, Any]]:
    """Why objects stayed or wait under an agreement, by the codes of its decisions."""
    return [
        {"code": code, "number": number}
        for code, number in health.stayed(tallies.reasons_counted(tx, agreement_id))[:_REASONS]
    ]


def _counted(found: Counted) -> dict[str, Any]:
    return {"number": found.number, "more": found.more}


PAGES = (
    Page("/partners", "partners.html", _partners),
    Page("/partners/{party}", "partner.html", _partner),
)
FORMS: tuple[Form, ...] = ()
