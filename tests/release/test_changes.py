"""What a draft would move is what moves once it runs; and what stands out is named."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tearline.agreement.terms import parse_toml
from tearline.release.preview import explain, preview
from tearline.store import releases
from tests.pair import Pair, make_pair, rel, sdo
from tests.release.random_limits import limits
from tests.release.test_alike import world

HERON, LOADER = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Mud Loader")
USES = rel(HERON, "uses", LOADER)
SIGN = sdo("indicator", "a sign")
SHOWS = rel(SIGN, "indicates", LOADER)
TERN = sdo("intrusion-set", "Blue Tern")


def sides(pair: Pair) -> dict[str, str]:
    with pair.north.store.read() as tx:
        return releases.sides(tx, pair.agreement_id)


@pytest.mark.parametrize("seed", range(2))
def test_what_changes_side_is_what_then_does(tmp_path: Path, seed: int) -> None:
    pair, chance = world(tmp_path, 300 + seed).pair, random.Random(seed)
    pair.reconcile()
    moved = 0
    for _ in range(6):
        new = limits(chance)
        before = sides(pair)
        draft = parse_toml(pair.terms(**new))
        found = preview(pair.north, draft, listed=10_000, now=pair.now)
        assert found.changes is not None
        pair.agree(**new)
        after = sides(pair)
        changed = {
            each: (before.get(each, "withhold"), after.get(each, "withhold"))
            for each in before.keys() | after.keys()
            if before.get(each) != after.get(each)
        }
        assert {e.object: (e.before, e.after) for e in found.changes.objects} == changed
        assert {(e.before, e.after): e.objects for e in found.changes.sides} == Counter(
            changed.values()
        )
        for each in found.changes.objects:
            said = explain(pair.north, each.object, "south-isac", now=pair.now)[0]
            now = [(told.code, told.clause) for told in said.reasons]
            assert [(why.code, why.clause) for why in each.reasons_after] == now
        again = preview(pair.north, draft, now=pair.now)
        assert again.changes is not None
        assert again.changes.sides == ()
        moved += len(changed)
    assert moved > 20


def test_reasons_stand_before_and_after_and_the_list_is_bounded(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.put(HERON, LOADER, USES, SIGN, SHOWS, TERN)
    draft = parse_toml(pair.terms())
    assert preview(pair.north, draft, now=pair.now).changes is None
    pair.agree(reach=1)
    wider = parse_toml(pair.terms(reach=2, types='["intrusion-set", "malware", "indicator"]'))
    found = preview(pair.north, wider, listed=1, now=pair.now)
    assert found.changes is not None
    counts = {(each.before, each.after): each.objects for each in found.changes.sides}
    assert counts == {("release", "withhold"): 2}, "without relationships nothing is tied"
    (one,) = found.changes.objects
    assert one.reasons_before == ()
    assert {why.code for why in one.reasons_after} <= {"not-about", "type-not-listed"}
    assert found.changes.running == pair.last_hash


def test_what_people_approved_counts_for_the_version_that_runs_alone(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    clinic = sdo("identity", "Harbour Clinic")
    tie = rel(HERON, "targets", clinic)
    pair.put(HERON, clinic, tie)
    pair.agree()
    running = parse_toml(
        pair.terms()
        .replace("version = 2", "version = 1")
        .replace(f'replaces = "{pair.last_hash}"', "")
    )
    found = preview(pair.north, running, now=pair.now)
    assert (found.go, found.wait) == (1, 2)
    assert found.changes is not None
    assert found.changes.sides == ()


def test_the_rarest_stands_out(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    signs = [sdo("indicator", f"sign {number}") for number in range(9)]
    ties = [rel(each, "indicates", HERON) for each in signs]
    named = sdo("malware", "Mud Loader", labels=["gray-heron"])
    clinic = sdo("identity", "Harbour Clinic")
    pair.put(HERON, *signs, *ties, named, clinic, rel(HERON, "targets", clinic), TERN)
    found = preview(pair.north, parse_toml(pair.terms()), now=pair.now)
    topic, source, category = found.exposure
    assert (topic.kind, topic.value, topic.objects, topic.topics) == (
        "topic",
        "label:gray-heron",
        1,
        ("T1",),
    )
    assert topic.share == 1 / (found.go + found.wait)
    assert (source.kind, source.value, source.objects) == ("source", "test", 22)
    assert (category.kind, category.value, category.objects) == ("category", "victim", 2)
    nothing = preview(pair.north, parse_toml(pair.terms(types='["tool"]')), now=pair.now)
    assert nothing.exposure == ()
