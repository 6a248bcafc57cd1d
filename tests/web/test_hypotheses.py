"""A question as a matrix in a browser: both sides at equal rank, and a form without a script."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.provenance.matrices import LABEL, Rating
from tearline.store import objects
from tearline.store.asked import KEY, number
from tearline.weighing import questions
from tests.pair import Pair, make_pair
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


# --------------------------------------------------------------------------------------- by forms

ASKED = {
    "question": "Who profits?",
    "hypotheses": " One side \r\nBoth\r\n\r\nBoth\n",
    "claims": f"{ENVOY_ID}\n{DENIAL_ID}",
}


def test_a_reason_goes_with_its_rating_and_is_shown_beside_it(
    ways: tuple[Pair, Pair], analyst: TestClient
) -> None:
    matrix = analyst.get("/hypotheses.json").json()["questions"][0]["question"]
    at, field = f"/hypotheses/{matrix}", f"{ENVOY_ID}.H1"

    def said() -> tuple[str, str | None]:
        side = questions.board(ways[0].north, matrix, now=ways[0].now).sides["north-cert"]
        assert side.seals[ENVOY_ID] == "signed"
        return side.marks[ENVOY_ID, "H1"], side.why.get((ENVOY_ID, "H1"))

    def rate(**fields: str) -> int:
        given = {f"{field}{name.removeprefix('mark')}": text for name, text in fields.items()}
        return analyst.post(f"{at}/rate", data=given).status_code

    assert said() == ("II", "One source.")
    shown = analyst.get(at).text
    assert 'value="One source."' in shown
    assert "south-isac: One source." in shown
    ours = '<div class="printed"><small>north-cert: One source.'
    assert ours in shown, "on the screen ours stands in its field"
    assert rate(mark="II", **{".why": "One source."}) == BAD_REQUEST, "nothing is otherwise"
    assert rate(mark="II", **{".why": " Two,\n<b>both</b> old."}) == SEE_OTHER
    assert said() == ("II", "Two, <b>both</b> old.")
    assert "<b>both" not in analyst.get(at).text
    assert rate(mark="II") == BAD_REQUEST, "what is not named stays"
    assert rate(mark="I", **{".why": "Two, <b>both</b> old."}) == SEE_OTHER
    assert said() == ("I", "Two, <b>both</b> old.")
    assert rate(**{".why": ""}) == SEE_OTHER
    assert said() == ("I", None)
    assert rate(mark="I", **{".why": "x" * 501}) == BAD_REQUEST
    alone = {f"{DENIAL_ID}.H9.why": "no such", f"{DENIAL_ID}.H1": "N"}
    assert analyst.post(f"{at}/rate", data=alone).status_code == BAD_REQUEST


def test_a_reason_needs_a_rating(ways: tuple[Pair, Pair], analyst: TestClient) -> None:
    made = analyst.post("/hypotheses", data=ASKED).headers["location"]
    reply = analyst.post(f"{made}/rate", data={f"{ENVOY_ID}.H1.why": "so"})
    assert reply.status_code == BAD_REQUEST
    assert "A reason goes with a rating." in reply.text
    assert not questions.board(ways[0].north, made.rpartition("/")[2], now=ways[0].now).sides


def test_a_question_is_asked_and_changed_by_a_form(
    ways: tuple[Pair, Pair], analyst: TestClient
) -> None:
    found = analyst.get(f"/hypotheses.json?claim={ENVOY_ID}").json()
    assert (found["may_ask"], found["claim"]["id"]) == (True, ENVOY_ID)
    shown = analyst.get(f"/hypotheses?claim={ENVOY_ID}").text
    assert f">{ENVOY_ID}</textarea>" in shown
    assert f'href="/hypotheses?claim={ENVOY_ID}#ask"' in analyst.get(f"/claims/{ENVOY_ID}").text
    assert analyst.get("/hypotheses.json?claim=note--none").json()["claim"] is None
    fields = ASKED | {"labels": "gray-heron", "marking": "TLP:GREEN", "claims": ENVOY_ID}
    made = analyst.post("/hypotheses", data=fields).headers["location"]
    matrix_id = made.removeprefix("/hypotheses/")
    matrix = questions.board(ways[0].north, matrix_id, now=ways[0].now).matrix
    assert (matrix.question, matrix.labels) == ("Who profits?", ("ach", "gray-heron"))
    assert [each.text for each in matrix.hypotheses] == ["One side", "Both"]
    assert analyst.get(f"/objects/{matrix_id}.json").json()["our_marking"] == "TLP:GREEN"
    more = {"claims": DENIAL_ID, "hypotheses": "Nobody"}
    assert analyst.post(f"{made}/change", data=more).headers["location"] == made
    assert analyst.post(f"{made}/change", data={"without": "H1"}).status_code == SEE_OTHER
    assert analyst.post(f"{made}/change", data={"without": ENVOY_ID}).status_code == SEE_OTHER
    found = analyst.get(f"{made}.json").json()
    assert [each["id"] for each in found["hypotheses"]] == ["H2", "H3"]
    assert [each["claim"] for each in found["evidence"]] == [DENIAL_ID]
    for wrong in ({}, {"without": "H9"}, {"claims": "note--none"}, {"without": DENIAL_ID}):
        assert analyst.post(f"{made}/change", data=wrong).status_code == BAD_REQUEST, wrong


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": " "},
        {"hypotheses": "One side\nOne side"},
        {"claims": ""},
        {"claims": "note--none"},
        {"marking": "RED"},
        {"hypotheses": "\n".join(map(str, range(101)))},
    ],
)
def test_what_is_no_question_is_not_asked(analyst: TestClient, wrong: dict[str, str]) -> None:
    before = analyst.get("/hypotheses.json").json()
    assert analyst.post("/hypotheses", data=ASKED | wrong).status_code == BAD_REQUEST
    assert analyst.get("/hypotheses.json").json() == before


def test_who_may_not_ask_sees_no_form(ways: tuple[Pair, Pair]) -> None:
    there = ways[0]
    with site(there.north, "overseer") as overseer:
        shown = overseer.get(f"/hypotheses?claim={ENVOY_ID}").text
        assert "<textarea" not in shown
        assert "/change" not in shown
        assert overseer.post("/hypotheses", data=ASKED).status_code == ABSENT
    with site(ways[0].south, "analyst") as south:
        given = south.get("/hypotheses.json").json()["questions"][0]["question"]
        assert "/change" not in south.get(f"/hypotheses/{given}").text, "theirs is theirs to change"
        reply = south.post(f"/hypotheses/{given}/change", data={"hypotheses": "More"})
        assert reply.status_code == BAD_REQUEST
    with site(there.north, "analyst") as analyst:
        analyst.headers["Origin"] = "https://elsewhere.example"
        assert analyst.post("/hypotheses", data=ASKED).status_code not in {SEE_OTHER, 200}


def test_the_list_goes_on_in_parts_the_newest_first(ways: tuple[Pair, Pair]) -> None:
    """Ours and the partner's together; a change brings a question to the top, and none twice."""
    there, back = ways
    own = [
        questions.ask(there.south, f"South asks {n}", ["A", "B"], [DENIAL_ID], now=back.tick())
        for n in range(3)
    ]
    there.now = back.now
    questions.change(there.south, own[0].stix_id, texts=["C"], now=there.tick())
    with site(there.south, "analyst") as client:
        found, query = [], "?rows=2"
        while query:
            part = client.get(f"/hypotheses.json{query}").json()
            assert len(part["questions"]) == 2
            assert (part["number"], part["first"]) == (
                {"number": 4, "more": False},
                query == "?rows=2",
            )
            found += [(each["text"], each["partner"]) for each in part["questions"]]
            query = f"?rows=2&before={part['next']}" if part["next"] else ""
        texts = ["South asks 0", "South asks 2", "South asks 1"]
        assert found[:3] == [(text, None) for text in texts]
        assert found[3:] == [("Why do they exchange intelligence?", "north-cert")]
        shown = client.get(f"/hypotheses?rows=2&claim={ENVOY_ID}").text
        assert f'<a rel="next" href="/hypotheses?claim={ENVOY_ID}&amp;before=' in shown
        assert client.get("/hypotheses?before=1").text.count("The newest") == 1
    read = questions.questions(there.south, now=there.now)
    assert [each.question for _, each in read] == [text for text, _ in found]


def test_what_is_revoked_or_gone_is_in_no_list(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    asked = questioned(pair, "Is it so?")
    with pair.north.store.read() as tx:
        (version,) = objects.latest(tx, "", [asked]).values()
        doc = json.loads(objects.raw_of(tx, [version.seq])[version.seq])
    pair.put({**doc, "revoked": True, "modified": "2027-01-01T00:00:00.000Z"})
    assert questions.questions(pair.north, now=pair.now) == []
    assert asked_number(pair) == 0
    again = questioned(pair, "Is it so again?")
    assert asked_number(pair) == 1
    with pair.north.store.write() as tx:
        objects.erase(tx, "", [again])
    assert asked_number(pair) == 0


def asked_number(pair: Pair) -> int:
    with pair.north.store.read() as tx:
        return number(tx)


def test_what_asks_is_found_by_the_label_of_a_question() -> None:
    assert f"label:{LABEL}" == KEY
