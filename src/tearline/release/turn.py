"""What one transaction changes under the agreements whose turn it is.

A plan is carried out as *release* and *withdraw* events. What is the same work for every release,
of whichever agreement, is done once for all of them at the end: their leaves, rows and the private
record of each decision.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from tearline.agreement.force import InForce
from tearline.agreement.state import ENDED
from tearline.log import record
from tearline.release import noting
from tearline.release.facts import Known
from tearline.release.form import sealed
from tearline.release.planned import Ground, Planned, Way, depth, is_held, way_of
from tearline.release.reasons import Code
from tearline.release.reviewing import State, state_of
from tearline.release.revoking import revocations, taken_back
from tearline.release.rules import FOREVER, day_of
from tearline.release.stopping import LEAF
from tearline.stix.timestamp import format_timestamp
from tearline.store import aliases, private, quotas, recalls, releases, reviews, stirred
from tearline.store.releases import Head, Release, Standing
from tearline.store.reviews import Review
from tearline.topics.topic import type_of

_TOLD = frozenset({Code.NOT_IN_FORCE, Code.TOO_OLD, Code.EXPIRED, Code.REVOKED, "recut"})
"""Reasons for a withdrawal that they can see for themselves; of all others only that it is so."""


class Reconciled(NamedTuple):
    """What one reconcile did: events appended, and how many decisions changed."""

    released: int
    withdrawn: int
    decided: int


class _Event(NamedTuple):
    """A release about to be appended: what will stand, by which path, and the bytes that go."""

    new: Standing
    way: Way
    raw: bytes | None
    seq: int | None
    version: str
    hash: str


class _Issued(NamedTuple):
    """A release with its number, its moment, and the version that they will know."""

    event: _Event
    position: int
    at: int
    version: str


class Turn:
    """The changes of one transaction, under one agreement after the other; `write` ends it."""

    def __init__(self, known: Known, now: int) -> None:
        """Begin with nothing to write."""
        self._known = known
        self._tx = known.tx
        self._now = now
        self._at = format_timestamp(now, digits=6)
        self._heads: list[Head] = []
        self._standing: list[tuple[Any, ...]] = []
        self._entries: list[record.Entry] = []
        self._issued: list[tuple[str, list[_Issued]]] = []
        self._aliases: list[tuple[str, str, str]] = []
        self._noted: list[str] = []
        self._seen: dict[str, tuple[int, bool]] = {}

    def carry_out(self, head: Head, planned: Mapping[str, Planned], on: Ground) -> Reconciled:
        """Append the events of a plan, and note what stands afterwards."""
        stood = {each: on.stood[each] for each in planned.keys() & on.stood.keys()}
        unread = planned.keys() - on.asked
        stood |= releases.standing(self._tx, head.agreement_id, unread)
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
        going.sort(key=depth)
        waiting = {each for each, p in planned.items() if p.standing.outcome == "wait"}
        revoked_as = revocations(self._tx, on, taken_back(ending, waiting, going))
        head = self._withdraw(head, ending, waiting, revoked_as)
        head, positions = self._release(head, going)
        if on.quota is not None:
            new = sum(not is_held(stood.get(each.standing.stix_id)) for each in going)
            quotas.count(self._tx, head.agreement_id, day_of(self._now), new)
        rows = [
            _held_after(each.standing, stood.get(stix_id), positions.get(stix_id))
            for stix_id, each in planned.items()
            if each.stands
        ]
        self._stand(head.agreement_id, stood, rows)
        self._ask(head.agreement_id, planned)
        self._heads.append(head)
        self._noted += noting.lines(head.hash, noted)
        return Reconciled(len(going), len(ending), len(noted))

    def stop(self, head: Head, bound: InForce) -> Reconciled:
        """Withdraw whatever is live under an agreement that is not in force (any more)."""
        standing = releases.standing_all(self._tx, head.agreement_id)
        ending = [(each, "not-in-force") for each in standing.values() if each.position]
        keep = bound.state in ENDED and bound.terms.retention.after_end == "keep"
        waiting = {each.stix_id for each, _ in ending} if keep else set()
        head = self._withdraw(head, ending, waiting, {})
        releases.drop_standing(self._tx, head.agreement_id, standing)
        asked = reviews.of_agreement(self._tx, head.agreement_id)
        reviews.end_reviews(self._tx, head.agreement_id, [(r.stix_id, r.item) for r in asked])
        self._heads.append(head._replace(hash=""))
        stirred.forget_seen(self._tx, head.agreement_id)
        return Reconciled(0, len(ending), len(standing))

    def seen(self, agreement_id: str, seq: int, *, whole: bool) -> None:
        """Note up to which number an agreement has decided."""
        self._seen[agreement_id] = (seq, whole)

    def write(self) -> None:
        """Write what the turn came to."""
        leaves = iter(record.append_all(self._tx, self._entries, at=self._now))
        rows = []
        for agreement_id, issued in self._issued:
            for begin in range(0, len(issued), LEAF):
                leaf = next(leaves)
                rows += [
                    (agreement_id, *_row(each, leaf, item))
                    for item, each in enumerate(issued[begin : begin + LEAF])
                ]
        releases.append_releases(self._tx, rows)
        aliases.put_aliases(self._tx, self._aliases)
        releases.put_standing(self._tx, self._standing)
        releases.put_heads(self._tx, self._heads)
        private.add(self._tx, "decision", self._noted)
        stirred.put_seen(self._tx, self._seen)

    def _stand(
        self, agreement_id: str, stood: Mapping[str, Standing], rows: Sequence[Standing]
    ) -> None:
        """Write what stands where it is not what stood; what stands no more goes."""
        changed = [row for row in rows if row.stix_id not in stood or stood[row.stix_id] != row]
        gone = stood.keys() - {row.stix_id for row in rows}
        replaced = {row.stix_id for row in changed} & stood.keys()
        releases.drop_standing(self._tx, agreement_id, sorted(gone | replaced))
        self._standing += [(agreement_id, *row) for row in changed]

    def _ask(self, agreement_id: str, planned: Mapping[str, Planned]) -> None:
        """Ask people about what waits for them now, and end what was said of what is no more.

        How it stands is noted with what people were asked, so that a queue is read by index.
        """
        asks = []
        ended = []
        moved: dict[State, list[str]] = {}
        for stix_id, each in planned.items():
            before = each.reviewed.item if each.reviewed else None
            if each.ask is None and before is None:
                continue
            state = state_of(each.standing if each.stands else None)
            if each.reviewed and each.reviewed.state != state:
                moved.setdefault(state, []).append(stix_id)
            # What ended is asked anew, be it about the same bytes.
            if each.ask is not None and (each.void or each.ask.item != before):
                asks.append(Review(agreement_id, stix_id, *each.ask, self._now, "", state))
            gone = each.decided is None and each.standing.outcome == "withhold"
            if before is not None and (each.void or gone):
                ended.append((stix_id, before))
        reviews.end_reviews(self._tx, agreement_id, ended)
        for state, ids in moved.items():
            reviews.put_state(self._tx, agreement_id, state, ids)
        reviews.put_reviews(self._tx, asks)

    # ----------------------------------------------------------------------------- release

    def _release(self, head: Head, going: list[Planned]) -> tuple[Head, dict[str, int]]:
        """Number releases and write their slips; returns the new head and each one's position."""
        if not going:
            return head, {}
        last = releases.last_delivered(
            self._tx, head.agreement_id, [each.standing.delivered_id for each in going]
        )
        live = [each.position for each in last.values() if each.live]
        releases.end_releases(self._tx, head.agreement_id, live)
        position, at = head.position, head.last_at
        issued = []
        for each in going:
            position, at = position + 1, max(self._now, at + 1)
            event = self._event(each, last.get(each.standing.delivered_id))
            version = event.version or format_timestamp(at, digits=6)
            issued.append(_Issued(event, position, at, version))
            new = event.new
            if new.delivered_id != new.stix_id and new.delivered_id not in last:
                self._aliases.append((head.agreement_id, new.delivered_id, new.stix_id))
        self._log_releases(head, issued)
        self._issued.append((head.agreement_id, issued))
        positions = {each.event.new.stix_id: each.position for each in issued}
        return head._replace(position=position, last_at=at), positions

    def _log_releases(self, head: Head, issued: Sequence[_Issued]) -> None:
        log = record.our_log(head.agreement_id)
        for begin in range(0, len(issued), LEAF):
            slips = [_slip(each, head.hash, self._at) for each in issued[begin : begin + LEAF]]
            self._entries.append(record.entry(log, "release", slips, head.hash))

    def _event(self, each: Planned, before: Release | None) -> _Event:
        """The bytes of a release: stored ones, or those of the last delivery, or a fresh cut."""
        new, way = each.standing, way_of(each)
        if before is not None and before.basis == new.basis:
            return _Event(new, way, before.cut_raw, before.seq, before.version, before.hash)
        if each.form is None:
            raise AssertionError(new.stix_id)  # a form is missing only where bytes stay the same
        doc = self._known.docs([new.stix_id])[new.stix_id].doc
        return _Event(new, way, *sealed(each.form, doc, before))

    # ---------------------------------------------------------------------------- withdraw

    def _withdraw(
        self,
        head: Head,
        ending: list[tuple[Standing, str]],
        waiting: set[str],
        revoked_as: Mapping[int, Release],
    ) -> Head:
        """Append withdrawals and their one leaf; a recall goes with each unless it only waits.

        `revoked_as` has by position the revoked version that takes the place of what they hold.
        """
        if not ending:
            return head
        entries: list[dict[str, Any]] = []
        revoked: list[tuple[int, Release]] = []
        for old, reason in sorted(ending, key=lambda each: each[0].position):
            head = _advance(head, self._now)
            entry = {
                "kind": "withdraw",
                "agreement": head.hash,
                "position": head.position,
                "object": old.delivered_id,
                "release": old.position,
                "reason": reason if reason in _TOLD else "withdrawn",
                "recall": old.stix_id not in waiting,
                "at": self._at,
            }
            row = revoked_as.get(old.position)
            if row is not None:
                entry["revoked"] = row.hash
                row = row._replace(position=head.position, at=head.last_at)
                revoked.append((len(entries), row))
            entries.append(entry)
        places = self._log_withdrawals(head, entries)
        rows = [row._replace(leaf=places[at][0], item=places[at][1]) for at, row in revoked]
        releases.end_releases(self._tx, head.agreement_id, [old.position for old, _ in ending])
        recalled = [
            (old.position, old.delivered_id, reason, self._now)
            for old, reason in ending
            if old.stix_id not in waiting
        ]
        recalls.add_recalls(self._tx, head.agreement_id, recalled)
        releases.add_releases(self._tx, head.agreement_id, rows)
        return head

    def _log_withdrawals(self, head: Head, entries: list[dict[str, Any]]) -> list[tuple[int, int]]:
        """Append withdrawals to our log of the agreement; returns the leaf and item of each."""
        log = record.our_log(head.agreement_id)
        places = []
        for begin in range(0, len(entries), LEAF):
            some = entries[begin : begin + LEAF]
            leaf = record.append(self._tx, log, "withdraw", some, at=self._now, agreement=head.hash)
            places += [(leaf, item) for item in range(len(some))]
        return places


