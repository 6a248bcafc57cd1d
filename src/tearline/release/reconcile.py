"""The one act that changes what is released.

`reconcile` works out a plan for one agreement and appends the *release* and *withdraw* events
that carry it out: table, log leaves, positions and the private record of every decision in one
transaction. Incremental state always equals a rebuild from nothing: both are one plan.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.state import ENDED
from tearline.log import record
from tearline.release import cut, noting
from tearline.release.candidates import Stirred, candidates, gathered
from tearline.release.concern import rules_under
from tearline.release.plan import Form, Ground, Planned, plan
from tearline.release.reasons import Code
from tearline.release.revoking import revocations, taken_back
from tearline.release.rules import FOREVER
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import aliases, objects, releases, stirred
from tearline.store.database import Tx
from tearline.store.releases import Head, Release, Standing
from tearline.store.stirred import Seen
from tearline.topics.topic import type_of

_MS = 1_000

_LEAF = 4_096
"""The most entries that one leaf stands for."""

_TOLD = frozenset({Code.NOT_IN_FORCE, Code.TOO_OLD, Code.REVOKED, "recut"})
"""Reasons for a withdrawal that they can see for themselves; of all others only that it is so."""


class Reconciled(NamedTuple):
    """What one reconcile did: events appended, and how many decisions changed."""

    released: int
    withdrawn: int
    decided: int


NOTHING = Reconciled(0, 0, 0)


def reconcile_all(home: Home, *, now: int) -> dict[str, Reconciled]:
    """Reconcile every agreement; answers those where anything changed.

    What was stirred is read once for all. An agreement that it does not concern is not touched.
    """
    with home.store.read() as tx:
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=now)}
        ground = _survey(tx, now)
        dues = {each: _due(tx, ground, its) for each, its in bound.items()}
    done = {
        each: _reconcile(home, each, ground, now=now)
        for each, due in dues.items()
        if due is not None
    }
    idle = {each: its.hash for each, its in bound.items() if dues[each] is None}
    noting.settle(home, idle=idle, upto=ground.last, now=now)
    return {each: result for each, result in done.items() if result != NOTHING}


def reconcile(home: Home, agreement_id: str, *, now: int, whole: bool = False) -> Reconciled:
    """Decide what was stirred and concerns one agreement, and append what changes.

    Everything is decided anew with `whole`, and when another version came into force. An agreement
    that is not in force has all its releases withdrawn.
    """
    with home.store.read() as tx:
        bound = force.in_force(tx, agreement_id, now=now)
        ground = _survey(tx, now)
        due = _due(tx, ground, bound) if bound is not None else None
    idle = {}
    if due is None and not whole:
        result = NOTHING
        idle = {agreement_id: bound.hash} if bound is not None else {}
    else:
        result = _reconcile(home, agreement_id, ground, now=now, whole=whole)
    noting.settle(home, idle=idle, upto=ground.last, now=now)
    return result


def _reconcile(
    home: Home, agreement_id: str, ground: "_Survey", *, now: int, whole: bool = False
) -> Reconciled:
    with home.store.write() as tx:
        bound = force.in_force(tx, agreement_id, now=now)
        if bound is None:
            return NOTHING
        if not _holds(tx, ground, agreement_id):
            ground = _survey(tx, now)
        due = _due(tx, ground, bound, whole=whole)
        if due is None:
            return NOTHING
        if not bound.serving:
            return _stop(tx, due.head, bound, now)
        rules = rules_under(bound.terms_bytes, bound.our_slot)
        on = Ground(agreement_id, rules, home.keys.secret, now, marks=bound.one_sided)
        planned = plan(tx, on, due.ids, whole=due.whole)
        result = _carry_out(tx, due.head._replace(hash=bound.hash), planned, now, on)
        fresh = due.head.hash != bound.hash or agreement_id in ground.seen.whole
        if fresh or ground.last > ground.seen.by(agreement_id):
            stirred.put_seen(tx, {agreement_id: (ground.last, fresh)})
    return result


class _Survey(NamedTuple):
    """What was stirred and not decided by everybody, and whose time limits turn."""

    found: Stirred
    seen: Seen
    last: int
    heads: dict[str, Head]
    turning: dict[str, set[str]]


def _survey(tx: Tx, now: int) -> _Survey:
    seen = stirred.seen_by(tx)
    log = stirred.since(tx, seen.everybody)
    return _Survey(
        gathered(tx, log),
        seen,
        log[-1][0] if log else seen.everybody,
        {each.agreement_id: each for each in releases.heads(tx)},
        releases.turning(tx, now),
    )


def _holds(tx: Tx, ground: _Survey, agreement_id: str) -> bool:
    """Whether a survey still says what an agreement has to decide."""
    return (
        stirred.last(tx) == ground.last
        and stirred.seen_by(tx).by(agreement_id) == ground.seen.by(agreement_id)
        and releases.head_of(tx, agreement_id) == _head(tx, ground, agreement_id)
    )


def _head(tx: Tx, ground: _Survey, agreement_id: str) -> Head:
    return ground.heads.get(agreement_id) or releases.head_of(tx, agreement_id)


class _Due(NamedTuple):
    """What there is to decide: where we stand, and which objects."""

    head: Head
    ids: set[str]
    whole: bool


def _due(tx: Tx, ground: _Survey, bound: InForce, *, whole: bool = False) -> _Due | None:
    """Find what is due; None where nothing is, which most of the time a read can tell."""
    agreement_id = bound.agreement_id
    head = _head(tx, ground, agreement_id)
    if not bound.serving:
        return _Due(head, set(), whole=True) if head.hash else None
    if whole or head.hash != bound.hash:
        return _Due(head, set(), whole=True)
    rules = rules_under(bound.terms_bytes, bound.our_slot)
    ids = candidates(ground.found, agreement_id, rules, ground.seen.by(agreement_id))
    ids |= ground.turning.get(agreement_id, set())
    return _Due(head, ids, whole=False) if ids else None


class _Event(NamedTuple):
    """A release about to be appended: what will stand, and the bytes that go."""

    new: Standing
    raw: bytes | None
    seq: int | None
    version: str
    hash: str


def _carry_out(
    tx: Tx, head: Head, planned: Mapping[str, Planned], now: int, on: Ground
) -> Reconciled:
    """Append the events of a plan, and write what stands afterwards."""
    stood = releases.standing(tx, head.agreement_id, planned)
    going, ending, noted = [], [], []
    for stix_id, each in planned.items():
        old = stood.get(stix_id)
        if each.standing.outcome == "release":
            if old is None or not old.live or _differs(old, each.standing):
                going.append(each)
                if old and old.position and old.delivered_id != each.standing.delivered_id:
                    ending.append((old, "recut"))
        elif old and (old.live or (old.position and each.standing.outcome != "wait")):
            ending.append((old, _first_reason(each.standing)))
        if each.decided and (each.stands if old is None else _decided_anew(old, each.standing)):
            noted.append(each.decided)
    going.sort(key=lambda each: (*_depth(each.standing), each.standing.stix_id))
    waiting = {each for each, p in planned.items() if p.standing.outcome == "wait"}
    head = _withdraw(
        tx, head, ending, waiting, now, revocations(tx, on, taken_back(ending, waiting, going))
    )
    head, positions = _release(tx, head, going, now)
    rows = [
        _held_after(each.standing, stood.get(stix_id), positions.get(stix_id))
        for stix_id, each in planned.items()
        if each.stands
    ]
    _put_standing(tx, head.agreement_id, stood, rows)
    releases.put_head(tx, head)
    noting.note(tx, head.hash, noted)
    return Reconciled(len(going), len(ending), len(noted))


def _put_standing(
    tx: Tx, agreement_id: str, stood: Mapping[str, Standing], rows: Sequence[Standing]
) -> None:
    """Write what stands where it is not what stood; what stands no more goes."""
    changed = [row for row in rows if stood.get(row.stix_id) != row]
    gone = stood.keys() - {row.stix_id for row in rows}
    replaced = {row.stix_id for row in changed} & stood.keys()
    releases.drop_standing(tx, agreement_id, sorted(gone | replaced))
    releases.put_standing(tx, agreement_id, changed)


def _stop(tx: Tx, head: Head, bound: InForce, now: int) -> Reconciled:
    """Withdraw whatever is live under an agreement that is not in force (any more)."""
    standing = releases.standing_all(tx, head.agreement_id)
    ending = [(each, "not-in-force") for each in standing.values() if each.position]
    keep = bound.state in ENDED and bound.terms.retention.after_end == "keep"
    waiting = {each.stix_id for each, _ in ending} if keep else set()
    head = _withdraw(tx, head, ending, waiting, now)
    releases.drop_standing(tx, head.agreement_id, standing)
    releases.put_head(tx, head._replace(hash=""))
    stirred.forget_seen(tx, head.agreement_id)
    return Reconciled(0, len(ending), len(standing))


def _release(tx: Tx, head: Head, going: list[Planned], now: int) -> tuple[Head, dict[str, int]]:
    """Append releases and their leaves; returns the new head and each object's position."""
    if not going:
        return head, {}
    events = _events(tx, head.agreement_id, going)
    issued = []
    for event in events:
        head = _advance(head, now)
        version = event.version or format_timestamp(head.last_at, digits=6)
        issued.append((event, head, version))
    places = _log(tx, head, "release", [_slip(*each, now) for each in issued], now)
    rows = [_row(*each, *place) for each, place in zip(issued, places, strict=True)]
    releases.add_releases(tx, head.agreement_id, rows)
    under = {(e.new.delivered_id, e.new.stix_id) for e in events}
    renamed = [(theirs, ours) for theirs, ours in under if theirs != ours]
    aliases.put_aliases(tx, head.agreement_id, renamed)
    return head, {event.new.stix_id: at.position for event, at, _ in issued}


