"""What is alike is decided once, and comes to what deciding each comes to, under any agreement."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tearline.agreement.terms import Terms, parse_toml
from tearline.release import alike, arrive, swept
from tearline.release.alike import Alike
from tearline.release.arrive import Annotation
from tearline.release.batch import Batch, Scene
from tearline.release.clause_sql import reached, with_speaking
from tearline.release.decide import Decision, decide
from tearline.release.facts import Known
from tearline.release.preview import preview
from tearline.release.rules import Facts, Rules, rules_of
from tearline.release.sampling import sample
from tearline.release.swept import Swept
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tests.pair import DAY, Pair, make_pair, rel, sdo
from tests.release.random_limits import limits
from tests.release.test_random_limits import DEFINITIONS, HERON, HOSPITAL, IDS, TOOL, Wide

Counted = Counter[tuple[str, Decision]]


def world(folder: Path, seed: int) -> Wide:
    """A world with all that facts can hold: grades, holds, sightings of victims, notes, ages."""
    made = Wide(folder, seed)
    pair, chance = made.pair, random.Random(seed)
    for act in chance.choices([Wide.objects_come, Wide.links_come], k=6):
        act(made)
        pair.tick(DAY)
    for _ in range(3):
        made.a_report_or_note_comes()
    for number in range(6):
        seen = sdo("sighting", f"s{number}", pair.now, sighting_of_ref=chance.choice(IDS))
        del seen["name"]
        if chance.random() < 0.5:
            seen["where_sighted_refs"] = [IDS[HOSPITAL]]
        pair.put(seen, marking=chance.choice([None, 0, 1]))
    for number in range(40):
        # Alike but for one thing, which a decision may hang on.
        more: dict[str, object] = chance.choice(
            [
                {},
                {"valid_until": "2026-03-02T00:00:00Z"},
                {"valid_until": "2026-12-02T00:00:00Z"},
                {"confidence": chance.choice([30, 60])},
                {"object_marking_refs": [chance.choice(DEFINITIONS)]},
                {"labels": ["PAP:GREEN"]},
                {"revoked": True},
            ]
        )
        sign = sdo("indicator", f"like {number}", pair.now - chance.choice([0, 2, 9]) * DAY, **more)
        pair.put(sign, marking=chance.choice([None, 0, 0, 0, 4]))
        if number % 2:
            pair.put(rel(sign, "indicates", {"id": IDS[HERON]}, pair.now))
        one = chance.choice([{}, {"contact_information": "desk"}, {"identity_class": "individual"}])
        pair.put(sdo("identity", f"someone {number}", pair.now, **one))
    for stix_id in IDS:
        grade = chance.choice([None, 11, 22, 44])
        arrive.annotate(pair.north, [stix_id], Annotation(None, grade), now=pair.tick())
    arrive.hold(pair.north, "object", chance.choice(IDS), "a reason", now=pair.tick())
    if chance.random() < 0.5:
        arrive.hold(pair.north, "topic", "Tern Kit", "a reason", now=pair.tick())
    return made


def one_by_one(tx: Tx, rules: Rules, now: int) -> Batch:
    """The slow form: every object with facts of its own, and a decision of its own."""
    ids = {each.stix_id for each in objects.latest_all(tx, OURS)}
    found = Batch(Known(tx, OURS), Scene(rules, now, lambda _: {}), whole=True)
    found.objects(ids)
    found.edges(ids)
    return found


def counted(found: Batch) -> Counted:
    return Counter((each.facts.type, _answer(each.decision)) for each in found.decided.values())


def _answer(decision: Decision) -> Decision:
    # The moment at which a limit turns is each object's own, and not counted.
    return Decision(decision.outcome, decision.clause, 0, decision.against)


def _kinds(found: Alike) -> Counted:
    counts: Counted = Counter()
    for group, number in found.groups():
        counts[group.decided.facts.type, _answer(group.decided.decision)] += number
    return counts


@pytest.mark.parametrize(
    ("either_store", "seed"),
    [*(("sqlite", seed) for seed in range(4)), ("postgresql", 4)],
    indirect=["either_store"],
)
@pytest.mark.usefixtures("either_store")
def test_kinds_come_to_what_each_object_comes_to(tmp_path: Path, seed: int) -> None:
    pair, chance = world(tmp_path, seed).pair, random.Random(seed)
    outcomes: Counter[str] = Counter()
    kinds = held = 0
    for number in range(25):
        rules = rules_of(parse_toml(pair.terms(**limits(chance))), "north")
        with pair.north.store.read() as tx:
            slow = one_by_one(tx, rules, pair.now)
            near = reached(tx, rules)
            known = Swept(tx) if number % 2 else Known(tx, OURS)
            near = near if near is None else with_speaking(known, near)
            found = Alike(known, Scene(rules, pair.now, lambda _: {}), near)
            found.decide_all()
        assert _kinds(found) == counted(slow)
        for stix_id, each in found.decided.items():
            assert _answer(each.decision) == _answer(slow.decided[stix_id].decision)
        outcomes.update(decision.outcome for _, decision in counted(slow).elements())
        kinds, held = kinds + len(list(found.groups())), held + len(slow.decided)
    assert min(outcomes[each] for each in ("release", "withhold")) > 0
    assert kinds < held


def test_a_preview_decides_as_often_as_there_are_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = _many(tmp_path)
    decided = Counter[str]()

    def once(rules: Rules, facts: Facts) -> Decision:
        decided[facts.type] += 1
        return decide(rules, facts)

    monkeypatch.setattr(alike, "decide", once)
    found = preview(pair.north, _terms(pair), now=pair.now)
    assert (found.held, found.go) == (2 + 400, 2 + 200)
    assert decided.total() < 12


def test_a_sample_is_near_what_is_there_and_always_the_same(tmp_path: Path) -> None:
    pair = _many(tmp_path)
    exact = preview(pair.north, _terms(pair), now=pair.now)
    drawn = sample(pair.north, _terms(pair), size=100, now=pair.now)
    assert (drawn.size, drawn.held) == (100, exact.held)
    for part, number in ((drawn.go, exact.go), (drawn.stay, exact.stay), (drawn.wait, 0)):
        assert part.low <= number <= part.high
        assert part.high - part.low < exact.held / 3
    assert drawn.go.low < drawn.go.likely < drawn.go.high
    assert sample(pair.north, _terms(pair), size=100, now=pair.now) == drawn
    whole = sample(pair.north, _terms(pair), size=10_000, now=pair.now)
    assert (whole.go.low, whole.go.likely, whole.go.high) == (exact.go,) * 3
    assert dict(whole.reasons).keys() == {each.code for each in exact.reasons}


@pytest.mark.parametrize("seed", range(2))
def test_a_sample_of_everything_is_the_preview(tmp_path: Path, seed: int) -> None:
    pair, chance = world(tmp_path, 50 + seed).pair, random.Random(seed)
    for _ in range(8):
        terms = parse_toml(pair.terms(**limits(chance)))
        exact = preview(pair.north, terms, now=pair.now)
        whole = sample(pair.north, terms, size=10_000, now=pair.now)
        said = whole.held, whole.go.likely, whole.wait.likely, whole.stay.likely
        assert said == (exact.held, exact.go, exact.wait, exact.stay)
        assert {code: each.likely for code, each in whole.reasons} == {
            each.code: each.total for each in exact.reasons
        }


def _many(folder: Path) -> Pair:
    """Two hundred indicators of the topic, and as many of nothing."""
    pair = make_pair(folder)
    heron = sdo("intrusion-set", "Gray Heron")
    signs = [sdo("indicator", f"sign {number}") for number in range(200)]
    pair.put(heron, sdo("malware", "Mud Loader", labels=["gray-heron"]), *signs[:100])
    pair.put(*signs[100:])
    pair.put(*(rel(each, "indicates", heron) for each in signs[:100]))
    pair.put(*(rel(each, "based-on", signs[0]) for each in signs[100:]))
    return pair


def _terms(pair: Pair) -> Terms:
    return parse_toml(pair.terms())


def test_swept_ties_are_those_that_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swept, "_MANY", 0)
    pair = world(tmp_path, 99).pair
    with pair.north.store.read() as tx:
        ids = {each.stix_id for each in objects.latest_all(tx, OURS)}
        one, all_ = Known(tx, OURS), Swept(tx)
        for some in (ids, {IDS[HERON]}, {IDS[TOOL], "malware--nobody"}):
            assert one.latest(some) == all_.latest(some)
            assert one.victims(some) == all_.victims(some)
            assert one.speaking_of(some) == all_.speaking_of(some)
            for name in (
                "relations_from",
                "relations_to",
                "relations_via",
                "references_to",
                "spoken_of",
            ):
                found = getattr(all_, name)(some)
                assert sorted(found) == sorted(getattr(one, name)(some)), name
