"""What SQL proposes holds all that goes, waits or is about the topic, and little else."""

import random
from pathlib import Path

import pytest

from tearline.agreement.terms import parse_toml
from tearline.release.batch import Batch, Scene
from tearline.release.clause_sql import proposed
from tearline.release.concern import concerns
from tearline.release.facts import Known
from tearline.release.preview import preview
from tearline.release.rules import rules_of
from tearline.store import objects
from tearline.store.objects import OURS
from tests.pair import DAY, sdo
from tests.release import test_random_course as course
from tests.release.random_limits import limits as by_chance
from tests.release.test_random_limits import LIMITS, Wide

_OWN: list[dict[str, object]] = [
    *(LIMITS[:2] + LIMITS[3:]),
    {"members": "true"},
    {"reach": 0},
    *course.TOPICS,
]


@pytest.mark.parametrize(
    ("either_store", "seed"),
    [*(("sqlite", seed) for seed in range(3)), ("postgresql", 3)],
    indirect=["either_store"],
)
@pytest.mark.usefixtures("either_store")
def test_nothing_that_concerns_an_agreement_is_left_out(tmp_path: Path, seed: int) -> None:
    world = Wide(tmp_path, 900 + seed)
    pair = world.pair
    pair.tick(DAY)
    for number in range(60):
        world.pair.put(sdo("tool", f"stranger {number}"))
    for act in random.Random(seed).choices([Wide.objects_come, Wide.links_come], k=8):
        act(world)
    world.a_report_or_note_comes()
    needed = guessed = held = 0
    chance = random.Random(seed)
    for limits in [*_OWN, *(by_chance(chance) for _ in range(12))]:
        terms = parse_toml(pair.terms(**limits))
        rules = rules_of(terms, "north")
        with pair.north.store.read() as tx:
            known = Known(tx, OURS)
            ids = {each.stix_id for each in objects.latest_all(tx, OURS)}
            batch = Batch(known, Scene(rules, pair.now, lambda _: {}), whole=True)
            batch.objects(ids)
            batch.edges(ids)
            near = proposed(known, rules)
            if near is None:
                assert limits not in _OWN
                continue
            concerned = {each for each, its in batch.decided.items() if concerns(rules, its)}
            assert concerned <= near <= ids
            strangers = Batch(known, Scene(rules, pair.now, lambda _: {}))
            strangers.strangers(ids - near)
            for each, its in strangers.decided.items():
                assert its.decision == batch.decided[each].decision
        counted = preview(pair.north, terms, now=pair.now)
        outcomes = [each.decision.outcome for each in batch.decided.values()]
        assert counted.held == len(ids)
        assert (counted.go, counted.wait) == (outcomes.count("release"), outcomes.count("wait"))
        needed, guessed, held = needed + len(concerned), guessed + len(near), held + len(ids)
    assert guessed - needed < (held - needed) / 2
