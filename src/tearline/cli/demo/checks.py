"""What the judge checks at each moment of the course; every function answers with its findings."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tearline.cli.demo.below import Fit, fit
from tearline.cli.demo.evidence import (
    Answer,
    Log,
    Record,
    delivery_hash,
    digest_of,
    expand,
    payload,
    poll,
    post_message,
    signed_by,
    statements,
)
from tearline.cli.demo.expect import LEVELS, World, level_of
from tearline.cli.demo.known import Known, read_json
from tearline.log.checkpoint import vkey_for
from tearline.log.verify import verify_receipt

_GALAXY_OBJECTS_GO = 200
_OBJECTS_STAY = 1000
_REFUSED = frozenset({401, 403, 404})
_NO_KEY_OF_ANYONE = "0" * 64

Moment = dict[str, Any]


class Check(NamedTuple):
    """One finding: at which moment, what ought to hold, whether it does, and with which numbers."""

    moment: str
    line: str
    holds: bool
    detail: str = ""


# ------------------------------------------------------------------------- before it was signed


def rejected(known: Known, moment: Moment) -> list[Check]:
    """North announced, South said no: both logs show it, and nothing flows."""
    north, south = (known.log(moment["logs"], each) for each in ("north", "south"))
    steps = _steps(known, north, moment["hash"]), _steps(known, south, moment["hash"])
    both = all({("proposed", "north"), ("rejected", "south")} <= each for each in steps)
    return [
        *_verified("rejected", north, south),
        Check("rejected", "both logs show that North announced and South rejected", both),
        *_nothing_flows("rejected", known, north),
    ]


def announced(known: Known, moment: Moment) -> list[Check]:
    """North announced a second version, and nobody countersigned: nothing flows."""
    north = known.log(moment["logs"], "north")
    steps = _steps(known, north, moment["hash"])
    return [
        *_verified("announced", north),
        Check(
            "announced",
            "the second version is announced and not countersigned",
            steps == {("proposed", "north")},
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


# ------------------------------------------------------------------------------ what was given


def delivered(known: Known, moment: Moment) -> list[Check]:
    """Both signed and both logs show it; what flowed is exactly what the text allows."""
    folder = moment["logs"]
    names = ("north", "south", "north-private", "south-private")
    north, south, private, south_private = (known.log(folder, each) for each in names)
    known.agreement_hash = moment["hash"]
    found = [*_verified("delivered", north, south, private, south_private)]
    found += _signed(known, moment, north, south)
    world = known.world()
    known.answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    known.fit = fit(world, known.answer.objects)
    found += _fits("delivered", world, known.answer, known.fit)
    found += _slips(known, world, north, known.answer)
    found += _enough(known, world)
    found += _reasons("delivered", known, world, private)
    found += _silent(known, world, north)
    _count(known, world)
    found.append(_foreseen(known, moment["foreseen"]))
    found += _accepted(known, north, south, south_private)
    found += _explained(known, world, moment["explained"])
    return found


def _signed(known: Known, moment: Moment, north: Log, south: Log) -> Iterator[Check]:
    """The text is the one that both signed, and both logs show every step to its being active."""
    document = read_json(moment["agreement"])
    body = payload(document)
    known.terms = json.loads(body)
    parties = known.terms["party"]
    same = all(parties[slot]["key"] == key for slot, key in known.keys.items())
    signed = signed_by(document, list(known.keys.values())) and digest_of(body) == moment["hash"]
    yield Check("delivered", "both parties signed the same text", signed and same, moment["hash"])
    wanted = {("proposed", "north"), ("countersigned", "south")}
    wanted |= {("activated", "north"), ("activated", "south")}
    shown = all(wanted <= _steps(known, each, moment["hash"]) for each in (north, south))
    yield Check("delivered", "both logs show it countersigned and active", shown)


def _fits(name: str, world: World, answer: Answer, found: Fit) -> Iterator[Check]:
    going = sum(fate.outcome == "release" for fate in world.outcomes.values())
    detail = f"{len(answer.objects)} of {going}; {found.uncut} uncut, {found.cut} cut"
    strange = [*found.missing, *found.surplus][:3]
    yield Check(
        name,
        "what North's node gives is exactly what the signed text allows, byte for byte if uncut",
        not strange and answer.objects.keys() == found.ours.keys(),
        detail + (f"; strange: {', '.join(strange)}" if strange else ""),
    )


def _slips(known: Known, world: World, north: Log, answer: Answer) -> Iterator[Check]:
    slips = last_slips(north)
    missing = [
        each
        for each, raw in answer.objects.items()
        if each not in slips or slips[each]["hash"] != digest_of(raw)
    ]
    line = "each object given has its slip in North's log, with the hash of its very bytes"
    yield Check("delivered", line, not missing, f"{len(slips)} slips; without: {len(missing)}")
    wrong = [
        each
        for each, slip in slips.items()
        if each in answer.objects and not _holds(known, world, slip)
    ]
    line = "each slip names a path that holds, and the true marking and grade"
    yield Check("delivered", line, not wrong, ", ".join(wrong[:3]))


def _holds(known: Known, world: World, slip: Record) -> bool:
    """Whether a slip is true: its path can be walked, and what it attests was put there."""
    our_id = known.fit.ours.get(slip["object"])
    if our_id is None or slip["agreement"] != known.agreement_hash or slip["clause"] != "N1":
        return False
    held = known.objects[our_id]
    said = slip["attested"]
    if said.get("marking") != held.mark or said.get("grade") != held.grade:
        return False
    level = level_of(held)
    if level is None or level > LEVELS.index(world.clause["marking_max"]):
        return False
    if held.type in {"relationship", "sighting", "note"}:
        return True
    path = [known.fit.ours.get(each, each) for each in slip["path"]]
    return path[-1] == our_id and world.path_holds(path, slip["start"])


def _enough(known: Known, world: World) -> Iterator[Check]:
    galaxy = Counter(
        fate.outcome
        for each, fate in world.outcomes.items()
        if known.objects[each].source == "galaxies"
    )
    known.figures["galaxy"] = dict(galaxy)
    went = sum(known.objects[each].source == "galaxies" for each in known.fit.ours.values())
    stay = sum(fate.outcome == "withhold" for fate in world.outcomes.values())
    above = [
        each
        for each, fate in world.outcomes.items()
        if each in world.about and fate.codes == {"marking-above"}
    ]
    yield Check(
        "delivered",
        f"at least {_GALAXY_OBJECTS_GO} real objects of the galaxies went",
        went >= _GALAXY_OBJECTS_GO,
        str(went),
    )
    yield Check(
        "delivered", f"at least {_OBJECTS_STAY:,} stayed", stay >= _OBJECTS_STAY, f"{stay:,}"
    )
    line = "some stayed although they are about the topic, for their marking alone"
    gone = [each for each in above if each in known.answer.objects]
    yield Check("delivered", line, bool(above) and not gone, str(len(above)))


def _reasons(name: str, known: Known, world: World, private: Log) -> Iterator[Check]:
    """North's private log, opened, has a decision with every reason for all that does not go."""
    logged = {
        each["object"]: (each["outcome"], frozenset(r["code"] for r in each["reasons"]))
        for each in private.of("decision")
        if each["agreement"] == known.agreement_hash
    }
    wanted = {each: (f.outcome, f.codes) for each, f in world.outcomes.items()}
    differing = [
        each for each in wanted.keys() | logged.keys() if wanted.get(each) != logged.get(each)
    ]
    line = "for each object North's private log has the outcome and every reason it ought to have"
    detail = f"{len(logged):,} decisions; differing: {len(differing)}"
    yield Check(name, line, not differing, detail)
    waiting = [each for each, (outcome, _) in logged.items() if outcome == "wait"]
    types = {each.partition("--")[0] for each in waiting if "victim" in logged[each][1]}
    gave = [each for each in waiting if each in known.fit.ours.values()]
    line = "what names a victim waits: the identity, who targets it, where it was seen"
    yield Check(
        name,
        line,
        {"identity", "relationship", "sighting"} <= types and not gave,
        f"{len(waiting)} wait",
    )


