"""Local collections over TAXII 2.1, as accounts of our own see them."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.home import Home
from tearline.exchange import accounts, taxii_local, taxii_writing
from tearline.release import arrive, collecting
from tearline.store import collections, objects, private
from tearline.store.objects import OURS
from tests.exchange.local import STAMP, TAXII, Shelf, indicator, post, post_raw, shelf, walk
from tests.pair import as_object, sdo

V1, V2, V3 = (f"2026-0{month}-01T00:00:00.000Z" for month in (1, 2, 3))


pytestmark = pytest.mark.usefixtures("either_store_in_module")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Forty objects in four posts, one of them in three versions; only read from."""
    with shelf(tmp_path_factory.mktemp("full")) as made:
        with made.client("alice") as client:
            for first in range(0, 40, 10):
                some = [indicator(name=f"sign {first + place}") for place in range(10)]
                post(client, made.path("feed"), *some)
            for version in (V2, V1, V3):
                post(client, made.path("feed"), indicator(MANY, version, created=V1))
        yield made


MANY = "indicator--0b8a4d4c-5b1f-4a52-8f0e-3a4d7a4f0a11"


@pytest.fixture(scope="module")
def reader(full: Shelf) -> Iterator[TestClient]:
    with full.client("reader") as client:
        yield client


def shown(reply: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # a response
    return [(each["id"], each["modified"]) for each in reply.json().get("objects", [])]


# ------------------------------------------------------------------------------- what there is


def test_the_way_from_discovery_to_a_collection(full: Shelf, reader: TestClient) -> None:
    found = reader.get("/taxii2/").json()
    assert found["api_roots"] == ["http://testserver/taxii2/local/"] == [found["default"]]
    root = reader.get(found["default"]).json()
    assert (root["versions"], root["max_content_length"]) == ([TAXII], 32 << 20)
    (seen,) = reader.get("/taxii2/local/collections/").json()["collections"]
    assert seen["id"] == full.ids["feed"]
    assert uuid.UUID(seen["id"]).version == 4
    assert (seen["can_read"], seen["can_write"]) == (True, False)
    assert reader.get(full.path("feed", "")).json() == seen


def test_partners_root_does_not_exist_for_an_account(reader: TestClient) -> None:
    for path in ("/taxii2/agreements/", "/taxii2/agreements/collections/"):
        assert reader.get(path).status_code == 404


def test_what_an_account_has_no_right_to_does_not_exist(node: Shelf) -> None:
    hidden = node.collection("hidden")
    with node.client("alice") as client:
        post(client, node.path("feed"), indicator())
        assert [
            each["id"] for each in client.get("/taxii2/local/collections/").json()["collections"]
        ] == [node.ids["feed"]]
        for rest in ("", "objects/", "manifest/", f"objects/{MANY}/", f"objects/{MANY}/versions/"):
            url = node.path("hidden", rest)
            told = [client.get(each).json() for each in (url, url.replace(hidden, hidden[::-1]))]
            assert [each.pop("error_id") != "" for each in told] == [True, True]
            assert told[0] == told[1]
            assert told[0]["http_status"] == "404"
        assert post(client, node.path("hidden"), indicator()).status_code == 404
        assert client.delete(node.path("hidden", f"objects/{MANY}/")).status_code == 404


def test_an_account_without_rights_sees_no_collections(node: Shelf) -> None:
    node.account("nobody")
    with node.client("nobody") as client:
        assert client.get("/taxii2/").status_code == 200
        assert client.get("/taxii2/local/collections/").json() == {}


def test_rights_and_ends_hold_from_the_next_request_on(node: Shelf) -> None:
    with node.client("alice") as client:
        assert post(client, node.path("feed"), indicator()).status_code == 202
        accounts.deny(node.home, "alice", write=["feed"], now=clock.now())
        assert post(client, node.path("feed"), indicator()).status_code == 403
        accounts.deny(node.home, "alice", read=["feed"], now=clock.now())
        assert client.get(node.path("feed")).status_code == 404
        accounts.grant(node.home, "alice", read=["feed"], now=clock.now())
        assert client.get(node.path("feed")).status_code == 200
        collecting.end_collection(node.home, "feed", now=clock.now())
        assert client.get(node.path("feed")).status_code == 404
        assert client.get("/taxii2/local/collections/").json() == {}


# ------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("by", ["next", "added_after"])
def test_a_walk_meets_each_object_once_and_in_order(
    full: Shelf, reader: TestClient, by: str
) -> None:
    found = [each["id"] for each in walk(reader, full.path("feed"), by, limit="7")]
    assert len(found) == len(set(found)) == 41
    listed = walk(reader, full.path("feed", "manifest/"), by, limit="7")
    assert [each["id"] for each in listed] == found
    dates = [each["date_added"] for each in listed]
    assert dates == sorted(set(dates))
    assert {len(each) for each in dates} == {27}


def test_a_page_is_the_exact_bytes_that_were_posted(node: Shelf) -> None:
    odd = b'{ "type":"tool", "spec_version":"2.1","id":"tool--0b8a4d4c-5b1f-4a52-8f0e-3a4d7a4f0a12"'
    odd += b',"created":"2026-01-05T10:00:00.000Z","modified":"2026-01-05T10:00:00.000Z",\n"name":'
    odd += '"Schlüssel", "x_list":[1.10, 9007199254740991, {}] }'.encode()
    with node.client("alice") as client:
        sent = b'{"objects":[' + odd + b"]}"
        assert post_raw(client, node.path("feed"), sent).status_code == 202
        assert odd in client.get(node.path("feed")).content


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", [V3]),
        ("last", [V3]),
        ("first", [V1]),
        ("all", [V2, V1, V3]),
        ("first,last", [V1, V3]),
        (V2, [V2]),
        (f"{V2},last", [V2, V3]),
        ("2001-01-01T00:00:00Z", []),
    ],
)
def test_versions_are_chosen_and_come_in_the_order_of_arrival(
    full: Shelf, reader: TestClient, asked: str, expected: list[str]
) -> None:
    params = {"match[version]": asked} if asked else {}
    wanted = [(MANY, version) for version in expected]
    one = reader.get(full.path("feed", f"objects/{MANY}/"), params=params)
    assert (one.status_code, shown(one)) == (200, wanted)
    assert shown(reader.get(full.path("feed"), params={**params, "match[id]": MANY})) == wanted
    typed = reader.get(full.path("feed"), params={**params, "match[type]": "indicator,tool"})
    assert [each for each in shown(typed) if each[0] == MANY] == wanted
    listed = reader.get(full.path("feed", "manifest/"), params={**params, "match[id]": MANY})
    assert [each["version"] for each in listed.json().get("objects", [])] == expected


