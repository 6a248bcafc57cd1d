"""Claims go under an agreement as everything does, and never name what was withheld."""

import json
from pathlib import Path
from typing import Any

import pytest

from tearline.provenance.claims import EXTENSION, Claim, Link, Missing, Wording, claim_of, note_of
from tearline.release import arrive, inbound
from tearline.store import objects
from tearline.weighing.showing import listed, show
from tests.pair import START, TYPES, Pair, make_pair, sdo, stix_id

HERON, LOADER = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Mud Loader")
APART = sdo("malware", "Tin Whistle")
PAPER, ENVOY = sdo("identity", "Blue Paper"), sdo("identity", "an envoy")
REPORT = sdo("report", "page", published="2026-03-01T00:00:00Z", object_refs=[APART["id"]])
CHAIN = (
    Link("publisher", PAPER["id"], cue="writes", interest="sells Blue Papers"),
    Link("origin", ENVOY["id"], said="2026-02", interest="speaks for the embassy"),
)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.agree()
    return made


def told(name: str, about: dict[str, Any], denies: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    content = f"{name}."
    claim = Claim(
        **{
            "polarity": "denied" if denies else "asserted",
            "denies_ref": denies,
            "certainty": "reported",
            "source_chain": CHAIN,
            "report_ref": REPORT["id"],
            "excerpt_start": 0,
            "excerpt_end": len(content),
            "missing": (Missing("the letter", ENVOY["id"], REPORT["id"]),),
            **more,
        }
    )
    said = Wording(name, content, (about["id"],))
    return note_of(claim, said, note_id=stix_id("note", name), at=START)


def alike(*notes: dict[str, Any], at: int = START) -> dict[str, Any]:
    """A grouping that holds claims and nothing else."""
    refs = [each["id"] for each in notes]
    said = {"context": "unspecified", "labels": ["proposition", "gray-heron"], "object_refs": refs}
    return sdo("grouping", "alike", at, **said)


def given(pair: Pair) -> dict[str, dict[str, Any]]:
    """What goes, by title."""
    pair.reconcile()
    return {
        each.get("abstract", each.get("name", each["id"])): each
        for each in pair.delivered().values()
    }


def test_a_claim_goes_without_the_sources_that_stay(pair: Pair) -> None:
    note = told("It drops a loader", HERON)
    pair.put(HERON, PAPER, ENVOY, APART, REPORT, note)
    found = given(pair)["It drops a loader"]
    text = json.dumps(found)
    for kept_back in (PAPER, ENVOY, REPORT, APART):
        assert kept_back["id"] not in text
    assert "embassy" not in text
    assert "Blue Paper" not in text
    assert found["object_refs"] == [HERON["id"]]
    read = claim_of(found)
    assert read is not None
    assert read.source_chain == (
        Link("publisher", unnamed=True),
        Link("origin", said="2026-02", unnamed=True),
    )
    assert (read.report_ref, read.excerpt_start, read.excerpt_end) == ("", None, None)
    assert read.missing == (Missing("the letter"),)
    pair.sync()
    with pair.south.store.read() as tx:
        held = objects.latest(tx, pair.agreement_id, [found["id"]])
    assert found["id"] in held


def test_sources_that_go_are_named(pair: Pair) -> None:
    pair.agree(topics='"*"')
    note = told("It drops a loader", HERON)
    pair.put(HERON, PAPER, ENVOY, APART, REPORT, note)
    assert given(pair)["It drops a loader"] == note


def test_a_denial_goes_only_where_what_it_denies_goes(pair: Pair) -> None:
    open_, closed = told("It drops a loader", HERON), told("It plays", APART)
    no_to_open = told("It drops none", HERON, denies=open_["id"])
    no_to_closed = told("It plays none", HERON, denies=closed["id"])
    pair.put(HERON, PAPER, ENVOY, APART, no_to_open, no_to_closed, open_, closed)
    found = given(pair)
    assert {"It drops a loader", "It drops none"} <= found.keys()
    assert not {"It plays", "It plays none"} & found.keys()
    assert closed["id"] not in json.dumps(list(found.values()))
    denied = claim_of(found["It drops none"])
    assert denied is not None
    assert denied.denies_ref == found["It drops a loader"]["id"]
    pair.sync()
    pair.put(told("It plays", HERON) | {"modified": "2026-03-02T00:00:00.000Z"})
    assert {"It plays", "It plays none"} <= given(pair).keys()


def test_a_denial_is_taken_back_with_what_it_denies(pair: Pair) -> None:
    claim = told("It drops a loader", HERON)
    pair.put(HERON, PAPER, ENVOY, claim, told("It drops none", HERON, denies=claim["id"]))
    assert {"It drops a loader", "It drops none"} <= given(pair).keys()
    pair.put(told("It drops a loader", APART) | {"modified": "2026-03-02T00:00:00.000Z"}, APART)
    assert not {"It drops a loader", "It drops none"} & given(pair).keys()


def test_a_claim_about_nothing_but_its_sources_stays(pair: Pair) -> None:
    note = told("It is so", HERON)
    note["object_refs"] = [PAPER["id"], ENVOY["id"]]
    pair.put(HERON, PAPER, ENVOY, note)
    assert "It is so" not in given(pair)


def test_a_wrong_extension_is_a_note_like_any_other(pair: Pair) -> None:
    note = told("It drops a loader", HERON)
    note["extensions"][EXTENSION]["polarity"] = "denied"
    note["extensions"][EXTENSION]["denies_ref"] = "nobody"
    pair.put(HERON, PAPER, ENVOY, APART, REPORT, note)
    assert "It drops a loader" not in given(pair)
    note["object_refs"] = [HERON["id"]]
    note["modified"] = "2026-03-02T00:00:00.000Z"
    pair.put(note)
    found = given(pair)["It drops a loader"]
    for kept_back in (PAPER, ENVOY, REPORT):
        assert kept_back["id"] not in json.dumps(found)


def test_a_partners_claims_stand_beside_ours_and_a_wrong_one_is_none(pair: Pair) -> None:
    right, wrong = told("It drops a loader", HERON), told("It drops none", HERON)
    wrong["extensions"][EXTENSION] |= {"source_chain": [{"role": "quoter"}], "report_ref": ""}
    wrong["object_refs"] = [HERON["id"]]
    no = told("It drops it not", HERON, denies=right["id"])
    pair.put(HERON, PAPER, ENVOY, APART, REPORT, right, wrong, no)
    pair.reconcile()
    pair.sync()
    found = listed(pair.south, limit=9, now=pair.now)
    assert {each.title for each in found.claims} == {"It drops a loader", "It drops it not"}
    assert {each.origin for each in found.claims} == {pair.agreement_id}
    assert {each.source for each in found.claims} == {""}
    assert len({each.proposition for each in found.claims}) == 1
    assert [each.title for each in found.wrong] == ["It drops none"]
    assert found.wrong[0].problem.startswith("source_chain[0].role: Invalid enum value")
    by_title = {each.title: each.id for each in found.claims}
    shown = show(pair.south, by_title["It drops it not"], now=pair.now)
    assert shown.denies is not None
    assert shown.denies.id == by_title["It drops a loader"]
    assert listed(pair.north, limit=9, now=pair.now).number == 2


def test_a_grouping_of_claims_alone_goes_as_long_as_one_of_them_does(pair: Pair) -> None:
    pair.agree(types=json.dumps([*TYPES, "grouping"]))
    one, other, away = told("It drops", HERON), told("It falls", HERON), told("It plays", APART)
    pair.put(HERON, APART, alike(one, other, away))
    assert "alike" not in given(pair)
    pair.put(one, away)
    found = given(pair)
    assert found["alike"]["object_refs"] == [found["It drops"]["id"]]
    assert away["id"] not in json.dumps(list(found.values()))
    pair.put(other)
    found = given(pair)
    its = [found["It drops"]["id"], found["It falls"]["id"]]
    assert found["alike"]["object_refs"] == its
    pair.sync(page=1)
    assert inbound.quarantined(pair.south, pair.agreement_id) == []
    assert objects_held(pair) >= {found["alike"]["id"], *its}
    for each in (one, other):
        arrive.hold(pair.north, "object", each["id"], "a reason", now=pair.tick())
    assert "alike" not in given(pair)
    pair.sync()
    assert not objects_held(pair) & {found["alike"]["id"], *its}
    arrive.release_hold(pair.north, "object", one["id"], "a reason", now=pair.tick())
    assert {"alike", "It drops"} <= given(pair).keys()


def objects_held(pair: Pair) -> set[str]:
    """What South holds from North."""
    with pair.south.store.read() as tx:
        return {each.stix_id for each in objects.latest_all(tx, pair.agreement_id)}
