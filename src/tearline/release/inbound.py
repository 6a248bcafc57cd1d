"""What a partner gives: the same signed text, the same decision, on our side.

Pages are staged as they come; after the last page everything is decided at the moments of the
slips, over what we hold from this partner under this agreement. What fits is accepted; what does
not goes to quarantine with the reason, and the giver is told only that the bytes arrived.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import orjson

from tearline.agreement import force, outbox
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.errors import InputError, RefusedError
from tearline.log import record
from tearline.release import slips
from tearline.release.arrive import sort_out
from tearline.release.batch import Batch, Before, Scene, depends
from tearline.release.cut import is_bare
from tearline.release.facts import Attested
from tearline.release.rules import Clause, rules_of
from tearline.release.slips import Slip, Story
from tearline.stix import canonical
from tearline.stix.check import Checker
from tearline.stix.objects import StixObject, read
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, logs, objects, received, releases
from tearline.store.database import Tx, trial
from tearline.store.received import Cursor, Received
from tearline.topics import about
from tearline.topics.about import Path

_AHEAD = 600_000_000
"""How far a slip's moment may lie ahead of our clock: ten minutes."""


class Settled(NamedTuple):
    """What one settling did: objects accepted and quarantined, and those recalled from us."""

    accepted: int
    quarantined: int
    recalled: int


class _Candidate(NamedTuple):
    row: Received
    slip: Slip
    object: StixObject


class _Judged(NamedTuple):
    candidates: list[_Candidate]
    turned_away: list[tuple[Received, list[str]]]


def cursor(home: Home, agreement_id: str) -> Cursor:
    """Where our reading of the partner's collection and log stands."""
    with home.store.read() as tx:
        return received.cursor_of(tx, agreement_id)


def stage(home: Home, agreement_id: str, raws: Sequence[bytes], *, next_: str, now: int) -> None:
    """Keep one page of a partner's collection, undecided, and where the next one begins."""
    rows = [
        Received(canonical.sha256(raw), _id_of(raw), raw, "", "staged", "[]", now) for raw in raws
    ]
    with home.store.write() as tx:
        received.stage(tx, agreement_id, rows)
        at = received.cursor_of(tx, agreement_id)
        received.put_cursor(tx, agreement_id, at._replace(next=next_))


def settle(home: Home, agreement_id: str, *, now: int) -> Settled:
    """Decide all that was staged, carry out what the partner took back, and answer for both.

    One transaction: acceptance, quarantine, the leaf of our log, acknowledgement and recall
    receipt in the outbox.
    """
    with home.store.write() as tx:
        bound = force.in_force(tx, agreement_id, now=now)
        at = received.cursor_of(tx, agreement_id)
        log = record.their_log(agreement_id)
        size = logs.head(tx, log).size
        told = slips.story(row[3] for row in logs.records(tx, log, at.leaf, size))
        staged = received.in_state(tx, agreement_id, "staged")
        past = [row for row in staged if _is_past(row, told)]
        received.settle(tx, agreement_id, [_gone(row) for row in past])
        due = [row for row in staged if row not in past]
        due += _given_anew(tx, agreement_id, told, staged)
        judged = _judge(tx, bound, due, told, now)
        _accept(tx, agreement_id, judged, told, now)
        gone = _end(tx, agreement_id, told)
        arrived = [s for row in (*past, *due) if (s := _slip_of(row, told))]
        received.put_cursor(tx, agreement_id, at._replace(leaf=size))
        if bound is not None:
            _answer(tx, bound, arrived, told, Cursor(at.next, size), at.leaf, now)
    quarantined = len(judged.turned_away)
    return Settled(len(judged.candidates), quarantined, gone)


# --------------------------------------------------------------------------------------- judge


def _judge(
    tx: Tx, bound: InForce | None, staged: Sequence[Received], told: Story, now: int
) -> _Judged:
    """Sort what was staged into what the agreement lets us take and what it does not."""
    if bound is None or not bound.accepting:
        return _Judged([], [(row, ["not-in-force"]) for row in staged])
    candidates: list[_Candidate] = []
    away: list[tuple[Received, list[str]]] = []
    checker = Checker()
    for row in staged:
        found = _candidate(tx, bound, row, _slip_of(row, told), checker, now)
        if isinstance(found, _Candidate):
            candidates.append(found)
        else:
            away.append((row, [found]))
    while True:
        with trial(tx) as give_up:
            failed = _decide(tx, bound, candidates, told, now)
            if failed:
                give_up()
        if not failed:
            return _Judged(candidates, away)
        away += [
            (each.row, failed[each.row.hash]) for each in candidates if each.row.hash in failed
        ]
        candidates = [each for each in candidates if each.row.hash not in failed]