def test_the_versions_of_an_object_are_paged(full: Shelf, reader: TestClient) -> None:
    url = full.path("feed", f"objects/{MANY}/versions/")
    assert walk(reader, url) == walk(reader, url, limit="1") == [V2, V1, V3]
    assert reader.get(url.replace("0b8a", "0b8b")).status_code == 404


def test_filters_choose(full: Shelf, reader: TestClient) -> None:
    url = full.path("feed")
    every = [each for each, _ in shown(reader.get(url))]
    some = ",".join(every[3:5])
    assert [each for each, _ in shown(reader.get(url, params={"match[id]": some}))] == every[3:5]
    both = {"match[id]": some, "match[type]": "malware"}
    assert reader.get(url, params=both).json() == {}
    assert reader.get(url, params={"match[type]": "malware"}).json() == {}
    assert len(shown(reader.get(url, params={"match[type]": "indicator"}))) == 41
    assert reader.get(url, params={"match[spec_version]": "2.0"}).json() == {}
    assert reader.get(url, params={"match[id]": "\x00"}).json() == {}
    assert reader.get(url, params={"match[type]": "\x00"}).json() == {}


def test_several_types_come_in_one_order(node: Shelf) -> None:
    mixed = [
        indicator() if place % 3 else sdo("malware", f"m{place}") | {"is_family": True}
        for place in range(12)
    ]
    with node.client("alice") as client:
        post(client, node.path("feed"), *mixed)
        found = walk(
            client, node.path("feed"), **{"limit": "5", "match[type]": "malware,indicator,tool"}
        )
    assert [each["id"] for each in found] == [each["id"] for each in mixed]


