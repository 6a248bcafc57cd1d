"""Whatever happens, in whatever order: the incremental state is the rebuilt one, and South agrees.

A small world of objects is imported, changed, revoked, marked, graded, held and amended at
random. After each reconcile the invariants are derived anew from what is served and stored.
"""

import json
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tearline.release import arrive, reconcile, replay
from tearline.release.arrive import Annotation
from tearline.stix.check import Checker
from tearline.stix.objects import references
from tearline.store import objects, releases
from tests.pair import DAY, Pair, make_pair, rel, sdo, stix_id

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
SEEDS = st.integers(0, 2**32)


class World(RuleBasedStateMachine):
    """North's world, South's view of it, and all that may happen between them.

    Each step draws its details from a seed: dense enough to meet in one short course what a
    search over single choices would need very long ones for.
    """

    folder: tempfile.TemporaryDirectory[str]
    pair: Pair
    settled = True

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        chance = random.Random(seed)
        self.folder = tempfile.TemporaryDirectory()
        self.pair = make_pair(Path(self.folder.name))
        self._objects(chance, range(len(NODES)))
        self._links(chance, {0, 4, *chance.sample(range(len(LINKS)), 11)})
        self.pair.agree(
            reach=chance.choice([1, 2, 2]),
            members=chance.choice(["true", "false"]),
            remove=chance.choice(["[]", '["description"]']),
            age=chance.choice(['"*"', "30"]),
        )

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.pair.north.store.close()
            self.pair.south.store.close()
            self.folder.cleanup()

    @rule(seed=SEEDS)
    def objects_come(self, seed: int) -> None:
        chance = random.Random(seed)
        self._objects(chance, chance.sample(range(len(NODES)), chance.randint(1, 3)))
        self._maybe_reconcile(chance)

    @rule(seed=SEEDS)
    def links_come(self, seed: int) -> None:
        chance = random.Random(seed)
        self._links(chance, chance.sample(range(len(LINKS)), chance.randint(1, 3)))
        self._maybe_reconcile(chance)

    @rule(seed=SEEDS)
    def a_report_or_note_comes(self, seed: int) -> None:
        chance = random.Random(seed)
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

    @rule(seed=SEEDS)
    def markings_change(self, seed: int) -> None:
        chance = random.Random(seed)
        note = Annotation(chance.choice([0, 2, 3, 4]), None)
        picks = chance.sample(ANY_ID[1:], 3)
        arrive.annotate(self.pair.north, picks, note, now=self.pair.tick())
        self._maybe_reconcile(chance)

    @rule(seed=SEEDS)
    def holds_change(self, seed: int) -> None:
        chance = random.Random(seed)
        act = chance.choice([arrive.hold, arrive.release_hold, arrive.release_hold])
        for each in chance.sample(ANY_ID[1:], 6 if act is arrive.release_hold else 2):
            act(self.pair.north, "object", each, "a reason", now=self.pair.tick())
        self._maybe_reconcile(chance)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.pair.tick(days * DAY)
        self.settled = False

    @rule(reach=st.sampled_from([0, 1, 2]), ceiling=st.sampled_from(["TLP:GREEN", "TLP:AMBER"]))
    def the_agreement_is_amended(self, reach: int, ceiling: str) -> None:
        if self.pair.version < 3:
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

    @rule()
    def reconciled(self) -> None:
        self.pair.reconcile()
        self.settled = True

    @rule()
    def synced(self) -> None:
        self.reconciled()
        settled = self.pair.sync(page=7)
        assert settled.quarantined == 0
        served = self.pair.delivered()
        with self.pair.south.store.read() as tx:
            held = {each.stix_id for each in objects.latest_all(tx, self.pair.agreement_id)}
        assert held == served.keys()

    @invariant()
    def what_stands_is_what_a_rebuild_gives(self) -> None:
        if not (hasattr(self, "pair") and self.settled):
            return
        north, agreement_id = self.pair.north, self.pair.agreement_id
        with north.store.read() as tx:
            before = releases.standing_all(tx, agreement_id)
        assert reconcile.reconcile(north, agreement_id, now=self.pair.now, whole=True)[:2] == (0, 0)
        with north.store.read() as tx:
            after = releases.standing_all(tx, agreement_id)
        released = {each for each, row in after.items() if row.position}
        assert {each for each, row in before.items() if row.position} == released
        assert {each: before[each] for each in released} == {each: after[each] for each in released}

    @invariant()
    def what_is_served_holds_together(self) -> None:
        if not (hasattr(self, "pair") and self.settled):
            return
        served = self.pair.delivered()
        checker = Checker()
        with self.pair.north.store.read() as tx:
            standing = releases.standing_all(tx, self.pair.agreement_id)
        for doc in served.values():
            assert not checker.problems(doc)
            assert {target for _, target in references(doc)} <= served.keys()
        for row in standing.values():
            if row.position:
                assert set(json.loads(row.path)[2]) <= served.keys()
        assert replay.replay(self.pair.north).differing == ()


World.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestWorld = World.TestCase
