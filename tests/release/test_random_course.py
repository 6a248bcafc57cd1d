"""Whatever happens, in whatever order: incremental state is the rebuilt one, and South agrees.

A small world of objects is imported, changed, revoked, marked, graded, held and amended at
random. After each reconcile the invariants are derived anew from what is served and stored.
"""

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tearline.release import arrive, inbound, reconcile, replay
from tearline.release.arrive import Annotation
from tearline.stix.check import Checker
from tearline.stix.objects import references
from tearline.store import objects, releases
from tests.pair import DAY, make_pair, rel, sdo, stix_id

NODES = [
    ("intrusion-set", "Gray Heron"),
    ("intrusion-set", "Blue Tern"),
    ("malware", "Mud Loader"),
    ("malware", "Tern Kit"),
    ("tool", "net scanner"),
    ("attack-pattern", "phishing"),
    ("indicator", "loader domain"),
    ("infrastructure", "relay"),
    ("campaign", "winter wave"),
    ("identity", "a hospital"),
]
LINKS = [
    (0, "uses", 2),
    (1, "uses", 3),
    (1, "uses", 2),
    (2, "uses", 4),
    (2, "variant-of", 3),
    (3, "variant-of", 2),
    (0, "uses", 4),
    (4, "uses", 5),
    (2, "uses", 5),
    (6, "indicates", 2),
    (6, "indicates", 3),
    (2, "controls", 7),
    (7, "hosts", 3),
    (8, "attributed-to", 0),
    (8, "uses", 3),
    (0, "targets", 9),
    (3, "targets", 9),
]
IDS = [stix_id(*each) for each in NODES]
EDGE_IDS = [
    rel({"id": IDS[source]}, kind, {"id": IDS[target]})["id"] for source, kind, target in LINKS
]
SPEAKING = [stix_id("report", "weekly"), stix_id("note", "n1"), stix_id("note", "n2")]
ANY_ID = IDS + EDGE_IDS + SPEAKING
CEILINGS = ["TLP:GREEN", "TLP:AMBER"]


