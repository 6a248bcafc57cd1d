"""Agreements: each with its state, its text as sentences, and what would go under it."""

from collections.abc import Callable, Mapping
from typing import Any

from tearline.agreement import force, signing
from tearline.agreement.home import Home
from tearline.agreement.log_keys import key_of
from tearline.agreement.state import parse_statement
from tearline.agreement.terms import parse_json, warnings
from tearline.log import record
from tearline.release import offering, tracing
from tearline.release.health import COUNTED, Counted
from tearline.release.onward import wider
from tearline.store import agreements, logs, parties, tallies
from tearline.store import drafts as kept
from tearline.store.agreements import StatementRow, Version
from tearline.store.database import Tx
from tearline.store.offers import Offer, offer_of
from tearline.web.counting import counts
from tearline.web.lines import groups
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.signing_in import Role

SIGNING: tuple[Role, ...] = ("officer", "admin")


def _agreements(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        names = parties.names(tx)
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=asked.now)}
        every = agreements.every_version(tx)
        newest = {e.agreement_id: e for e in sorted(every, key=lambda e: (e.version, e.arrived_at))}
        live = tallies.live_numbers(tx, newest, COUNTED + 1)
    found = [
        {
            "agreement": agreement_id,
            "title": parse_json(each.terms).title,
            "partner": each.partner,
            "partner_name": names[each.partner],
            "version": each.version,
            "state": its.state if its else each.state,
            "serving": bool(its and its.serving),
            "accepting": bool(its and its.accepting),
            **_live(live[agreement_id]),
            "until_at": each.until_at,
        }
        for agreement_id, each in newest.items()
        for its in [bound.get(agreement_id)]
    ]
    return {"agreements": sorted(found, key=lambda e: (e["state"] != "active", e["title"]))}


def _agreement(asked: Asked) -> dict[str, Any]:
    agreement_id = f"urn:uuid:{asked.path['id']}"
    with asked.home.store.read() as tx:
        versions = agreements.versions(tx, agreement_id)
        if not versions:
            raise AbsentError("There is no such agreement.", do="Look at the list of agreements.")
        newest = versions[-1]
        bound = force.in_force(tx, agreement_id, now=asked.now)
        statements = agreements.statements(tx, agreement_id)
        live = _live(tallies.live_numbers(tx, [agreement_id], COUNTED + 1)[agreement_id])
        partner = parties.partner_of(tx, newest.partner)
        offers = {side: _bands(offer_of(tx, newest.hash, ours=side == "ours")) for side in _SIDES}
        signed = {ours: _signed(tx, agreement_id, ours=ours) for ours in (True, False)}
        written = kept.of(tx, asked.who.name, agreement_id) is not None
    terms = parse_json(newest.terms)
    running = bound.terms if bound and bound.hash != newest.hash else None
    numbers = {each.hash: each.version for each in versions}
    cautions = [*warnings(terms, now=asked.now), *wider(asked.home, terms, now=asked.now)]
    return {
        "agreement": agreement_id,
        "title": terms.title,
        "partner": newest.partner,
        "partner_name": partner.name if partner else newest.partner,
        "version": newest.version,
        "hash": newest.hash,
        "state": bound.state if bound and not running else newest.state,
        "ours": newest.ours,
        "one_sided": newest.one_sided,
        "running": {"version": bound.version, "state": bound.state} if bound and running else None,
        "serving": bool(bound and bound.serving),
        "accepting": bool(bound and bound.accepting),
        **live,
        "from_at": newest.from_at,
        "until_at": newest.until_at,
        "groups": groups(terms, asked.home.slug, running),
        "warnings": [{"text": each} for each in cautions],
        "versions": [_version(each) for each in reversed(versions)],
        "statements": [_statement(each, numbers, signed[each.ours]) for each in statements],
        "offers": offers,
        "draft": written,
        "steps": _steps(newest, bound) if asked.who.may(*SIGNING) else [],
        "counts": counts(asked.home, terms, "exact", now=asked.now)
        if "preview" in asked.query
        else None,
    }


def _live(number: int) -> dict[str, Any]:
    """How many objects are with a partner, counted up to `health.COUNTED`."""
    found = Counted.of(number)
    return {"live": found.number, "live_more": found.more}


_SIDES = ("ours", "theirs")


def _bands(found: Offer | None) -> dict[str, Any] | None:
    """What a side said, signed and in bands, that it would give under this version."""
    if found is None:
        return None
    bands = offering.read(found)
    rows = [
        {"type": name, "go": each.go, "wait": each.wait, "stay": each.stay}
        for name, each in bands.items()
    ]
    return {"at": found.at, "rows": rows}


def _version(version: Version) -> dict[str, Any]:
    return {"version": version.version, "hash": version.hash, "state": version.state}


