"""What concerns no topic costs an agreement nothing, and is still decided, noted and replayed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bench.agreements import agree
from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.release import arrive, preview, reconcile, replay
from tearline.release.arrive import Annotation
from tearline.store import private, releases, stirred
from tearline.store.database import Tx, metadata
from tests.pair import DAY, Pair, as_object, make_pair, rel, sdo

_AGREEMENTS = 50
HERON = sdo("intrusion-set", "Gray Heron")
LOADER = sdo("malware", "Mud Loader")
CLINIC = sdo("identity", "a clinic")

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def counts(pair: Pair) -> dict[str, int]:
    """How many rows each table has."""
    with pair.north.store.read() as tx:
        return {
            name: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def rows(pair: Pair) -> dict[str, releases.Standing]:
    with pair.north.store.read() as tx:
        return releases.standing_all(tx, pair.agreement_id)


def records(pair: Pair, kind: str) -> Iterator[dict[str, Any]]:
    with pair.north.store.read() as tx:
        for queued, line in private.pending(tx):
            if queued == kind:
                yield json.loads(line)


def decide_all(pair: Pair) -> dict[str, reconcile.Reconciled]:
    return reconcile.reconcile_all(pair.north, now=pair.tick())


def test_what_concerns_nobody_writes_no_row_for_any_of_fifty_agreements(pair: Pair) -> None:
    pair.put(HERON)
    pair.agree(reach=2)
    agree(pair.north, _AGREEMENTS - 1)
    decide_all(pair)
    pair.put(sdo("tool", "a first one"))
    decide_all(pair)
    before = counts(pair)
    strangers = [sdo("malware", "Stranger"), sdo("tool", "Stranger's tool")]
    strangers.append(rel(strangers[0], "uses", strangers[1]))
    arrive.arrive(
        pair.north,
        [as_object(each) for each in strangers],
        source="test",
        annotation=Annotation(0, None),
        now=pair.tick(),
    )
    arrived = counts(pair)
    assert arrived["stirred"] - before["stirred"] == 3
    assert decide_all(pair) == {}
    after = counts(pair)
    assert {name for name in after if after[name] != arrived[name]} == {
        "stirred",  # forgotten
        "private_pending",  # one record for each object
    }
    assert after["private_pending"] - arrived["private_pending"] == 3
    decided = [each for each in records(pair, "decision") if "scopes" in each][-3:]
    assert [len(each["scopes"]) for each in decided] == [2, 2, 2]  # the pair's, and the template's
    listed = {each["scope"]: each["agreements"] for each in records(pair, "scope")}
    for each in decided:
        assert sum(len(listed[said["scope"]]) for said in each["scopes"]) == _AGREEMENTS
    assert replay.replay(pair.north).differing == ()


def test_a_row_stands_for_what_is_about_the_topic_or_hangs_on_it(pair: Pair) -> None:
    stranger, tool = sdo("malware", "Stranger"), sdo("tool", "a tool")
    ties = [rel(HERON, "uses", LOADER), rel(LOADER, "uses", tool), rel(stranger, "uses", tool)]
    pair.put(HERON, tool, stranger, *ties)
    pair.put(LOADER, marking=4)
    pair.agree(reach=2)
    # The loader stays, but is about the topic. The tie to it begins with what goes, and so carries
    # about further; the other ties begin with what stays.
    assert rows(pair).keys() == {HERON["id"], LOADER["id"], ties[0]["id"]}
    found = preview.explain(pair.north, tool["id"], "south-isac", now=pair.now)
    assert [told.code for told in found[0].reasons] == ["not-about"]


def test_what_ties_it_to_the_topic_may_come_last(pair: Pair) -> None:
    tool = sdo("tool", "a tool")
    tie, onward = rel(HERON, "uses", LOADER), rel(LOADER, "uses", tool)
    note = sdo("note", "n") | {"content": "said", "object_refs": [tool["id"]]}
    del note["name"]
    pair.agree(reach=2)
    for doc in (tool, onward, LOADER, note, tie):
        pair.put(doc)
        pair.reconcile()
        assert rows(pair) == {}
    pair.put(HERON)
    assert pair.reconcile().released == 6
    assert rows(pair).keys() == {each["id"] for each in (tool, onward, LOADER, note, tie, HERON)}


def test_a_tie_of_strangers_can_make_a_victim_of_what_goes(pair: Pair) -> None:
    stranger = sdo("malware", "Stranger")
    pair.put(HERON, CLINIC, rel(HERON, "targets", CLINIC), stranger)
    pair.put(LOADER, rel(HERON, "uses", LOADER))
    pair.agree()
    label = sdo("identity", "a bank") | {"labels": ["gray-heron"]}
    pair.put(label)
    pair.reconcile()
    assert label["id"] in pair.delivered()
    pair.put(rel(stranger, "targets", label))
    pair.reconcile()
    assert label["id"] not in pair.delivered()
    assert rows(pair)[label["id"]].outcome == "wait"


def test_time_turns_for_rows_alone(pair: Pair) -> None:
    pair.put(HERON, LOADER)
    pair.agree(age="30")
    before = counts(pair)["private_pending"]
    pair.tick(31 * DAY)
    assert pair.reconcile().decided == 1
    assert counts(pair)["private_pending"] - before == 1
    found = preview.explain(pair.north, LOADER["id"], "south-isac", now=pair.now)
    assert {told.code for told in found[0].reasons} == {"not-about", "too-old"}


def test_a_survey_that_was_overtaken_is_made_anew(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hold that comes between the survey and the decision counts in the decision."""
    pair.agree()
    pair.put(HERON)
    honest = force.all_in_force

    def overtaken(tx: Tx, *, now: int) -> list[InForce]:
        found = honest(tx, now=now)
        monkeypatch.setattr(force, "all_in_force", honest)
        arrive.hold(pair.north, "object", HERON["id"], "a doubt", now=pair.now)
        return found

    monkeypatch.setattr(force, "all_in_force", overtaken)
    decide_all(pair)
    assert pair.delivered() == {}
    with pair.north.store.read() as tx:
        assert stirred.since(tx, 0) == []


def test_numbers_rise_though_what_was_stirred_is_forgotten(pair: Pair) -> None:
    pair.agree()
    pair.put(HERON)
    pair.reconcile()
    with pair.north.store.read() as tx:
        last = stirred.last(tx)
        assert last > 0
    pair.put(LOADER)
    with pair.north.store.read() as tx:
        assert min(seq for seq, _ in stirred.since(tx, 0)) == last + 1


def test_who_falls_behind_keeps_what_it_has_not_decided(pair: Pair) -> None:
    other = pair.beside(1, names='["Mud Loader"]', labels="[]")
    pair.agree()
    other.now = pair.now
    other.agree()
    pair.now = other.now
    pair.put(HERON, LOADER)
    pair.reconcile()  # the other has not decided
    with pair.north.store.read() as tx:
        assert {each for _, each in stirred.since(tx, 0)} == {HERON["id"], LOADER["id"]}
        assert stirred.seen_by(tx).further.keys() == {pair.agreement_id}
    assert pair.reconcile() == reconcile.NOTHING
    other.now = pair.now
    assert other.reconcile().released == 1
    with pair.north.store.read() as tx:
        assert stirred.since(tx, 0) == []