def test_added_after_is_strict_and_a_poll_with_nothing_new_is_empty(
    full: Shelf, reader: TestClient
) -> None:
    reply = reader.get(full.path("feed"))
    last = reply.headers["X-TAXII-Date-Added-Last"]
    empty = reader.get(full.path("feed"), params={"added_after": last})
    assert (empty.status_code, empty.content) == (200, b"{}")
    assert "X-TAXII-Date-Added-Last" not in empty.headers
    before = reader.get(full.path("feed"), params={"limit": "40"})
    after = before.headers["X-TAXII-Date-Added-Last"]
    assert shown(reader.get(full.path("feed"), params={"added_after": after})) == [(MANY, V3)]


def test_a_poll_with_nothing_new_reads_no_page(
    full: Shelf, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = reader.get(full.path("feed")).headers["X-TAXII-Date-Added-Last"]

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(taxii_local, "_found", never)
    for rest in ("objects/", "manifest/"):
        assert reader.get(full.path("feed", rest), params={"added_after": last}).json() == {}


def test_next_is_of_one_collection_and_one_walk(node: Shelf) -> None:
    node.collection("other")
    accounts.grant(node.home, "alice", read=["other"], write=["other"], now=clock.now())
    with node.client("alice") as client:
        for name in ("feed", "other"):
            post(client, node.path(name), *(indicator() for _ in range(3)))
        token = client.get(node.path("feed"), params={"limit": "1"}).json()["next"]
        assert len(shown(client.get(node.path("feed"), params={"next": token}))) == 2
        assert client.get(node.path("other"), params={"next": token}).status_code == 400
        one = client.get(node.path("feed")).json()["objects"][0]["id"]
        url = node.path("feed", f"objects/{one}/")
        assert client.get(url, params={"next": token}).status_code == 400


def test_a_page_ends_before_it_is_too_large(node: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taxii_local, "_MOST_BYTES", 1000)
    with node.client("alice") as client:
        sent = [indicator(name="x" * (1500 if place == 2 else 10)) for place in range(9)]
        post(client, node.path("feed"), *sent)
        first = client.get(node.path("feed")).json()
        assert (len(first["objects"]), first["more"]) == (2, True)
        assert [each["id"] for each in walk(client, node.path("feed"))] == [
            each["id"] for each in sent
        ]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", "added_after=yesterday", "match[nosuch]=1", "next=a"],
)
def test_what_makes_no_sense_is_a_bad_request(full: Shelf, reader: TestClient, query: str) -> None:
    for rest in ("objects/", "manifest/"):
        reply = reader.get(f"{full.path('feed', rest)}?{query}")
        assert (reply.status_code, reply.json()["http_status"]) == (400, "400")


def test_every_path_answers_without_its_final_slash_and_to_head(
    full: Shelf, reader: TestClient
) -> None:
    ends = ["", "objects/", f"objects/{MANY}/", f"objects/{MANY}/versions/", "manifest/"]
    for url in [
        "/taxii2/local/",
        "/taxii2/local/collections/",
        *(full.path("feed", e) for e in ends),
    ]:
        whole = reader.get(url)
        assert whole.status_code == reader.get(url.rstrip("/")).status_code == 200
        head = reader.head(url)
        assert (head.status_code, head.headers) == (200, whole.headers)


