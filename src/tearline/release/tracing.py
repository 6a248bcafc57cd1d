"""Where an act stands in the logs that we hold: the leaf and the item of its record.

Every act under an agreement has a record in the log of each side. Which one is wanted is said by
the act and by whose log: what we say of it, or what the partner says in our copy of its log.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from tearline.agreement import by_person
from tearline.agreement.partners import find_party
from tearline.errors import RefusedError
from tearline.log import record
from tearline.store import agreements, aliases, logs, private, releases
from tearline.store.database import Tx

Act: TypeAlias = Literal["release", "delivery", "recall", "approval", "statement"]

_AT_ONCE = 5_000
_GIVER: dict[str, tuple[str, ...]] = {
    "release": ("release",),
    "delivery": ("delivery",),
    "recall": ("withdraw",),
}
_RECEIVER: dict[str, tuple[str, ...]] = {
    "release": (),
    "delivery": ("accept",),
    "recall": ("recall-receipt", "expiry"),
}
_VERDICT = "verdict"
_SHORTEST = 6
"""So much of a hash has to be named."""


class Found(NamedTuple):
    """The place of a record: the name of the log, the leaf, the item, and the record itself."""

    log: str
    leaf: int
    item: int
    record: dict[str, Any]


class _Given(NamedTuple):
    """A release as its slip tells of it: under which agreement, and whether we gave it."""

    agreement_id: str
    ours: bool
    position: int


def object_act(tx: Tx, act: Act, stix_id: str, party: str, *, theirs: bool) -> Found:
    """Return the newest record of the release, delivery or recall of an object with a partner.

    Of what we gave by our id of it or the one it was given under; of what we got by theirs.
    RefusedError where that log has no such record.
    """
    partner = find_party(tx, party).slug
    ids = sorted({each.agreement_id for each in agreements.every_version(tx, partner=partner)})
    found = [
        place
        for agreement_id in ids
        for given in _given(tx, agreement_id, stix_id)
        if (place := _record_of(tx, act, given, theirs=theirs)) is not None
    ]
    if not found:
        whose = "their log" if theirs else "our log"
        raise RefusedError(
            f"There is no {act} of {stix_id} with {partner} in {whose}.",
            means="It never was, or the record has not reached this node yet.",
            do="See `tearline explain`; what the partner says of it comes with the next sync.",
        )
    return max(found, key=lambda each: (str(each.record.get("at")), each.leaf, each.item))


def approval(tx: Tx, name: str) -> Found:
    """Return the newest approval in the private log of an item by its hash, or of an object.

    RefusedError where nobody approved it, or the record still waits for its leaf.
    """
    delivered, start = {name, *_delivered_as(tx, name)}, name.removeprefix("sha256:")

    def fits(said: dict[str, Any]) -> bool:
        verdict = _verdict(said)
        item = str(verdict.get("item", "")).removeprefix("sha256:")
        by_item = len(start) >= _SHORTEST and "--" not in name and item.startswith(start)
        return verdict.get("verdict") == "approve" and (by_item or said["object"] in delivered)

    found = _last(tx, record.PRIVATE, (_VERDICT,), fits)
    if found is not None:
        return found
    queued = (orjson.loads(line) for kind, line in private.pending(tx) if kind == _VERDICT)
    if any(map(fits, queued)):
        raise RefusedError(
            "The approval waits for its leaf in the private log.",
            means="That log is written at a fixed cadence, so that it tells nothing by its pace.",
            do="Let the node run for a while, and ask again.",
        )
    raise RefusedError(f"Nobody approved {name} here.", do="See `tearline queue show`.")


def statement(tx: Tx, agreement_id: str, name: str, *, theirs: bool) -> Found:
    """Return the newest statement about an agreement, or the one whose hash begins with `name`."""
    log = record.their_log(agreement_id) if theirs else record.our_log(agreement_id)
    found = _last(tx, log, ("statement",), lambda said: str(said.get("statement")).startswith(name))
    if found is None:
        raise RefusedError(
            f"The log {log} has no such statement.", do="See `tearline agreement show`."
        )
    return found


# --------------------------------------------------------------------------------------- releases


def _given(tx: Tx, agreement_id: str, stix_id: str) -> Iterator[_Given]:
    """Tell the last release of an object under an agreement, by us and by them."""
    ids = {stix_id, *aliases.ours_of(tx, agreement_id, [stix_id])}
    ours = releases.last_delivered(tx, agreement_id, ids).values()
    if ours:
        last = max(ours, key=lambda each: each.position)
        yield _Given(agreement_id, True, last.position)  # noqa: FBT003  # `ours`
    theirs = _last(
        tx,
        record.their_log(agreement_id),
        ("release",),
        lambda said: said.get("object") == stix_id,
    )
    if theirs is not None:
        yield _Given(agreement_id, False, theirs.record["position"])  # noqa: FBT003  # `ours`


def _record_of(tx: Tx, act: Act, given: _Given, *, theirs: bool) -> Found | None:
    log = record.their_log(given.agreement_id) if theirs else record.our_log(given.agreement_id)
    if act == "release":
        is_there = given.ours != theirs
        return _last(tx, log, ("release",), _fits(act, given)) if is_there else None
    kinds = _GIVER[act] if given.ours != theirs else _RECEIVER[act]
    return _last(tx, log, kinds, _fits(act, given))


def _fits(act: Act, given: _Given) -> Callable[[dict[str, Any]], bool]:
    def fits(said: dict[str, Any]) -> bool:
        if act == "release":
            return said.get("position") == given.position
        if act == "delivery":
            spans = said.get("positions") or []
            return any(first <= given.position <= last for first, last in spans)
        return said.get("release") == given.position and said.get("recall", True) is True

    return fits


def _delivered_as(tx: Tx, stix_id: str) -> Iterable[str]:
    """Return the ids that were derived for an object of ours."""
    for agreement_id in agreements.agreement_ids(tx):
        yield from aliases.ours_of(tx, agreement_id, [stix_id])


# ------------------------------------------------------------------------------------------- logs


def _last(
    tx: Tx, log: str, kinds: tuple[str, ...], fits: Callable[[dict[str, Any]], bool]
) -> Found | None:
    """Return the last record of these kinds that fits; a log is read once, in order."""
    marks = [f'"kind":"{each}"'.encode() for each in kinds]
    found = None
    after = -1
    while rows := logs.records_after(tx, log, after, count=_AT_ONCE):
        for leaf, item, _, content in rows:
            if any(mark in content for mark in marks):
                said = orjson.loads(content)
                if said.get("kind") in kinds and fits(said):
                    found = Found(log, leaf, item, said)
        after = rows[-1][0]
    return found


def _verdict(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a person signed, from the record of a verdict."""
    verdict: dict[str, Any] = orjson.loads(by_person.convert(said["signed"]).body)
    return verdict