def _log(
    tx: Tx, head: Head, kind: str, entries: list[dict[str, Any]], now: int
) -> list[tuple[int, int]]:
    """Append entries to our log of the agreement; returns the leaf and item of each.

    A leaf is opened as a whole, so it stands for no more than one answer can well carry.
    """
    log = record.our_log(head.agreement_id)
    places = []
    for begin in range(0, len(entries), _LEAF):
        some = entries[begin : begin + _LEAF]
        leaf = record.append(tx, log, kind, some, at=now, agreement=head.hash)
        places += [(leaf, item) for item in range(len(some))]
    return places


def _events(tx: Tx, agreement_id: str, going: list[Planned]) -> list[_Event]:
    """The bytes of each release: stored ones, or those of the last delivery, or a fresh cut."""
    last = releases.last_delivered(tx, agreement_id, [p.standing.delivered_id for p in going])
    uncut = [p.form.version.seq for p in going if p.form and p.form.doc is None]
    raws = objects.raw_of(tx, uncut)
    events = []
    for each in going:
        new = each.standing
        before = last.get(new.delivered_id)
        if before is not None and before.basis == new.basis:
            events.append(_Event(new, before.cut_raw, before.seq, before.version, before.hash))
        elif each.form is None:
            raise AssertionError(new.stix_id)  # a form is missing only where bytes stay the same
        elif each.form.doc is None:
            seq = each.form.version.seq
            doc = orjson.loads(raws[seq])
            version = str(doc.get("modified") or doc.get("created") or "")
            events.append(_Event(new, None, seq, version, each.form.version.hash))
        else:
            events.append(_cut_event(new, each.form, before))
    return events


