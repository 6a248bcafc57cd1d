"""The random course of `test_random_course` under all limits at once, over a world with places."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.pair import DAY, rel, sdo, stix_id
from tests.release.test_random_course import World, play

NODES = [
    ("intrusion-set", "Gray Heron"),
    ("intrusion-set", "Blue Tern"),
    ("malware", "Mud Loader"),
    ("malware", "Tern Kit"),
    ("tool", "net scanner"),
    ("indicator", "loader domain"),
    ("infrastructure", "relay"),
    ("campaign", "winter wave"),
    ("identity", "a hospital"),
    ("location", "the north"),
    ("location", "the south"),
]
HERON, TERN, LOADER, KIT, TOOL, DOMAIN, RELAY, WAVE, HOSPITAL, NORTH, SOUTH = range(len(NODES))
LINKS = [
    (HERON, "uses", LOADER),
    (TERN, "uses", LOADER),
    (TERN, "uses", KIT),
    (HERON, "related-to", TERN),
    (HERON, "targets", TERN),
    (LOADER, "uses", TOOL),
    (LOADER, "controls", RELAY),
    (DOMAIN, "indicates", LOADER),
    (WAVE, "attributed-to", HERON),
    (HERON, "targets", NORTH),
    (HERON, "targets", SOUTH),
    (LOADER, "targets", SOUTH),
    (HERON, "targets", HOSPITAL),
    (WAVE, "targets", HOSPITAL),
    (HOSPITAL, "located-at", NORTH),
    (HERON, "originates-from", SOUTH),
    (TERN, "located-at", NORTH),
    (LOADER, "originates-from", SOUTH),
    (RELAY, "located-at", NORTH),
]
_THERE = [
    (HERON, "targets", NORTH),
    (HERON, "originates-from", SOUTH),
    (RELAY, "located-at", NORTH),
]
ALWAYS = set(map(LINKS.index, _THERE))
IDS = [stix_id(*each) for each in NODES]
SAYS = ["Ours alone", "PAP:AMBER", "PAP:RED"]
DEFINITIONS = [stix_id("marking-definition", each) for each in SAYS]
_RELATION = """
[[topic]]
id = "T2"
names = ["Blue Tern"]

[[topic]]
id = "T3"
between = ["T1", "T2"]
"""
LIMITS: list[dict[str, object]] = [
    {"countries": '{ victim = ["SE"] }', "reach": 2},
    {"countries": '{ actor = ["PT", "SE"], victim = ["SE", "NO"] }', "reach": 2},
    {"countries": '{ observed = ["SE"] }', "topics": '"*"'},
    {"threats": _RELATION, "topics": '["T3"]', "reach": 1},
    {"threats": _RELATION, "topics": '["T3"]', "reach": 2, "more": 'never = ["net scanner"]'},
    {
        "more": 'pap_max = "PAP:AMBER"\nstatements = ["ours  ALONE"]\nexpired = true\n'
        'never = ["Mud Loader"]',
        "confidence": "40",
        "reach": 2,
    },
]


class Wide(World):
    """A world with places, victims, definitions of markings, confidence and ends of validity."""

    def _objects(self, chance: random.Random, picks: Iterable[int]) -> None:
        for pick in {*picks, SOUTH}:
            self.pair.put(self._object(chance, pick), marking=chance.choice([0, 0, 1]))
        said = chance.choice(SAYS)
        self.pair.put(_definition(said, self.pair.now), marking=None)
        self.settled = False

    def _object(self, chance: random.Random, pick: int) -> dict[str, Any]:
        doc = sdo(*NODES[pick], at=self.pair.now, confidence=chance.choice([30, 50, 90, 90]))
        if pick in {NORTH, SOUTH}:
            doc["country"] = chance.choice(["SE", "SE", "NO"] if pick == NORTH else ["PT", "SE"])
        if pick == DOMAIN:
            doc["valid_until"] = f"2026-0{chance.randint(3, 9)}-02T00:00:00Z"
        if chance.random() < 0.15:
            doc["object_marking_refs"] = [chance.choice(DEFINITIONS)]
        if chance.random() < 0.1:
            doc["labels"] = ["PAP:GREEN"]
        return doc

    def _links(self, chance: random.Random, picks: Iterable[int]) -> None:
        for pick in sorted({each % len(LINKS) for each in picks} | ALWAYS):
            source, kind, target = LINKS[pick]
            doc = rel({"id": IDS[source]}, kind, {"id": IDS[target]}, self.pair.now, confidence=80)
            if chance.random() < 0.1:
                doc["revoked"] = True
            if chance.random() < 0.1:
                doc["target_ref"] = chance.choice(IDS)
            self.pair.put(doc, marking=chance.choice([0] * 9 + [4]))
        self.settled = False


def _definition(said: str, at: int) -> dict[str, Any]:
    doc = sdo("marking-definition", said, at)
    del doc["modified"], doc["name"]
    return doc | {"definition_type": "statement", "definition": {"statement": said}}


@pytest.mark.parametrize(
    ("either_store", "seed"),
    [*(("sqlite", seed) for seed in range(4)), ("postgresql", 4)],
    indirect=["either_store"],
)
@pytest.mark.usefixtures("either_store")
def test_a_random_course_keeps_every_promise_under_all_limits(tmp_path: Path, seed: int) -> None:
    world = Wide(tmp_path, 700 + seed, LIMITS)
    world.pair.tick(DAY)
    play(world, 25)
