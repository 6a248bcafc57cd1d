"""The world that the soak plays: invented threats, and what each node learns of them day by day.

Everything follows from (seed, side, day), so that any process can say again what a day brought.
Relationships may name objects that come only days later; objects come again in newer versions,
late older ones, or revoked.
"""

import json
import random
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tearline.stix import marking
from tearline.stix.objects import is_observable, observable_id
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.topics.topic import CONTAINERS

DAY = 86_400_000_000
HOUR = 3_600_000_000
START = parse_timestamp("2026-01-05T00:00:00Z")
SPACE = uuid.UUID("2b0f4c0e-7a55-4a0f-8a6e-0c1d5b7f3a20")
FEEDS = ("watch desk", "sensor feed", "partner mail", "case work")

BORN: Mapping[str, int] = {
    "intrusion-set": 2,
    "threat-actor": 1,
    "campaign": 2,
    "malware": 6,
    "tool": 3,
    "attack-pattern": 3,
    "vulnerability": 2,
    "infrastructure": 5,
    "identity": 3,
    "location": 1,
    "indicator": 60,
    "ipv4-addr": 5,
    "domain-name": 5,
    "observed-data": 2,
    "relationship": 130,
    "sighting": 5,
    "report": 4,
    "grouping": 1,
    "note": 5,
    "opinion": 2,
    "language-content": 1,
}
"""How many objects of each type a day brings to North; South learns a quarter of it."""

LINKS = (
    ("intrusion-set", "uses", "malware", 10),
    ("intrusion-set", "uses", "tool", 3),
    ("intrusion-set", "uses", "attack-pattern", 4),
    ("intrusion-set", "targets", "identity", 20),
    ("intrusion-set", "targets", "location", 2),
    ("identity", "located-at", "location", 2),
    ("intrusion-set", "attributed-to", "threat-actor", 2),
    ("threat-actor", "uses", "malware", 2),
    ("campaign", "attributed-to", "intrusion-set", 3),
    ("campaign", "uses", "malware", 3),
    ("malware", "targets", "identity", 2),
    ("malware", "variant-of", "malware", 4),
    ("malware", "drops", "tool", 2),
    ("malware", "downloads", "malware", 2),
    ("malware", "exploits", "vulnerability", 2),
    ("malware", "controls", "infrastructure", 4),
    ("infrastructure", "hosts", "malware", 3),
    ("infrastructure", "consists-of", "ipv4-addr", 3),
    ("malware", "communicates-with", "domain-name", 3),
    ("malware", "uses", "domain-name", 2),
    ("indicator", "indicates", "malware", 24),
    ("indicator", "indicates", "intrusion-set", 6),
    ("indicator", "based-on", "observed-data", 2),
)
_AGAIN = 10
"""After so many of a kind, others are spoken of most; among them is a topic again."""

_FIRST = ("Gray", "Blue", "Salt", "Mud", "Iron", "Pale", "Quiet", "Amber", "Low", "Far")
_LAST = {
    "intrusion-set": ("Heron", "Tern", "Curlew", "Plover", "Stork", "Crake"),
    "threat-actor": ("Keeper", "Warden", "Pilot", "Broker"),
    "campaign": ("Winter", "Harvest", "Tide", "Lantern"),
    "malware": ("Loader", "Kit", "Lock", "Sieve", "Drill"),
}
STATEMENTS = ("For defence alone.", "Not for the press.")
"""What the statement markings of the world say; their definitions come on the first day."""

COUNTRIES = ("SE", "NO", "PT")
CLOSED = "closed-case"
"""A label that some versions of the agreement never let go."""

_SPEAKING = ("note", "opinion", "sighting", "language-content")
_NAMELESS = {*_SPEAKING, "relationship", "observed-data", "ipv4-addr"}


class Thing(NamedTuple):
    """One object of the world, whatever versions there are of it: type, number, first day."""

    type: str
    number: int
    day: int


