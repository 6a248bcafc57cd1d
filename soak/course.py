"""What happens on which day: the acts of both nodes, in an order that follows from the seed.

An act is known by its name, (day, place). Whoever plays a day again plays the same acts; what an
act did already, the stores say.
"""

import json
import random
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from soak.world import CLOSED, DAY, FEEDS, HOUR, START, STATEMENTS, World

AGREEMENT = "urn:uuid:5b0d3c52-8b1c-4f6e-9b58-2a8e5d0c7a11"
SIDES = ("north", "south")
PEOPLE = ("ada", "bo", "cy")
"""Who may approve, on either side."""

NORTH_TYPES = (
    "intrusion-set",
    "threat-actor",
    "campaign",
    "malware",
    "tool",
    "attack-pattern",
    "vulnerability",
    "infrastructure",
    "identity",
    "location",
    "indicator",
    "ipv4-addr",
    "domain-name",
    "observed-data",
    "relationship",
    "sighting",
    "report",
    "grouping",
    "note",
    "opinion",
    "language-content",
)
SOUTH_TYPES = ("intrusion-set", "malware", "indicator", "infrastructure", "relationship", "report")

_Bare: TypeAlias = tuple[str, str, Mapping[str, Any]]


class Act(NamedTuple):
    """One thing that a side does, or that happens between the two; `name` is unique in a play."""

    name: str
    kind: str
    side: str
    more: Mapping[str, Any]


