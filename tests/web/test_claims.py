"""The pages of claims and sources: what they say is what is counted, and each form is one act."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.provenance.claims import Claim, Link, Wording, note_of
from tearline.stix.marking import parse_level
from tearline.store import annotations, objects, private
from tearline.store.objects import OURS
from tearline.web import signing_in
from tearline.web.drawn import chains, estimates
from tearline.web.pages import claims
from tearline.weighing import losing
from tests.pair import Pair, make_pair, sdo, stix_id
from tests.web.debated import BROKEN, ENVOY, FEW, HARBOUR, MANY, NO, REPORTS, debate, ready
from tests.web.site import site
from tests.weighing.told import keep, note_id, source, told

HOSTILE = "<script>alert(1)</script>\u202e{{7*7}}\x1b[31m\u200b" + "w" * 300
WORDS = chains.Words(
    claims="claim",
    asserted="says",
    denied="denies",
    publisher="publisher",
    relay="relay",
    origin="origin",
    more="and {n} more",
    nobody="nobody",
    bad="bad",
    echo="{n} reports",
)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    debate(made.north, now=made.tick())
    return made


def at(name: str) -> str:
    return f"/claims/{note_id(name)}"


def who(name: str) -> str:
    return f"/sources/{source(name)['id']}"


def one(client: TestClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{at(name)}.json").json()
    return found


def titles(client: TestClient, query: str = "") -> list[str]:
    return [each["title"] for each in client.get(f"/claims.json{query}").json()["claims"]]


# ---------------------------------------------------------------------------------------- list


def test_the_list_says_what_each_claim_is_worth(officer: TestClient) -> None:
    found = officer.get("/claims.json").json()
    assert found["number"]["all"] == {"number": 7, "more": False}
    rows = {each["title"]: each for each in found["claims"]}
    assert set(rows) == {MANY, FEW, ENVOY, NO, "Round one", "Round two", "Apart"}
    worth = rows[MANY]["worth"]
    assert (worth["supporting"], worth["against"], worth["credibility"]) == (2, 1, 3)
    assert worth["flags"] == ["echo", "loop"]
    assert (rows[MANY]["source"], rows[MANY]["report_name"]) == ("a spokeswoman", "Report 1")
    assert (rows[MANY]["said"], rows[MANY]["grade"], rows[NO]["grade"]) == (
        "2026-01-03",
        "F3",
        None,
    )


def test_the_list_is_filtered(officer: TestClient) -> None:
    assert titles(officer, "?polarity=denied") == [NO]
    assert NO not in titles(officer, "?polarity=asserted")
    assert titles(officer, f"?report={REPORTS[0]['id']}") == [MANY]
    assert set(titles(officer, f"?source={source('an envoy')['id']}")) == {ENVOY, "Apart"}
    assert titles(officer, "?only=fallen") == titles(officer, "?report=none") == []
    found = officer.get("/claims.json?only=wrong").json()
    (wrong,) = found["wrong"]
    assert (wrong["id"], found["claims"]) == (BROKEN["id"], [])
    assert "perhaps" in wrong["problem"]
    assert "Not a claim" in officer.get("/claims?only=wrong").text


def test_the_list_goes_on(officer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = titles(officer)
    monkeypatch.setattr(claims, "ROWS", 2)
    found, query = [], ""
    while True:
        part = officer.get(f"/claims.json{query}").json()
        found += [each["title"] for each in part["claims"]]
        if part["next"] is None:
            break
        query = f"?before={part['next']}"
    assert found == whole
    assert officer.get(f"/claims.json?rows={len(whole)}").json()["next"] is None
    assert officer.get("/claims.json?only=wrong&rows=1").json()["next"] is None
    assert officer.get("/claims?before=x&polarity=perhaps").status_code == 200


# --------------------------------------------------------------------------------------- claim


def test_one_claim_keeps_apart_what_was_said(officer: TestClient) -> None:
    found = one(officer, MANY)
    assert (found["title"], found["content"], found["hedges"]) == (MANY, f"{MANY}.", ["is said to"])
    assert found["likelihood"] == {"scale": "icd-203", "word": "likely"}
    assert (found["said"], found["true_from"], found["true_until"]) == ("2026-01-03", "2026", None)
    assert [each["what"] for each in found["missing"]] == ["a letter of the ministry"]
    assert [each["role"] for each in found["chain"]] == ["publisher", "relay", "origin"]
    text = officer.get(at(MANY)).text
    for each in ("a letter of the ministry", "is said to", "icd-203", "tearline claim worth"):
        assert each in text


def test_echo_loop_and_denial_are_seen(officer: TestClient) -> None:
    found = one(officer, MANY)
    (echo,) = found["echoes"]
    assert (echo["name"], echo["number"], echo["polarity"]) == ("a spokeswoman", 2, "asserted")
    # Who is not held is called by the id.
    (loop,) = found["loops"]
    assert set(loop) == {source(each)["id"] for each in ("Round A", "Round B")}
    assert found["worth"]["reason"].startswith("Five reports rest on two independent origins")
    assert [each["title"] for each in one(officer, ENVOY)["denied_by"]] == [NO]
    assert one(officer, NO)["denies"]["title"] == ENVOY
    text = officer.get(at(MANY)).text
    assert "2 reports that say so rest on one origin" in text
    assert "cite each other in a circle" in text


def test_each_party_says_its_view_at_equal_rank(pair: Pair, officer: TestClient) -> None:
    assert one(officer, FEW)["views"] == []
    (view,) = one(officer, MANY)["views"]
    assert (view["party"], view["opinion"], view["seal"]) == (pair.north.slug, "disagree", "signed")
    assert (view["reliability"], view["credibility"], view["likelihood"]) == ("C", 4, "unlikely")
    assert "Nothing was promised" in officer.get(at(MANY)).text


def test_the_picture_and_the_list_have_every_chain(officer: TestClient) -> None:
    found = one(officer, MANY)
    drawing = chains.draw(found, WORDS)
    said = [box.node.full for box in drawing.boxes]
    assert sum("a spokeswoman" in each for each in said) == 1
    assert len(drawing.boxes) == 6 + 9
    for first in drawing.boxes:
        for other in drawing.boxes:
            apart = (
                first.x + first.width <= other.x
                or other.x + other.width <= first.x
                or first.y + first.height <= other.y
                or other.y + other.height <= first.y
            )
            assert first is other or apart
    trees = chains.nested(found)
    assert set(trees) == {"asserted", "denied"}
    (spoken,) = [each for each in trees["asserted"] if each.name == "a spokeswoman"]
    assert [each.name for each in spoken.below] == ["Tall Mast Radio", "Red Paper"]


def test_numbers_are_drawn_with_their_sources(officer: TestClient) -> None:
    rows = one(officer, MANY)["estimates"]
    assert [(each["number"], each["upto"]) for each in rows] == [
        (3000, None),
        (2500, 4000),
        (5200, None),
    ]
    (chart,) = estimates.draw(rows)
    assert (chart.unit, [each.label for each in chart.marks]) == (
        "fighters",
        ["a spokeswoman", "a spokeswoman", "an envoy"],
    )
    assert all(0 < each.x < chart.width and 0 < each.to_y <= each.y for each in chart.marks)
    assert estimates.amount(5200.0) == "5\u202f200"
    assert estimates.amount(0.25) == "0.25"


def test_what_is_no_claim_has_no_page(officer: TestClient) -> None:
    for each in (BROKEN["id"], HARBOUR["id"], "note--none"):
        assert officer.get(f"/claims/{each}").status_code == 404
    assert officer.get("/sources/identity--none").status_code == 404
    assert officer.get(f"/sources/{HARBOUR['id']}").status_code == 404


def test_the_note_leads_to_its_claim_and_an_identity_to_its_source(officer: TestClient) -> None:
    assert f'href="{at(MANY)}"' in officer.get(f"/objects/{note_id(MANY)}").text
    assert "/claims/" not in officer.get(f"/objects/{BROKEN['id']}").text
    spoken = source("a spokeswoman")["id"]
    assert f'href="/sources/{spoken}"' in officer.get(f"/objects/{spoken}").text
    assert f"/claims?report={REPORTS[0]['id']}" in officer.get(f"/objects/{REPORTS[0]['id']}").text


def test_a_chain_of_ten_thousand_links_is_a_page(pair: Pair, officer: TestClient) -> None:
    names = [stix_id("identity", f"relay {n}") for n in range(9_998)]
    links = (
        Link("publisher", source("Blue Paper")["id"]),
        *(Link("relay", each) for each in names),
        Link("origin", source("an envoy")["id"]),
    )
    claim = Claim(polarity="asserted", certainty="hearsay", source_chain=links)
    doc = note_of(claim, Wording("far", "far"), note_id=note_id("far"), at=pair.now)
    with pair.north.store.write() as tx:
        keep(tx, doc)
    ready(pair.north, now=pair.now)
    begin = time.process_time()
    reply = officer.get(at("far"))
    assert (reply.status_code, len(reply.text) < 80_000) == (200, True)
    assert time.process_time() - begin < 2
    found = one(officer, "far")
    assert (found["links"], len(found["chain"]), len(found["chains"][0]["steps"])) == (
        10_000,
        60,
        13,
    )


def test_what_is_claimed_is_text(pair: Pair, officer: TestClient) -> None:
    evil = sdo("identity", HOSTILE)
    links = (Link("origin", evil["id"], cue=HOSTILE, interest=HOSTILE),)
    claim = Claim(
        polarity="asserted",
        certainty="plain",
        source_chain=links,
        hedges=(HOSTILE,),
        extractor=HOSTILE,
    )
    words = Wording(HOSTILE, HOSTILE + ".", lang="de")
    doc = note_of(claim, words, note_id=note_id("evil"), at=pair.now)
    with pair.north.store.write() as tx:
        keep(tx, doc, evil)
    ready(pair.north, now=pair.now)
    for path in ("/claims", at("evil"), f"/sources/{evil['id']}", "/map?layer=claims"):
        text = officer.get(path).text
        assert "<script>alert" not in text
        assert not any(each in text for each in "\u202e\x1b\u200b"), path


# --------------------------------------------------------------------------------------- forms


def test_a_grade_is_taken_or_given_for_a_reason(pair: Pair, officer: TestClient) -> None:
    assert officer.post(f"{at(NO)}/grade", data={}).status_code == 303
    assert one(officer, NO)["worth"]["grade"] == "F4"
    reply = officer.post(f"{at(NO)}/grade", data={"digit": "1", "reason": " "})
    assert (reply.status_code, one(officer, NO)["worth"]["grade"]) == (400, "F4")
    given = {"digit": "1", "reason": "seen with my own eyes"}
    assert officer.post(f"{at(NO)}/grade", data=given).status_code == 303
    found = one(officer, NO)["worth"]
    assert (found["grade"], found["given"]["person"]) == ("F1", "officer")
    assert "seen with my own eyes" in officer.get(at(NO)).text
    assert officer.post(f"{at(NO)}/grade", data={"digit": "9"}).status_code == 400
    with pair.north.store.read() as tx:
        assert any("seen with my own eyes" in line for _, line in private.pending(tx))


def test_a_judgement_needs_who_it_is_of_late(
    pair: Pair, officer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = pair.now + signing_in.PROVEN + signing_in.HOUR
    monkeypatch.setattr(clock, "now", lambda: later)
    reply = officer.post(f"{who('an envoy')}/discredit", data={"reason": "paid"})
    assert reply.headers["location"].startswith("/prove")
    assert officer.get(f"{who('an envoy')}.json").json()["standing"] is None
    with site(pair.north, "reader") as reader:
        assert reader.post(f"{at(NO)}/grade", data={}).status_code == 404
        assert '<form method="post" action="/claims' not in reader.get(at(NO)).text


def test_claims_are_put_together_and_taken_apart(officer: TestClient) -> None:
    before = one(officer, MANY)["worth"]["supporting"]
    officer.post(f"{at('Apart')}/alike", data={"claims": note_id(MANY)})
    assert len(one(officer, MANY)["claims"]) == 7
    officer.post(f"{at(ENVOY)}/apart", data={})
    assert one(officer, ENVOY)["proposition"] != one(officer, MANY)["proposition"]
    assert one(officer, MANY)["worth"]["supporting"] == before
    assert officer.post(f"{at(NO)}/alike", data={"claims": "note--none"}).status_code == 400


def test_a_proposition_is_labelled_and_marked_so_that_it_may_go(
    pair: Pair, officer: TestClient
) -> None:
    given = {"claims": note_id(MANY), "labels": "gray-heron", "marking": "TLP:GREEN"}
    officer.post(f"{at('Apart')}/alike", data=given)
    with pair.north.store.read() as tx:
        (kept,) = (each for each in objects.latest_all(tx, OURS) if each.type == "grouping")
        doc = orjson.loads(objects.raw_of(tx, [kept.seq])[kept.seq])
        said = annotations.annotations(tx, [kept.stix_id])
    assert doc["labels"][1:] == ["gray-heron"]
    assert said[kept.stix_id][0] == parse_level("TLP:GREEN")


def test_a_tie_is_confirmed_or_refused(officer: TestClient) -> None:
    (tie,) = one(officer, MANY)["ties"]
    assert (tie["state"], tie["from_name"]) == ("proposed", "Report 2")
    given = {"from": tie["from"], "to": tie["to"], "kind": tie["kind"], "reason": "word for word"}
    assert officer.post(f"{at(MANY)}/tie", data=given).status_code == 400
    assert officer.post(f"{at(MANY)}/tie", data={**given, "act": "confirm"}).status_code == 303
    (tie,) = one(officer, MANY)["ties"]
    assert (tie["state"], tie["why"], tie["person"]) == ("confirmed", "word for word", "officer")


@pytest.mark.parametrize("name", ["an envoy", "a spokeswoman", "Round A", "a ministry"])
def test_what_a_loss_would_lower_is_what_it_lowers(officer: TestClient, name: str) -> None:
    before = {each["title"]: each for each in officer.get("/claims.json").json()["claims"]}
    loss = officer.get(f"{who(name)}.json").json()["loss"]
    assert officer.post(f"{who(name)}/discredit", data={"reason": "paid"}).status_code == 303
    after = {each["title"]: each for each in officer.get("/claims.json").json()["claims"]}
    fell = [each for each in after.values() if each["fell"]]
    assert len(fell) == loss["fall"]
    sides = {
        (each["proposition"], each["polarity"])
        for title, each in after.items()
        if each["worth"] != before[title]["worth"]
    }
    assert len(sides) == loss["changed"]
    assert {each["title"] for each in fell} == set(titles(officer, "?only=fallen"))
    assert officer.get("/home.json").json()["grades_fell"] == len(fell)
    assert ("Grades fell" in officer.get("/").text) == bool(fell)
    text = officer.get(who(name)).text
    assert "Discredited: paid" in text
    officer.post(f"{who(name)}/discredit", data={"act": "restore"})
    assert officer.get(f"{who(name)}.json").json()["standing"] is None


def test_of_a_busy_source_few_claims_are_looked_at(
    officer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = who("a spokeswoman")
    assert officer.get(f"{at}.json").json()["loss"]["whole"]
    monkeypatch.setattr(losing, "FEW", 1)
    found = officer.get(f"{at}.json").json()
    assert (found["loss"]["claims"], found["loss"]["whole"]) == (1, False)
    assert found["number"] == {"number": 2, "more": False}
    assert 'href="?count=all#loss"' in officer.get(at).text
    more = officer.get(f"{at}.json?count=all").json()["loss"]
    assert (more["claims"], more["whole"]) == (2, True)
    assert 'href="?count=all' not in officer.get(f"{at}?count=all").text


def test_a_source_gets_its_letter_and_its_others(officer: TestClient) -> None:
    assert officer.post(f"{who('an envoy')}/rely", data={"letter": "B"}).status_code == 303
    for wrong in ("G", "AB", "ABCDEF"):
        reply = officer.post(f"{who('an envoy')}/rely", data={"letter": wrong})
        assert reply.status_code == 400
    assert officer.get(f"{who('an envoy')}.json").json()["standing"]["reliability"] == "B"
    given = {"other": "a spokeswoman", "reason": "one embassy"}
    assert officer.post(f"{who('an envoy')}/same", data=given).status_code == 303
    (same,) = officer.get(f"{who('an envoy')}.json").json()["same"]
    assert same["name"] == "a spokeswoman"
    assert one(officer, MANY)["worth"]["supporting"] == 1
    assert officer.post(f"{who('an envoy')}/same", data={"other": "no"}).status_code == 400
    assert officer.post(f"{who('an envoy')}/apart", data={"reason": "no"}).status_code == 303
    assert officer.get(f"{who('an envoy')}.json").json()["same"] == []
    unknown = officer.post("/sources/identity--none/rely", data={"letter": "B"})
    assert unknown.status_code == 404


# ----------------------------------------------------------------------------------------- map


def test_claims_are_a_layer_of_map_and_time(officer: TestClient) -> None:
    found = officer.get("/map.json?layer=claims&step=month").json()
    assert (found["layer"], found["counted"]["objects"], found["number"]) == ("claims", 7, 3)
    assert found["countries"] == [{"country": "MT", "name": "Malta", "number": 2}]
    assert [each["number"] for each in found["days"]] == [2, 1]
    holds = officer.get("/map.json?layer=claims&clock=true").json()
    assert [each["first"] for each in holds["days"]] == ["2026-01-01"]
    some = officer.get("/map.json?layer=claims&country=MT&from=2026-01-05").json()
    assert [each["name"] for each in some["objects"]] == [FEW]
    text = officer.get("/map?layer=claims&country=MT").text
    assert f'href="{at(FEW)}"' in text
    assert "layer=claims" in text


def test_what_comes_later_is_on_the_map_too(pair: Pair, officer: TestClient) -> None:
    before = officer.get("/map.json?layer=claims").json()["number"]
    with pair.north.store.write() as tx:
        keep(tx, told("later", "an envoy", said="2026-03-01"))
    ready(pair.north, now=pair.now)
    assert officer.get("/map.json?layer=claims").json()["number"] == before + 1
