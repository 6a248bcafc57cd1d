"""A grade that falls reaches whoever received the claim: by a recall, and on a list."""

import json
from pathlib import Path

import pytest

from tearline.stix.marking import parse_grade
from tearline.store import claim_lists, releases
from tearline.store.claim_lists import Chosen
from tearline.weighing import worth as weighing
from tests.pair import Pair, make_pair, sdo
from tests.weighing.told import group, note_id, source, told

HERON = sdo("intrusion-set", "Gray Heron")


def played(folder: Path, floor: str) -> Pair:
    """North gave a claim that rests on two origins and is graded 2."""
    pair = make_pair(folder)
    pair.agree(floor=floor, topics='["T1"]')
    pair.put(HERON, grade=parse_grade("B2"))
    notes = [
        told("a", "Blue Paper", "an envoy"),
        told("b", "Red Paper", "a clerk"),
    ]
    for each in notes:
        each["object_refs"] = [HERON["id"]]
    pair.put(*notes, group("g", "a", "b"))
    weighing.catch_up(pair.north, now=pair.tick())
    weighing.rely(pair.north, source("an envoy")["id"], "B", "An analyst", now=pair.tick())
    weighing.rely(pair.north, source("a clerk")["id"], "B", "An analyst", now=pair.tick())
    weighing.give(pair.north, note_id("a"), None, "", "An analyst", now=pair.tick())
    pair.reconcile()
    return pair


def claims_given(pair: Pair) -> set[str]:
    return {each["abstract"] for each in pair.delivered().values() if each["type"] == "note"}


@pytest.mark.parametrize(("floor", "left"), [("B2", set()), ("B3", {"a", "b"})])
def test_a_fall_is_told_and_recalls_what_may_not_stay(
    tmp_path: Path, floor: str, left: set[str]
) -> None:
    pair = played(tmp_path, floor)
    assert claims_given(pair) == {"a", "b"}
    pair.sync()
    done = weighing.same(
        pair.north,
        source("an envoy")["id"],
        source("a clerk")["id"],
        "one embassy",
        "An analyst",
        now=pair.tick(),
    )
    assert {each[1:6] for each in done.fallen} == {
        (note_id(each), pair.agreement_id, pair.south.slug, "B2", "B3") for each in "ab"
    }
    pair.reconcile()
    assert claims_given(pair) == left
    pair.sync()
    with pair.north.store.read() as tx:
        standing = releases.standing(tx, pair.agreement_id, [note_id("a")])[note_id("a")]
        below = releases.last_delivered(tx, pair.agreement_id, [standing.delivered_id])
    assert standing.live == bool(left)
    if left:
        # Given again, with a slip that says the lower grade.
        assert json.loads(standing.attested)["grade"] == "B3"
        assert below[standing.delivered_id].position == standing.position > 2


def test_the_receiver_counts_what_it_got_for_itself(tmp_path: Path) -> None:
    pair = played(tmp_path, "*")
    pair.sync()
    weighing.catch_up(pair.south, now=pair.tick())
    with pair.south.store.read() as tx:
        ids = [each.stix_id for each in claim_lists.page(tx, Chosen(), 5)]
        found = [weighing.place_of(tx, each) for each in ids]
    assert len(ids) == 2
    given = weighing.give(pair.south, ids[0], None, "", "Another analyst", now=pair.tick())
    assert given == [ids[0]]
    assert len(set(found)) == 2