def _cut_event(new: Standing, form: Form, before: Release | None) -> _Event:
    """A fresh cut version, later than any that they have of this object."""
    doc = form.doc or {}
    at = form.version.version_at
    if before is not None and "modified" in doc:
        at = max(at, parse_timestamp(before.version) + _MS)
    doc = cut.with_modified(doc, at) if _stamped_otherwise(doc, at) else doc
    raw = cut.encode(doc)
    version = str(doc.get("modified") or doc.get("created") or "")
    return _Event(new, raw, None, version, canonical.sha256(raw))


def _stamped_otherwise(doc: Mapping[str, Any], at: int) -> bool:
    return "modified" in doc and parse_timestamp(doc["modified"]) != at


def _row(event: _Event, head: Head, version: str, leaf: int, item: int) -> Release:
    return Release(
        position=head.position,
        delivered_id=event.new.delivered_id,
        type=type_of(event.new.delivered_id),
        version=version,
        at=head.last_at,
        until_at=event.new.until_at,
        hash=event.hash,
        basis=event.new.basis,
        seq=event.seq,
        cut_raw=event.raw,
        leaf=leaf,
        item=item,
        live=True,
    )


def _slip(event: _Event, head: Head, version: str, now: int) -> dict[str, Any]:
    """The log entry of a release that travels with it; it names delivered ids only."""
    new = event.new
    start, _, path = orjson.loads(new.path)
    until = format_timestamp(new.until_at, digits=6) if new.until_at < FOREVER else None
    return {
        "kind": "release",
        "agreement": head.hash,
        "position": head.position,
        "object": new.delivered_id,
        "version": version,
        "hash": event.hash,
        "clause": new.clause,
        "at": format_timestamp(now, digits=6),
        "until": until,
        "start": start,
        "path": path,
        "attested": orjson.loads(new.attested),
    }


