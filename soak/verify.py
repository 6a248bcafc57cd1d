"""What must hold after each day, derived anew from the stores, the logs and the signed text.

Each check answers with the sentences of what is wrong; none when all is well. The policy is
checked here by other code than the one that decides: from the documents and the clauses alone.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from soak import policy
from soak.carry import is_blocked
from soak.course import AGREEMENT
from soak.world import DAY
from tearline.agreement.force import in_force
from tearline.agreement.home import Home, open_home
from tearline.log import record, tiles
from tearline.log.receipt import verify_receipt
from tearline.log.verify import verify_folder, verify_growth
from tearline.release import recall, reconcile, replay
from tearline.release.leaving import leaving
from tearline.stix import canonical
from tearline.store import logs, objects, recalls, received, releases
from tearline.store.releases import Standing

_PASSING = frozenset({"cut-invalid"})
"""Reasons that follow from what they held before, and end with it."""


def everything(
    north: Home, south: Home, folder: Path, *, now: int, whole: bool = True
) -> list[str]:
    """Every check, both ways; `folder` keeps the logs as they were, for the next day.

    The records of the private logs, by far the most, are opened only with `whole`.
    """
    problems: list[str] = []
    for home in (north, south):
        problems += [f"{home.slug}: {each}" for each in rebuilt(home, folder, now=now)]
        problems += [f"{home.slug}: {each}" for each in replayed(home)]
        problems += [f"{home.slug}: {each}" for each in numbered(home)]
        problems += [f"{home.slug}: {each}" for each in policy.served(home, now=now)]
    for giver, taker in ((north, south), (south, north)):
        problems += [f"{giver.slug}: {each}" for each in logged(giver, taker, folder, whole=whole)]
        if not is_blocked(north, south):
            found = received_as_given(giver, taker, now=now)
            problems += [f"{taker.slug}: {each}" for each in found]
            problems += [f"{giver.slug}: {each}" for each in answered(giver, taker)]
        problems += [f"{giver.slug}: {each}" for each in owed(giver, now=now)]
        problems += [f"{giver.slug}: {each}" for each in left(giver, taker, now=now)]
    return problems


# ---------------------------------------------------------------------- incremental and rebuilt


def rebuilt(home: Home, folder: Path, *, now: int) -> list[str]:
    """Decide everything anew, in a copy of the home: nothing may change."""
    copy = folder / f"{home.path.name}-rebuilt"
    _copy_home(home, copy)
    again = open_home(copy)
    with again.store.read() as tx:
        before = releases.standing_all(tx, AGREEMENT)
    done = reconcile.reconcile(again, AGREEMENT, now=now, whole=True)
    with again.store.read() as tx:
        after = releases.standing_all(tx, AGREEMENT)
    again.store.close()
    shutil.rmtree(copy)
    problems = []
    if done.released or done.withdrawn:
        problems.append(f"a rebuild released {done.released} and withdrew {done.withdrawn}")
    for stix_id in sorted(before.keys() | after.keys()):
        old, new = before.get(stix_id), after.get(stix_id)
        if old is None or new is None or _compared(old) != _compared(new):
            problems.append(f"{stix_id} stands as {old}, rebuilt as {new}")
    return problems


def _compared(stood: Standing) -> Standing:
    """What has to be equal: all of it.

    Of what stays, all but the reasons that fall away by the withdrawal itself.
    """
    if stood.live:
        return stood
    reasons = [each for each in json.loads(stood.reasons) if each[0] not in _PASSING]
    return stood._replace(reasons=json.dumps(reasons))


def _copy_home(home: Home, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home.path, copy, ignore=shutil.ignore_patterns("node.db*"))
    with (
        sqlite3.connect(home.path / "node.db") as source,
        sqlite3.connect(copy / "node.db") as target,
    ):
        source.backup(target)
    source.close()
    target.close()


def replayed(home: Home) -> list[str]:
    """Every logged decision follows again from its logged facts."""
    found = replay.replay(home).differing
    return [f"the decision on {each.object} replays otherwise" for each in found]


# ------------------------------------------------------------------------------------- the logs


def logged(owner: Home, reader: Home, folder: Path, *, whole: bool) -> list[str]:
    """Each log verifies, grew from what it was the day before, and its copy equals it."""
    problems = []
    log, copy = record.our_log(AGREEMENT), record.their_log(AGREEMENT)
    own_key, key = owner.log_vkey(None), owner.log_vkey(AGREEMENT)
    three = (owner, record.PRIVATE, own_key), (owner, log, key), (reader, copy, key)
    for home, name, vkey in three:
        with home.store.read() as tx:
            if logs.last_checkpoint(tx, name) is None:
                continue
            before = folder / f"{home.path.name}-{name.partition('/')[0]}"
            fresh = before.with_name(f"{before.name}-new")
            opened = whole or name != record.PRIVATE
            tiles.write_folder(tx, name, fresh, vkey=vkey, with_records=opened)
        grown = before.exists()
        verdict = verify_growth(before, fresh, vkey) if grown else verify_folder(fresh, vkey)
        found = verdict.problems
        problems += [f"log {home.path.name} {name}: {each}" for each in found]
        shutil.rmtree(before, ignore_errors=True)
        fresh.rename(before)
    with owner.store.read() as ours, reader.store.read() as theirs:
        size = logs.head(theirs, copy).size
        if logs.leaves(ours, log, 0, size) != logs.leaves(theirs, copy, 0, size):
            problems.append("the partner's copy of the log is another")
        if logs.records(ours, log, 0, size) != logs.records(theirs, copy, 0, size):
            problems.append("the partner's copy of the log opens otherwise")
    return problems


def _records(home: Home, log: str, *kinds: str) -> Iterator[dict[str, Any]]:
    """The opened records of a log, of some kinds, in order."""
    with home.store.read() as tx:
        rows = logs.records(tx, log, 0, logs.head(tx, log).size)
    for _, _, _, content in rows:
        entry = json.loads(content)
        if entry["kind"] in kinds:
            yield entry


def numbered(home: Home) -> list[str]:
    """Positions in the log count without gap or double, and name what the table serves."""
    entries = list(_records(home, record.our_log(AGREEMENT), "release", "withdraw"))
    positions = [each["position"] for each in entries]
    problems = []
    if positions != list(range(1, len(positions) + 1)):
        problems.append("positions in the log have gaps or doubles")
    last: dict[str, dict[str, Any]] = {}
    for each in entries:
        last[each["object"]] = each
    said = {each["object"]: each["position"] for each in last.values() if each["kind"] == "release"}
    with home.store.read() as tx:
        stood = releases.standing_all(tx, AGREEMENT)
        head = releases.head_of(tx, AGREEMENT).position
        rows = releases.releases_at(tx, AGREEMENT, positions)
    live = {each.delivered_id: each.position for each in rows.values() if each.live}
    standing = {each.delivered_id: each.position for each in stood.values() if each.live}
    if not said == live == standing:
        problems.append(_difference("the log says", said, "the table serves", live))
        problems.append(_difference("the table serves", live, "decisions name", standing))
    if head != len(positions):
        problems.append(f"the head is at {head}, the log at {len(positions)}")
    problems += [
        f"position {each['position']} has other bytes than its slip"
        for each in entries
        if each["kind"] == "release" and rows[each["position"]].hash != each["hash"]
    ]
    return problems


def _difference(one: str, first: Mapping[str, int], two: str, second: Mapping[str, int]) -> str:
    only = sorted(set(first.items()) - set(second.items()))[:3]
    others = sorted(set(second.items()) - set(first.items()))[:3]
    return f"{one} {only} beside what {two}; that has {others}"


# ------------------------------------------------------------------------------ given and taken


def received_as_given(giver: Home, taker: Home, *, now: int) -> list[str]:
    """What the taker holds is what the giver's log says it holds, byte for byte, and no more."""
    told = _told(taker)
    with taker.store.read() as tx:
        rows = received.in_state(tx, AGREEMENT, "accepted")
        away = received.in_state(tx, AGREEMENT, "quarantined", "staged", "expected")
        held = {each.stix_id: each for each in objects.latest_all(tx, AGREEMENT)}
        raws = objects.raw_of(tx, [each.seq for each in held.values()])
    accepted = {row.delivered_id: row.hash for row in rows}
    problems = [
        f"{row.delivered_id} lies there without a slip for these bytes"
        for row in rows
        if (row.delivered_id, canonical.sha256(row.raw or b"")) not in told.slips
    ]
    problems += [
        f"{stix_id} is held with other bytes than were accepted"
        for stix_id, version in held.items()
        if canonical.sha256(raws[version.seq]) != accepted.get(stix_id)
    ]
    problems += [
        f"{row.delivered_id} is {row.state} for {row.reasons}: it should have been accepted"
        for row in away
    ]
    live = _live(giver, now=now)
    if not accepted.items() <= told.kept.items() or held.keys() != accepted.keys():
        problems.append(f"accepted and given differ: {_set_difference(accepted, told.kept)}")
    going = {each: digest for each, digest in accepted.items() if each not in told.stopped}
    if going != live:
        problems.append(f"accepted and live differ: {_set_difference(going, live)}")
    return problems