class World:
    """North's world, South's view of it, and all that may happen between them, by chance."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.settled = True
        self.pair = make_pair(folder)
        self._objects(chance, range(len(NODES)))
        self._links(chance, {0, 4, *chance.sample(range(len(LINKS)), 11)})
        self.pair.agree(
            reach=chance.choice([1, 2, 2]),
            members=chance.choice(["true", "false"]),
            remove=chance.choice(["[]", '["description"]']),
            age=chance.choice(['"*"', "30"]),
        )

    def objects_come(self) -> None:
        chance = self.chance
        self._objects(chance, chance.sample(range(len(NODES)), chance.randint(1, 3)))
        self._maybe_reconcile(chance)

    def links_come(self) -> None:
        chance = self.chance
        self._links(chance, chance.sample(range(len(LINKS)), chance.randint(1, 3)))
        self._maybe_reconcile(chance)

    def a_report_or_note_comes(self) -> None:
        chance = self.chance
        kind, name = chance.choice([("report", "weekly"), ("note", "n1"), ("note", "n2")])
        doc = sdo(kind, name, at=self.pair.now)
        if kind == "report":
            doc |= {"published": doc["created"]}
            doc |= {"object_refs": chance.sample(IDS + EDGE_IDS, 4)}
        else:
            doc |= {"content": "said", "object_refs": chance.sample(ANY_ID, chance.randint(1, 2))}
            del doc["name"]
        self.pair.put(doc)
        self._maybe_reconcile(chance)

    def markings_change(self) -> None:
        chance = self.chance
        note = Annotation(chance.choice([0, 2, 3, 4]), None)
        picks = chance.sample(ANY_ID[1:], 3)
        arrive.annotate(self.pair.north, picks, note, now=self.pair.tick())
        self._maybe_reconcile(chance)

    def holds_change(self) -> None:
        chance = self.chance
        act = chance.choice([arrive.hold, arrive.release_hold, arrive.release_hold])
        for each in chance.sample(ANY_ID[1:], 6 if act is arrive.release_hold else 2):
            act(self.pair.north, "object", each, "a reason", now=self.pair.tick())
        self._maybe_reconcile(chance)

    def time_passes(self) -> None:
        self.pair.tick(self.chance.randint(1, 20) * DAY)
        self.settled = False

    def the_agreement_is_amended(self) -> None:
        reach, ceiling = self.chance.choice([0, 1, 2]), self.chance.choice(CEILINGS)
        if self.pair.version < 4:
            self.pair.agree(reach=reach, ceiling=ceiling)

    def _objects(self, chance: random.Random, picks: Iterable[int]) -> None:
        for pick in picks:
            doc = sdo(*NODES[pick], at=self.pair.now)
            if pick == 0 and chance.random() < 0.8:
                self.pair.put(doc)
                continue
            if chance.random() < 0.3:
                doc["description"] = f"as of {self.pair.now}"
            if chance.random() < 0.1:
                doc["labels"] = ["gray-heron"]
            if chance.random() < 0.15 and doc["id"] != IDS[9]:
                doc["created_by_ref"] = IDS[9]
            if chance.random() < 0.1:
                doc["revoked"] = True
            self.pair.put(doc, marking=chance.choice([0, 0, 0, 0, 0, 1, 2, 4]))
        self.settled = False

    def _links(self, chance: random.Random, picks: Iterable[int]) -> None:
        for pick in picks:
            source, kind, target = LINKS[pick]
            doc = rel({"id": IDS[source]}, kind, {"id": IDS[target]}, at=self.pair.now)
            if chance.random() < 0.1:
                doc["revoked"] = True
            if chance.random() < 0.2:
                doc["target_ref"] = chance.choice(IDS)
            self.pair.put(doc)
        self.settled = False

    def _maybe_reconcile(self, chance: random.Random) -> None:
        self.settled = False
        if chance.random() < 0.8:
            self.reconciled()

    def reconciled(self) -> None:
        self.pair.reconcile()
        self.settled = True

    def synced(self) -> None:
        self.reconciled()
        self.pair.sync(page=7)
        assert [
            row[4:] for row in inbound.quarantined(self.pair.south, self.pair.agreement_id)
        ] == []
        served = self.pair.delivered()
        with self.pair.south.store.read() as tx:
            held = {each.stix_id for each in objects.latest_all(tx, self.pair.agreement_id)}
        with self.pair.north.store.read() as tx:
            standing = releases.standing_all(tx, self.pair.agreement_id).values()
        kept = {row.delivered_id for row in standing if row.outcome == "wait" and row.position}
        assert served.keys() <= held <= served.keys() | kept

    def what_stands_is_what_a_rebuild_gives(self) -> None:
        if not self.settled:
            return
        north, agreement_id = self.pair.north, self.pair.agreement_id
        with north.store.read() as tx:
            before = releases.standing_all(tx, agreement_id)
        assert reconcile.reconcile(north, agreement_id, now=self.pair.now, whole=True)[:2] == (0, 0)
        with north.store.read() as tx:
            after = releases.standing_all(tx, agreement_id)
        released = {each for each, row in after.items() if row.live}
        assert {each for each, row in before.items() if row.live} == released
        assert {each: before[each] for each in released} == {each: after[each] for each in released}

    def what_is_served_holds_together(self) -> None:
        if not self.settled:
            return
        served = self.pair.delivered()
        checker = Checker()
        with self.pair.north.store.read() as tx:
            standing = releases.standing_all(tx, self.pair.agreement_id)
        for doc in served.values():
            assert not checker.problems(doc)
            assert {target for _, target in references(doc)} <= served.keys()
        for row in standing.values():
            if row.live:
                assert set(json.loads(row.path)[2]) <= served.keys()
        assert replay.replay(self.pair.north).differing == ()


ACTS: dict[Callable[[World], None], int] = {
    World.objects_come: 5,
    World.links_come: 6,
    World.a_report_or_note_comes: 3,
    World.markings_change: 3,
    World.holds_change: 2,
    World.time_passes: 1,
    World.the_agreement_is_amended: 1,
    World.synced: 3,
}


@pytest.mark.parametrize(
    ("either_store", "seed"),
    [*(("sqlite", seed) for seed in range(10)), ("postgresql", 10), ("postgresql", 11)],
    indirect=["either_store"],
)
@pytest.mark.usefixtures("either_store")
def test_a_random_course_keeps_every_promise(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path, seed)
    for act in world.chance.choices(list(ACTS), list(ACTS.values()), k=40):
        act(world)
        world.what_stands_is_what_a_rebuild_gives()
        world.what_is_served_holds_together()
