"""What the judge checks once something was given: the text, the objects, the reasons, the logs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from tearline.cli.demo.below import fit
from tearline.cli.demo.evidence import (
    Answer,
    Log,
    Record,
    delivery_hash,
    digest_of,
    expand,
    payload,
    poll,
    signed_by,
)
from tearline.cli.demo.expect import LEVELS, World, level_of
from tearline.cli.demo.findings import (
    Check,
    Moment,
    fits,
    last_slips,
    reasons,
    steps,
    verified,
)
from tearline.cli.demo.known import Known, read_json

_GALAXY_OBJECTS_GO = 200
_OBJECTS_STAY = 1000


def delivered(known: Known, moment: Moment) -> list[Check]:
    """Both signed and both logs show it; what flowed is exactly what the text allows."""
    folder = moment["logs"]
    names = ("north", "south", "north-private", "south-private")
    north, south, private, south_private = (known.log(folder, each) for each in names)
    known.agreement_hash = moment["hash"]
    found = [*verified("delivered", north, south, private, south_private)]
    found += _signed(known, moment, north, south)
    world = known.world()
    known.answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    known.fit = fit(world, known.answer.objects)
    found += fits("delivered", world, known.answer, known.fit)
    found += _slips(known, world, north, known.answer)
    found += _enough(known, world)
    found += reasons("delivered", known, world, private)
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
    shown = all(wanted <= steps(known, each, moment["hash"]) for each in (north, south))
    yield Check("delivered", "both logs show it countersigned and active", shown)


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


def _ids(text: str) -> Iterable[str]:
    """Every STIX id that a text holds."""
    for part in text.replace("\\", " ").split('"'):
        kind, dashes, rest = part.partition("--")
        if dashes and kind and len(rest) == len("00000000-0000-0000-0000-000000000000"):
            yield part
