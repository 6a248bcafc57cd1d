"""A recall goes further: to whom we passed something on, and back to its giver how far it came.

The receipt for a recall says how many we told further and how many of these have confirmed it; when
one more does, the giver gets another receipt. Who they are is not in it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tearline.agreement import force, outbox
from tearline.log import record
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, onward, releases
from tearline.store.agreements import Version
from tearline.store.database import Tx
from tearline.store.onward import Hop

_NUMBERS = 3


def tie(tx: Tx, agreement_id: str, ended: Mapping[str, int]) -> None:
    """Note which of our releases the end of a giver's reaches, before anything of it is erased.

    `ended` has the giver's releases by object: recalled, or over by our own clock.
    """
    passed = onward.passed_among(tx, ended)
    by_id = {each: at for each, at in ended.items() if passed.get(each) == agreement_id}
    if not by_id:
        return
    hops = [
        Hop(agreement_id, by_id[stix_id], over_id, each.position)
        for over_id, stood in releases.standing_among(tx, by_id).items()
        for stix_id, each in stood.items()
        if each.position
    ]
    for head in releases.heads(tx):
        for stix_id, release in by_id.items():
            # What was withdrawn before their word came: their agreement rested, say.
            before = onward.unlinked(tx, head.agreement_id, [stix_id])
            hops += [Hop(agreement_id, release, head.agreement_id, each) for each in before]
    onward.put_hops(tx, hops)


def told(tx: Tx, agreement_id: str, released: Iterable[int]) -> list[list[int]]:
    """For each recalled release that went further: it, how many we told, how many confirmed."""
    counts = onward.hop_counts(tx, agreement_id, released)
    return [[release, *counts[release]] for release in sorted(counts)]


def confirmed(tx: Tx, over_id: str, positions: Iterable[int], *, now: int) -> None:
    """Tell each giver whose recall these confirmations answer how far it has come."""
    found: dict[str, list[int]] = {}
    for agreement_id, release in onward.hops_over(tx, over_id, positions):
        found.setdefault(agreement_id, []).append(release)
    for agreement_id, released in found.items():
        bound = force.in_force(tx, agreement_id, now=now)
        version = bound and agreements.version_of(tx, bound.hash)
        if version:
            _report(tx, version, released, now)


def _report(tx: Tx, version: Version, released: list[int], now: int) -> None:
    stamp = format_timestamp(now, digits=6)
    further = told(tx, version.agreement_id, released)
    entries = [
        {"kind": "recall-receipt", "agreement": version.hash, "at": stamp}
        | {"release": release, "told": count, "confirmed": done}
        for release, count, done in further
    ]
    log = record.our_log(version.agreement_id)
    leaf = record.append(tx, log, "recall-receipt", entries, at=now, agreement=version.hash)
    body = {"releases": released, "onward": further, "at": stamp}
    outbox.enqueue(tx, "recall-receipt", version.partner, body, now=now, version=version, leaf=leaf)


def read_report(value: Any, positions: Iterable[int]) -> list[tuple[int, int, int]]:  # noqa: ANN401  # any JSON value
    """What a receipt says of the second hop, as far as it is of the form and of these recalls."""
    wanted = set(positions)
    return [
        (each[0], each[1], each[2])
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, list)
        and len(each) == _NUMBERS
        and all(type(number) is int and 0 <= number < 2**53 for number in each)
        and each[0] in wanted
        and each[2] <= each[1]
    ]
