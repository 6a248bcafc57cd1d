"""Syncs, recalls and quarantine: what verbs call, and what they show of it."""

from typing import Any

import orjson

from tearline import clock
from tearline.agreement import force
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.cli import afterwards, feed_parts, feeds
from tearline.cli.terminal import Part, Table, count, moment, stamp
from tearline.errors import RefusedError, TearlineError
from tearline.exchange import peer
from tearline.exchange.peer import Synced, SyncResult
from tearline.release import inbound
from tearline.release.expiring import expire_all
from tearline.release.recall import Recalled
from tearline.release.recall import recalls as recalls_of
from tearline.store import parties, sources
from tearline.store.received import Received


def sync_all(home: Home, name: str | None, *, as_json: bool) -> dict[str, Any]:
    """Sync with the partner and the source of a name, or with each that can be reached."""
    afterwards.reconcile(home)
    expire_all(home, now=clock.now())
    slugs, read = (_reachable(home), True) if name is None else _named(home, name)
    partners = [_sync(home, slug) for slug in slugs]
    came = feeds.poll_all(home, name, as_json=as_json) if read else []
    afterwards.reconcile(home)
    ok = all(each["ok"] for each in (*partners, *came))
    return {"ok": ok, "parties": partners, "sources": came}


def sync_parts(found: dict[str, Any]) -> list[Part]:
    """Say what each sync did."""
    if not found["parties"] and not found["sources"]:
        return ["No partner has a node that can be reached from here, and there is no source."]
    lines: list[Part] = [line for each in found["parties"] for line in _sync_lines(each)]
    return lines + [line for each in found["sources"] for line in feed_parts.polled_lines(each)]


def _named(home: Home, name: str) -> tuple[list[str], bool]:
    """Return the partners of a name, and whether a source has it; MisuseError for neither."""
    with home.store.read() as tx:
        source = sources.source_named(tx, name)
        read = source is not None and source.ended_at is None
        if read and not parties.partners_named(tx, name):
            return [], True
        return [find_party(tx, name).slug], read


def recalled_from(home: Home, party: str | None, *, overdue: bool) -> list[Recalled]:
    """Return the recalls that we ordered, from one partner or from all; or those overdue alone."""
    with home.store.read() as tx:
        slug = find_party(tx, party).slug if party else None
    found = recalls_of(home, slug, now=clock.now())
    return [each for each in found if each.state == "overdue"] if overdue else found


def recall_line(party: str, done: list[Recalled]) -> str:
    """Say what a recall does next."""
    if any(each.confirmable for each in done):
        return f"Recalled from {party}. Its next sync brings it the order."
    return (
        f"Recalled from {party}: it is out of the collection. {party} has no node and cannot "
        "confirm it; tell it yourself."
    )


def recall_value(found: list[Recalled]) -> list[dict[str, Any]]:
    """Return recalls as JSON."""
    return [
        {
            "agreement": each.agreement_id,
            "position": each.position,
            "object": each.delivered_id,
            "reason": each.reason,
            "at": stamp(each.at),
            "state": each.state,
            "due": stamp(each.due_at),
            "confirmed_at": stamp(each.acknowledged_at),
            "further": {"told": each.told, "confirmed": each.told_confirmed},
        }
        for each in found
    ]


def recall_table(found: list[Recalled]) -> Table:
    """Return recalls for people."""
    rows = [
        (each.delivered_id, each.reason, moment(each.at), moment(each.due_at), _ended(each))
        for each in found
    ]
    return Table(("object", "reason", "ordered", "due", "confirmed"), rows)


def _ended(each: Recalled) -> str:
    said = moment(each.acknowledged_at) if each.state == "confirmed" else each.state
    if not each.told:
        return said
    return f"{said}; passed on to {each.told}, of whom {each.told_confirmed} confirmed"


def in_quarantine(home: Home) -> list[dict[str, Any]]:
    """Return what waits in quarantine under every agreement."""
    with home.store.read() as tx:
        bound = force.all_in_force(tx, now=clock.now())
    return [
        _waiting(each.agreement_id, each.partner, row)
        for each in bound
        for row in inbound.quarantined(home, each.agreement_id)
    ]


def settle_quarantined(home: Home, item: str, reason: str, *, accept: bool) -> dict[str, Any]:
    """Accept or refuse the one thing in quarantine that `item` names by hash or object id."""
    fits = [
        each
        for each in in_quarantine(home)
        if item == each["object"] or each["hash"].removeprefix("sha256:").startswith(_digest(item))
    ]
    if len(fits) != 1:
        what = "names more than one thing" if fits else "names nothing"
        raise RefusedError(
            f"{item!r} {what} in quarantine.", do="Take the hash from `tearline quarantine list`."
        )
    act = inbound.accept_quarantined if accept else inbound.refuse_quarantined
    act(home, fits[0]["agreement"], fits[0]["hash"], reason, now=clock.now())
    return fits[0] | {"accepted": accept, "reason": reason}


def _digest(item: str) -> str:
    return item.removeprefix("sha256:") or "none"


def _reachable(home: Home) -> list[str]:
    from tearline.agreement.card import read_card

    with home.store.read() as tx:
        known = parties.partners(tx)
    return [
        each.slug
        for each in known
        if each.card and each.blocked_at is None and read_card(each.card).url
    ]


def _sync(home: Home, slug: str) -> dict[str, Any]:
    try:
        done = peer.sync(home, slug, now=clock.now())
    except TearlineError as error:
        return {"party": slug, "ok": False, "problem": str(error), "agreements": []}
    return _sync_value(done)


def _sync_value(done: SyncResult) -> dict[str, Any]:
    refused = [each._asdict() for each in done.delivered.refused]
    return {
        "party": done.party,
        "ok": not done.problems and not refused,
        "problem": None,
        "delivered": {"taken": done.delivered.taken, "refused": refused},
        "agreements": [_synced(each) for each in done.agreements],
    }


def _synced(each: Synced) -> dict[str, Any]:
    settled = each.settled._asdict() if each.settled else {}
    return {
        "agreement": each.agreement_id,
        "title": each.title,
        "objects": each.objects,
        "leaves": each.leaves,
        "records": each.records,
        "accepted": settled.get("accepted", 0),
        "quarantined": settled.get("quarantined", 0),
        "recalled": settled.get("recalled", 0),
        "problem": str(each.problem) if each.problem else None,
    }


def _sync_lines(each: dict[str, Any]) -> list[str]:
    if each["problem"]:
        return [f"{each['party']}: {each['problem']}"]
    lines = [f"{each['party']}: it took {count(each['delivered']['taken'], 'message')} of ours."]
    lines += [
        f"  It refused a {refused['kind']}: {refused['reason']}"
        for refused in each["delivered"]["refused"]
    ]
    for done in each["agreements"]:
        lines.append(
            f"  {done['title']}: {count(done['objects'], 'object')} came, "
            f"{done['accepted']:,} accepted, {done['quarantined']:,} to quarantine, "
            f"{done['recalled']:,} recalled; {count(done['leaves'], 'leaf', 'leaves')} of its log."
        )
        if done["problem"]:
            lines.append(f"  {done['title']}: {done['problem']}")
    return lines


def _waiting(agreement_id: str, partner: str, row: Received) -> dict[str, Any]:
    return {
        "hash": row.hash,
        "object": row.delivered_id,
        "agreement": agreement_id,
        "party": partner,
        "reasons": orjson.loads(row.reasons),
        "at": stamp(row.at),
    }