class _Told(NamedTuple):
    """What the taker's copy of the giver's log says: every slip, what it keeps, what stopped."""

    slips: set[tuple[str, str]]
    kept: dict[str, str]
    stopped: set[str]


def _told(taker: Home) -> _Told:
    told = _Told(set(), {}, set())
    for entry in _records(taker, record.their_log(AGREEMENT), "release", "withdraw"):
        name = entry["object"]
        if entry["kind"] == "release":
            told.slips.add((name, entry["hash"]))
            told.kept[name] = entry["hash"]
            told.stopped.discard(name)
        else:
            told.stopped.add(name)
            if entry["recall"]:
                told.kept.pop(name, None)
    return told


def _set_difference(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    only = sorted(set(first.items()) - set(second.items()))
    others = sorted(set(second.items()) - set(first.items()))
    return f"{len(only)} only there {only[:2]}, {len(others)} only here {others[:2]}"


def _live(home: Home, *, now: int) -> dict[str, str]:
    """What a home serves now, with the hash of its bytes."""
    with home.store.read() as tx:
        rows = releases.page(tx, AGREEMENT, after=0, now=now, limit=10**7)
    return {row.delivered_id: canonical.sha256(row.raw) for row in rows}


def answered(giver: Home, taker: Home) -> list[str]:
    """Every recall is confirmed, every acceptance is the giver's delivery, with one hash."""
    with giver.store.read() as tx:
        ordered = recalls.recalls_under(tx, AGREEMENT)
    problems = [f"the recall of {row[1]} is not confirmed" for row in ordered if row[4] is None]
    accepts = [
        (tuple(each["positions"]), each["hash"])
        for each in _records(taker, record.our_log(AGREEMENT), "accept")
    ]
    deliveries = [
        (tuple(each["positions"]), each["hash"])
        for each in _records(giver, record.our_log(AGREEMENT), "delivery")
    ]
    if sorted(accepts) != sorted(deliveries):
        problems.append(f"{len(accepts)} acceptances, {len(deliveries)} deliveries, not the same")
    recalled = {
        each["release"]
        for each in _records(giver, record.our_log(AGREEMENT), "withdraw")
        if each["recall"]
    }
    # What expired at the taker it told us of, perhaps of a release that was replaced since.
    early = {row[0] for row in ordered if row[2] == "expired" and row[4] is not None}
    if recalled - early != {row[0] for row in ordered} - early:
        problems.append("the recalls in the log are not those in the table")
    return problems


def owed(giver: Home, *, now: int) -> list[str]:
    """Each recall is said to be what it is, now and in ten days: confirmed, open or overdue."""
    with giver.store.read() as tx:
        bound = in_force(tx, AGREEMENT, now=now)
        ordered = {row[0]: row for row in recalls.recalls_under(tx, AGREEMENT)}
    if bound is None:
        return []
    days = json.loads(bound.terms_bytes).get("retention", {}).get("recall_days", 7)
    problems = []
    for at in (now, now + 10 * DAY):
        for each in recall.recalls(giver, now=at):
            _, _, _, since, answered_at, _ = ordered[each.position]
            late = "overdue" if since + days * DAY <= at else "open"
            wanted = late if answered_at is None else "confirmed"
            if each.state != wanted:
                problems.append(f"the recall of {each.delivered_id} is {each.state}, not {wanted}")
    return problems


def left(giver: Home, taker: Home, *, now: int) -> list[str]:
    """Once it has ended, nothing is left at the taker, and its certificate is over all of it."""
    with giver.store.read() as tx:
        bound = in_force(tx, AGREEMENT, now=now)
        held = recalls.certificates(tx, AGREEMENT).get(False)
    if bound is None or bound.state != "terminated":
        return []
    (said,) = [e for e in leaving(giver, taker.slug, now=now) if e.agreement_id == AGREEMENT]
    problems = [] if said.is_done else [f"the end is open: {said._replace(receipts=())}"[:300]]
    if not said.recalled:
        return problems
    if held is None or held.receipt is None:
        return [*problems, "there is no certificate"]
    entry = verify_receipt(json.loads(held.receipt), taker.log_vkey(AGREEMENT))
    log = record.our_log(AGREEMENT)
    slips = {each["position"]: each["hash"] for each in _records(giver, log, "release")}
    told = [at for first, last in entry["positions"] for at in range(first, last + 1)]
    lines = "".join(f"{at} {slips[at]}\n" for at in sorted(told))
    if canonical.sha256(lines.encode()) != entry["hash"] or len(told) != entry["objects"]:
        problems.append("the certificate is over other releases")
    if not {each.position for each in said.recalled} <= set(told):
        problems.append("the certificate is over less than was recalled")
    return problems