class Course:
    """The calendar of a play: when each day is, and what is done on it."""

    def __init__(self, seed: int, days: int, size: float = 1.0) -> None:
        """Bind the seed; `days` places the turns of the agreement."""
        self.seed = seed
        self.days = days
        self.worlds = {side: World(seed, side, size) for side in SIDES}
        chance = random.Random(f"{seed}/calendar")
        at = START
        self.begins = []
        for _ in range(days + 1):
            self.begins.append(at)
            at += DAY * (chance.randint(2, 9) if chance.random() < 0.1 else 1)
        self.expires_on = round(days * 0.6)
        self.blocked_on = round(days * 0.85)

    def acts(self, day: int) -> list[Act]:
        """The acts of a day, in order."""
        chance = random.Random(f"{self.seed}/acts/{day}")
        strands: list[list[_Bare]] = [
            self._imports(chance, day, "north"),
            self._imports(chance, day, "south"),
            self._said(chance, day),
            self._people(chance),
            self._agreement(chance, day),
            self._syncs(chance, "north", 2),
            self._syncs(chance, "south", 1),
            [("jobs", side, {}) for side in chance.sample(SIDES, 2)],
        ]
        closing: list[_Bare] = [
            *(("say", "north", {"person": each, "part": 0.9}) for each in PEOPLE[:2]),
            ("jobs", "north", {}),
            ("jobs", "south", {}),
            ("close", "north", {}),
        ]
        if day == self.days - 1:
            closing += _left()
        mixed = [*_mixed(chance, strands), *closing]
        return [Act(f"{day}.{place}", *act) for place, act in enumerate(mixed)]

    # --------------------------------------------------------------------------------- strands

    def _imports(self, chance: random.Random, day: int, side: str) -> list[_Bare]:
        found: list[_Bare] = []
        for number in range(len(self.worlds[side].batches(day))):
            by = chance.choice(["file", "arrive"])
            found.append(("import", side, {"batch": number, "by": by}))
            if chance.random() < 0.6:
                found.append(("reconcile", side, {}))
        return found

    def _said(self, chance: random.Random, day: int) -> list[_Bare]:
        """What a side says of its own objects: marks, grades, holds, recalls."""
        found: list[_Bare] = []
        for side in chance.choices(SIDES, [3, 1], k=5):
            world = self.worlds[side]
            things = world.earlier(day, "malware", "indicator", "relationship", "identity", "tool")
            if not things:
                continue
            ids = [world.id_of(each) for each in chance.sample(things, min(12, len(things)))]
            kinds = ["annotate", "annotate", "hold", "lift", "feed", "topic", "recall"]
            kind = chance.choice(kinds)
            more: Mapping[str, Any] = {}
            if kind == "annotate":
                more = {"ids": ids, "marking": chance.choice([None, 0, 1, 2, 3])}
                more["grade"] = chance.choice([12, 22, 33])
            elif kind == "hold":
                more = {"kind": "object", "values": ids[:2]}
            elif kind == "feed":
                kind = chance.choice(["hold", "lift", "lift"])
                values = [chance.choice(FEEDS)] if kind == "hold" else FEEDS
                more = {"kind": "source", "values": values}
            elif kind == "topic":
                kind = chance.choice(["hold", "lift", "lift", "lift"])
                more = {"kind": "topic", "values": ["Mud Loader"]}
            elif kind == "recall":
                more = {"pick": chance.random()}
            found += [(kind, side, more), ("reconcile", side, {})][: chance.randint(1, 2)]
        return found

    @staticmethod
    def _people(chance: random.Random) -> list[_Bare]:
        """People look at what waits, one after the other, and say something of some of it."""
        found: list[_Bare] = []
        for side in ("north", "north", "south"):
            said = [
                {"person": each, "part": chance.choice([0.7, 0.95])}
                for each in chance.sample(PEOPLE, 2)
            ]
            found += [("say", side, each) for each in said]
            found.append(("reconcile", side, {}))
        return found

    def _agreement(self, chance: random.Random, day: int) -> list[_Bare]:
        one, other = chance.sample(SIDES, 2)
        if day in {0, self.expires_on - 3, self.expires_on + 1}:
            return self._amended(chance, "north", "south", day, "countersign")
        fixed: dict[int, list[_Bare]] = {
            self.expires_on - 2: [],
            self.expires_on - 1: [],
            self.expires_on: [],
            self.blocked_on: [("block", "north", {})],
            self.blocked_on + 1: [("unblock", "north", {}), *_resumed("north", "south")],
        }
        if day in fixed:
            return fixed[day]
        turn = chance.random()
        if turn < 0.3:
            how = chance.choice(["countersign", "countersign", "reject", "withdraw"])
            return self._amended(chance, one, other, day, how)
        if turn < 0.45:
            stopped: list[_Bare] = [("suspend", one, {}), ("carry", one, {})]
            return stopped if chance.random() < 0.4 else [*stopped, *_resumed(one, other)]
        return _resumed(one, other)

    def _amended(
        self, chance: random.Random, one: str, other: str, day: int, how: str
    ) -> list[_Bare]:
        until = self.begins[min(self.days, day + 45)] + 90 * DAY
        if day in {0, self.expires_on - 3} or day < self.expires_on:
            until = self.begins[self.expires_on] + 6 * HOUR
        answer: _Bare = (how, one if how == "withdraw" else other, {})
        limits = {**self.limits(chance, day), "until": until}
        there: list[_Bare] = [("carry", one, {})]
        back: list[_Bare] = [("carry", other, {})]
        decided: list[_Bare] = [("reconcile", "north", {})]
        return [("propose", one, limits), *there, answer, *back, *there, *back, *decided]

    @staticmethod
    def limits(chance: random.Random, day: int) -> dict[str, Any]:
        """The lines of a version that differ from one to the next; the first lets most through."""
        dropped = set(chance.sample(NORTH_TYPES[4:], chance.choice([0, 0, 1, 3])))
        return {
            "day": day,
            "types": json.dumps([each for each in NORTH_TYPES if each not in dropped]),
            "south_types": json.dumps(SOUTH_TYPES),
            "reach": chance.choice([1, 2, 2]),
            "members": chance.choice(["true", "false"]),
            "ceiling": chance.choice(["TLP:GREEN", "TLP:AMBER", "TLP:AMBER"]),
            "floor": chance.choice(["*", "B2", "C3"]),
            "age": chance.choice(['"*"', '"*"', '"*"', "20"]),
            "remove": chance.choice(["[]", "[]", '["description"]', '["x_desk_*"]']),
            "when": chance.choice(_WHEN) if day else _WHEN[1],
            "approvals": chance.choice([1, 2, 2]),
            **_WIDE,
            **dict(chance.sample(_NARROW, chance.choice([0, 1, 1, 2]) if day else 0)),
            **chance.choice(_ENDS),
        }

    @staticmethod
    def _syncs(chance: random.Random, giver: str, times: int) -> list[_Bare]:
        found: list[_Bare] = []
        for _ in range(times):
            most = chance.choice([1, 2, 1000, 1000])
            steps: list[_Bare] = [("pages", giver, {"most": most}), ("mirror", giver, {})]
            ours: _Bare = ("carry", SIDES[giver == SIDES[0]], {})
            found += [ours, *steps, ("settle", giver, {}), ours]
        return found