def _silent(known: Known, world: World, north: Log) -> Iterator[Check]:
    """No answer and no record that South can read names anything that was not given."""
    kept = {each for each, fate in world.outcomes.items() if fate.outcome != "release"}
    said = [raw.decode() for raw in known.answer.objects.values()]
    said += [json.dumps(each) for _, each in north.records]
    named = {each for text in said for each in _ids(text)} & kept
    line = "nothing that South can read names an object that stays or waits"
    yield Check("delivered", line, not named, ", ".join(sorted(named)[:3]))


def _accepted(known: Known, north: Log, south: Log, private: Log) -> Iterator[Check]:
    """Both logs show one delivery: of exactly what the judge was given too."""
    slips, given = last_slips(north), known.answer.objects
    positions = {slips[e]["position"]: digest_of(given[e]) for e in given.keys() & slips.keys()}
    wanted = positions.keys()
    ours = [each for each in north.of("delivery") if expand(each["positions"]) == wanted]
    theirs = [each for each in south.of("accept") if expand(each["positions"]) == wanted]
    line = "South's acceptance and North's delivery are one hash, over what the judge read too"
    same = [each["hash"] for each in (*ours, *theirs)] == [delivery_hash(positions)] * 2
    yield Check("delivered", line, same, f"{len(positions)} objects")
    known.figures["received"] = sum(len(expand(each["positions"])) for each in theirs)
    turned_away = len(private.of("quarantine"))
    line = "South's own check accepted all of it"
    yield Check("delivered", line, not turned_away, f"{turned_away} quarantined")


