"""Whatever happens, in whatever order: the incremental state is the rebuilt one, and South agrees.

A small world of objects is imported, changed, revoked, marked, graded, held and amended at
random. After each reconcile the invariants are derived anew from what is served and stored.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

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
ANY_ID = st.sampled_from(IDS + EDGE_IDS + SPEAKING)
LEVELS = st.sampled_from([0, 1, 2, 3, 4])


class World(RuleBasedStateMachine):
    """North's world, South's view of it, and all that may happen between them."""

    folder: tempfile.TemporaryDirectory[str]
    pair: Pair
    settled = True

    @initialize(
        reach=st.sampled_from([0, 1, 2]),
        members=st.sampled_from(["true", "false"]),
        remove=st.sampled_from(["[]", '["description"]']),
        age=st.sampled_from(['"*"', "30"]),
    )
    def begin(self, **limits: Any) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.pair = make_pair(Path(self.folder.name))
        self.pair.put(sdo(*NODES[0], at=self.pair.now))
        self.pair.agree(**limits)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.pair.north.store.close()
            self.pair.south.store.close()
            self.folder.cleanup()

    @rule(
        picks=st.lists(st.integers(0, len(NODES) - 1), min_size=1, max_size=4, unique=True),
        revoked=st.sampled_from([False, False, False, False, True]),
        labelled=st.sampled_from([False, False, False, True]),
        described=st.booleans(),
        by=st.sampled_from([None, None, IDS[9]]),
        marking=st.one_of(st.just(0), LEVELS),
    )
    def objects_come(
        self,
        picks: list[int],
        *,
        revoked: bool,
        labelled: bool,
        described: bool,
        by: str | None,
        marking: int,
    ) -> None:
        for pick in picks:
            doc = sdo(*NODES[pick], at=self.pair.now)
            if described:
                doc["description"] = f"as of {self.pair.now}"
            if labelled:
                doc["labels"] = ["gray-heron"]
            if by and by != doc["id"]:
                doc["created_by_ref"] = by
            if revoked and pick:
                doc["revoked"] = True
            self.pair.put(doc, marking=marking)
        self.settled = False

    @rule(
        picks=st.lists(st.integers(0, len(LINKS) - 1), min_size=1, max_size=5, unique=True),
        revoked=st.sampled_from([False, False, False, True]),
        turned=st.sampled_from([False, False, True]),
    )
    def links_come(self, picks: list[int], *, revoked: bool, turned: bool) -> None:
        for pick in picks:
            source, kind, target = LINKS[pick]
            doc = rel({"id": IDS[source]}, kind, {"id": IDS[target]}, at=self.pair.now)
            doc |= {"revoked": True} if revoked else {}
            if turned:
                doc["target_ref"] = IDS[(target + 1) % len(IDS)]
            self.pair.put(doc)
        self.settled = False

    @rule(held=st.lists(st.sampled_from(IDS + EDGE_IDS[:3]), min_size=1, max_size=4, unique=True))
    def a_report_comes(self, held: list[str]) -> None:
        stamp = sdo("report", "weekly", at=self.pair.now)
        self.pair.put(stamp | {"published": stamp["created"], "object_refs": held})
        self.settled = False

    @rule(which=st.sampled_from([1, 2]), refs=st.lists(ANY_ID, min_size=1, max_size=3, unique=True))
    def a_note_comes(self, which: int, refs: list[str]) -> None:
        note = sdo("note", f"n{which}", at=self.pair.now)
        del note["name"]
        self.pair.put(note | {"content": "said", "object_refs": refs})
        self.settled = False

    @rule(picks=st.lists(ANY_ID, min_size=1, max_size=5), marking=LEVELS)
    def markings_change(self, picks: list[str], marking: int) -> None:
        note = Annotation(marking, None)
        arrive.annotate(self.pair.north, picks, note, now=self.pair.tick())
        self.settled = False

    @rule(pick=ANY_ID)
    def a_hold_is_put(self, pick: str) -> None:
        arrive.hold(self.pair.north, "object", pick, "a reason", now=self.pair.tick())
        self.settled = False

    @rule(pick=ANY_ID)
    def a_hold_is_lifted(self, pick: str) -> None:
        arrive.release_hold(self.pair.north, "object", pick, "a reason", now=self.pair.tick())
        self.settled = False

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.pair.tick(days * DAY)
        self.settled = False

    @rule(reach=st.sampled_from([0, 1, 2]), ceiling=st.sampled_from(["TLP:GREEN", "TLP:AMBER"]))
    def the_agreement_is_amended(self, reach: int, ceiling: str) -> None:
        if self.pair.version < 4:
            self.pair.agree(reach=reach, ceiling=ceiling)

    @rule()
    def reconciled(self) -> None:
        self.pair.reconcile()
        self.settled = True

    @precondition(lambda self: hasattr(self, "pair"))
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
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestWorld = World.TestCase
