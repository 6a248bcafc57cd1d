"""Whatever happens, in whatever order: incremental state is the rebuilt one, and South agrees.

A small world of objects is imported, changed, revoked, marked, graded, held and amended at
random. After each reconcile the invariants are derived anew from what is served and stored. A
second course has several agreements at once, each with other topics.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.approval import people, queue
from tearline.approval.queue import Says
from tearline.errors import RefusedError
from tearline.log import record
from tearline.release import arrive, inbound, reconcile, replay
from tearline.release.arrive import Annotation
from tearline.release.facts import Known
from tearline.release.reasons import Code
from tearline.stix.check import Checker
from tearline.stix.objects import references
from tearline.store import logs, objects, releases, stirred
from tearline.store.objects import OURS
from tearline.store.releases import Standing
from tests.pair import DAY, TYPES, Pair, make_pair, rel, sdo, stix_id

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
NAMES = [
    ("report", "weekly"),
    ("grouping", "alike"),
    ("grouping", "others"),
    *[("note", f"n{number}") for number in range(1, 5)],
]
SPEAKING = [stix_id(*each) for each in NAMES]
NOTES = SPEAKING[3:]
ANY_ID = IDS + EDGE_IDS + SPEAKING
CEILINGS = ["TLP:GREEN", "TLP:AMBER"]
SAYS: list[Says] = ["approve", "approve", "approve", "request", "refuse"]


TOPICS: list[dict[str, object]] = [
    {},
    {"names": '["Blue Tern"]', "labels": '["gray-heron"]', "reach": 1},
    {"names": '["Tern Kit", "Gray Heron"]', "labels": "[]", "age": "30", "members": "true"},
    {"names": '["Nobody"]', "labels": '["nobody"]'},
]


class World:
    """North's world, South's view of it, and all that may happen between them, by chance."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        topics: Sequence[dict[str, object]] = (),
        **limits: object,
    ) -> None:
        self.chance = chance = random.Random(seed)
        self.settled = True
        self.pair = make_pair(folder)
        self._objects(chance, range(len(NODES)))
        self._links(chance, {0, 4, *chance.sample(range(len(LINKS)), 11)})
        limits.setdefault("types", json.dumps([*TYPES, "grouping"]))
        self.pair.agree(
            reach=chance.choice([1, 2, 2]),
            members=chance.choice(["true", "false"]),
            remove=chance.choice(["[]", '["description"]']),
            age=chance.choice(['"*"', "30"]),
            **limits,
        )
        self.people = {}
        for name in ("ada", "bo", "cy"):
            key = Ed25519PrivateKey.generate()
            self.people[name] = people.enrol(self.pair.north, name, key, now=self.pair.now), key
        self.pairs = [self.pair]
        for number, more in enumerate(topics):
            other = self.pair.beside(number, **more)
            other.agree()
            self.pair.now = other.now
            self.pairs.append(other)

    def at_once(self) -> Iterator[Pair]:
        """Every agreement, by one clock."""
        for each in self.pairs:
            each.now = self.pair.now
            yield each
            self.pair.now = each.now

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
        kind, name = chance.choice(NAMES)
        doc = sdo(kind, name, at=self.pair.now)
        if kind == "report":
            doc |= {"published": doc["created"]}
            doc |= {"object_refs": chance.sample(ANY_ID, 4)}
        elif kind == "grouping":
            # Mostly of notes alone, and of what may speak of it or hold it in turn.
            among = chance.choice([NOTES, NOTES, SPEAKING, ANY_ID])
            doc |= {"context": "unspecified", "labels": ["gray-heron"]}
            doc |= {"object_refs": chance.sample(among, chance.randint(1, 3))}
        else:
            # Half of them of the topic itself, so that notes go, too.
            among = chance.choice([IDS[:1], ANY_ID])
            refs = chance.sample(among, min(chance.randint(1, 2), len(among)))
            doc |= {"content": "said", "object_refs": refs}
            del doc["name"]
        if chance.random() < 0.05:
            doc["revoked"] = True
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

    def people_say(self) -> None:
        """Some of what waits is approved, refused or requested; what cannot be said is refused."""
        chance, north = self.chance, self.pair.north
        found = queue.items(north, now=self.pair.now)
        assert all(each.state == each.review.state for each in found)
        for each in chance.sample(found, min(len(found), 5)):
            name, verdict = chance.choice(list(self.people)), chance.choice(SAYS)
            person, key = self.people[name]
            item, now = each.review.item, self.pair.tick()
            said = queue.statement(item, name, verdict, "a reason", now=now)
            with suppress(RefusedError):
                queue.say(north, queue.sign(said, person, key), now=now)
                self.settled = False
        self._maybe_reconcile(chance)

    def time_passes(self) -> None:
        self.pair.tick(self.chance.randint(1, 20) * DAY)
        self.settled = False

    def the_agreement_is_amended(self) -> None:
        reach, ceiling = self.chance.choice([0, 1, 2]), self.chance.choice(CEILINGS)
        for each in self.at_once():
            if each.version < 4 and self.chance.random() < 1 / len(self.pairs):
                each.agree(reach=reach, ceiling=ceiling)

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
        if len(self.pairs) == 1:
            self.pair.reconcile()
        else:
            reconcile.reconcile_all(self.pair.north, now=self.pair.tick())
            self._nothing_is_left()
        self.settled = True

    def _nothing_is_left(self) -> None:
        """What all agreements have decided is noted and forgotten."""
        with self.pair.north.store.read() as tx:
            seen = stirred.seen_by(tx)
            assert stirred.since(tx, 0) == []
        assert (seen.further, seen.whole) == ({}, frozenset())

    def synced(self) -> None:
        self.reconciled()
        for each in self.at_once():
            self._synced(each)

    def _synced(self, pair: Pair) -> None:
        pair.sync(page=7)
        assert [row[4:] for row in inbound.quarantined(pair.south, pair.agreement_id)] == []
        served = pair.delivered()
        with pair.south.store.read() as tx:
            held = {each.stix_id for each in objects.latest_all(tx, pair.agreement_id)}
        with pair.north.store.read() as tx:
            standing = releases.standing_all(tx, pair.agreement_id).values()
        kept = {row.delivered_id for row in standing if row.outcome == "wait" and row.position}
        assert served.keys() <= held <= served.keys() | kept

    def what_stands_is_what_a_rebuild_gives(self) -> None:
        if self.settled:
            for each in self.at_once():
                self._is_rebuilt(each)

    def _is_rebuilt(self, pair: Pair) -> None:
        north, agreement_id = pair.north, pair.agreement_id
        with north.store.read() as tx:
            before = releases.standing_all(tx, agreement_id)
        assert reconcile.reconcile(north, agreement_id, now=pair.now, whole=True)[:2] == (0, 0)
        with north.store.read() as tx:
            after = releases.standing_all(tx, agreement_id)
        assert {each: lasting(row) for each, row in before.items()} == {
            each: lasting(row) for each, row in after.items()
        }

    def what_is_served_holds_together(self) -> None:
        if not self.settled:
            return
        for each in self.at_once():
            self._holds_together(each)
        assert replay.replay(self.pair.north).differing == ()

    def _holds_together(self, pair: Pair) -> None:
        served = pair.delivered()
        checker = Checker()
        with pair.north.store.read() as tx:
            standing = releases.standing_all(tx, pair.agreement_id)
        for doc in served.values():
            assert not checker.problems(doc)
            assert {target for _, target in references(doc)} <= served.keys()
        for row in standing.values():
            # A revocation goes to whoever has the object, whatever became of the way to it.
            if row.live and not served[row.delivered_id].get("revoked"):
                assert set(json.loads(row.path)[2]) <= served.keys()
        self._nothing_stays_for_want_of_what_goes(pair, standing)
        self._approvals_are_used_once(pair)

    def _nothing_stays_for_want_of_what_goes(
        self, pair: Pair, standing: Mapping[str, Standing]
    ) -> None:
        """A container is told that nothing is left of it only where nothing goes that it holds."""
        empty = {each for each, row in standing.items() if f'"{Code.NOTHING_LEFT}"' in row.reasons}
        live = {each for each, row in standing.items() if row.live}
        with pair.north.store.read() as tx:
            docs = Known(tx, OURS).docs(empty)
        for each, its in docs.items():
            assert live.isdisjoint(its.doc["object_refs"]), each

    def _approvals_are_used_once(self, pair: Pair) -> None:
        """What a person signed made one going of one object possible, and none after a recall."""
        log = record.our_log(pair.agreement_id)
        with pair.north.store.read() as tx:
            told = [json.loads(r[3]) for r in logs.records(tx, log, 0, logs.head(tx, log).size)]
        used: dict[str, str] = {}
        over: set[str] = set()
        by_position: dict[int, list[str]] = {}
        for each in told:
            if each["kind"] == "release":
                approvals = each["attested"].get("approvals", [])
                by_position[each["position"]] = approvals
                for one in approvals:
                    assert used.setdefault(one, each["hash"]) == each["hash"]
                    assert one not in over
            elif each["kind"] == "withdraw" and each["recall"] and each["reason"] != "recut":
                over.update(by_position.get(each["release"], ()))