def _explained(known: Known, world: World, files: dict[str, str]) -> Iterator[Check]:
    for which, outcome in (("went", "release"), ("stays", "withhold"), ("waits", "wait")):
        said = read_json(files[which])
        fate = world.outcomes[known.case.story[which]]
        codes = frozenset(each["code"] for each in said["reasons"])
        right = (said["outcome"], codes) == (fate.outcome, fate.codes) and outcome == fate.outcome
        walked = which != "went" or world.path_holds(said["path"], said["agreements"][0]["start"])
        line = f"`tearline explain` says why one {which}, as it ought to"
        yield Check("delivered", line, right and walked, ", ".join(sorted(codes)) or "its path")


def _foreseen(known: Known, foreseen: list[int]) -> Check:
    """The preview before anyone signed said what then came about."""
    counted = [known.figures[each] for each in ("released", "waiting", "withheld")]
    line = "`tearline agreement preview` had foreseen how many would go, wait and stay"
    return Check("delivered", line, foreseen == counted, " / ".join(f"{n:,}" for n in foreseen))


def _count(known: Known, world: World) -> None:
    outcomes = Counter(fate.outcome for fate in world.outcomes.values())
    by_reason = Counter(code for fate in world.outcomes.values() for code in fate.codes)
    known.figures |= {
        "released": len(known.answer.objects),
        "cut": known.fit.cut,
        "waiting": outcomes["wait"],
        "withheld": outcomes["withhold"],
        "withheld_by_reason": dict(by_reason.most_common()),
        "received": 0,
        "quarantined": 0,
        "recalled": 0,
    }


# ---------------------------------------------------------------------------- who was stopped


def knocked(known: Known, moment: Moment) -> list[Check]:
    """The blocked third party brings its own proposal to North's door, by the judge's hand."""
    documents = Path(moment["messages"]).read_bytes().splitlines()
    statuses = [post_message(known.case.nodes["north"], each) for each in documents]
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
        *_verified("lied", north, south_private),
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
    world = known.world(held_back=frozenset({target}))
    answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    lie = known.case.story["lie"]
    honest = Answer(
        answer.status, {e: r for e, r in answer.objects.items() if e != lie}, answer.pages
    )
    found = fit(world, honest.objects)
    return [
        *_verified("recalled", north, south, private, south_private),
        *_fits("recalled", world, honest, found),
        *_reasons("recalled", known, world, private),
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


# ------------------------------------------------------------------------------------ reading


def last_slips(log: Log) -> dict[str, Record]:
    """The slips that stand at the end of a log, by the id under which an object was given."""
    found: dict[str, Record] = {}
    for _, each in log.records:
        if each.get("kind") == "release":
            found[each["object"]] = each
        elif each.get("kind") == "withdraw":
            found.pop(each["object"], None)
    return found


def _verified(name: str, *logs: Log) -> Iterator[Check]:
    for each in logs:
        verdict = each.verdict
        good = verdict.good and verdict.pinned and not verdict.unopened and verdict.size > 0
        line = f"the log {verdict.origin} verifies, and only grew"
        detail = f"{verdict.size} leaves, {verdict.records:,} records"
        yield Check(name, line, good, "; ".join([detail, *verdict.problems[:2]]))


def _steps(known: Known, log: Log, agreement: str) -> set[tuple[str, str]]:
    """The steps of one version in a log, each with who signed it."""
    found = statements(log, known.keys)
    return {(each["step"], each["by"]) for each in found if each["agreement"] == agreement}


def _ids(text: str) -> Iterable[str]:
    """Every STIX id that a text holds."""
    for part in text.replace("\\", " ").split('"'):
        kind, dashes, rest = part.partition("--")
        if dashes and kind and len(rest) == len("00000000-0000-0000-0000-000000000000"):
            yield part