_WIDE: Mapping[str, str] = {
    "countries": '"*"',
    "confidence": '"*"',
    "pap": 'pap_max = "PAP:AMBER"',
    "statements": 'statements = "*"',
    "never": "[]",
    "shape": "",
}
_NARROW: tuple[tuple[str, str], ...] = (
    ("countries", '{ victim = ["SE", "NO"] }'),
    ("confidence", "20"),
    ("confidence", "50"),
    ("pap", ""),
    ("pap", 'pap_max = "PAP:GREEN"'),
    ("statements", f'statements = ["{STATEMENTS[0]}"]'),
    ("never", f'["{CLOSED}"]'),
    ("never", f'["{CLOSED}", "{FEEDS[3]}"]'),
    ("shape", 'pseudonymise = ["identity.name"]'),
    ("shape", 'coarsen = { dates = "day", places = "country" }'),
)
"""Lines that let more through, and those that a version has in the place of some of them."""

_WHEN = ('["victim"]', '["victim", "personal-data", "precise-location", "live-operation", "harm"]')
_ENDS: tuple[Mapping[str, str], ...] = (
    {"expired": "false", "keep": ""},
    {"expired": "true", "keep": ""},
    {"expired": "false", "keep": "keep_days = 9"},
)
"""What may go past its own end, and how long it is kept: not both in one version."""


def _left() -> list[_Bare]:
    """The agreement is ended, and both sides leave."""
    ended: list[_Bare] = [("unblock", "north", {}), ("terminate", "north", {})]
    return [*ended, ("close", "north", {}), ("exit", "south", {}), ("close", "north", {})]


def _resumed(one: str, other: str) -> list[_Bare]:
    there: list[_Bare] = [("resume", one, {}), ("carry", one, {})]
    return [*there, ("resume", other, {}), ("carry", other, {})]


def _mixed(chance: random.Random, strands: list[list[_Bare]]) -> list[_Bare]:
    """One order of all acts in which each strand keeps its own."""
    turns = [place for place, strand in enumerate(strands) for _ in strand]
    chance.shuffle(turns)
    left = [iter(strand) for strand in strands]
    return [next(left[turn]) for turn in turns]


TERMS = """
schema = "tearline-agreement/1"
id = "{id}"
version = {version}
title = "Gray Heron against hospitals, as of day {day}"
{replaces}
valid = {{ from = "2026-01-01", until = "{until}" }}

[party.north]
name = "{north.name}"
slug = "{north.slug}"
key = "{north.sign}"
log = "{north.log}"

[party.south]
name = "{south.name}"
slug = "{south.slug}"
key = "{south.sign}"
log = "{south.log}"

[purpose]
text = "Detect and stop Gray Heron and its loader."

[[topic]]
id = "T1"
names = ["Gray Heron"]
labels = ["gray-heron"]

[[topic]]
id = "T2"
names = ["Mud Loader"]

[[topic]]
id = "B1"
between = ["T1", "T2"]

[[clause]]
id = "N1"
from = "north"
to = "south"
types = {types}
topics = ["T1"]
reach = {reach}
members = {members}
marking_max = "{ceiling}"
grading_min = "*"
max_age_days = {age}
countries = {countries}
confidence_min = {confidence}
expired = {expired}
{pap}
{statements}
never = {never}
remove = {remove}
{shape}
review = {{ when = {when}, approvals = {approvals}, within_hours = 72, silence = "withhold" }}

[[clause]]
id = "N2"
from = "north"
to = "south"
types = ["malware", "indicator", "relationship", "domain-name"]
topics = ["T2"]
reach = 1
marking_max = "TLP:AMBER+STRICT"
grading_min = "{floor}"
max_age_days = "*"
countries = "*"
confidence_min = "*"

[[clause]]
id = "N3"
from = "north"
to = "south"
types = {types}
topics = ["B1"]
reach = {reach}
marking_max = "TLP:AMBER"
grading_min = "*"
max_age_days = "*"
countries = "*"
confidence_min = "*"

[[clause]]
id = "S1"
from = "south"
to = "north"
types = {south_types}
topics = ["T1", "T2"]
reach = 1
members = {members}
marking_max = "TLP:GREEN"
grading_min = "*"
max_age_days = 60
countries = "*"
confidence_min = "*"
review = {{ when = ["victim"], approvals = 1, within_hours = 72, silence = "withhold" }}

[retention]
after_end = "recall"
{keep}
"""
