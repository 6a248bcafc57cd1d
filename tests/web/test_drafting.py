"""Agreements written in the browser: by form and by document, counted, kept, and proposed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.drafts import begin
from tearline.agreement.terms import agreement_hash, parse_toml, to_bytes
from tearline.release.preview import preview
from tearline.release.reasons import Code
from tearline.web import counting, reason_words, terms_form, words
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import site

HOSTILE = '<script>alert(1)</script>"} ]]'
heron = sdo("intrusion-set", "Gray Heron", aliases=["HERON-7"])
loader, hospital = sdo("malware", "Mud Loader"), sdo("identity", "a hospital")
SIGNS = [sdo("indicator", f"sign {n}") for n in range(20)]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, loader, hospital, *SIGNS, rel(heron, "targets", hospital))
    made.put(rel(heron, "uses", loader), *(rel(each, "indicates", heron) for each in SIGNS[:10]))
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def at(officer: TestClient) -> str:
    """Where a draft is that was just begun."""
    reply = officer.post("/agreements/new", data={"partner": "south-isac"})
    assert reply.status_code == 303
    return reply.headers["location"]


def value(client: TestClient, at: str, query: str = "") -> dict[str, Any]:
    reply = client.get(f"{at}.json{query}")
    assert reply.status_code == 200
    found: dict[str, Any] = reply.json()
    return found


def sent(client: TestClient, at: str) -> dict[str, str]:
    """The form of a page as a browser would send it untouched."""
    text = client.get(at).text
    form = text[text.index('<form id="terms"') : text.index("</form>", text.index('id="terms"'))]
    found = dict(re.findall(r'<input id="[^"]*" name="([^"]+)"[^>]*? value="([^"]*)"', form))
    found |= dict(re.findall(r'<input class="small" name="([^"]+)" value="([^"]*)"', form))
    found |= dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    found |= dict(re.findall(r'type="checkbox" name="([^"]+)" value="(1)" checked', form))
    found |= dict(re.findall(r'<textarea id="[^"]*" name="([^"]+)"[^>]*>([^<]*)</textarea>', form))
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]+)">(.*?)</select>', form):
        chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)", options)
        plain = re.search(r"<option(?: value=\"([^\"]*)\")?>([^<]*)", options)
        one = chosen or plain
        assert one is not None
        found[name] = one[2] if one[1] is None else one[1]
    return found


def test_a_draft_begins_whole_and_gives_nothing(officer: TestClient, at: str) -> None:
    found = value(officer, at, "?count=exact")
    assert (found["title"], found["version"]) == ("North CERT and South ISAC", 1)
    assert found["problem"] is None
    assert (found["counts"]["go"], found["counts"]["stay"]) == (0, found["counts"]["held"])
    assert "limit-missing" in {each["code"] for each in found["counts"]["reasons"]}
    assert (
        officer.get("/agreements/new.json").json()["drafts"][0]["agreement"] == found["agreement"]
    )


def test_an_untouched_form_changes_nothing(pair: Pair, officer: TestClient) -> None:
    pair.agree(
        more='never = ["a & b", "c"]\npap_max = "PAP:AMBER"\nstatements = ["x"]',
        countries='{ victim = ["SE", "NO"] }',
        shape='pseudonymise = ["identity.name"]\ncoarsen = { dates = "month" }',
        onward='[onward]\nallowed = true\nto = ["east"]\nmarking_max = "TLP:GREEN"\n'
        "[retention]\nkeep_days = 30\n[limits]\nobjects_per_day = 5\n[suspend]\non = []",
    )
    at = f"/agreements/{pair.agreement_id.removeprefix('urn:uuid:')}/change"
    before = value(officer, at)
    assert before["running"]["version"] == 1
    marks = {line["mark"] for each in before["groups"] for line in each["lines"]}
    assert marks == {"same"}
    given = {name: text.replace("&amp;", "&") for name, text in sent(officer, at).items()}
    assert officer.post(at, data=given).status_code == 303
    after = value(officer, at)
    assert after["hash"] == before["hash"]
    assert after["changed_at"] is not None


def test_a_form_writes_the_lines_that_it_shows(officer: TestClient, at: str) -> None:
    given = sent(officer, at) | {
        "title": "Herons",
        "purpose.text": "Stop them.\r\nAll of them.",
        "do": f"add-topic:{heron['id']}",
        "clause.0.marking_max": "TLP:GREEN",
        "clause.0.grading_min": "*",
        "clause.0.max_age_days": "*",
        "clause.0.when.victim": "1",
        "clause.0.type.identity": "1",
        "onward.allowed": "1",
        "onward.to": "*",
        "onward.marking_max": "TLP:CLEAR",
        "limits.objects_per_day": "7",
    }
    reply = officer.post(at, data=given)
    assert reply.headers["location"].startswith(f"{at}#")
    found = value(officer, at, "?count=exact")
    terms = parse_toml(found["document"])
    assert terms.purpose is not None
    assert (terms.title, terms.purpose.text) == ("Herons", "Stop them.\nAll of them.")
    assert terms.topic[0].names == ("Gray Heron",)
    assert terms.topic[0].aliases == ("HERON-7",)
    assert {each.topics for each in terms.clause} == {("T1",)}
    assert terms.clause[0].review is not None
    assert terms.limits.objects_per_day == 7
    assert terms.onward.to == "*"
    assert (found["counts"]["go"], found["counts"]["wait"]) == (23, 2)
    assert found["counts"]["days"] == 4
    assert found["counts"]["by_clause"] == {terms.clause[0].id: 23}


def test_what_is_wrong_is_said_by_clause_and_field_and_is_kept(
    officer: TestClient, at: str
) -> None:
    given = sent(officer, at) | {"clause.1.max_age_days": "soon", "title": "Kept"}
    officer.post(at, data=given)
    found = value(officer, at, "?count=exact")
    assert "clause[1].max_age_days" in found["problem"]["place"]
    assert (found["counts"], found["hash"]) == (None, None)
    assert found["form"]["clauses"][1]["max_age_days"] == "soon"
    page = officer.get(at).text
    assert "clause[1].max_age_days" in page
    assert found["form"]["title"] == "Kept"
    officer.post(at, data={"document": "title = ["})
    broken = value(officer, at)
    assert (broken["form"], broken["problem"]["what"]) == (None, "This is not TOML.")
    assert "title = [" in officer.get(at).text
    refused = officer.post(at, data=given)
    assert refused.status_code == 400


def test_a_document_says_all_that_the_form_does_not(officer: TestClient, at: str) -> None:
    text = value(officer, at)["document"] + '\n[transfer]\nground = "none"\n'
    assert officer.post(at, data={"document": text}).headers["location"].endswith("#counts")
    officer.post(at, data=sent(officer, at) | {"title": "Another"})
    terms = parse_toml(value(officer, at)["document"])
    assert terms.transfer is not None
    assert (terms.title, terms.transfer.ground) == ("Another", "none")


def test_clauses_and_topics_come_and_go(officer: TestClient, at: str) -> None:
    for do in ("add-clause:ours", "add-clause:theirs", "add-topic", "add-topic"):
        officer.post(at, data=sent(officer, at) | {"do": do})
    found = value(officer, at)["form"]
    assert [each["id"] for each in found["clauses"]] == ["N1", "S1", "N2", "S2"]
    assert [each["id"] for each in found["topics"]] == ["T1", "T2"]
    officer.post(at, data=sent(officer, at) | {"do": "drop-clause:1"})
    officer.post(at, data=sent(officer, at) | {"do": "drop-topic:0"})
    found = value(officer, at)["form"]
    assert [each["id"] for each in found["clauses"]] == ["N1", "N2", "S2"]
    assert [each["id"] for each in found["topics"]] == ["T2"]
    assert all("T1" not in each["topics"] for each in found["clauses"])
    for do in ("drop-clause:99", "drop-clause:x", "drop-topic:-1", "dance"):
        assert officer.post(at, data=sent(officer, at) | {"do": do}).status_code == 303


def test_threats_that_we_hold_are_found_by_a_part_of_their_names(
    officer: TestClient, at: str
) -> None:
    reply = officer.post(at, data=sent(officer, at) | {"do": "find", "find": "HERON"})
    assert reply.headers["location"] == f"{at}?find=HERON#topics"
    (found,) = value(officer, at, "?find=HERON")["found"]
    assert (found["id"], found["names"]) == (heron["id"], ["Gray Heron"])
    assert value(officer, at, "?find=%25")["found"] == []
    assert value(officer, at, "?find=_")["found"] == []
    wrong = officer.post(at, data=sent(officer, at) | {"do": "add-topic:malware--none"})
    assert wrong.status_code == 404


def test_changes_are_marked_against_the_version_that_runs(pair: Pair, officer: TestClient) -> None:
    pair.agree()
    at = f"/agreements/{pair.agreement_id.removeprefix('urn:uuid:')}/change"
    given = sent(officer, at) | {"clause.0.reach": "0", "clause.0.marking_max": "TLP:RED"}
    officer.post(at, data=given | {"purpose.text": ""})
    found = value(officer, at, "?count=exact")
    lines = {each["place"]: each for group in found["groups"] for each in group["lines"]}
    assert lines["clause N1 · reach"]["turn"] == "narrower"
    assert lines["clause N1 · marking_max"]["turn"] == "wider"
    assert "by one step" in lines["clause N1 · reach"]["was"]
    assert lines["purpose · text"]["mark"] == "gone"
    changes = found["counts"]["changes"]
    assert (changes["more"], changes["fewer"]) == (0, 22)
    assert {each["after"] for each in changes["objects"]} == {"withhold"}
    page = officer.get(f"{at}?count=exact").text
    assert "narrower" in page
    off = {name: text for name, text in given.items() if name != "clause.0.type.indicator"}
    officer.post(at, data=off)
    officer.post(at, data=sent(officer, at) | {"clause.0.type.indicator": "1"})
    lines = {e["place"]: e for group in value(officer, at)["groups"] for e in group["lines"]}
    assert lines["clause N1 · types"]["mark"] == "same"
    assert all(f"/objects/{each['object']}" in page for each in changes["objects"])


def test_counts_are_those_of_the_function_that_releases(
    pair: Pair, officer: TestClient, at: str
) -> None:
    officer.post(at, data={"document": pair.terms().replace(pair.agreement_id, _id(officer, at))})
    found = value(officer, at, "?count=exact")["counts"]
    same = preview(pair.north, parse_toml(pair.terms()), now=pair.now)
    assert (found["go"], found["wait"], found["stay"]) == (same.go, same.wait, same.stay)
    assert {each["code"]: (each["total"], each["only"]) for each in found["reasons"]} == {
        str(each.code): (each.total, each.only) for each in same.reasons
    }


def _id(client: TestClient, at: str) -> str:
    return str(value(client, at)["agreement"])


def test_where_much_is_held_a_sample_answers_first_and_says_so(
    officer: TestClient, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST", 5)
    found = value(officer, at, "?count=sample")["counts"]
    assert (found["exact"], found["size"], found["stay"]) == (False, 35, 35)
    marked = '<small class="sampled" data-if="counts.size">'
    assert marked in officer.get(f"{at}?count=sample").text
    assert value(officer, at, "?count=exact")["counts"]["exact"] is True
    assert marked not in officer.get(f"{at}?count=exact").text


def test_a_script_gets_the_counts_of_what_it_sent(officer: TestClient, at: str) -> None:
    given = sent(officer, at) | {"as": "json", "count": "sample", "title": "Ticked"}
    reply = officer.post(at, data=given)
    assert reply.headers["location"] == f"{at}.json?count=sample"
    found = officer.get(reply.headers["location"]).json()
    assert (found["title"], found["counts"]["exact"]) == ("Ticked", True)


def test_who_writes_sees_its_own_drafts_alone(pair: Pair, officer: TestClient, at: str) -> None:
    with site(pair.north, "analyst") as analyst, site(pair.north, "reader") as reader:
        assert analyst.get(at).status_code == 404
        assert analyst.get("/agreements/new.json").json()["drafts"] == []
        mine = analyst.post("/agreements/new", data={"partner": "south-isac"}).headers["location"]
        assert value(analyst, mine)["may_propose"] is False
        hash_ = value(analyst, mine)["hash"]
        to = mine.replace("/change", "/propose")
        assert analyst.post(to, data={"hash": hash_}).status_code == 404
        for path in ("/agreements/new", at):
            assert reader.get(path).status_code == 404
            assert reader.post(path).status_code == 404
        assert analyst.post(f"{mine}/drop").status_code == 303
        assert analyst.get(mine).status_code == 404
    assert officer.get(at).status_code == 200


def test_what_is_proposed_is_what_was_looked_at(pair: Pair, officer: TestClient, at: str) -> None:
    to, looked = at.replace("/change", "/propose"), value(officer, at)["hash"]
    officer.post(at, data=sent(officer, at) | {"title": "Another by now"})
    assert officer.post(to, data={"hash": looked}).status_code == 400
    assert officer.post(to).status_code == 400
    hash_ = value(officer, at)["hash"]
    assert officer.post(to, data={"hash": hash_}).headers["location"] == to[: -len("/propose")]
    found = officer.get(f"{to[: -len('/propose')]}.json").json()
    assert (found["state"], found["hash"], found["ours"]) == ("proposed", hash_, True)
    assert found["steps"] == ["withdraw", "offer"]
    pair.carry()
    with site(pair.south, "officer") as them:
        theirs = them.get(f"{to[: -len('/propose')]}.json").json()
        assert (theirs["state"], theirs["hash"]) == ("proposed", hash_)


def test_a_draft_cannot_become_another_agreement(pair: Pair, officer: TestClient, at: str) -> None:
    pair.agree()
    other = pair.terms()
    officer.post(at, data={"document": other})
    hash_ = agreement_hash(to_bytes(parse_toml(other)))
    reply = officer.post(at.replace("/change", "/propose"), data={"hash": hash_})
    assert reply.status_code == 400
    assert "another agreement" in reply.text


def test_hostile_text_in_terms_is_text(pair: Pair, officer: TestClient, at: str) -> None:
    given = sent(officer, at) | {"title": HOSTILE, "purpose.text": f"</textarea>{HOSTILE}"}
    given |= {"do": "add-topic"}
    officer.post(at, data=given)
    given = sent(officer, at) | {"title": HOSTILE, "topic.0.names": f"{HOSTILE}\n\u202eevil"}
    officer.post(at, data=given)
    text = officer.get(at).text
    assert "<script>alert" not in text
    assert "</textarea>&lt;" not in text
    assert value(officer, at)["problem"]["place"].startswith("topic[0].names")
    assert "\u202e" not in re.sub(r"<textarea.*?</textarea>", "", text, flags=re.DOTALL)
    assert officer.get(f"/agreements/new?x={HOSTILE}").status_code == 200
    with site(pair.north, "admin") as other:
        assert other.get(at).status_code == 404


def test_a_partner_without_a_node_is_not_offered(pair: Pair, officer: TestClient) -> None:
    for name in ("nobody", ""):
        assert officer.post("/agreements/new", data={"partner": name}).status_code == 400
    assert begin(pair.north, "ada", "South ISAC", now=pair.now).partner == "south-isac"


def test_every_reason_has_its_words_in_every_language() -> None:
    assert set(reason_words.WORDS) == set(Code)
    assert set(reason_words.WORDS.values()) <= words.catalogue("de").keys()


_document = st.recursive(
    st.one_of(st.text(max_size=6), st.integers(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["clause", "topic", "id", "types", "review", "valid", "party", "from"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@for_any(st.dictionaries(st.sampled_from([*"ab", "clause", "topic", "party", "onward"]), _document))
def test_no_document_breaks_the_form(document: dict[str, Any]) -> None:
    assert json.dumps(terms_form.shown(document, "north"))
    given = {"clause.0.id": "X", "topic.0.id": "T", "onward.sent": "1", "title": "t"}
    assert terms_form.applied(document, given)["title"] == "t"
    for ours in (True, False):
        terms_form.with_clause(document, "north", ours=ours)
    terms_form.without(terms_form.with_topic(document), "topic", 0)
