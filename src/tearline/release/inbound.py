"""What a partner gives: the same signed text, the same decision, on our side.

Pages are staged as they come; after the last page everything is decided at the moments of the
slips, over what we hold from this partner under this agreement. What fits is accepted; what does
not goes to quarantine with the reason, and the giver is told only that the bytes arrived.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import orjson

from tearline.agreement import force, outbox
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.errors import InputError, RefusedError
from tearline.log import record
from tearline.release import certifying, expiring, onward, second_hop, slips
from tearline.release.answering import stir_answers
from tearline.release.delivery import delivery_hash, spans
from tearline.release.judge import Judged, judge, slip_of
from tearline.release.slips import Slip, Story
from tearline.release.sorting import sort_out
from tearline.stix import canonical
from tearline.stix.objects import read
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, logs, objects, private, received
from tearline.store.database import Tx
from tearline.store.received import Cursor, Received

_PATIENCE = 86_400_000_000
"""How long bytes whose slip has come may still come: a day."""


class Settled(NamedTuple):
    """What one settling did: objects accepted and quarantined, and those recalled from us."""

    accepted: int
    quarantined: int
    recalled: int


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
        received.settle(tx, agreement_id, [_gone(_with_slip(row, told)) for row in past])
        due = [row for row in staged if row not in past]
        due += _given_anew(tx, agreement_id, told, staged)
        more_comes = _expect(tx, agreement_id, told, now)
        judged = judge(tx, bound, due, told, more_comes=more_comes, now=now)
        _accept(tx, agreement_id, bound, judged, told, now)
        already = expiring.carried_out(tx, agreement_id, told)
        gone = _end(tx, agreement_id, told)
        onward.follow(tx, agreement_id, now=now)
        decided = [*past, *(row for row in due if row not in judged.undecided)]
        arrived = [s for row in decided if (s := slip_of(row, told))]
        received.put_cursor(tx, agreement_id, at._replace(leaf=size))
        if bound is not None:
            _answer(tx, bound, arrived, told, already, Cursor(at.next, size), at.leaf, now)
            expiring.expire_in(tx, bound, now)
            certifying.certify_in(tx, home.slug, bound, now)
    quarantined = len(judged.turned_away)
    return Settled(len(judged.candidates), quarantined, gone)


# ----------------------------------------------------------------------------------------- act


def _accept(
    tx: Tx, agreement_id: str, bound: InForce | None, judged: Judged, told: Story, now: int
) -> None:
    """Keep what was accepted, let it replace what it supersedes, and put the rest aside."""
    until = expiring.ends_under(tx, bound)
    accepted = [each.object for each in judged.candidates]
    objects.keep(tx, agreement_id, sort_out(tx, agreement_id, accepted, "", now).new)
    ids = {each.object.id for each in judged.candidates}
    hashes = {each.row.hash for each in judged.candidates}
    superseded = [
        _gone(row)
        for row in received.given_as(tx, agreement_id, ids, "accepted")
        if row.hash not in hashes
    ]
    taken = [
        each.row._replace(
            state="accepted",
            reasons="[]",
            slip=_text(each.slip),
            until_at=until(each.slip, each.row.at),
        )
        for each in judged.candidates
    ]
    away = [
        _with_slip(row, told)._replace(
            state="quarantined",
            reasons=orjson.dumps(reasons).decode(),
            until_at=until(slip_of(row, told), row.at),
        )
        for row, reasons in judged.turned_away
    ]
    undecided = [_with_slip(row, told)._replace(state="staged") for row in judged.undecided]
    received.settle(tx, agreement_id, [*superseded, *taken, *away, *undecided])
    not_taken = {row.delivered_id for row in (*away, *undecided)} - ids
    still = {r.delivered_id for r in received.given_as(tx, agreement_id, not_taken, "accepted")}
    objects.erase(tx, agreement_id, sorted(not_taken - still))
    stir_answers(tx, ids | not_taken)
    if away:
        noted = [
            {"kind": "quarantine", "agreement": agreement_id, "hash": row.hash}
            | {"reasons": orjson.loads(row.reasons), "at": format_timestamp(now, digits=6)}
            for row in away
        ]
        private.add(tx, "quarantine", [orjson.dumps(each).decode() for each in noted])


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


def _expect(tx: Tx, agreement_id: str, told: Story, now: int) -> bool:
    """Note the slips whose bytes have not come; whether any is likely to come with the next page.

    What was overtaken since is expected no more; what does not come in a day is not waited for.
    """
    by_hash = {each.hash: each for each in told.slips.values()}
    known = {row.hash: row.state for row in received.by_hash(tx, agreement_id, by_hash)}
    spoken_of = told.slips.keys() | told.ended.keys()
    before = received.given_as(tx, agreement_id, spoken_of, "expected")
    received.settle(tx, agreement_id, [_gone(row) for row in before if row.hash not in by_hash])
    coming = [
        Received(slip.hash, slip.object, None, _text(slip), "expected", "[]", now)
        for slip in by_hash.values()
        if known.get(slip.hash, "ended") in {"ended", "expired"}
    ]
    received.settle(tx, agreement_id, coming)
    expected = received.in_state(tx, agreement_id, "expected")
    return any(now < row.at + _PATIENCE for row in expected)


def _end(tx: Tx, agreement_id: str, told: Story) -> int:
    """Erase what the partner recalled; returns how many objects of ours that concerned."""
    second_hop.tie(tx, agreement_id, {each.object: each.release for each in told.recalled})
    ids = {each.object for each in told.ended.values() if each.recall}
    rows = received.given_as(tx, agreement_id, ids, "accepted", "quarantined", "expected", "staged")
    received.settle(tx, agreement_id, [_gone(row) for row in rows])
    objects.erase(tx, agreement_id, sorted(ids))
    stir_answers(tx, ids)
    return len(rows)


def _answer(
    tx: Tx,
    bound: InForce,
    arrived: Sequence[Slip],
    told: Story,
    already: Mapping[int, int],
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
            "positions": spans(position for position, _ in positions),
            "hash": delivery_hash(positions),
        }
        entry = {"kind": "accept", "agreement": bound.hash, "at": stamp, **body}
        record.append(tx, log, "accept", [entry], at=now, agreement=bound.hash)
        outbox.enqueue(tx, "acknowledgement", bound.partner, body, now=now, version=version)
    if told.recalled:
        entries = [
            {"kind": "recall-receipt", "agreement": bound.hash, "at": stamp}
            | {"object": each.object, "release": each.release}
            | expiring.said_already(already.get(each.release))
            for each in told.recalled
        ]
        leaf = record.append(tx, log, "recall-receipt", entries, at=now, agreement=bound.hash)
        released = sorted(each.release for each in told.recalled)
        body = {"releases": released, "at": stamp}
        if further := second_hop.told(tx, bound.agreement_id, released):
            body["onward"] = further
        outbox.enqueue(
            tx, "recall-receipt", bound.partner, body, now=now, version=version, leaf=leaf
        )


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
        new, (outcome,) = sort_out(tx, agreement_id, [found], "", now)
        if outcome.refused:
            raise RefusedError(outcome.refused, do="Refuse it, or ask the partner.")
        objects.keep(tx, agreement_id, new)
        taken = row._replace(state="accepted")
        received.settle(tx, agreement_id, [taken])
        stir_answers(tx, [row.delivered_id])
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
    rows = received.by_hash(tx, agreement_id, [hash_])
    found = [row for row in rows if row.state == "quarantined"]
    found = found or received.given_as(tx, agreement_id, [hash_], "quarantined")
    if not found:
        raise RefusedError(
            f"Nothing in quarantine is {hash_}.", do="See `tearline quarantine list`."
        )
    return min(found, key=lambda row: (row.at, row.hash))


def _note_person(tx: Tx, kind: str, row: Received, reason: str, now: int) -> None:
    line = {"kind": kind, "hash": row.hash, "reason": reason}
    line["at"] = format_timestamp(now, digits=6)
    private.add(tx, "quarantine", [orjson.dumps(line).decode()])


def _is_past(row: Received, told: Story) -> bool:
    """Whether bytes that had their slip were superseded or withdrawn before we came to decide."""
    slip = slip_of(row, told)
    last = told.slips.get(row.delivered_id)
    if slip is None or slip == last:
        return False
    return last is not None or row.delivered_id in told.ended


def _gone(row: Received) -> Received:
    return row._replace(state="ended", raw=None)


def _with_slip(row: Received, told: Story) -> Received:
    slip = slip_of(row, told)
    return row._replace(slip=_text(slip) if slip else "")


def _text(slip: Slip) -> str:
    return msgspec.json.encode(slip).decode()


def _id_of(raw: bytes) -> str:
    try:
        return read(raw).id
    except InputError:
        return ""
