"""What the judge checks after the first release: approvals, a hold, and the end."""

import json
from collections.abc import Iterator
from pathlib import Path

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
from tearline.cli.demo.expect import called
from tearline.cli.demo.findings import Check, Moment, fits, last_slips, reasons, verified
from tearline.cli.demo.known import Known, Said, read_json
from tearline.log.checkpoint import vkey_for
from tearline.log.receipt import verify_receipt

_NAMES = ("north", "south", "north-private", "south-private")


# ----------------------------------------------------------------------------------- approvals


def approved(known: Known, moment: Moment) -> list[Check]:
    """What two people approved goes, under a pseudonym; what one refused stays."""
    logs = [known.log(moment["logs"], each) for each in _NAMES]
    north, private = logs[0], logs[2]
    story = known.case.story
    said = Said(approved=frozenset(story["approved"]), refused=frozenset({story["refused"]}))
    known.now_also(said)
    return [
        *verified("approved", *logs),
        *_looked("approved", known, moment),
        *reasons("approved", known, known.world(), private),
        *_signed(known, north, private),
        *_hidden(known),
    ]


def _looked(name: str, known: Known, moment: Moment) -> Iterator[Check]:
    """Read the collection again: it is what ought to go now."""
    world = known.world()
    known.answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    known.fit = fit(world, known.answer.objects)
    yield from fits(name, world, known.answer, known.fit)


def _signed(known: Known, north: Log, private: Log) -> Iterator[Check]:
    """Each time one of the approved went, two enrolled people had signed its very bytes."""
    wanted = set(known.case.story["approved"])
    keys = {e["person"]: e["key"] for e in private.of("person") if e["act"] == "enrolled"}
    verdicts = {_hash_of(e["signed"]): e for e in private.of("verdict")}
    slips = [e for e in north.of("release") if known.fit.ours.get(e["object"]) in wanted]
    short = [
        slip["object"] for slip in slips if len(_people(slip, verdicts, keys)) < known.approvals
    ]
    going = {known.fit.ours[slip["object"]] for slip in slips}
    yield Check(
        "approved",
        "what two people approved went, and never before both had signed its exact bytes",
        going == wanted and not short,
        f"{len(slips)} releases; too few signed: {len(short)}",
    )
    refused = known.case.story["refused"]
    said = [json.loads(payload(each["signed"])) for each in private.of("verdict")]
    no = [each["person"] for each in said if each["verdict"] == "refuse"]
    yield Check(
        "approved",
        "what a person refused stays, and the refusal is signed in North's private log",
        bool(no) and refused not in known.fit.ours.values(),
        ", ".join(no),
    )


def _people(slip: Record, verdicts: dict[str, Record], keys: dict[str, str]) -> set[str]:
    """Who approved exactly what this slip is of, by the signatures that it commits to."""
    item = {"kind": "review", "agreement": slip["agreement"], "clause": slip["clause"]}
    item |= {"object": slip["object"], "bytes": slip["hash"]}
    name = _hash_of(item)
    found = set()
    for each in slip["attested"].get("approvals", []):
        signed = verdicts[each]["signed"] if each in verdicts else None
        said = json.loads(payload(signed)) if signed else {}
        right = (said.get("verdict"), said.get("item")) == ("approve", name)
        if right and signed and signed_by(signed, [keys.get(said["person"], "")]):
            found.add(said["person"])
    return found


