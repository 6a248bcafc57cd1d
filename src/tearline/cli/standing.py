"""How the node stands at this moment, as one value."""

from typing import Any

from tearline import clock
from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.cli import feed_parts, readings, turning
from tearline.cli.holdings import summary
from tearline.cli.outcomes import limits_lines
from tearline.cli.passing_on import open_questions
from tearline.cli.syncing import recalled_from
from tearline.cli.terminal import Part, Table, count, stamp
from tearline.log import record
from tearline.store import agreements, evidence, logs, received, releases
from tearline.store.database import Tx


def standing(home: Home) -> dict[str, Any]:
    """Return holdings, agreements with their counts, and the messages not delivered."""
    with home.store.read() as tx:
        bound = {each.hash: _counts(tx, each) for each in force.all_in_force(tx, now=clock.now())}
        alarms = turning.alarms(tx, home, now=clock.now())
        proofs = len(evidence.all_of(tx))
    return {
        "name": home.name,
        "slug": home.slug,
        "home": str(home.path),
        "url": home.card.url,
        **summary(home),
        "agreements": [
            each | bound.get(each["hash"], {}) for each in readings.all_agreements(home)
        ],
        "pending": readings.pending(home),
        "cards": alarms,
        "recalls_overdue": len(recalled_from(home, None, overdue=True)),
        "questions": len(open_questions(home)),
        "evidence": proofs,
        "sources": feed_parts.everything(home),
    }


def standing_parts(found: dict[str, Any]) -> list[Part]:
    """Return it for people."""
    held = sum(found["held"].values())
    rows = [
        (
            each["title"],
            each["version"],
            each["party"],
            each["state"],
            each.get("released"),
            each.get("waiting"),
            each.get("accepted"),
            each.get("quarantined"),
            each.get("last_sync"),
        )
        for each in found["agreements"]
    ]
    given, taken = ("released", "wait"), ("accepted", "quarantine")
    names = ("agreement", "version", "party", "state", *given, *taken, "last sync")
    limited = [
        f"{each['title']}, to {each['party']}: {line}"
        for each in found["agreements"]
        for line in limits_lines(each.get("limits"))
    ]
    waiting = [
        f"Not delivered: {each['kind']} to {each['party']}, since {each['at'][:19]}Z"
        for each in found["pending"]
    ]
    return [
        f"{found['name']} ({found['slug']}) at {found['home']}",
        f"{count(held, 'object')} held, {found['received']:,} received.",
        f"{count(found['holds'], 'hold')}, {count(found['partners'], 'partner')}.",
        Table(("type", "held"), [(name, f"{n:,}") for name, n in sorted(found["held"].items())]),
        Table(names, rows),
        *found["cards"],
        *limited,
        *waiting,
        *_late_lines(found["recalls_overdue"]),
        *_asked_lines(found["questions"]),
        *_evidence_lines(found["evidence"]),
        *feed_parts.trouble_lines(found["sources"]),
    ]


def _late_lines(number: int) -> list[str]:
    overdue = f"{count(number, 'recall')} not answered in time: see `tearline recalls --overdue`."
    return [overdue] if number else []


def _asked_lines(number: int) -> list[str]:
    asked = f"{count(number, 'question')} whether something may be passed on: see"
    return [f"{asked} `tearline onward list`."] if number else []


def _evidence_lines(number: int) -> list[str]:
    found = f"{number:,} pieces of evidence" if number > 1 else "One piece of evidence"
    return [f"{found} against partners: see `tearline evidence list`."] if number else []


def _counts(tx: Tx, bound: InForce) -> dict[str, Any]:
    stood = releases.standing_all(tx, bound.agreement_id).values()
    mirrored = logs.last_checkpoint(tx, record.their_log(bound.agreement_id))
    version = agreements.version_of(tx, bound.hash)
    return {
        "limits": readings.limits_of(tx, version, bound.terms) if version else None,
        "released": releases.live_count(tx, bound.agreement_id),
        "waiting": sum(each.outcome == "wait" for each in stood),
        "accepted": len(received.in_state(tx, bound.agreement_id, "accepted")),
        "quarantined": len(received.in_state(tx, bound.agreement_id, "quarantined")),
        "last_sync": stamp(mirrored.at) if mirrored else None,
    }
