"""The judge's own reading of the signed text, on worlds small enough to work out by hand."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tearline.cli.demo.expect import Expected, Object, World, called

NOW = datetime(2026, 1, 6, tzinfo=UTC)
RECENT = "2026-01-01T00:00:00.000Z"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
TYPES = ["intrusion-set", "malware", "tool", "indicator", "relationship", "sighting", "identity"]
CLAUSE: dict[str, Any] = {
    "id": "N1",
    "from": "north",
    "types": [*TYPES, "note"],
    "topics": ["T1"],
    "reach": 2,
    "marking_max": "TLP:AMBER",
    "grading_min": "B2",
    "max_age_days": 30,
    "review": {"when": ["victim"]},
}
CODE = {"source_name": "mitre-attack", "external_id": "G9999"}
TERMS: dict[str, Any] = {
    "topic": [
        {"id": "T1", "names": ["Example  SPIDER"], "attack_ids": ["G9999"], "labels": ["case"]},
        {"id": "T2", "names": ["Other"]},
    ]
}

Doc = dict[str, Any]


def made(kind: str, key: str, **more: object) -> Doc:
    doc = {"type": kind, "id": f"{kind}--{key}", "name": key, "created": RECENT}
    return doc | more


def tied(source: str, kind: str, target: str) -> Doc:
    ends = {"relationship_type": kind, "source_ref": source, "target_ref": target}
    return made("relationship", f"{source.partition('--')[2]}-{target.partition('--')[2]}", **ends)


SPIDER = made("intrusion-set", "example spider")
RAT = made("malware", "rat")
USES_RAT = tied(SPIDER["id"], "uses", RAT["id"])


def world(*docs: Doc, clause: Doc | None = None, held: tuple[str, ...] = ()) -> World:
    given = {each["id"]: thing(each) for each in (SPIDER, *docs)}
    return World(given, TERMS, CLAUSE | (clause or {}), NOW, frozenset(held))


def thing(doc: Doc) -> Object:
    """An object with our marking and grade; a test overrides them by properties of these names."""
    plain = {name: value for name, value in doc.items() if name not in {"mark", "grade"}}
    mark, grade = doc.get("mark", "TLP:GREEN"), doc.get("grade", "B2")
    return Object(json.dumps(plain).encode(), plain, "test", mark, grade)


def codes(found: World, doc: Doc) -> set[str]:
    return set(found.outcomes[doc["id"]].codes)


def test_the_topic_goes_and_so_does_what_it_uses() -> None:
    found = world(RAT, USES_RAT)
    assert set(found.outcomes.values()) == {Expected("release", frozenset())}


@pytest.mark.parametrize(
    ("kind", "spreads"), [("uses", "there"), ("indicates", "back"), ("related-to", "")]
)
def test_about_spreads_in_one_direction_only(kind: str, spreads: str) -> None:
    away, towards = tied(SPIDER["id"], kind, RAT["id"]), tied(RAT["id"], kind, SPIDER["id"])
    assert (RAT["id"] in world(RAT, away).about) == (spreads == "there")
    assert (RAT["id"] in world(RAT, towards).about) == (spreads == "back")


def test_about_ends_at_the_reach_and_at_what_does_not_carry() -> None:
    tool, far = made("tool", "shovel"), made("malware", "far")
    chain = (RAT, USES_RAT, tool, tied(RAT["id"], "uses", tool["id"]))
    assert tool["id"] in world(*chain).about
    assert tool["id"] not in world(*chain, clause={"reach": 1}).about
    direct = (
        tool,
        tied(SPIDER["id"], "uses", tool["id"]),
        far,
        tied(tool["id"], "uses", far["id"]),
    )
    assert far["id"] not in world(*direct).about


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"object_marking_refs": [RED]}, {"marking-above"}),
        ({"mark": "TLP:AMBER+STRICT"}, {"marking-above"}),
        ({"mark": None}, {"unmarked"}),
        ({"grade": None}, {"ungraded"}),
        ({"grade": "C1"}, {"grade-below"}),
        ({"grade": "A3"}, {"grade-below"}),
        ({"created": "2025-12-07T00:00:00.000Z"}, {"too-old"}),
        ({"revoked": True}, {"revoked"}),
        ({"grade": "A1", "mark": "TLP:AMBER"}, set()),
    ],
)
def test_each_limit_has_its_reason(more: Doc, expected: set[str]) -> None:
    assert codes(world(made("malware", "rat") | more, USES_RAT), RAT) == expected


def test_what_does_not_pass_is_about_the_topic_and_carries_no_further() -> None:
    red = RAT | {"object_marking_refs": [RED]}
    tool = made("tool", "shovel")
    found = world(red, USES_RAT, tool, tied(RAT["id"], "uses", tool["id"]))
    assert RAT["id"] in found.about
    assert codes(found, tool) == {"not-about"}
    assert codes(found, USES_RAT) == {"end-stays"}


@pytest.mark.parametrize(
    "topic",
    [
        made("malware", "x", name="EXAMPLE spider"),
        made("malware", "x", aliases=["example spider"]),
        made("tool", "x", labels=["case"]),
        made(
            "tool",
            "x",
            external_references=[{"source_name": "mitre-attack", "external_id": "G9999"}],
        ),
    ],
)
def test_a_topic_is_known_by_name_alias_label_or_code(topic: Doc) -> None:
    assert topic["id"] in world(topic).starts


def test_a_name_counts_on_threats_alone_and_only_for_topics_of_the_clause() -> None:
    found = world(made("tool", "x", name="Example Spider"), made("malware", "other", name="Other"))
    assert found.starts == {SPIDER["id"]}


def test_what_names_a_victim_waits_with_all_that_speaks_of_it() -> None:
    ward = made("identity", "ward", labels=["case"])
    targets = tied(SPIDER["id"], "targets", ward["id"])
    seen = made("sighting", "seen", sighting_of_ref=RAT["id"], where_sighted_refs=[ward["id"]])
    note = made("note", "note", object_refs=[SPIDER["id"], ward["id"]])
    found = world(RAT, USES_RAT, ward, targets, seen, note)
    assert {found.outcomes[each["id"]].outcome for each in (ward, targets, seen, note)} == {"wait"}
    assert (codes(found, ward), codes(found, note)) == ({"victim"}, {"end-waits"})


def test_what_people_approved_goes_and_what_they_refused_stays() -> None:
    clinic, mill = made("identity", "clinic"), made("identity", "mill")
    ties = [tied(SPIDER["id"], "targets", each["id"]) for each in (clinic, mill)]
    found = world(clinic, mill, *ties)
    found.approved = frozenset({clinic["id"], ties[0]["id"]})
    found.refused = frozenset({mill["id"]})
    assert found.outcomes[clinic["id"]] == Expected("release", frozenset())
    assert found.outcomes[ties[0]["id"]] == Expected("release", frozenset())
    assert found.outcomes[mill["id"]].outcome == "withhold"
    assert "refused" in codes(found, mill)
    assert codes(found, ties[1]) == {"victim", "end-stays"}


def test_a_topic_that_is_held_is_whatever_has_the_name() -> None:
    found = world(RAT, made("tool", "rat"), made("malware", "other", aliases=["RAT"]))
    assert called(found.objects, "Rat") == {RAT["id"], "tool--rat", "malware--other"}
    assert called(world(made("indicator", "rat")).objects, "Rat") == set()


def test_a_held_object_stays_and_what_speaks_of_it_too() -> None:
    found = world(RAT, USES_RAT, held=(RAT["id"],))
    assert (codes(found, RAT), codes(found, USES_RAT)) == ({"held"}, {"end-stays"})


def test_a_path_holds_only_over_what_is_there_and_passes() -> None:
    path = [SPIDER["id"], USES_RAT["id"], RAT["id"]]
    assert world(RAT, USES_RAT).path_holds(path, "name:example spider")
    assert not world(RAT).path_holds(path, "name:example spider")
    assert not world(RAT, USES_RAT, clause={"reach": 0}).path_holds(path, "name:example spider")
    assert not world(RAT, USES_RAT | {"mark": "TLP:RED"}).path_holds(path, "name:example spider")
    assert not world(RAT, USES_RAT).path_holds(path[2:], "name:example spider")
    assert not world(RAT, USES_RAT).path_holds(path, "because I say so")


def test_age_is_counted_from_the_moment_it_was_created() -> None:
    edge = (NOW - timedelta(days=30)).isoformat().replace("+00:00", "Z")
    assert codes(world(RAT | {"created": edge}, USES_RAT), RAT) == {"too-old"}
