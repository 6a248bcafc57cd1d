"""Each limit of the language, from the signed text to what South accepts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tearline.release import arrive, inbound, preview, replay
from tearline.release.arrive import Annotation
from tearline.stix import marking
from tearline.store import objects
from tests.pair import DAY, START, Pair, make_pair, rel, sdo, stix_id

HERON = sdo("intrusion-set", "Gray Heron")
TERN = sdo("intrusion-set", "Blue Tern")
LOADER = sdo("malware", "Mud Loader")
KIT = sdo("malware", "Tern Kit")
DOMAIN = sdo("indicator", "loader domain")
USES = rel(HERON, "uses", LOADER)
INDICATES = rel(DOMAIN, "indicates", LOADER)
RELATION = """
[[topic]]
id = "T2"
names = ["Blue Tern"]

[[topic]]
id = "T3"
between = ["T1", "T2"]
"""


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def goes(pair: Pair) -> set[str]:
    """What goes, after South took all of it; incremental is rebuilt, and all can be replayed."""
    pair.reconcile()
    settled = pair.sync()
    assert settled.quarantined == 0, inbound.quarantined(pair.south, pair.agreement_id)
    assert replay.replay(pair.north).differing == ()
    return set(pair.delivered())


def ids(*docs: dict[str, Any]) -> set[str]:
    return {each["id"] for each in docs}


def why(pair: Pair, doc: dict[str, Any]) -> set[str]:
    (found,) = preview.explain(pair.north, doc["id"], "south-isac", now=pair.tick())
    return {each.code for each in found.reasons}


def sentence(pair: Pair, doc: dict[str, Any]) -> str:
    (found,) = preview.explain(pair.north, doc["id"], "south-isac", now=pair.tick())
    return found.reasons[0].sentence


# ---------------------------------------------------------------------------- between two threats


def between(pair: Pair, **limits: object) -> None:
    pair.agree(threats=RELATION, topics='["T3"]', **limits)


@pytest.mark.parametrize("kind", ["targets", "related-to", "attributed-to"])
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_relationship_of_any_kind_between_the_two_goes_with_both(
    pair: Pair, kind: str, reach: int
) -> None:
    between(pair, reach=reach)
    pair.put(HERON, TERN)
    assert goes(pair) == set()
    assert why(pair, HERON) == {"not-about"}
    tie = rel(TERN, kind, HERON)
    pair.put(tie)
    assert goes(pair) == ids(HERON, TERN, tie)


def test_what_only_one_of_the_two_uses_stays(pair: Pair) -> None:
    between(pair, reach=2)
    pair.put(HERON, TERN, LOADER, USES, DOMAIN, INDICATES)
    assert goes(pair) == set()
    other = rel(TERN, "uses", LOADER)
    pair.put(other)
    assert goes(pair) == ids(HERON, TERN, LOADER, USES, other, DOMAIN, INDICATES)


def test_reach_counts_from_each_of_the_two(pair: Pair) -> None:
    between(pair, reach=1)
    pair.put(HERON, TERN, LOADER, USES, rel(TERN, "uses", LOADER), DOMAIN, INDICATES)
    assert DOMAIN["id"] not in goes(pair)
    assert LOADER["id"] in goes(pair)


def test_both_paths_are_shown(pair: Pair) -> None:
    between(pair, reach=1)
    other = rel(TERN, "uses", LOADER)
    pair.put(HERON, TERN, LOADER, USES, other)
    goes(pair)
    (found,) = preview.explain(pair.north, LOADER["id"], "south-isac", now=pair.tick())
    assert found.start == "name:gray heron + name:blue tern"
    named = [step.id for step in found.path]
    assert named == [each["id"] for each in (HERON, USES, LOADER, TERN, other, LOADER)]


def test_what_ties_the_two_is_taken_back_with_its_tie(pair: Pair) -> None:
    between(pair, reach=2)
    other = rel(TERN, "uses", LOADER)
    pair.put(HERON, TERN, LOADER, USES, other, DOMAIN, INDICATES)
    assert len(goes(pair)) == 7
    arrive.hold(pair.north, "object", other["id"], "not now", now=pair.tick())
    assert goes(pair) == set()
    with pair.south.store.read() as tx:
        assert list(objects.latest_all(tx, pair.agreement_id)) == []


def test_an_end_that_is_named_by_its_id_may_be_cut(pair: Pair) -> None:
    threats = RELATION.replace('names = ["Blue Tern"]', f'stix_ids = ["{TERN["id"]}"]')
    pair.agree(threats=threats, topics='["T3"]', remove='["description"]')
    tie = rel(HERON, "targets", TERN)
    pair.put(HERON, TERN | {"description": "cut away"}, tie)
    assert len(goes(pair)) == 3
    assert TERN["id"] not in goes(pair)


# ---------------------------------------------------------------------------------------- countries

SWEDEN = sdo("location", "Sweden", country="SE")
PORTUGAL = sdo("location", "Portugal", country="PT")
CLINIC = sdo("identity", "Harbour Clinic")


@pytest.mark.parametrize(
    ("relation", "ties"),
    [
        ("victim", [rel(HERON, "targets", SWEDEN)]),
        ("actor", [rel(HERON, "originates-from", SWEDEN)]),
        ("actor", [rel(HERON, "located-at", SWEDEN)]),
    ],
)
def test_an_object_has_the_country_of_a_location_by_the_table(
    pair: Pair, relation: str, ties: list[dict[str, Any]]
) -> None:
    pair.agree(countries=f'{{ {relation} = ["SE"] }}')
    pair.put(HERON, LOADER, USES, SWEDEN)
    assert goes(pair) == set()
    assert why(pair, HERON) == {"country-not-listed"}
    pair.put(*ties)
    assert goes(pair) == ids(HERON, LOADER, USES, SWEDEN, *ties)


def test_an_infrastructure_is_observed_where_it_is(pair: Pair) -> None:
    relay = sdo("infrastructure", "relay", labels=["gray-heron"])
    there = rel(relay, "located-at", SWEDEN)
    pair.agree(countries='{ observed = ["SE"] }')
    pair.put(relay, SWEDEN, there, HERON)
    assert goes(pair) == ids(relay, SWEDEN, there)


def test_another_country_does_not_count_and_is_named(pair: Pair) -> None:
    pair.agree(countries='{ victim = ["SE", "NO"] }')
    pair.put(HERON, PORTUGAL, rel(HERON, "targets", PORTUGAL))
    assert goes(pair) == set()
    said = "clause N1 allows victim NO or SE; known of it, going or not: victim PT."
    assert sentence(pair, HERON) == said


def test_a_location_that_stays_shows_nothing(pair: Pair) -> None:
    tie = rel(HERON, "targets", SWEDEN)
    pair.agree(countries='{ victim = ["SE"] }')
    pair.put(HERON, SWEDEN, tie)
    assert goes(pair) == ids(HERON, SWEDEN, tie)
    annotation = Annotation(marking.RED, None)
    arrive.annotate(pair.north, [SWEDEN["id"]], annotation, now=pair.tick())
    assert goes(pair) == set()


def test_what_has_no_country_has_that_of_what_ties_it_to_the_topic(pair: Pair) -> None:
    ties = [rel(HERON, "targets", SWEDEN), rel(LOADER, "targets", PORTUGAL)]
    pair.agree(countries='{ victim = ["SE"] }', reach=2)
    pair.put(HERON, LOADER, USES, SWEDEN, PORTUGAL, ties[0])
    assert goes(pair) == ids(HERON, LOADER, USES, SWEDEN, ties[0])
    pair.put(ties[1])
    assert goes(pair) == ids(HERON, SWEDEN, ties[0])


def test_each_relation_that_is_named_has_to_fit(pair: Pair) -> None:
    ties = [rel(HERON, "targets", SWEDEN), rel(HERON, "originates-from", PORTUGAL)]
    pair.agree(countries='{ victim = ["SE"], actor = ["PT"] }')
    pair.put(HERON, SWEDEN, ties[0], PORTUGAL)
    assert goes(pair) == set()
    pair.put(ties[1])
    assert goes(pair) == ids(HERON, SWEDEN, PORTUGAL, *ties)


def test_a_victim_shows_its_country_only_where_it_goes_itself(pair: Pair) -> None:
    ties = [rel(HERON, "targets", CLINIC), rel(CLINIC, "located-at", SWEDEN)]
    pair.agree(countries='{ victim = ["SE"] }', reach=2)
    pair.put(HERON, CLINIC, SWEDEN, *ties)
    assert goes(pair) == set()
    assert why(pair, CLINIC) >= {"victim"}
    assert why(pair, HERON) == {"country-not-listed"}


# ------------------------------------------------------------------------------- other markings


def definition(name: str, **more: object) -> dict[str, Any]:
    doc = sdo("marking-definition", name)
    del doc["modified"]
    return doc | more


def statement(text: str) -> dict[str, Any]:
    more = {"definition_type": "statement", "definition": {"statement": text}}
    return definition(f"statement {text}", **more)


PAP_RED = "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"
PAP_AMBER = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"
OURS = statement("Only for  staff")
IEP = definition(
    "a policy",
    extensions={
        "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a": {
            "extension_type": "property-extension",
            "iep_id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845",
            "iep_version": "2.0",
            "tlp": "amber",
        }
    },
)


@pytest.mark.parametrize(
    "how",
    [{"object_marking_refs": [PAP_AMBER]}, {"labels": ["gray-heron", "PAP:AMBER"]}],
)
def test_pap_goes_up_to_the_ceiling_of_a_clause_that_speaks_of_it(
    pair: Pair, how: dict[str, object]
) -> None:
    pair.put(HERON | how)
    pair.agree()
    assert goes(pair) == set()
    assert why(pair, HERON) == {"marking-unknown"}
    pair.agree(more='pap_max = "PAP:GREEN"')
    assert goes(pair) == set()
    assert why(pair, HERON) == {"pap-above"}
    pair.agree(more='pap_max = "PAP:AMBER"')
    assert goes(pair) == ids(HERON)


def test_two_pap_levels_contradict_each_other(pair: Pair) -> None:
    pair.put(HERON | {"object_marking_refs": [PAP_AMBER, PAP_RED]})
    pair.agree(more='pap_max = "PAP:RED"')
    assert why(pair, HERON) == {"marking-contradicts"}


def test_a_statement_goes_where_the_clause_lists_it_and_south_is_told_what_it_says(
    pair: Pair,
) -> None:
    pair.put(HERON | {"object_marking_refs": [OURS["id"]]})
    pair.agree(more='statements = ["only for staff"]')
    assert goes(pair) == set()
    assert why(pair, HERON) == {"marking-unknown"}
    pair.put(OURS, marking=None)
    assert goes(pair) == ids(HERON)
    with pair.south.store.read() as tx:
        (row,) = objects.latest_all(tx, pair.agreement_id)
    assert row.marking == marking.UNKNOWN
    pair.agree(more="")
    assert goes(pair) == set()
    pair.agree(more='statements = "*"')
    assert goes(pair) == ids(HERON)


def test_an_iep_policy_goes_where_the_clause_lists_it_and_its_tlp_counts(pair: Pair) -> None:
    listed = 'iep = ["0224bfdf-ea3a-49c3-96f6-66d908bb1845"]'
    pair.put(IEP, marking=None)
    pair.put(HERON | {"object_marking_refs": [IEP["id"]]}, marking=None)
    pair.agree(more=listed)
    assert why(pair, HERON) >= {"unmarked"}
    green = [IEP["id"], marking.marking_ref(marking.GREEN)]
    later = HERON | {"modified": "2026-03-02T00:00:00.000Z", "object_marking_refs": green}
    pair.put(later, marking=None)
    assert goes(pair) == ids(HERON)
    pair.agree(ceiling="TLP:GREEN")
    assert goes(pair) == set()
    assert why(pair, HERON) == {"marking-above"}


# ----------------------------------------------------------------- confidence, validity, never


def test_confidence_has_a_floor(pair: Pair) -> None:
    pair.agree(confidence="60")
    pair.put(HERON)
    assert why(pair, HERON) == {"no-confidence"}
    pair.put(HERON | {"confidence": 59, "modified": "2026-03-02T00:00:00.000Z"})
    assert sentence(pair, HERON) == "Confidence 59, below 60 of clause N1."
    pair.put(HERON | {"confidence": 60, "modified": "2026-03-03T00:00:00.000Z"})
    assert goes(pair) == ids(HERON)


def test_an_indicator_ends_by_the_clock(pair: Pair) -> None:
    ends = DOMAIN | {"valid_until": "2026-03-05T00:00:00.000Z", "labels": ["gray-heron"]}
    pair.agree()
    pair.put(ends)
    assert goes(pair) == ids(DOMAIN)
    pair.now = START + 4 * DAY - 1_000
    assert set(pair.delivered()) == ids(DOMAIN)
    pair.now = START + 4 * DAY
    assert set(pair.delivered()) == set()
    assert goes(pair) == set()
    assert why(pair, DOMAIN) == {"expired"}
    pair.agree(more="expired = true")
    assert goes(pair) == ids(DOMAIN)


@pytest.mark.parametrize(
    "named",
    [LOADER["id"], "mud  loader", "S0999", "internal", "test", stix_id("identity", "author"), "T9"],
)
def test_what_is_named_never_goes_and_nothing_goes_by_it(pair: Pair, named: str) -> None:
    doc = LOADER | {
        "labels": ["internal"],
        "created_by_ref": stix_id("identity", "author"),
        "external_references": [{"source_name": "mitre-attack", "external_id": "S0999"}],
    }
    topic = '\n[[topic]]\nid = "T9"\nnames = ["Mud Loader"]\n'
    pair.agree(reach=2, threats=topic)
    pair.put(HERON, doc, USES, DOMAIN, INDICATES)
    assert len(goes(pair)) == 5
    pair.agree(more=f"never = {json.dumps([named])}")
    assert goes(pair) == (set() if named == "test" else ids(HERON))
    assert "never" in why(pair, LOADER)


def test_a_tie_that_turns_away_from_both_takes_both_back(pair: Pair) -> None:
    between(pair, reach=1)
    tie = rel(HERON, "related-to", TERN)
    pair.put(HERON, TERN, tie, KIT, LOADER)
    assert len(goes(pair)) == 3
    turned = {"source_ref": KIT["id"], "target_ref": LOADER["id"]}
    pair.put(tie | turned | {"modified": "2026-03-02T00:00:00.000Z"})
    assert goes(pair) == set()


def test_a_place_that_is_another_s_now_is_not_counted(pair: Pair) -> None:
    tie = rel(HERON, "targets", SWEDEN)
    pair.agree(countries='{ victim = ["SE"] }')
    pair.put(HERON, SWEDEN, tie, KIT)
    assert len(goes(pair)) == 3
    later = {"source_ref": KIT["id"], "modified": "2026-03-02T00:00:00.000Z"}
    pair.put(tie | later)
    assert goes(pair) == set()