class Batch(NamedTuple):
    """Objects that come together, with what we say beside them."""

    source: str
    docs: tuple[dict[str, Any], ...]
    marking: int | None
    grade: int | None

    def raws(self) -> list[bytes]:
        """The exact bytes of each."""
        return [json.dumps(doc).encode() for doc in self.docs]


class World:
    """What one side learns, by day."""

    def __init__(self, seed: int, side: str, size: float = 1.0) -> None:
        """Bind the seed; `size` scales how much a day brings."""
        self.seed = seed
        self.side = side
        self._size = size * (1.0 if side == "north" else 0.25)
        self.born = cache(self._born)
        self.batches = cache(self._batches)

    def id_of(self, thing: Thing) -> str:
        """The id of a thing; that of an observable follows from its value."""
        if is_observable(thing.type):
            return observable_id({"type": thing.type, "value": self._value(thing)}) or ""
        name = f"{self.seed}/{self.side}/{thing.type}/{thing.number}"
        return f"{thing.type}--{uuid.uuid5(SPACE, name)}"

    def earlier(self, day: int, *types: str) -> list[Thing]:
        """All things of some types that came before a day."""
        return [each for d in range(day) for each in self.born(d) if each.type in types]

    # --------------------------------------------------------------------------------- batches

    def _born(self, day: int) -> tuple[Thing, ...]:
        return tuple(
            Thing(type_, day * self._count(type_) + place, day)
            for type_ in BORN
            for place in range(self._count(type_))
        )

    def _count(self, type_: str) -> int:
        return max(1, round(BORN[type_] * self._size))

    def _batches(self, day: int) -> tuple[Batch, ...]:
        chance = random.Random(f"{self.seed}/{self.side}/{day}")
        base = START + day * DAY
        docs = [self.doc(each, base + chance.randrange(DAY), chance) for each in self.born(day)]
        docs += self._again(day, base, chance)
        docs += [_statement(each) for each in STATEMENTS if day == 0]
        chance.shuffle(docs)
        parts = chance.randint(4, 6)
        cuts = sorted(chance.sample(range(1, len(docs)), parts - 1))
        return tuple(
            Batch(
                chance.choice(FEEDS),
                tuple(docs[begin:end]),
                chance.choice([None, 0, 0, 0, 1, 1, 2, 3]),
                chance.choice([None, 12, 22, 22, 33]),
            )
            for begin, end in zip((0, *cuts), (*cuts, len(docs)), strict=True)
        )

    def _again(self, day: int, base: int, chance: random.Random) -> Iterator[dict[str, Any]]:
        """Newer versions of what came before, some late older ones, some revocations."""
        known = [each for each in self.earlier(day, *BORN) if not is_observable(each.type)]
        for each in chance.sample(known, min(len(known), max(3, round(20 * self._size)))):
            late = chance.random() < 0.1
            first = START + each.day * DAY if late else base
            at = first + chance.randrange(HOUR if late else DAY)
            again = self.doc(each, at, chance)
            if chance.random() < 0.12:
                again["revoked"] = True
            yield again

    # --------------------------------------------------------------------------------- objects

    def doc(self, thing: Thing, at: int, chance: random.Random) -> dict[str, Any]:
        """One version of a thing."""
        if is_observable(thing.type):
            return self._observable(thing, chance)
        doc: dict[str, Any] = {
            "type": thing.type,
            "spec_version": "2.1",
            "id": self.id_of(thing),
            "created": format_timestamp(START + thing.day * DAY),
            "modified": format_timestamp(max(at, START + thing.day * DAY)),
        }
        if thing.type not in _NAMELESS:
            doc["name"] = self.name_of(thing, chance)
            doc["description"] = f"Seen {chance.randrange(1000)} times."
        if thing.type != "identity" and chance.random() < 0.1:
            doc["created_by_ref"] = self.id_of(self._any(chance, "identity", thing.day))
        doc |= _marked(chance)
        if "description" in doc and chance.random() < 0.05:
            red = marking.marking_ref(chance.choice([2, 4]))
            doc["granular_markings"] = [{"marking_ref": red, "selectors": ["description"]}]
        if chance.random() < 0.1:
            doc["x_desk_note"] = f"desk {chance.randrange(9)}"
        return doc | self._own(thing, doc, chance)

    def name_of(self, thing: Thing, chance: random.Random) -> str:
        """A name; the first of a kind is a topic, and now and then another has its name too."""
        if thing.type == "intrusion-set" and (thing.number % _AGAIN == 0 or chance.random() < 0.02):
            return "Gray Heron" if chance.random() < 0.97 else "Gray  HERON"
        if thing.type == "malware" and (thing.number % (3 * _AGAIN) == 1 or chance.random() < 0.01):
            return "Mud Loader"
        mine = random.Random(f"{self.seed}/{self.side}/{thing}")
        last = _LAST.get(thing.type, (thing.type,))
        return f"{mine.choice(_FIRST)} {mine.choice(last)} {thing.number + 2}"

    def _own(self, thing: Thing, doc: dict[str, Any], chance: random.Random) -> dict[str, Any]:
        """The properties that only this type has."""
        day, start, end = thing.day, doc["created"], doc["modified"]
        if thing.type == "relationship":
            return self._link(day, chance)
        if thing.type in {*CONTAINERS, "observed-data", *_SPEAKING}:
            said = self._speaks(thing, chance) | dict(_OWN.get(thing.type, {}))
            return {**said, **_spanned(thing.type, start, end)}
        if thing.type == "indicator":
            pattern = f"[domain-name:value = 'h{thing.number}.{self.side}.example']"
            own = {"pattern": pattern, "pattern_type": "stix", "valid_from": start}
            days = chance.choice([0, 0, 0, 4, 15, 40])
            end_at = START + (day + days) * DAY
            return own | ({"valid_until": format_timestamp(end_at)} if days else {})
        return dict(_OWN.get(thing.type, {})) | _for_people(thing) | _placed(thing)

    def _speaks(self, thing: Thing, chance: random.Random) -> dict[str, Any]:
        """What an object that speaks of others names."""
        day = thing.day
        if thing.type == "sighting":
            found: dict[str, Any] = {
                "sighting_of_ref": self._one(chance, day, "malware", "indicator")
            }
            if chance.random() < 0.5:
                found["where_sighted_refs"] = [self._one(chance, day, "identity")]
            return found
        if thing.type == "language-content":
            return {"object_ref": self._one(chance, day, "malware", "report", "campaign")}
        types, most = _REFS[thing.type]
        refs = {self._one(chance, day, *types) for _ in range(chance.randint(1, most))}
        return {"object_refs": sorted(refs)}

    def _link(self, day: int, chance: random.Random) -> dict[str, Any]:
        weights = [each[3] for each in LINKS]
        source, kind, target, _ = chance.choices(LINKS, weights)[0]
        ends = {
            "source_ref": self._one(chance, day, source),
            "target_ref": self._one(chance, day, target),
        }
        return {"relationship_type": kind, **ends}

    def _observable(self, thing: Thing, chance: random.Random) -> dict[str, Any]:
        doc = {"type": thing.type, "spec_version": "2.1", "id": self.id_of(thing)}
        doc["value"] = self._value(thing)
        more: dict[str, Any] = {}
        if thing.type == "domain-name" and chance.random() < 0.6:
            more["resolves_to_refs"] = [self._one(chance, thing.day, "ipv4-addr", "domain-name")]
        return {**doc, **more}

    def _value(self, thing: Thing) -> str:
        """A value of the ranges that are kept for documentation."""
        if thing.type == "domain-name":
            return f"d{thing.number}.{self.side}.example"
        net = ("192.0.2", "198.51.100", "203.0.113")[thing.number // 250 % 3]
        return f"{net}.{thing.number % 250 + 1}"

    def _one(self, chance: random.Random, day: int, *types: str) -> str:
        return self.id_of(self._any(chance, chance.choice(types), day))

    def _any(self, chance: random.Random, type_: str, day: int) -> Thing:
        """One of the few that all speak of, one of today, or one that comes only days later."""
        count = self._count(type_)
        known = (day + 1) * count
        hub = known // _AGAIN * _AGAIN
        number = chance.choices(
            [
                chance.choice([0, hub]) + min(chance.randrange(4), chance.randrange(4)),
                chance.randrange(known),
                max(0, known - 1 - chance.randrange(2 * count)),
                known + chance.randrange(2 * count),
            ],
            [5, 2, 4, 1],
        )[0]
        return Thing(type_, number, number // count)


_REFERRED = ("malware", "indicator", "intrusion-set", "note", "relationship", "tool")
_HELD = ("malware", "indicator", "indicator", "intrusion-set", "relationship", "note", "report")
_REFS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "note": (_REFERRED, 2),
    "opinion": (_REFERRED, 2),
    "report": (_HELD, 9),
    "grouping": (_HELD, 9),
    "observed-data": (("ipv4-addr", "domain-name"), 2),
}
_OWN: Mapping[str, Mapping[str, Any]] = {
    "malware": {"is_family": True},
    "identity": {"identity_class": "organization"},
    "location": {"region": "northern-europe"},
    "note": {"content": "said"},
    "opinion": {"opinion": "agree"},
    "language-content": {"contents": {"de": {"name": "Name"}}},
    "grouping": {"context": "suspicious-activity"},
}


_LABELS = {"gray-heron": 0.03, CLOSED: 0.03, "PAP:GREEN": 0.03, "PAP:AMBER": 0.03}
"""Labels, and how often they are put on."""


def _marked(chance: random.Random) -> dict[str, Any]:
    """What an object says of itself: markings, confidence, labels."""
    refs = []
    if chance.random() < 0.25:
        refs.append(marking.marking_ref(chance.choice([0, 0, 0, 1, 2, 2, 3, 4])))
    if chance.random() < 0.04:
        refs.append(statement_id(chance.choice(STATEMENTS)))
    labels = [each for each, often in _LABELS.items() if chance.random() < often]
    found: dict[str, Any] = {"object_marking_refs": refs} if refs else {}
    if labels:
        found["labels"] = labels
    if chance.random() < 0.7:
        found["confidence"] = chance.choice([20, 50, 80])
    return found


def statement_id(text: str) -> str:
    """The id of the definition of a statement marking."""
    return f"marking-definition--{uuid.uuid5(SPACE, text)}"


def _statement(text: str) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": statement_id(text),
        "created": format_timestamp(START),
        "definition_type": "statement",
        "definition": {"statement": text},
    }


def _placed(thing: Thing) -> dict[str, Any]:
    """The country of a place, by its number."""
    if thing.type != "location":
        return {}
    return {"country": COUNTRIES[thing.number % len(COUNTRIES)]}


def _for_people(thing: Thing) -> dict[str, Any]:
    """What makes some of a kind something that only people let go, or spares most of it that."""
    if thing.type == "vulnerability" and thing.number % 4:
        code = {"source_name": "cve", "external_id": f"CVE-2026-{10_000 + thing.number}"}
        return {"external_references": [code]}
    if thing.type == "location" and not thing.number % 3:
        return {"city": "Harbour"}
    if thing.type == "identity" and not thing.number % 5:
        return {"identity_class": "individual"}
    if thing.type == "campaign" and not thing.number % 3:
        return {"first_seen": format_timestamp(START + thing.day * DAY)}
    return {}


def _spanned(type_: str, start: str, end: str) -> dict[str, Any]:
    """The moments that some types demand."""
    if type_ == "report":
        return {"published": start, "report_types": ["threat-report"]}
    if type_ == "observed-data":
        return {"first_observed": start, "last_observed": end, "number_observed": 1}
    return {}
