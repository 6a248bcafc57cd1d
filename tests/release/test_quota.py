"""Quotas: so many new objects a day, in order, with all that they hang on; the rest on another."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tearline.log import record
from tearline.release import arrive, preview, reconcile, replay
from tearline.release.reasons import Code
from tearline.stix.timestamp import parse_timestamp
from tearline.store import logs, quotas, releases
from tests.pair import DAY, Pair, make_pair, rel, sdo
from tests.release.test_random_course import World, play

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
uses = rel(heron, "uses", loader)
signs = [sdo("indicator", f"sign {number}") for number in range(4)]
ties = [rel(each, "indicates", loader) for each in signs]


def quota(number: int) -> str:
    return f"[limits]\nobjects_per_day = {number}"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def spent(pair: Pair) -> set[str]:
    with pair.north.store.read() as tx:
        found = releases.standing_all(tx, pair.agreement_id)
    return {each for each, row in found.items() if f'"{Code.QUOTA_SPENT}"' in row.reasons}


def ids(*docs: dict[str, object]) -> set[str]:
    return {str(each["id"]) for each in docs}


def to_next_day(pair: Pair) -> None:
    pair.now = pair.now - pair.now % DAY + DAY
    pair.reconcile()


# ------------------------------------------------------------------------------------ as a script


def test_what_exceeds_goes_by_itself_on_the_next_days(pair: Pair) -> None:
    pair.agree(reach=2, categories=quota(5))
    pair.put(heron, loader, uses, *signs, *ties)
    assert pair.reconcile().released == 5
    first = pair.delivered().keys()
    assert ids(heron, loader, uses) <= first
    assert len(first & ids(*signs)) == len(first & ids(*ties)) == 1
    assert spent(pair) == ids(*signs) - first
    pair.sync()

    pair.tick(3_600_000_000)
    assert pair.reconcile().released == 0
    (sign, *_) = sorted(ids(*signs) - first)
    (said,) = preview.explain(pair.north, sign, "South ISAC", now=pair.now)
    assert (said.outcome, [each.code for each in said.reasons]) == (
        "withhold",
        [Code.QUOTA_SPENT],
    )

    to_next_day(pair)
    assert len(pair.delivered()) == 9  # two more with their ties; a third and no tie would not help
    to_next_day(pair)
    assert pair.delivered().keys() == ids(heron, loader, uses, *signs, *ties)
    assert spent(pair) == set()
    assert pair.sync().quarantined == 0
    assert replay.replay(pair.north).differing == ()


def test_what_they_hold_already_goes_besides(pair: Pair) -> None:
    pair.agree(categories=quota(3))
    pair.put(heron, loader, uses)
    assert pair.reconcile().released == 3
    later = pair.tick()
    pair.put(sdo("malware", "Mud Loader", at=later, description="changed"), signs[0], ties[0])
    assert pair.reconcile().released == 1
    assert pair.delivered()[str(loader["id"])]["description"] == "changed"
    assert pair.delivered().keys() == ids(heron, loader, uses)
    pair.put(loader | {"revoked": True, "modified": "2026-03-01T09:00:00.000Z"})
    assert pair.reconcile().released == 1


_SECOND_CLAUSE = """
[[clause]]
id = "N2"
from = "north"
to = "south"
types = ["intrusion-set", "malware", "indicator", "relationship"]
topics = ["T1"]
reach = 2
marking_max = "TLP:GREEN"
grading_min = "*"
max_age_days = "*"
countries = "*"
confidence_min = "*"
"""


def test_one_number_is_for_all_clauses_together(pair: Pair) -> None:
    kit = sdo("tool", "Shared Kit")
    all_of_it = [heron, loader, uses, kit, rel(heron, "uses", kit), *signs, *ties]
    first = '["intrusion-set", "malware", "tool", "relationship"]'
    pair.agree(types=first, reach=2, categories=_SECOND_CLAUSE + quota(5))
    pair.put(*all_of_it, marking=1)
    number = pair.reconcile().released
    while number < len(all_of_it):
        before, number = number, len(pair.delivered())
        assert number - before <= 5
        assert pair.sync().quarantined == 0
        to_next_day(pair)
    with pair.north.store.read() as tx:
        found = releases.standing_all(tx, pair.agreement_id).values()
    assert Counter(each.clause for each in found if each.live) == {"N1": 1, "N2": 12}
    assert replay.replay(pair.north).differing == ()


def test_a_withdrawal_gives_nothing_back(pair: Pair) -> None:
    pair.agree(categories=quota(3))
    pair.put(heron, loader, uses)
    pair.reconcile()
    arrive.hold(pair.north, "object", str(loader["id"]), "a doubt", now=pair.tick())
    assert pair.reconcile()[:2] == (0, 1)  # the edge; the object itself went with the hold
    assert pair.delivered().keys() == {heron["id"]}
    pair.put(sdo("tool", "net scanner", labels=["gray-heron"]))
    assert pair.reconcile().released == 0
    to_next_day(pair)
    assert len(pair.delivered()) == 2


def test_a_new_version_of_the_agreement_counts_on(pair: Pair) -> None:
    pair.agree(reach=2, categories=quota(3))
    pair.put(heron, loader, uses, *signs, *ties)
    pair.reconcile()
    pair.agree(categories=quota(5))
    assert len(pair.delivered()) == 5
    pair.agree(categories=quota(2))
    assert len(pair.delivered()) == 5
    pair.agree(categories="")
    assert len(pair.delivered()) == 11
    assert spent(pair) == set()


def test_a_set_that_is_larger_than_a_day_stays(pair: Pair) -> None:
    pair.agree(categories=quota(1))
    pair.put(heron, loader, uses)
    pair.reconcile()
    assert pair.delivered().keys() == ids(heron)
    for _ in range(3):
        to_next_day(pair)
    assert pair.delivered().keys() == ids(heron)


def test_a_report_goes_with_something_that_it_holds(pair: Pair) -> None:
    pair.agree(reach=2, members="true", categories=quota(2))
    report = sdo("report", "weekly", labels=["gray-heron"], published="2026-03-01T00:00:00Z")
    pair.put(report | {"object_refs": [each["id"] for each in signs]}, *signs)
    pair.reconcile()
    first = pair.delivered()
    assert len(first) == 2
    for _ in range(3):
        to_next_day(pair)
    served = pair.delivered()
    assert len(served) == 5
    assert pair.sync().quarantined == 0


def test_what_a_day_counted_is_forgotten_with_it(pair: Pair) -> None:
    pair.agree(categories=quota(2))
    pair.put(heron)
    pair.reconcile()
    with pair.north.store.read() as tx:
        day = pair.now - pair.now % DAY
        assert quotas.given(tx, pair.agreement_id, day) == 1
        assert quotas.given(tx, pair.agreement_id, day + DAY) == 0


# ------------------------------------------------------------------------------------ by chance


class Limited(World):
    """The world of the random course, under an agreement with a quota."""

    def what_is_served_holds_together(self) -> None:
        """All that held before, and no day on which more went than the quota."""
        super().what_is_served_holds_together()
        for day, number in new_by_day(self.pair).items():
            assert number <= self.most, day

    most = 0


def new_by_day(pair: Pair) -> Counter[int]:
    """What the log says: by day, how many objects went that South held in no form."""
    log = record.our_log(pair.agreement_id)
    with pair.north.store.read() as tx:
        told = [json.loads(r[3]) for r in logs.records(tx, log, 0, logs.head(tx, log).size)]
    held: set[str] = set()
    found: Counter[int] = Counter()
    recut = 0
    for each in told:
        if each["kind"] == "release":
            moment = parse_timestamp(each["at"])
            other_form = each["object"] not in held and recut > 0
            recut -= other_form
            found[moment - moment % DAY] += each["object"] not in held and not other_form
            held.add(each["object"])
        elif each["kind"] == "withdraw" and each["recall"]:
            held.discard(each["object"])
            recut += each["reason"] == "recut"
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_random_course_with_a_quota_keeps_every_promise(tmp_path: Path, seed: int) -> None:
    Limited.most = 2 + seed
    play(Limited(tmp_path, 200 + seed, categories=quota(Limited.most)), 40)


def test_a_whole_rebuild_on_the_same_day_changes_nothing(pair: Pair) -> None:
    pair.agree(reach=2, categories=quota(4))
    pair.put(heron, loader, uses, *signs, *ties)
    pair.reconcile()
    again = reconcile.reconcile(pair.north, pair.agreement_id, now=pair.tick(), whole=True)
    assert again[:2] == (0, 0)