def _row(issued: _Issued, leaf: int, item: int) -> Release:
    event = issued.event
    new = event.new
    return Release(
        issued.position,
        new.delivered_id,
        type_of(new.delivered_id),
        issued.version,
        issued.at,
        new.until_at,
        event.hash,
        new.basis,
        event.seq,
        event.raw,
        leaf,
        item,
        True,  # noqa: FBT003  # a row, made for each release: `live`
    )


def _slip(issued: _Issued, agreement: str, at: str) -> dict[str, Any]:
    """The log entry of a release that travels with it; it names delivered ids only."""
    new, way = issued.event.new, issued.event.way
    return {
        "kind": "release",
        "agreement": agreement,
        "position": issued.position,
        "object": new.delivered_id,
        "version": issued.version,
        "hash": issued.event.hash,
        "clause": new.clause,
        "at": at,
        "until": _until(new.until_at),
        "start": way.start,
        "path": way.theirs,
        "attested": _said(new.attested),
    }


@lru_cache(maxsize=4_096)
def _until(at: int) -> str | None:
    return format_timestamp(at, digits=6) if at < FOREVER else None


@lru_cache(maxsize=256)
def _said(attested: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(attested)
    return found


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
        return Standing(*new[:-2], released_at, new.live)
    if old is None or not old.position or new.outcome == "withhold":
        return new._replace(live=False) if new.live else new
    if new.outcome == "wait":
        return new._replace(position=old.position, delivered_id=old.delivered_id)
    return new._replace(position=old.position)