def _signed(tx: Tx, agreement_id: str, *, ours: bool) -> int:
    """How many leaves of a side's log stand under its signature, as far as we know."""
    log = record.our_log(agreement_id) if ours else record.their_log(agreement_id)
    found = logs.last_checkpoint(tx, log)
    return found.size if found else 0


def _statement(row: StatementRow, numbers: Mapping[str, int], signed: int) -> dict[str, Any]:
    said = parse_statement(row.body)
    return {
        "statement": row.hash,
        "ours": row.ours,
        "step": said.step,
        "at": said.at,
        "reason": said.reason,
        "version": numbers.get(said.agreement),
        "leaf": row.leaf,
        "provable": row.leaf < signed,
    }


def _steps(newest: Version, bound: force.InForce | None) -> list[str]:
    """What can be done with an agreement as it stands."""
    found = []
    if newest.state == "proposed":
        found += ["withdraw"] if newest.ours else ["countersign", "reject"]
    if newest.state in {"proposed", "countersigned", "active"} and not newest.one_sided:
        found.append("offer")
    state = bound.state if bound else ""
    if state in {"active", "countersigned"}:
        found.append("suspend")
    if state == "suspended":
        found.append("resume")
    if state in {"active", "countersigned", "suspended"}:
        found.append("terminate")
    return found


# ----------------------------------------------------------------------------------------- acts


def _step(asked: Asked, given: Mapping[str, str]) -> str:
    """Do what the command line does: sign, say no, take back, offer, suspend, resume, end."""
    act = _ACTS.get(given.get("step", ""))
    if act is None:
        raise AbsentError("There is no such step.")
    agreement_id = f"urn:uuid:{asked.path['id']}"
    with asked.home.store.read() as tx:
        hashes = {each.hash for each in agreements.versions(tx, agreement_id)}
    if given.get("hash") not in {None, *hashes}:
        raise AbsentError("There is no such version.", do="Look at the agreement again.")
    act(asked.home, agreement_id, given, asked.now)
    return f"/agreements/{asked.path['id']}"


def _countersign(home: Home, _id: str, given: Mapping[str, str], now: int) -> None:
    signing.countersign(home, _named(given), now=now)


def _reject(home: Home, _id: str, given: Mapping[str, str], now: int) -> None:
    signing.reject(home, _named(given), _reason(given), now=now)


def _withdraw(home: Home, _id: str, given: Mapping[str, str], now: int) -> None:
    signing.withdraw(home, _named(given), _reason(given) or None, now=now)


def _offer(home: Home, _id: str, given: Mapping[str, str], now: int) -> None:
    with home.store.read() as tx:
        version = agreements.version_of(tx, _named(given))
    if version is not None:
        offering.offer(home, parse_json(version.terms), now=now)


def _suspend(home: Home, id_: str, given: Mapping[str, str], now: int) -> None:
    signing.suspend(home, id_, _reason(given), now=now)


def _resume(home: Home, id_: str, given: Mapping[str, str], now: int) -> None:
    signing.resume(home, id_, _reason(given) or None, now=now)


def _terminate(home: Home, id_: str, given: Mapping[str, str], now: int) -> None:
    signing.terminate(home, id_, _reason(given), now=now)


_ACTS: Mapping[str, Callable[[Home, str, Mapping[str, str], int], None]] = {
    "countersign": _countersign,
    "reject": _reject,
    "withdraw": _withdraw,
    "offer": _offer,
    "suspend": _suspend,
    "resume": _resume,
    "terminate": _terminate,
}


def _named(given: Mapping[str, str]) -> str:
    """The hash of the version that was looked at: nothing else is signed."""
    if not given.get("hash"):
        raise AbsentError("There is no such version.", do="Look at the agreement again.")
    return given["hash"]


def _reason(given: Mapping[str, str]) -> str:
    return given.get("reason", "").strip()


# -------------------------------------------------------------------------------------- receipts


def _receipt(asked: Asked) -> dict[str, Any]:
    """The receipt of one statement: what is in the log of the side that made it."""
    agreement_id, name = f"urn:uuid:{asked.path['id']}", asked.path["statement"]
    with asked.home.store.read() as tx:
        rows = {each.hash: each for each in agreements.statements(tx, agreement_id)}
        row = rows.get(name)
        if row is None:
            raise AbsentError("There is no such statement.", do="Look at the agreement again.")
        log, leaf, item = tracing.statement(tx, agreement_id, name, theirs=not row.ours)[:3]
        origin, vkey = key_of(tx, asked.home, log)
        return record.receipt(tx, log, leaf, item, origin=origin, vkey=vkey)


PAGES = (
    Page("/agreements", "agreements.html", _agreements),
    Page("/agreements/{id}", "agreement.html", _agreement),
    Page("/agreements/{id}/statements/{statement}", "statement.html", _receipt),
)
FORMS = (Form("/agreements/{id}/step", _step, SIGNING, proven=True),)