def _candidate(
    tx: Tx, bound: InForce, row: Received, slip: Slip | None, checker: Checker, now: int
) -> "_Candidate | str":
    """What speaks for an object before its content is weighed; else the reason against it."""
    if slip is None:
        return "slip-missing"
    try:
        found = read(row.raw or b"")
    except InputError:
        return "malformed"
    if found.id != slip.object:
        return "slip-of-another"
    against = "malformed" if checker.problems(found.doc) else _against(tx, bound, slip, now)
    return against or _Candidate(row, slip, found)


def _against(tx: Tx, bound: InForce, slip: Slip, now: int) -> str | None:
    """What speaks against a slip itself."""
    version = agreements.version_of(tx, slip.agreement)
    if version is None or version.agreement_id != bound.agreement_id or version.signed is None:
        return "agreement-unknown"
    if slip.clause not in {each.id for each in bound.terms.clauses_from(bound.their_slot)}:
        return "clause-unknown"
    return "slip-from-the-future" if slip.moment > now + _AHEAD else None


def _decide(
    tx: Tx, bound: InForce, candidates: Sequence[_Candidate], told: Story, now: int
) -> dict[str, list[str]]:
    """Keep the candidates on trial and decide each; returns the reasons against those that fail."""
    origin = bound.agreement_id
    new, _, refused = sort_out(tx, origin, [each.object for each in candidates], bound.partner, now)
    objects.keep(tx, origin, new)
    conflicting = {each.stix_id for each in refused}
    by_id = {each.object.id: each for each in candidates}
    scene = Scene(
        origin=origin,
        rules=rules_of(bound.terms, bound.their_slot),
        now=now,
        before=lambda ids: _held_before(tx, origin, told, ids),
        attested=lambda ids: _attested(tx, origin, by_id, ids),
        named=_named(bound, candidates),
    )
    batch = Batch(tx, scene)
    batch.objects(by_id)
    batch.edges(by_id)
    clauses = {each.id: each for each in scene.rules.clauses}
    failed: dict[str, list[str]] = {}
    for stix_id, each in by_id.items():
        reasons = ["version-conflict"] if stix_id in conflicting else []
        decided = batch.decided.get(stix_id)
        if decided is None or decided.decision.outcome != "release":
            reasons += [r.code for r in decided.decision.reasons] if decided else ["not-latest"]
        elif each.object.revoked:
            reasons += [] if is_bare(each.object.doc) else ["revocation-not-bare"]
        elif not _path_holds(batch, clauses[each.slip.clause], each):
            reasons.append("path-does-not-hold")
        if reasons:
            failed[each.row.hash] = list(dict.fromkeys(reasons))
    return failed


def _path_holds(batch: Batch, clause: Clause, each: _Candidate) -> bool:
    """Whether the path on the slip can be walked over what we hold from this partner."""
    if clause.any_topic or depends(each.object.id):
        return True
    claimed = Path(each.slip.start, each.slip.path)
    if claimed.ids[-1] != each.object.id or claimed.steps > clause.reach:
        return False
    return about.holds(claimed, batch.graph, batch.starts(clause), members=clause.members)


def _named(bound: InForce, candidates: Iterable[_Candidate]) -> dict[str, dict[str, str]]:
    """Topics that a slip names by a STIX id of the agreement, where the object's own id was cut."""
    clauses = {each.id: each for each in rules_of(bound.terms, bound.their_slot).clauses}
    found: dict[str, dict[str, str]] = {}
    for each in candidates:
        stix_id = each.slip.start.removeprefix("stix:")
        clause = clauses[each.slip.clause]
        if each.slip.path == (each.object.id,) and stix_id in clause.stix_ids:
            found.setdefault(clause.id, {})[each.object.id] = each.slip.start
    return found


def _held_before(tx: Tx, origin: str, told: Story, ids: Iterable[str]) -> Mapping[str, Before]:
    """What was given before: what we hold of it, or a slip that was replaced before we read it."""
    wanted = set(ids)
    rows = received.given_as(tx, origin, wanted, "accepted")
    found = {row.delivered_id: slips.read_slip(row.slip) for row in rows if row.slip}
    found |= {each: told.before[each] for each in wanted & told.before.keys()}
    return {each: Before("release", slip.clause) for each, slip in found.items()}