def _withdraw(
    tx: Tx,
    head: Head,
    ending: list[tuple[Standing, str]],
    waiting: set[str],
    now: int,
    revoked_as: Mapping[int, Release] | None = None,
) -> Head:
    """Append withdrawals and their one leaf; a recall goes with each unless it only waits.

    `revoked_as` has by position the revoked version that takes the place of what they hold.
    """
    if not ending:
        return head
    entries: list[dict[str, Any]] = []
    revoked: list[tuple[int, Release]] = []
    for old, reason in sorted(ending, key=lambda each: each[0].position):
        head = _advance(head, now)
        entry = {
            "kind": "withdraw",
            "agreement": head.hash,
            "position": head.position,
            "object": old.delivered_id,
            "release": old.position,
            "reason": reason if reason in _TOLD else "withdrawn",
            "recall": old.stix_id not in waiting,
            "at": format_timestamp(now, digits=6),
        }
        row = (revoked_as or {}).get(old.position)
        if row is not None:
            entry["revoked"] = row.hash
            revoked.append((len(entries), row._replace(position=head.position, at=head.last_at)))
        entries.append(entry)
    places = _log(tx, head, "withdraw", entries, now)
    rows = [row._replace(leaf=places[place][0], item=places[place][1]) for place, row in revoked]
    releases.end_releases(tx, head.agreement_id, [old.position for old, _ in ending])
    releases.add_recalls(
        tx,
        head.agreement_id,
        [
            (old.position, old.delivered_id, reason, now)
            for old, reason in ending
            if old.stix_id not in waiting
        ],
    )
    releases.add_releases(tx, head.agreement_id, rows)
    return head


def _advance(head: Head, now: int) -> Head:
    """Issue the next position and moment: strictly rising, whatever the clock does."""
    return head._replace(position=head.position + 1, last_at=max(now, head.last_at + 1))


def _differs(old: Standing, new: Standing) -> bool:
    """Whether what they hold, or the slip they hold for it, is not what should stand."""
    return (
        old._replace(position=0, path="") != new._replace(position=0, path="")
        or orjson.loads(old.path)[::2] != orjson.loads(new.path)[::2]
    )


def _decided_anew(old: Standing, new: Standing) -> bool:
    return (old.outcome, old.clause, old.reasons) != (new.outcome, new.clause, new.reasons)


def _first_reason(standing: Standing) -> str:
    reasons = orjson.loads(standing.reasons)
    return str(reasons[0][0]) if reasons else "gone"


def _held_after(new: Standing, old: Standing | None, released_at: int | None) -> Standing:
    """What stands, with what they hold now; what they hold of an object that waits stays known."""
    if released_at is not None:
        return new._replace(position=released_at)
    if old is None or not old.position or new.outcome == "withhold":
        return new._replace(live=False)
    if new.outcome == "wait":
        return new._replace(position=old.position, delivered_id=old.delivered_id)
    return new._replace(position=old.position)


def _depth(standing: Standing) -> tuple[bool, int]:
    """Objects before what speaks of them, nearest to the topic first."""
    start, ids, _ = orjson.loads(standing.path)
    return start == "ends", len(ids)
