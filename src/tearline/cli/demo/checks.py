"""What the judge checks before anything was given, and after: no, the lie, the recall."""

from collections.abc import Iterator
from pathlib import Path

from tearline.cli.demo.below import fit
from tearline.cli.demo.evidence import Answer, Log, digest_of, poll, post_message
from tearline.cli.demo.findings import (
    Check,
    Moment,
    fits,
    last_slips,
    reasons,
    steps,
    verified,
)
from tearline.cli.demo.known import Known, Said, read_json
from tearline.log.checkpoint import vkey_for
from tearline.log.receipt import verify_receipt

_REFUSED = frozenset({401, 403, 404})
_NO_KEY_OF_ANYONE = "0" * 64

# ------------------------------------------------------------------------- before it was signed


def rejected(known: Known, moment: Moment) -> list[Check]:
    """North announced, South said no: both logs show it, and nothing flows."""
    north, south = (known.log(moment["logs"], each) for each in ("north", "south"))
    shown = [steps(known, each, moment["hash"]) for each in (north, south)]
    both = all({("proposed", "north"), ("rejected", "south")} <= each for each in shown)
    return [
        *verified("rejected", north, south),
        Check("rejected", "both logs show that North announced and South rejected", both),
        *_nothing_flows("rejected", known, north),
    ]


def announced(known: Known, moment: Moment) -> list[Check]:
    """North announced a second version, and nobody countersigned: nothing flows."""
    north = known.log(moment["logs"], "north")
    shown = steps(known, north, moment["hash"])
    return [
        *verified("announced", north),
        Check(
            "announced",
            "the second version is announced and not countersigned",
            shown == {("proposed", "north")},
        ),
        *_nothing_flows("announced", known, north),
    ]


def _nothing_flows(name: str, known: Known, north: Log) -> Iterator[Check]:
    case = known.case
    answers = [poll(case.nodes["north"], case.collection, key) for key in (None, _NO_KEY_OF_ANYONE)]
    empty = all(each.status in _REFUSED and not each.objects for each in answers)
    said = ", ".join(str(each.status) for each in answers)
    released = len(north.of("release"))
    yield Check(name, "nothing flows: North's node answers with nothing", empty, f"HTTP {said}")
    yield Check(name, "nothing flows: North's log holds no release", not released, str(released))


# ---------------------------------------------------------------------------- who was stopped


def knocked(known: Known, moment: Moment) -> list[Check]:
    """The blocked third party brings its own proposal to North's door, by the judge's hand."""
    documents = Path(moment["messages"]).read_bytes().splitlines()
    statuses = [
        post_message(known.case.nodes["north"], each, moment["signs"]) for each in documents
    ]
    refused = bool(statuses) and all(each in _REFUSED for each in statuses)
    said = f"HTTP {', '.join(map(str, statuses))}"
    return [Check("knocked", "the blocked party's own proposal is refused", refused, said)]


def stopped(_known: Known, moment: Moment) -> list[Check]:
    """North cannot offer the blocked party an agreement either."""
    logs = {each["log"] for each in read_json(moment["all_logs"])}
    said = str(read_json(moment["proposal"]).get("error", {}).get("what", ""))
    begun = any(moment["id"].removeprefix("urn:uuid:") in each for each in logs)
    line = "North cannot offer it an agreement either: no log of one was begun"
    return [Check("stopped", line, bool(said) and not begun, said)]


# ------------------------------------------------------------------------------------ the lie