@pytest.mark.parametrize(
    ("rest", "allowed"),
    [
        ("", "GET, HEAD"),
        ("objects/", "GET, HEAD, POST"),
        (f"objects/{MANY}/", "GET, HEAD, DELETE"),
        ("manifest/", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_is_told_which_are(
    full: Shelf, reader: TestClient, rest: str, allowed: str
) -> None:
    for method in ("OPTIONS", "PUT", "PATCH"):
        reply = reader.request(method, full.path("feed", rest))
        assert (reply.status_code, reply.headers["Allow"]) == (405, allowed)
        assert reply.json()["title"]


# ------------------------------------------------------------------------------------- posting


def test_a_post_is_answered_with_a_status_that_stays(node: Shelf) -> None:
    sent = [indicator(), indicator()]
    with node.client("alice") as client:
        reply = post(client, node.path("feed"), *sent)
        told = reply.json()
        assert reply.status_code == 202
        assert (told["status"], told["total_count"], told["success_count"]) == ("complete", 2, 2)
        assert (told["failure_count"], told["pending_count"]) == (0, 0)
        assert told["successes"] == [{"id": e["id"], "version": e["modified"]} for e in sent]
        assert reply.headers["Location"] == f"/taxii2/local/status/{told['id']}/"
        again = post(client, node.path("feed"), sent[0], indicator()).json()
        assert (again["success_count"], again["failure_count"]) == (2, 0)
        assert client.get(reply.headers["Location"]).json() == told
        status = client.get(f"/taxii2/local/status/{again['id']}").json()
        assert sorted(map(str, status.pop("successes"))) == sorted(map(str, again.pop("successes")))
        assert status == again
        assert len(walk(client, node.path("feed"))) == 3


def test_a_status_is_for_the_account_that_posted(node: Shelf) -> None:
    with node.client("poster") as client:
        where = post(client, node.path("feed"), indicator()).headers["Location"]
        assert client.get(where).status_code == 200
        assert client.get(node.path("feed")).status_code == 403
    with node.client("alice") as client:
        assert client.get(where).status_code == 404
        assert client.get("/taxii2/local/status/xyz%00/").status_code == 404


def test_a_status_is_forgotten_after_two_days(node: Shelf) -> None:
    now = clock.now()
    old = collecting.submit(node.home, node.ids["feed"], "alice", [], now=now - 49 * 3_600_000_000)
    kept = collecting.submit(node.home, node.ids["feed"], "alice", [], now=now - 47 * 3_600_000_000)
    collecting.submit(node.home, node.ids["feed"], "alice", [], now=now)
    with node.home.store.read() as tx:
        assert collecting.status_of(tx, old.id, "alice") is None
        assert collecting.status_of(tx, kept.id, "alice") is not None


def test_the_good_are_taken_and_the_bad_are_told_with_place_and_rule(node: Shelf) -> None:
    bad = indicator(pattern_type=7, x_secret="hush")  # made up
    nameless = {"type": "indicator", "name": "hush"}
    good, taken = indicator(), indicator()
    with node.client("alice") as client:
        post(client, node.path("feed"), taken)
        other = {**taken, "name": "hush"}
        reply = post(client, node.path("feed"), good, bad, nameless, other, "hush", good)
        told = reply.json()
    assert (reply.status_code, told["success_count"], told["failure_count"]) == (202, 2, 4)
    assert told["total_count"] == 6
    assert [each["id"] for each in told["failures"]] == [bad["id"], "", taken["id"], ""]
    assert told["failures"][0]["version"] == STAMP
    messages = [each["message"] for each in told["failures"]]
    assert [each.partition(":")[0] for each in messages] == [
        f"objects[{place}]" for place in (1, 2, 3, 4)
    ]
    assert "pattern_type" in messages[0]
    assert "hush" not in reply.text
    with node.client("alice") as client:
        assert len(walk(client, node.path("feed"))) == 2


def test_objects_without_modified_and_custom_objects_round_trip(node: Shelf) -> None:
    sco = {"type": "ipv4-addr", "id": f"ipv4-addr--{uuid.uuid4()}", "value": "192.0.2.7"}
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": STAMP,
        "definition_type": "statement",
        "definition": {"statement": "invented"},
    }
    custom = {
        "type": "x-mud-sample",
        "spec_version": "2.1",
        "id": f"x-mud-sample--{uuid.uuid4()}",
        "created": STAMP,
        "modified": STAMP,
        "depth": 2**53 - 1,
    }
    sent = [sco, marking, custom, indicator(x_own={"a": [1.5, None]})]
    with node.client("alice") as client:
        told = post(client, node.path("feed"), *sent).json()
        assert told["failure_count"] == 0
        assert walk(client, node.path("feed")) == sent
        versions = [each["version"] for each in walk(client, node.path("feed", "manifest/"))]
        assert versions[1:] == [STAMP] * 3
        assert versions[0] == told["request_timestamp"]
        assert post(client, node.path("feed"), *sent).json()["success_count"] == 4
        assert len(walk(client, node.path("feed"))) == 4
        post(client, node.path("feed"), {**sco, "value": "192.0.2.8"})
        assert len(walk(client, node.path("feed"), **{"match[version]": "all"})) == 5
        assert len(walk(client, node.path("feed"))) == 4


def test_texts_hold_what_json_can_spell_but_for_u0000(node: Shelf) -> None:
    """PostgreSQL cannot hold it in a text, so both stores refuse it alike, in one object."""
    odd = indicator(name="a \x7f \u202e \U0001f980", x_deep={"a": ["\x00"]})
    bad = indicator(labels=["\x00"])
    with node.client("alice") as client:
        told = post(client, node.path("feed"), odd, bad).json()
        assert [each["id"] for each in told["failures"]] == [bad["id"]]
        assert walk(client, node.path("feed")) == [odd]


def test_a_number_beyond_what_stix_allows_is_refused_and_never_changed(node: Shelf) -> None:
    with node.client("alice") as client:
        told = post(client, node.path("feed"), indicator(x_big=2**53 + 1)).json()
        assert (told["success_count"], told["failure_count"]) == (0, 1)


def test_an_older_version_that_comes_late_is_kept_and_not_the_last(node: Shelf) -> None:
    with node.client("alice") as client:
        post(client, node.path("feed"), indicator(MANY, V2, created=V1))
        assert post(client, node.path("feed"), indicator(MANY, V1)).json()["success_count"] == 1
        assert shown(client.get(node.path("feed"))) == [(MANY, V2)]
        first = client.get(node.path("feed"), params={"match[version]": "first"})
        assert shown(first) == [(MANY, V1)]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (TAXII, 202),
        ("application/taxii+json; version=2.1", 202),
        ("Application/TAXII+json", 202),
        ('application/taxii+json;version="2.1"', 202),
        ("application/taxii+json;version=2.0", 415),
        ("application/json", 415),
        ("", 415),
    ],
)
def test_only_our_form_is_taken(node: Shelf, content_type: str, status: int) -> None:
    with node.client("alice") as client:
        reply = post(client, node.path("feed"), indicator(), **{"Content-Type": content_type})
        assert reply.status_code == status