def lasting(row: Standing) -> Standing:
    """A standing decision without the reason that ends with the withdrawal that it leads to."""
    reasons = [each for each in json.loads(row.reasons) if each[0] != Code.CUT_INVALID]
    return row._replace(reasons=json.dumps(reasons))


ACTS: dict[Callable[[World], None], int] = {
    World.objects_come: 5,
    World.links_come: 6,
    World.a_report_or_note_comes: 7,
    World.markings_change: 3,
    World.holds_change: 2,
    World.people_say: 4,
    World.time_passes: 1,
    World.the_agreement_is_amended: 1,
    World.synced: 3,
}


def play(world: World, acts: int) -> None:
    for act in world.chance.choices(list(ACTS), list(ACTS.values()), k=acts):
        act(world)
        world.what_stands_is_what_a_rebuild_gives()
        world.what_is_served_holds_together()


@pytest.mark.parametrize(
    ("either_store", "seed"),
    [*(("sqlite", seed) for seed in range(10)), ("postgresql", 10), ("postgresql", 11)],
    indirect=["either_store"],
)
@pytest.mark.usefixtures("either_store")
def test_a_random_course_keeps_every_promise(tmp_path: Path, seed: int) -> None:
    play(World(tmp_path, seed), 40)


@pytest.mark.parametrize(
    ("either_store", "seed"),
    [*(("sqlite", seed) for seed in range(4)), ("postgresql", 4)],
    indirect=["either_store"],
)
@pytest.mark.usefixtures("either_store")
def test_a_random_course_of_several_agreements_keeps_it_for_each(tmp_path: Path, seed: int) -> None:
    play(World(tmp_path, 100 + seed, TOPICS), 25)
