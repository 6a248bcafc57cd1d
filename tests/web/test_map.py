"""The map and the time line: whole on the page, and the numbers of the store."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.home import create_home
from tearline.release import arrive
from tearline.store import objects
from tearline.store.objects import OURS
from tearline.topics import charted
from tearline.topics.charted import Chosen, chart
from tearline.web import assets
from tearline.web.drawn import places, world
from tests.pair import DAY, START, Pair, as_object, make_pair, rel, sdo
from tests.web.site import site
from tests.web.test_pages import parsed

CODES = ("DE", "NZ", "GL", "MT", "XK")
heron = sdo("intrusion-set", "Gray Heron", first_seen="2024-05-01T00:00:00Z")
hospital = sdo("identity", "a hospital")
server = sdo("infrastructure", "a server", START - 40 * DAY, infrastructure_types=["phishing"])
LANDS = {code: sdo("location", code, country=code) for code in CODES}
RAIDS = [sdo("campaign", f"raid {n}", START - n * DAY) for n in range(12)]
TIES = [
    rel(heron, "originates-from", LANDS["NZ"]),
    rel(heron, "targets", hospital),
    rel(hospital, "located-at", LANDS["DE"]),
    rel(server, "located-at", LANDS["MT"]),
    *(rel(each, "targets", LANDS[CODES[n % 3]]) for n, each in enumerate(RAIDS)),
]
ALL = [heron, hospital, server, *LANDS.values(), *RAIDS, *TIES]
needs_shapes = pytest.mark.skipif(
    assets.asset(places.ATLAS) is None, reason="the shapes are not here: make assets"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("map"))
    made.put(*ALL)
    return made


@pytest.fixture
def reader(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(clock, "now", lambda: pair.now)
    with site(pair.north, "reader") as client:
        yield client


def counted(client: TestClient, query: str = "") -> dict[str, int]:
    value = client.get(f"/map.json{query}").json()
    return {each["country"]: each["number"] for each in value["countries"]}


def test_countries_are_counted_by_each_relation(reader: TestClient) -> None:
    # Twelve raids on three countries, the hospital, and who targets it.
    assert counted(reader) == {"DE": 6, "NZ": 4, "GL": 4}
    assert counted(reader, "?relation=actor") == {"NZ": 1}
    assert counted(reader, "?relation=observed") == {"MT": 1}
    assert counted(reader, "?type=campaign") == {"DE": 4, "NZ": 4, "GL": 4}
    assert counted(reader, "?type=campaign&from=2026-02-28&to=2026-02-28") == {"NZ": 1}
    assert counted(reader, "?relation=nothing&clock=nothing") == counted(reader)


def test_days_are_those_of_the_store_and_of_a_country(pair: Pair, reader: TestClient) -> None:
    value = reader.get("/map.json?step=day").json()
    with pair.north.store.read() as tx:
        held = Counter(
            datetime.fromtimestamp((each.created_at or 0) / 1_000_000, UTC).date().isoformat()
            for each in objects.latest_all(tx, OURS)
        )
    assert {each["first"]: each["number"] for each in value["days"]} == held
    assert value["number"] == value["counted"]["objects"] == len(ALL) == held.total()
    value = reader.get("/map.json?country=NZ&type=campaign").json()
    assert value["number"] == 4
    assert {each["type"] for each in value["objects"]} == {"campaign"}
    assert len(value["objects"]) == 4


def test_time_can_mean_three_things(reader: TestClient) -> None:
    def days(query: str) -> list[str]:
        return [each["first"] for each in reader.get(f"/map.json?{query}").json()["days"]]

    assert days("clock=arrived") == ["2026-03-01"]
    assert days("clock=seen") == ["2024-05-01"]
    assert days("clock=created&type=infrastructure") == ["2026-01-20"]


def test_the_page_has_the_numbers_of_its_json(reader: TestClient) -> None:
    value = reader.get("/map.json").json()
    text = reader.get("/map").text
    for each in value["countries"]:
        assert f">{each['number']}</td>" in text
        assert each["name"] in text
        assert f"country={each['country']}" in text
    links = [urlsplit(each) for each in parsed(text).found if each.startswith("/map?")]
    assert {"country", "from", "step"} <= {name for each in links for name in parse_qs(each.query)}
    assert all(reader.get(each.geturl()).status_code == 200 for each in links)


def test_a_choice_stays_in_every_link(reader: TestClient) -> None:
    text = reader.get("/map?relation=victim&country=DE&type=campaign").text
    links = [parse_qs(urlsplit(e).query) for e in parsed(text).found if e.startswith("/map?")]
    steps = [each for each in links if "step" in each]
    assert len(steps) == 4
    for each in steps:
        assert (each["country"], each["type"]) == (["DE"], ["campaign"])


@pytest.mark.parametrize(
    "query",
    ["?country=%00&from=x&to=9999-99-99", "?from=0001-01-01&to=9999-12-31", "?type=%3Cscript%3E"],
)
def test_whatever_an_address_says_is_answered(reader: TestClient, query: str) -> None:
    reply = reader.get(f"/map{query}")
    assert reply.status_code == 200
    assert "<script>" not in reply.text


def test_without_the_shapes_there_is_the_table(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "world", lambda: None)
    text = reader.get("/map").text
    assert 'class="world"' not in text
    assert "make assets" in text
    assert "Germany" in text


def test_an_empty_node_has_an_empty_map(tmp_path: Path) -> None:
    with site(make_pair(tmp_path).north, "reader") as client:
        assert client.get("/map.json").json()["countries"] == []
        assert client.get("/map").status_code == 200


# --------------------------------------------------------------------------------------- shapes


@needs_shapes
def test_every_country_is_wholly_in_the_picture() -> None:
    found = places.world()
    assert found is not None
    shapes = {each.name: each for each in found.shapes}
    assert {"Greenland", "New Zealand", "Fiji", "Russia", "Chile"} <= shapes.keys()
    for each in found.shapes:
        left, top, right, bottom = each.box
        assert 0 < left < right < found.width, each.name
        assert 0 < top < bottom < found.height, each.name
    _, top, _, bottom = shapes["Greenland"].box
    assert bottom - top > 50, "Greenland is cut off"
    # Nothing was drawn across the whole map where a shape crosses its edge.
    assert "Fiji" in shapes
    left, _, right, _ = shapes["New Zealand"].box
    assert right - left < 60
    assert sum(len(each.path) for each in found.shapes) < 100_000


@needs_shapes
def test_a_country_has_its_shade_and_a_small_one_its_dot() -> None:
    counts = [{"country": code, "number": n} for code, n in (("DE", 1), ("NZ", 120), ("MT", 9))]
    found = places.shaded([*counts, {"country": "ZZ", "number": 1}], "de", "GL")
    assert found is not None
    areas = {each.code: each for each in found.areas}
    assert {code: each.shade for code, each in areas.items()} == {
        "DE": 1,
        "NZ": 3,
        "MT": 1,
        "GL": 0,
    }
    assert areas["NZ"].name == "Neuseeland"
    assert areas["MT"].dot is not None
    assert areas["DE"].dot is None


@needs_shapes
def test_the_page_is_light_enough(reader: TestClient) -> None:
    assert len(reader.get("/map").content) < 150_000


def test_a_ring_that_crosses_the_edge_comes_back_on_the_other_side() -> None:
    square = [[170, 10], [20, 0], [0, -20], [-20, 0], [0, 20]]
    topology = {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": [square],
        "objects": {
            "countries": {
                "geometries": [
                    {"type": "Polygon", "arcs": [[0]], "id": "1", "properties": {"name": "x"}}
                ]
            }
        },
    }
    moved = json.loads(json.dumps(topology))
    # The same, written as an atlas does: from 170 to -170 degrees.
    moved["arcs"] = [[[170, 10], [-340, 0], [0, -20], [340, 0], [0, 20]]]
    for each in (topology, moved):
        (shape,) = world.drawn(each).shapes
        assert shape.path.count("M") == 2
        left, _, right, _ = shape.box
        assert right - left > 900
        parts = [float(part.split()[0]) for part in shape.path.split("M")[1:]]
        assert max(parts) > 900
        assert min(parts) < 60


def test_every_country_has_two_names_and_a_place_on_the_map_if_it_has_one() -> None:
    found = places.countries()
    assert len(found) == 250
    for code, each in found.items():
        assert code == each.code
        assert all(each.names.values())
        if each.at is not None:
            assert 0 < each.at[0] < world.WIDTH
            assert 0 < each.at[1] < world.HEIGHT + 10, code
    assert places.name_of("QQ", "en") == "QQ"


# -------------------------------------------------------------------------------------- counting


@pytest.mark.usefixtures("either_store")
def test_counts_follow_what_arrives_in_any_order(tmp_path: Path) -> None:
    """Part by part and all at once give the same; a revoked relation shows nothing more."""
    home = create_home(tmp_path / "home", "North CERT", None, START)
    rest = [*ALL[::-1]]
    now = START
    seen = []
    for part in (rest[:7], rest[7:20], rest[20:]):
        arriving = [as_object(each) for each in part]
        arrive.arrive(home, arriving, source="feed", now=now)
        seen.append(chart(home.store, now=now))
    fresh = charted.Chart(now)
    with home.store.read() as tx:
        for upto in range(5, len(ALL) + 5, 5):
            fresh.add(tx, upto)
    for relation in charted.RELATIONS:
        for its_clock in charted.CLOCKS:
            chosen = Chosen(clock=its_clock, relation=relation)
            assert seen[-1].countries(chosen) == fresh.countries(chosen)
            assert seen[-1].days(chosen) == fresh.days(chosen)
    assert fresh.countries(Chosen()) == {"DE": 6, "NZ": 4, "GL": 4}
    revoked = TIES[-1] | {"revoked": True, "modified": "2026-04-01T00:00:00.000Z"}
    arrive.arrive(home, [as_object(revoked)], source="feed", now=now)
    assert chart(home.store, now=now).countries(Chosen()) == {"DE": 6, "NZ": 4, "GL": 3}
    assert chart(home.store, now=now).number == len(ALL)


def test_a_large_store_is_counted_beside_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path)
    pair.put(*ALL)
    monkeypatch.setattr(charted, "_PART", 3)
    monkeypatch.setattr(charted, "_AT_ONCE", 6)
    found = chart(pair.north.store, now=pair.now)
    assert 0 < found.share < 1
    with site(pair.north, "reader") as client:
        assert client.get("/map").status_code == 200
    for _ in range(2000):
        if chart(pair.north.store, now=pair.now).done:
            break
        time.sleep(0.005)
    assert chart(pair.north.store, now=pair.now).countries(Chosen()) == {"DE": 6, "NZ": 4, "GL": 4}