def _attested(
    tx: Tx, origin: str, candidates: Mapping[str, _Candidate], ids: Iterable[str]
) -> Mapping[str, Attested]:
    wanted = set(ids)
    rows = received.given_as(tx, origin, wanted - candidates.keys(), "accepted")
    found = {row.delivered_id: slips.read_slip(row.slip).beside() for row in rows if row.slip}
    found |= {each: candidates[each].slip.beside() for each in wanted & candidates.keys()}
    return found


# ----------------------------------------------------------------------------------------- act


def _accept(tx: Tx, agreement_id: str, judged: _Judged, told: Story, now: int) -> None:
    """Keep what was accepted, let it replace what it supersedes, and put the rest aside."""
    accepted = [each.object for each in judged.candidates]
    new, _, _ = sort_out(tx, agreement_id, accepted, "", now)
    objects.keep(tx, agreement_id, new)
    ids = {each.object.id for each in judged.candidates}
    hashes = {each.row.hash for each in judged.candidates}
    superseded = [
        _gone(row)
        for row in received.given_as(tx, agreement_id, ids, "accepted")
        if row.hash not in hashes
    ]
    taken = [
        each.row._replace(state="accepted", reasons="[]", slip=_text(each.slip))
        for each in judged.candidates
    ]
    away = [
        row._replace(
            state="quarantined",
            reasons=orjson.dumps(reasons).decode(),
            slip=_text(slip) if (slip := _slip_of(row, told)) else "",
        )
        for row, reasons in judged.turned_away
    ]
    expected = _expected(tx, agreement_id, told, now)
    received.settle(tx, agreement_id, [*superseded, *taken, *away, *expected])
    if away:
        noted = [
            {"kind": "quarantine", "agreement": agreement_id, "hash": row.hash}
            | {"reasons": orjson.loads(row.reasons), "at": format_timestamp(now, digits=6)}
            for row in away
        ]
        releases.add_private(tx, "quarantine", [orjson.dumps(each).decode() for each in noted])


def _given_anew(
    tx: Tx, agreement_id: str, told: Story, staged: Sequence[Received]
) -> list[Received]:
    """Bytes we hold in quarantine or accepted, that a new slip gives again: judge them by it."""
    waiting = {row.hash for row in staged}
    by_hash = {each.hash: each for each in told.slips.values()}
    rows = received.by_hash(tx, agreement_id, by_hash.keys() - waiting)
    return [
        row
        for row in rows
        if row.state in {"accepted", "quarantined"} and row.delivered_id == by_hash[row.hash].object
    ]


def _expected(tx: Tx, agreement_id: str, told: Story, now: int) -> list[Received]:
    """Slips whose bytes have not come yet: the next page will bring them."""
    by_hash = {each.hash: each for each in told.slips.values()}
    known = {row.hash: row.state for row in received.by_hash(tx, agreement_id, by_hash)}
    return [
        Received(slip.hash, slip.object, None, _text(slip), "expected", "[]", now)
        for slip in by_hash.values()
        if known.get(slip.hash, "ended") in {"ended", "expected"}
    ]


def _end(tx: Tx, agreement_id: str, told: Story) -> int:
    """Erase what the partner recalled; returns how many objects of ours that concerned."""
    ids = {each.object for each in told.ended.values() if each.recall}
    rows = received.given_as(tx, agreement_id, ids, "accepted", "quarantined", "expected", "staged")
    received.settle(tx, agreement_id, [_gone(row) for row in rows])
    objects.erase(tx, agreement_id, sorted(ids))
    return len(rows)