def _hash_of(value: Record) -> str:
    """The hash of plain text values, written as RFC 8785 writes them."""
    return digest_of(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def _hidden(known: Known) -> Iterator[Check]:
    """The name of the victim is nowhere in what South can read."""
    stix_id = next(e for e in known.case.story["approved"] if e.startswith("identity--"))
    theirs = {ours: given for given, ours in known.fit.ours.items()}.get(stix_id, "")
    raw = known.answer.objects.get(theirs, b"{}")
    name = str(known.objects[stix_id].doc["name"])
    given = str(json.loads(raw).get("name", ""))
    read = [each.decode() for each in known.answer.objects.values()]
    line = "it goes under another id and a pseudonym: neither id nor name is anywhere South reads"
    hidden = bool(given) and not any(name in each or stix_id in each for each in read)
    yield Check("approved", line, hidden, f"“{given}”")


# ------------------------------------------------------------------------------------ the hold


def held(known: Known, moment: Moment) -> list[Check]:
    """A topic is held: it goes with all that only it tied, and each recall has its receipt."""
    north, south = (known.log(moment["logs"], each) for each in ("north", "south"))
    before = known.fit.ours
    known.now_also(Said(held_back=called(known.objects, known.case.story["held"])))
    found = [*verified("held", north, south), *_looked("held", known, moment)]
    gone = before.keys() - known.fit.ours.keys()
    orders = {each["object"]: each["release"] for each in north.of("withdraw") if each["recall"]}
    answered = {each["release"] for each in south.of("recall-receipt")}
    confirmed = {at for each in north.of("recall-confirmed") for at in each["releases"]}
    right = bool(gone) and orders.keys() == gone
    right = right and set(orders.values()) == answered == confirmed
    line = "a held topic is recalled with all that only it tied, and South's receipts are over it"
    found.append(Check("held", line, right, f"{len(gone)} objects"))
    known.figures["held_back"] = len(gone)
    return found


# ------------------------------------------------------------------------------------- the end


def left(known: Known, moment: Moment) -> list[Check]:
    """The agreement is over: nothing flows, and South's certificate is over all that was given."""
    north, south = (known.log(moment["logs"], each) for each in ("north", "south"))
    answer = poll(known.case.nodes["north"], known.case.collection, moment["key"])
    standing = last_slips(north)
    return [
        *verified("left", north, south),
        Check("left", "nothing flows any more", _is_empty(answer), f"HTTP {answer.status}"),
        Check("left", "North's log ends every release", not standing, f"{len(standing)} stand"),
        *_ended(known, north, south),
        *_certified(known, north, moment),
    ]


def _is_empty(answer: Answer) -> bool:
    return not answer.objects


def _ended(known: Known, north: Log, south: Log) -> Iterator[Check]:
    """Each recall is answered, whether South was told or its own clock said so first."""
    orders = {each["release"] for each in north.of("withdraw") if each["recall"]}
    confirmed = {at for each in north.of("recall-confirmed") for at in each["releases"]}
    answered = {each["release"] for each in south.of("recall-receipt")}
    by_itself = {each["release"] for each in south.of("expiry")}
    right = orders <= confirmed and orders <= answered | by_itself
    known.figures["by_its_own_clock"] = len(by_itself)
    line = "South answered for every recall, and its log shows what it ended by its own clock"
    yield Check("left", line, right and bool(by_itself), f"{len(orders)} recalls")


def _certified(known: Known, north: Log, moment: Moment) -> Iterator[Check]:
    card = known.case.cards["south"]
    log = known.case.agreement.removeprefix("urn:uuid:")
    key = vkey_for(f"{card['slug']}/log/{log}", card["log"])
    (file,) = Path(moment["folder"]).glob("*-theirs.certificate.json")
    said = verify_receipt(read_json(str(file)), key)
    slips = {each["position"]: each["hash"] for each in north.of("release")}
    told = expand(said["positions"])
    recalled = {each["release"] for each in north.of("withdraw") if each["recall"]}
    right = (
        (said["kind"], said["party"], said["objects"]) == ("certificate", card["slug"], len(told))
        and recalled <= told <= slips.keys()
        and said["hash"] == delivery_hash({at: slips[at] for at in told})
    )
    line = "South's certificate holds, checked offline, and is over the bytes of every recall"
    yield Check("left", line, right, f"{len(told)} objects")
    checklist = read_json(moment["exit"])
    yield Check("left", "`tearline exit` has nothing left to do", bool(checklist["done"]))