def lied(known: Known, moment: Moment) -> list[Check]:
    """North gave something that is not about the topic; South put it into quarantine."""
    north, south_private = (known.log(moment["logs"], e) for e in ("north", "south-private"))
    answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    new = answer.objects.keys() - known.answer.objects.keys()
    lie = known.case.story["lie"]
    raw = answer.objects.get(lie, b"")
    slip = last_slips(north).get(lie)
    real = slip is not None and slip["hash"] == digest_of(raw) and slip["object"] == lie
    world = known.world()
    false = slip is not None and not world.path_holds(slip["path"], slip["start"])
    away = [each for each in south_private.of("quarantine") if each.get("hash") == digest_of(raw)]
    reasons = sorted({reason for each in away for reason in each["reasons"]})
    known.figures["quarantined"] = len(south_private.of("quarantine"))
    known.answer = answer
    return [
        *verified("lied", north, south_private),
        Check(
            "lied",
            "North released one more object, with a slip that is signed and in its log",
            new == {lie} and real,
            ", ".join(sorted(new)[:3]),
        ),
        Check("lied", "its path does not hold", false),
        Check(
            "lied",
            "South put it into quarantine, and nothing else",
            bool({"not-about", "path-does-not-hold"} & set(reasons))
            and known.figures["quarantined"] == 1,
            ", ".join(reasons),
        ),
    ]


# --------------------------------------------------------------------------------- the recall


def recalled(known: Known, moment: Moment) -> list[Check]:
    """North took one object back: it is gone, and South's log holds the receipt for it."""
    names = ("north", "south", "north-private", "south-private")
    north, south, private, south_private = (known.log(moment["logs"], each) for each in names)
    target = known.case.story["recalled"]
    known.now_also(Said(held_back=frozenset({target})))
    world = known.world()
    answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    lie = known.case.story["lie"]
    honest = Answer(
        answer.status, {e: r for e, r in answer.objects.items() if e != lie}, answer.pages
    )
    found = fit(world, honest.objects)
    return [
        *verified("recalled", north, south, private, south_private),
        *fits("recalled", world, honest, found),
        *reasons("recalled", known, world, private),
        *_taken_back(known, north, south, target),
        *_receipts(known, moment["receipts"]),
        *_one_quarantined(south_private),
        *_one_blocked(known, private),
    ]


def _taken_back(known: Known, north: Log, south: Log, target: str) -> Iterator[Check]:
    orders = [each for each in north.of("withdraw") if each["recall"]]
    positions = {each["release"] for each in orders}
    received = {each["release"] for each in south.of("recall-receipt")}
    confirmed = {at for each in north.of("recall-confirmed") for at in each["releases"]}
    mine = [each for each in orders if known.fit.ours.get(each["object"]) == target]
    known.figures["recalled"] = len(orders)
    line = "North's log orders the recall, South's log answers it, North's log holds the answer"
    yield Check(
        "recalled",
        line,
        len(mine) == 1 and positions == received == confirmed,
        f"{len(orders)} orders: the object, and what speaks of it",
    )


def _receipts(known: Known, files: dict[str, list[str]]) -> Iterator[Check]:
    """Receipts of acts on both sides, checked with nothing but the public keys."""
    kinds = []
    for slot, paths in files.items():
        card = known.case.cards[slot]
        log = known.case.agreement.removeprefix("urn:uuid:")
        key = vkey_for(f"{card['slug']}/log/{log}", card["log"])
        kinds += [str(verify_receipt(read_json(each), key).get("kind")) for each in paths]
    wanted = {"statement", "release", "delivery", "accept", "recall-receipt"}
    line = "every receipt holds, checked offline"
    yield Check("recalled", line, wanted <= set(kinds), ", ".join(kinds))


def _one_quarantined(private: Log) -> Iterator[Check]:
    count = len(private.of("quarantine"))
    line = "at the end South's quarantine holds the lie alone"
    yield Check("recalled", line, count == 1, str(count))


def _one_blocked(known: Known, private: Log) -> Iterator[Check]:
    slug = known.case.cards["east"]["slug"]
    acts = [each.get("act") for each in private.of("party") if each.get("party") == slug]
    noted = [each for each in private.of("refusal") if each.get("party") == slug]
    line = "North's private log shows the third party blocked, and its proposal refused"
    yield Check("recalled", line, acts[-1:] == ["blocked"] and bool(noted))