def _answer(
    tx: Tx,
    bound: InForce,
    arrived: Sequence[Slip],
    told: Story,
    at: Cursor,
    from_leaf: int,
    now: int,
) -> None:
    """Log what arrived and acknowledge it with one hash; confirm every recall."""
    version = agreements.version_of(tx, bound.hash)
    log = record.our_log(bound.agreement_id)
    stamp = format_timestamp(now, digits=6)
    if arrived:
        positions = sorted((each.position, each.hash) for each in arrived)
        body = {
            "from": from_leaf,
            "to": at.leaf,
            "positions": [position for position, _ in positions],
            "hash": delivery_hash(positions),
        }
        entry = {"kind": "accept", "agreement": bound.hash, "at": stamp, **body}
        record.append(tx, log, "accept", [entry], at=now, agreement=bound.hash)
        outbox.enqueue(tx, "acknowledgement", bound.partner, body, now=now, version=version)
    if told.recalled:
        entries = [
            {"kind": "recall-receipt", "agreement": bound.hash, "at": stamp}
            | {"object": each.object, "release": each.release}
            for each in told.recalled
        ]
        leaf = record.append(tx, log, "recall-receipt", entries, at=now, agreement=bound.hash)
        body = {"releases": sorted(each.release for each in told.recalled), "at": stamp}
        outbox.enqueue(
            tx, "recall-receipt", bound.partner, body, now=now, version=version, leaf=leaf
        )


def delivery_hash(positions: Iterable[tuple[int, str]]) -> str:
    """The one hash that acknowledges a delivery: over position and hash of each release in it."""
    lines = (f"{position} {each}\n" for position, each in sorted(positions))
    return canonical.sha256("".join(lines).encode())


# ---------------------------------------------------------------------------------- quarantine


def quarantined(home: Home, agreement_id: str) -> list[Received]:
    """What waits in quarantine under an agreement."""
    with home.store.read() as tx:
        return received.in_state(tx, agreement_id, "quarantined")


def accept_quarantined(
    home: Home, agreement_id: str, hash_: str, reason: str, *, now: int
) -> Received:
    """Take an object out of quarantine on a person's word, with the reason for it.

    RefusedError when there is none with this hash, or its bytes can never be kept.
    """
    with home.store.write() as tx:
        row = _in_quarantine(tx, agreement_id, hash_)
        try:
            found = read(row.raw or b"")
        except InputError as error:
            raise RefusedError("These bytes are no STIX object.", do="Refuse them.") from error
        new, _, refused = sort_out(tx, agreement_id, [found], "", now)
        if refused:
            raise RefusedError(refused[0].reason, do="Refuse it, or ask the partner.")
        objects.keep(tx, agreement_id, new)
        taken = row._replace(state="accepted")
        received.settle(tx, agreement_id, [taken])
        _note_person(tx, "quarantine-accepted", row, reason, now)
    return taken


def refuse_quarantined(
    home: Home, agreement_id: str, hash_: str, reason: str, *, now: int
) -> Received:
    """Refuse an object in quarantine: its bytes go, the line that says so stays."""
    with home.store.write() as tx:
        row = _in_quarantine(tx, agreement_id, hash_)
        gone = row._replace(state="refused", raw=None)
        received.settle(tx, agreement_id, [gone])
        _note_person(tx, "quarantine-refused", row, reason, now)
    return gone


def _in_quarantine(tx: Tx, agreement_id: str, hash_: str) -> Received:
    rows = received.in_state(tx, agreement_id, "quarantined")
    found = [row for row in rows if hash_ in {row.hash, row.delivered_id}]
    if not found:
        raise RefusedError(
            f"Nothing in quarantine is {hash_}.", do="See `tearline quarantine list`."
        )
    return found[0]


def _note_person(tx: Tx, kind: str, row: Received, reason: str, now: int) -> None:
    line = {"kind": kind, "hash": row.hash, "reason": reason}
    line["at"] = format_timestamp(now, digits=6)
    releases.add_private(tx, "quarantine", [orjson.dumps(line).decode()])


def _slip_of(row: Received, told: Story) -> Slip | None:
    """The slip for these bytes: one told just now, else the one that came before them."""
    if row.hash in told.given and told.given[row.hash].object == row.delivered_id:
        return told.given[row.hash]
    return slips.read_slip(row.slip) if row.slip else None


def _is_past(row: Received, told: Story) -> bool:
    """Whether bytes that had their slip were superseded or withdrawn before we came to decide."""
    slip = _slip_of(row, told)
    last = told.slips.get(row.delivered_id)
    if slip is None or slip == last:
        return False
    return last is not None or row.delivered_id in told.ended


def _gone(row: Received) -> Received:
    return row._replace(state="ended", raw=None)


def _text(slip: Slip) -> str:
    return msgspec.json.encode(slip).decode()


def _id_of(raw: bytes) -> str:
    try:
        return read(raw).id
    except InputError:
        return ""
