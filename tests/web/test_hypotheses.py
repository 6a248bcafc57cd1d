"""A question as a matrix in a browser: both sides at equal rank, and a form without a script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.provenance.matrices import Rating
from tearline.weighing import questions
from tests.pair import Pair
from tests.web.site import questioned, site
from tests.weighing.both import CLEAR, DENIAL, ENVOY, give, two_ways

ENVOY_ID, DENIAL_ID = (str(each["id"]) for each in (ENVOY, DENIAL))
BAD_REQUEST, ABSENT, SEE_OTHER = 400, 404, 303


@pytest.fixture
def ways(tmp_path: Path) -> tuple[Pair, Pair]:
    """A question of North that South rated."""
    there, back = two_ways(tmp_path)
    matrix = questions.ask(
        there.north,
        "Why do they exchange intelligence?",
        ["A common enemy", "Something to pass on"],
        [ENVOY_ID, DENIAL_ID],
        labels=["gray-heron"],
        annotation=CLEAR,
        now=there.tick(),
    ).stix_id
    give(there, back)
    for home, way, mark in ((there.south, back, "I"), (there.north, there, "II")):
        given = {"H1": Rating("H1", mark, "One source."), "H2": Rating("H2", "C")}  # type: ignore[arg-type]
        questions.rate(home, matrix, ENVOY_ID, given, annotation=CLEAR, now=way.tick())
    silent = {each: Rating(each, "N") for each in ("H1", "H2")}
    questions.rate(there.north, matrix, DENIAL_ID, silent, annotation=CLEAR, now=there.tick())
    give(back, there)
    there.now = back.now = max(there.now, back.now)
    return there, back


@pytest.fixture
def analyst(ways: tuple[Pair, Pair], monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(clock, "now", ways[0].tick)
    with site(ways[0].north, "analyst") as client:
        yield client


def test_both_sides_stand_beside_each_other(analyst: TestClient) -> None:
    (listed,) = analyst.get("/hypotheses.json").json()["questions"]
    assert (listed["partner"], listed["claims"], listed["hypotheses"]) == (None, 2, 2)
    found = analyst.get(f"/hypotheses/{listed['question']}.json").json()
    assert [each["party"] for each in found["sides"]] == ["north-cert", "south-isac"]
    north, south = found["sides"]
    assert [each["against"] for each in north["standings"]] == ["2", "0"]
    assert north["shifts"] == [{"place": "E1", "order": [["H1", "H2"]]}]
    assert north["silent"] == ["E2"]
    assert [each["unrated"] for each in south["standings"]] == [1, 1]
    assert (found["alike"], found["alone"]) == (1, 2)
    said = [{"party": "north-cert", "rating": "II"}, {"party": "south-isac", "rating": "I"}]
    assert found["differing"] == [{"place": "E1", "hypothesis": "H1", "said": said}]
    weighted = analyst.get(f"/hypotheses/{listed['question']}.json?weighted=1").json()
    assert [each["against"] for each in weighted["sides"][0]["standings"]] == ["1.40", "0"]
    shown = analyst.get(f"/hypotheses/{listed['question']}").text
    assert "Rated alike: 1. Differently: 1. By one side only: 2." in shown


def test_a_form_signs_what_was_chosen_otherwise(
    ways: tuple[Pair, Pair], analyst: TestClient
) -> None:
    matrix = analyst.get("/hypotheses.json").json()["questions"][0]["question"]
    at = f"/hypotheses/{matrix}"
    fields = {f"{ENVOY_ID}.H1": "CC", f"{ENVOY_ID}.H2": "C", f"{DENIAL_ID}.H1": ""}
    reply = analyst.post(f"{at}/rate", data=fields | {"marking": "TLP:GREEN"})
    assert (reply.status_code, reply.headers["location"]) == (SEE_OTHER, at)
    side = questions.board(ways[0].north, matrix, now=ways[0].now).sides["north-cert"]
    assert side.marks[ENVOY_ID, "H1"] == "CC"
    assert side.why == {}, "a reason goes with the rating that it was for"
    assert side.marks[DENIAL_ID, "H1"] == "N"
    assert set(side.seals.values()) == {"signed"}
    for wrong in ({}, fields, {f"{ENVOY_ID}.H1": "CCC"}, {f"{ENVOY_ID}.H1": "I", "marking": "RED"}):
        assert analyst.post(f"{at}/rate", data=wrong).status_code == BAD_REQUEST, wrong
    assert analyst.post("/hypotheses/none/rate", data=fields).status_code == ABSENT
    assert analyst.get(f"/hypotheses/{ENVOY_ID}").status_code == ABSENT
    assert (
        questions.board(ways[0].north, matrix, now=ways[0].now).sides["north-cert"].marks
        == side.marks
    )


def test_what_was_given_is_named_after_who_gave_it(ways: tuple[Pair, Pair]) -> None:
    with site(ways[0].south, "reader") as reader:
        (listed,) = reader.get("/hypotheses.json").json()["questions"]
        assert listed["partner"] == "north-cert"
        found = reader.get(f"/hypotheses/{listed['question']}").text
        assert "<select" not in found


def test_what_nothing_shows_is_told_apart(ways: tuple[Pair, Pair], analyst: TestClient) -> None:
    asked = questioned(ways[0], "Is it <b>so</b>?")
    found = analyst.get(f"/hypotheses/{asked}.json").json()
    assert [each["party"] for each in found["sides"]] == ["north-cert"]
    assert [each["why"] for each in found["problems"]] == [
        "Nothing shows that the party it names said it."
    ]
    assert "<b>so" not in analyst.get(f"/hypotheses/{asked}").text
