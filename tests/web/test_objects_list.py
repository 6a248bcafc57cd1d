"""The list of objects in a browser's terms: addresses, filters that combine, searches, counts."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.release import arrive, finding, listing
from tearline.release.arrive import Annotation
from tearline.store import objects
from tearline.store.objects import OURS
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import site

HOSTILE = "<script>alert(1)</script>\u202e{{7*7}}\x1b[31m\u200b" + "w" * 300
heron = sdo("intrusion-set", "Gray Heron", aliases=["HERON-7"])
loader = sdo("malware", "Mud Loader", description="Drops what a heron brings.")
hospital = sdo("identity", "a hospital")
hostile = sdo("tool", HOSTILE, description=HOSTILE)
SIGNS = [sdo("indicator", f"sign {n}") for n in range(120)]


@pytest.fixture(scope="module", params=["sorted in", "fresh"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("list"))
    made.put(heron, loader, hospital, hostile, rel(heron, "uses", loader))
    made.agree()
    made.sync()
    made.put(*SIGNS)
    arrive.annotate(made.north, [loader["id"]], Annotation(3, 22), now=made.tick())
    if request.param == "sorted in":
        for home in (made.north, made.south):
            listing.sort_in(home)
    return made


@pytest.fixture
def client(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(clock, "now", lambda: pair.now)
    with site(pair.north, "reader") as found:
        yield found


def ids(client: TestClient, query: str) -> list[str]:
    return [each["id"] for each in client.get(f"/objects.json?{query}").json()["objects"]]


def facet(client: TestClient, name: str, query: str = "") -> dict[str, int]:
    found = client.get(f"/objects/counts.json?{query}").json()["facets"]
    values = [value for each in found if each["name"] == name for value in each["values"]]
    return {each["value"]: each["number"] for each in values}


def test_filters_combine_stand_in_the_address_and_can_be_taken_away(client: TestClient) -> None:
    assert ids(client, "type=malware&marking=TLP:AMBER%2BSTRICT&grade=B2") == [loader["id"]]
    assert ids(client, "type=malware&marking=TLP:CLEAR") == []
    page = client.get("/objects?type=malware&grade=B2&came=week").text
    taken = [unescape(each) for each in re.findall(r'<li><a href="(/objects\?[^"]*)">\w+: ', page)]
    assert taken == [
        "/objects?grade=B2&came=week",
        "/objects?type=malware&came=week",
        "/objects?type=malware&grade=B2",
    ]
    for each in taken:
        assert client.get(each).status_code == 200


@pytest.mark.parametrize(
    "query", ["grade=Z9", "marking=none", "came=never", "from=nobody", "revoked=perhaps", "at=-1"]
)
def test_what_is_no_filter_finds_nothing_or_says_nothing(client: TestClient, query: str) -> None:
    assert client.get(f"/objects?{query}&before=x&rows=x&at=9999999999999999999").status_code == 200
    assert client.get(f"/objects/counts?{query}").status_code == 200


def test_counts_are_loaded_apart_and_lead_to_as_many_rows(client: TestClient) -> None:
    assert "indicator" not in re.sub(r"(?s)<tbody>.*</tbody>", "", client.get("/objects").text)
    found = client.get("/objects/counts.json").json()
    assert found["number"] == client.get("/objects.json").json()["number"] == 125
    for each in found["facets"]:
        for value in each["values"]:
            led = client.get(f"/objects.json?{value['query']}").json()
            assert led["number"] == value["number"], (each["name"], value)
    page = client.get("/objects/counts").text
    assert re.search(r"<span>indicator</span> <b>120</b>", page)
    assert facet(client, "grade") == {"none": 124, "B2": 1}


def test_a_search_finds_names_values_descriptions_and_aliases(client: TestClient) -> None:
    assert ids(client, "q=hospital") == [hospital["id"]]
    assert ids(client, "q=drops+brings") == [loader["id"]]
    assert ids(client, "q=sign+7&type=tool") == []
    found = client.get("/objects.json?q=heron-7").json()
    assert {each["id"] for each in (*found["whole"], *found["objects"])} == {heron["id"]}
    assert len(ids(client, "q=sign")) == 50
    assert facet(client, "type", "q=heron*") == {"intrusion-set": 1, "malware": 1}
    walked: list[str] = []
    before = ""
    while True:
        part = client.get(f"/objects.json?q=sign{before}").json()
        walked += [each["id"] for each in part["objects"]]
        if part["next"] is None:
            break
        before = f"&before={part['next']}"
    assert walked == [each["id"] for each in SIGNS[::-1]]


def test_who_is_asked_for_as_it_is_comes_first(pair: Pair, client: TestClient) -> None:
    listing.sort_in(pair.north)
    found = client.get("/objects.json?q=mud+loader").json()
    assert [each["id"] for each in found["whole"]] == [loader["id"]]
    assert loader["id"] not in {each["id"] for each in found["objects"]}
    assert "Exactly this" in client.get("/objects?q=mud+loader").text


@pytest.mark.parametrize("text", [HOSTILE, '"', "*", "NEAR(", "');--", "%00x", "\ud83d\ude00", "&"])
def test_a_question_is_only_text(client: TestClient, text: str) -> None:
    for at in ("/objects", "/objects.json", "/objects/counts", "/objects/counts.json"):
        reply = client.get(
            at, params={"q": text.encode("utf-16", "surrogatepass").decode("utf-16")}
        )
        assert reply.status_code == 200
        if not at.endswith(".json"):
            assert "<script>" not in reply.text
            assert not re.search("[\x1b\u202e\u200b]", re.sub(r'value="[^"]*"', "", reply.text))


def test_a_list_is_opened_at_any_place(client: TestClient) -> None:
    every = ids(client, "rows=100") + ids(client, "rows=100&at=100")
    assert len(every) == len(set(every)) == 125
    part = client.get("/objects.json?at=60&rows=10").json()
    assert [each["id"] for each in part["objects"]] == every[60:70]
    assert (part["at"], part["newer"], part["oldest"]) == (60, 50, 120)
    page = client.get("/objects?at=60").text
    assert "61 to 110 of 125" in page
    assert 'rel="prev"' in page
    assert 'rel="next"' in page


def test_what_partners_gave_is_listed_by_their_name(pair: Pair) -> None:
    with site(pair.south, "reader") as client:
        assert client.get("/objects.json").json()["number"] == 0
        given = ids(client, "from=north-cert")
        assert heron["id"] in given
        assert client.get(f"/objects/{heron['id']}").status_code == 200
        assert facet(client, "from") == {"north-cert": len(given)}
        home = client.get("/home.json").json()
        assert home["received"]["number"] == len(given)
        assert home["received"]["partners"][0]["partner"] == "north-cert"


def test_what_is_not_sorted_in_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "FRESH", 1)
    pair.put(*(sdo("indicator", f"late sign {n}") for n in range(3)))
    with site(pair.north, "reader") as client:
        assert client.get("/objects.json").json()["behind"] >= 2
        assert "not sorted in yet" in client.get("/objects").text
    listing.sort_in(pair.north)
    with site(pair.north, "reader") as client:
        assert client.get("/objects.json?q=late").json()["behind"] == 0
        late = ids(client, "q=late")
        assert len(late) == 3
    with pair.north.store.write() as tx:
        objects.erase(tx, OURS, late)