def test_what_is_wrong_is_told_before_the_body_is_read(
    node: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(taxii_writing, "read_body", never)
    with node.client("alice") as client:
        url = node.path("feed")
        assert post(client, url, indicator(), Accept="text/html").status_code == 406
        assert post(client, url, indicator(), **{"Content-Encoding": "gzip"}).status_code == 415
        assert post(client, url, **{"Content-Length": str(33 << 20)}).status_code == 413
    with node.client("reader") as client:
        assert post(client, url, indicator()).status_code == 403
    assert post(node.client(), url, indicator()).status_code == 401


def with_settings(home: Home, **values: object) -> Home:
    changed = home.settings.model_copy(update=values)
    return Home(home.path, changed, home.store, home.card, home.keys)


def test_a_body_that_grows_too_large_is_cut_off(node: Shelf) -> None:
    node.home = with_settings(node.home, max_content_length=2000)

    def pieces() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * 500

    with node.client("alice") as client:
        headers = {"Content-Type": TAXII}
        reply = client.post(node.path("feed"), content=pieces(), headers=headers)
        assert (reply.status_code, reply.json()["http_status"]) == (413, "413")
        root = client.get("/taxii2/local/").json()
        assert root["max_content_length"] == 2000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{not json",
        b"[]",
        b"{}",
        b'{"objects":[]}',
        b'{"objects":{}}',
        b'{"objects":[],"objects":[{}]}',
        b'{"objects":[1,]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_an_envelope_that_cannot_be_used_stores_nothing(node: Shelf, body: bytes) -> None:
    with node.client("alice") as client:
        reply = post_raw(client, node.path("feed"), body)
        assert (reply.status_code, reply.json()["http_status"]) == (422, "422")
        assert client.get(node.path("feed")).json() == {}


def test_a_bundle_is_taken_as_an_envelope(node: Shelf) -> None:
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [indicator()]}
    with node.client("alice") as client:
        reply = post_raw(client, node.path("feed"), json.dumps(bundle).encode())
        assert reply.json()["success_count"] == 1


def test_many_at_once_lose_nothing(node: Shelf) -> None:
    sent: list[str] = []

    def write() -> None:
        with node.client("alice") as client:
            for _ in range(5):
                some = [indicator() for _ in range(20)]
                assert post(client, node.path("feed"), *some).status_code == 202
                sent.extend(each["id"] for each in some)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    with node.client("reader") as client:
        after, end = "1970-01-01T00:00:00Z", time.monotonic() + 60
        while len(seen) < 400 and time.monotonic() < end:
            reply = client.get(node.path("feed"), params={"added_after": after, "limit": "33"})
            seen += [each for each, _ in shown(reply)]
            after = reply.headers.get("X-TAXII-Date-Added-Last", after)
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(sent)


# ------------------------------------------------------------------------------- ours, not theirs


def test_what_is_posted_is_ours_and_can_be_released(node: Shelf) -> None:
    sent = indicator()
    with node.client("alice") as client:
        post(client, node.path("feed"), sent)
    with node.home.store.read() as tx:
        (held,) = objects.versions_of(tx, OURS, [sent["id"]])[sent["id"]]
        logged = [json.loads(text) for kind, text in private.pending(tx) if kind == "import"]
    assert (held.source, held.latest) == ("taxii:feed", True)
    assert [(each["source"], each["count"]) for each in logged] == [("taxii:feed", "1")]


def test_what_we_held_already_is_not_kept_twice(node: Shelf) -> None:
    sent = indicator()
    arrive.arrive(node.home, [as_object(sent)], source="file", now=clock.now())
    with node.client("alice") as client:
        assert post(client, node.path("feed"), sent).json()["success_count"] == 1
        assert [each["id"] for each in walk(client, node.path("feed"))] == [sent["id"]]
    with node.home.store.read() as tx:
        (held,) = objects.versions_of(tx, OURS, [sent["id"]])[sent["id"]]
    assert held.source == "file"


# ------------------------------------------------------------------------------------ deleting


def test_deleting_takes_all_versions_out_of_the_collection_and_not_of_the_node(
    node: Shelf,
) -> None:
    url = node.path("feed", f"objects/{MANY}/")
    with node.client("alice") as client:
        for version in (V1, V2, V3):
            post(client, node.path("feed"), indicator(MANY, version, created=V1))
        assert client.delete(f"{url}?match[version]={V3}").status_code == 200
        assert shown(client.get(url)) == [(MANY, V2)]
        assert client.delete(f"{url}?match[version]=first").status_code == 200
        every = {"match[version]": "all"}
        assert shown(client.get(url, params=every)) == [(MANY, V2)]
        assert shown(client.get(url, params={"match[version]": "first"})) == [(MANY, V2)]
        assert client.delete(f"{url}?match[spec_version]=2.0").status_code == 404
        reply = client.delete(url)
        assert (reply.status_code, reply.json()) == (200, {})
        assert client.get(url).status_code == client.delete(url).status_code == 404
        assert client.get(node.path("feed", "manifest/")).json() == {}
        assert client.get(f"{url}versions/").status_code == 404
        assert (
            post(client, node.path("feed"), indicator(MANY, V1, created=V1)).json()["success_count"]
            == 1
        )
        assert shown(client.get(url)) == [(MANY, V1)]
    with node.home.store.read() as tx:
        assert len(objects.versions_of(tx, OURS, [MANY])[MANY]) == 3


def test_deleting_needs_both_rights(node: Shelf) -> None:
    url = node.path("feed", f"objects/{MANY}/")
    with node.client("alice") as client:
        post(client, node.path("feed"), indicator(MANY))
    for user in ("reader", "poster"):
        with node.client(user) as client:
            assert client.delete(url).status_code == 403
    with node.home.store.read() as tx:
        number = collections.collections(tx)[0].number
        assert len(collections.members(tx, number, [MANY])) == 1
