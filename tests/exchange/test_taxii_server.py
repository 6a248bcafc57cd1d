import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.home import Home, open_home
from tearline.agreement.partners import block_party, unblock_party
from tearline.agreement.terms import parse_toml
from tearline.exchange.access import CHALLENGE, Door
from tearline.exchange.taxii_server import Taxii
from tearline.stix.bundle import split_envelope
from tearline.store import jobs, parties, private, releases
from tests.exchange.nodes import Nodes, Signs, give, make_nodes
from tests.plain import give_key

OTHER = "urn:uuid:1b2d7b35-6a59-4f0b-9a3e-0f4c3f1d2a77"
TAXII = "application/taxii+json;version=2.1"


def client_of(
    home: Home, key: str | None = None, signs: Signs | None = None, **headers: str
) -> TestClient:
    app = Starlette(routes=[Mount("", Taxii(lambda: home, Door(most=5)))])
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    client = TestClient(app, headers=headers, follow_redirects=False)
    if signs is not None:
        client.auth = signs
    return client


pytestmark = pytest.mark.usefixtures("either_store_in_module")


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory,
    either_store_in_module: str,  # noqa: ARG001  # where its homes keep their stores
) -> Iterator[Nodes]:
    """North gives South 43 objects; only read from."""
    made = make_nodes(tmp_path_factory.mktemp("nodes"))
    made.agree(reach=2)
    assert give(made, 20) == 43
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(nodes: Nodes) -> TestClient:
    return client_of(nodes.north, nodes.key, nodes.signs)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Nodes]:
    made = make_nodes(tmp_path)
    yield made
    made.close()


def raws(client: TestClient, url: str, **params: Any) -> list[bytes]:  # noqa: ANN401
    reply = client.get(url, params=params)
    assert reply.status_code == 200, reply.text
    return split_envelope(reply.content).objects


def ids(found: list[bytes]) -> list[str]:
    return [json.loads(raw)["id"] for raw in found]


def same(reply: httpx2.Response) -> str:
    """A refusal without the id by which its line in the log is found."""
    told = reply.json()
    assert len(told.pop("error_id")) == 16
    return json.dumps(told)


def stored(nodes: Nodes) -> list[releases.Row]:
    with nodes.north.store.read() as tx:
        return releases.page(tx, nodes.agreement_id, after=0, now=clock.now(), limit=1000)


# ----------------------------------------------------------------------------------------- read


def test_the_way_from_discovery_to_the_collection(nodes: Nodes, client: TestClient) -> None:
    root = client.get("/taxii2/").json()["api_roots"][0]
    assert root == "http://testserver/taxii2/agreements/"
    assert TAXII in client.get(root).json()["versions"]
    (collection,) = client.get(f"{root}collections/").json()["collections"]
    assert collection["id"] == nodes.collection
    assert (collection["can_read"], collection["can_write"]) == (True, False)
    assert client.get(f"{root}collections/{nodes.collection}/").json() == collection


def test_a_page_is_the_stored_bytes(nodes: Nodes, client: TestClient) -> None:
    assert raws(client, nodes.path + "objects/") == [row.raw for row in stored(nodes)]


@pytest.mark.parametrize("what", ["objects", "manifest"])
def test_a_walk_by_next_meets_each_object_once_and_in_order(
    nodes: Nodes, client: TestClient, what: str
) -> None:
    found, params = [], {"limit": "7"}
    while True:
        envelope = client.get(f"{nodes.path}{what}/", params=params).json()
        found += [each["id"] for each in envelope["objects"]]
        if not envelope["more"]:
            break
        params = {"limit": "7", "next": envelope["next"]}
    assert envelope["next"]  # a node goes on from there when it comes again
    assert found == [row.delivered_id for row in stored(nodes)]


def test_a_walk_by_date_added_meets_each_object_once(nodes: Nodes, client: TestClient) -> None:
    found: list[str] = []
    after = "1970-01-01T00:00:00Z"
    while True:
        reply = client.get(nodes.path + "objects/", params={"limit": 7, "added_after": after})
        if reply.json() == {}:
            break
        found += ids(split_envelope(reply.content).objects)
        assert reply.headers["X-TAXII-Date-Added-First"] > after
        after = reply.headers["X-TAXII-Date-Added-Last"]
    assert found == [row.delivered_id for row in stored(nodes)]


def test_next_holds_its_filters_whatever_is_beside_it(nodes: Nodes, client: TestClient) -> None:
    url = nodes.path + "objects/"
    first = client.get(url, params={"match[type]": "indicator", "limit": 15}).json()
    rest = client.get(url, params={"match[type]": "malware", "next": first["next"]}).json()
    assert {each["type"] for each in first["objects"] + rest["objects"]} == {"indicator"}
    assert len(first["objects"] + rest["objects"]) == 20
    assert not rest["more"]


def test_next_outlives_a_restart_and_is_of_one_walk(nodes: Nodes, client: TestClient) -> None:
    url = nodes.path + "objects/"
    token = client.get(url, params={"limit": 40}).json()["next"]
    again = open_home(nodes.north.path)
    with closing(again.store):
        assert len(raws(client_of(again, nodes.key, nodes.signs), url, next=token)) == 3
    one = stored(nodes)[0].delivered_id
    assert client.get(f"{url}{one}/", params={"next": token}).status_code == 400
    assert client.get(url, params={"next": token[:-2]}).status_code == 400


def test_a_node_is_told_where_to_go_on_even_at_the_end(nodes: Nodes, client: TestClient) -> None:
    headers = {"Tearline-Agreement": nodes.last_hash or ""}
    url = nodes.path + "objects/"
    reply = client.get(url, headers=headers).json()
    assert not reply["more"]
    assert client.get(url, headers=headers, params={"next": reply["next"]}).json() == {}


def test_filters_choose(nodes: Nodes, client: TestClient) -> None:
    url = nodes.path + "objects/"
    rows = stored(nodes)
    some = [rows[0].delivered_id, rows[5].delivered_id]
    assert ids(raws(client, url, **{"match[id]": ",".join(some)})) == some
    assert raws(client, url, **{"match[id]": some[0], "match[type]": "indicator"}) == []
    assert len(raws(client, url, **{"match[type]": "indicator,malware"})) == 21
    for version in ("last", "all", "first", "first,last"):
        assert len(raws(client, url, **{"match[version]": version})) == 43
    assert len(raws(client, url, **{"match[version]": rows[0].version})) == 43
    assert raws(client, url, **{"match[version]": "2001-01-01T00:00:00Z"}) == []
    assert raws(client, url, **{"match[spec_version]": "2.0"}) == []
    assert raws(client, url, added_after="2999-01-01T00:00:00Z") == []


def test_one_object_and_its_versions(nodes: Nodes, client: TestClient) -> None:
    row = stored(nodes)[3]
    url = f"{nodes.path}objects/{row.delivered_id}/"
    assert raws(client, url) == [row.raw]
    assert client.get(f"{url}versions/").json()["versions"] == [row.version]
    absent = f"{nodes.path}objects/malware--00000000-0000-4000-8000-000000000000/"
    assert client.get(absent).status_code == 404
    assert client.get(f"{absent}versions/").status_code == 404


def test_the_manifest_is_in_the_order_of_the_objects(nodes: Nodes, client: TestClient) -> None:
    found = client.get(nodes.path + "manifest/").json()["objects"]
    assert [each["id"] for each in found] == [row.delivered_id for row in stored(nodes)]
    assert [each["date_added"] for each in found] == sorted({each["date_added"] for each in found})


def test_the_page_limit_is_capped_by_ours(nodes: Nodes) -> None:
    small = Home(
        path=nodes.north.path,
        settings=nodes.north.settings.model_copy(update={"page_limit": 5}),
        store=nodes.north.store,
        card=nodes.north.card,
        keys=nodes.north.keys,
    )
    url = nodes.path + "objects/"
    assert len(raws(client_of(small, nodes.key, nodes.signs), url, limit=1000)) == 5


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "added_after=yesterday", "match[nosuch]=1"]
)
def test_what_makes_no_sense_is_a_bad_request(nodes: Nodes, client: TestClient, query: str) -> None:
    reply = client.get(f"{nodes.path}objects/?{query}")
    assert (reply.status_code, reply.json()["http_status"]) == (400, "400")
    assert reply.headers["Content-Type"] == TAXII


def test_every_path_answers_without_its_final_slash_and_to_head(
    nodes: Nodes, client: TestClient
) -> None:
    one = stored(nodes)[0].delivered_id
    ends = ["", "objects/", f"objects/{one}/", f"objects/{one}/versions/", "manifest/"]
    top = ["/taxii2/", "/taxii2/agreements/", "/taxii2/agreements/collections/"]
    for url in [*top, *(nodes.path + end for end in ends)]:
        whole = client.get(url)
        assert whole.status_code == client.get(url.rstrip("/")).status_code == 200
        head = client.head(url)
        assert (head.status_code, head.headers) == (200, whole.headers)


def test_reading_writes_nothing(nodes: Nodes, client: TestClient) -> None:
    with changes_of(nodes.north) as changed:
        before = changed()
        for end in ("", "objects/", "objects/?limit=3", "manifest/", "objects/x/"):
            client.get(nodes.path + end)
        client.get("/taxii2/nosuch/")
        assert changed() == before
        with nodes.north.store.write() as tx:
            jobs.take(tx, "test", "somebody", now=1, span_us=1)
        assert changed() != before


@contextmanager
def changes_of(home: Home) -> Iterator[Callable[[], int]]:
    """Yield a count that stands still while nobody writes to a home's store."""
    if home.store.path is not None:
        with closing(sqlite3.connect(home.store.path)) as watching:
            yield lambda: int(watching.execute("PRAGMA data_version").fetchone()[0])
        return

    def next_writer() -> int:
        with home.store.read() as tx:
            query = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            return int(tx.exec_driver_sql(query).scalar() or 0)

    yield next_writer


# ------------------------------------------------------------------------------------- accepting


@pytest.mark.parametrize(
    "accept",
    [
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        'application/taxii+json;version="2.1"',
        "application/taxii+json",
        "application/json, text/plain, */*",
        "text/html, application/taxii+json;version=2.1;q=0.3",
        "Application/TAXII+JSON",
        "application/*",
        "",
    ],
)
def test_accept_that_allows_our_form(client: TestClient, accept: str) -> None:
    reply = client.get("/taxii2/", headers={"Accept": accept})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, TAXII)


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/taxii+json;version=2.0",
        "application/vnd.oasis.taxii+json",
        "application/taxii+json;version=2.1;q=0",
        "application/json",
        ";;;",
    ],
)
def test_accept_that_does_not(client: TestClient, accept: str) -> None:
    reply = client.get("/taxii2/", headers={"Accept": accept})
    assert (reply.status_code, reply.headers["Content-Type"]) == (406, TAXII)


def test_a_collection_can_only_be_read(nodes: Nodes, client: TestClient) -> None:
    one = f"{nodes.path}objects/{stored(nodes)[0].delivered_id}/"
    assert client.post(nodes.path + "objects/", content=b"{}").status_code == 403
    assert client.delete(one).status_code == 403
    assert client.put(nodes.path + "objects/").status_code == 405
    assert client.get(one).status_code == 200
    reply = client.put("/taxii2/")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD")
    assert reply.json()["title"]


# ------------------------------------------------------------------------------------------ who


def test_a_key_may_come_in_three_ways(fresh: Nodes) -> None:
    key, client = give_key(fresh), client_of(fresh.north)
    assert client.get("/taxii2/", auth=("east-clinic", key)).status_code == 200
    assert client.get("/taxii2/", headers={"X-API-Key": key}).status_code == 200
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.get("/taxii2/", headers=bearer).status_code == 200


def test_without_the_right_key_nothing_is_told(nodes: Nodes) -> None:
    client = client_of(nodes.north)
    known, unknown = nodes.path, nodes.path.replace(nodes.collection, nodes.collection[::-1])
    for auth in (None, ("south-isac", "wrong"), ("north-cert", nodes.key)):
        replies = [client.get(url, auth=auth) for url in (known, unknown, "/taxii2/nosuch")]
        assert [each.status_code for each in replies] == [401] * 3
        assert len({same(each) for each in replies}) == 1
        assert replies[0].headers["WWW-Authenticate"] == CHALLENGE
        client = client_of(nodes.north)


def test_wrong_keys_are_slowed_down_and_the_right_one_is_not(nodes: Nodes) -> None:
    client = client_of(nodes.north)
    codes = [client.get("/taxii2/", headers={"X-API-Key": f"{n}"}).status_code for n in range(7)]
    assert codes == [401] * 5 + [429] * 2
    assert client.get("/taxii2/").status_code == 429
    right = client.get("/taxii2/", headers={"X-API-Key": nodes.key}, auth=nodes.signs)
    assert right.status_code == 200


def test_after_too_many_failures_no_key_is_looked_up(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(nodes.north)
    for number in range(5):
        client.get("/taxii2/", headers={"X-API-Key": f"{number}"})
    looked: list[str] = []
    monkeypatch.setattr(parties, "account_of", lambda _tx, key_hash: looked.append(key_hash))
    assert client.get("/taxii2/", headers={"X-API-Key": "more"}).status_code == 429
    assert looked == []


def test_a_key_sees_its_own_agreement_alone(fresh: Nodes) -> None:
    fresh.agree(reach=2)
    give(fresh, 1)
    key, path, signs = fresh.key, fresh.path, fresh.signs
    fresh.agreement_id, fresh.version, fresh.last_hash = OTHER, 0, None
    fresh.agree(reach=2)
    client = client_of(fresh.north, key, signs)
    (seen,) = client.get("/taxii2/agreements/collections/").json()["collections"]
    assert seen["id"] in path
    unknown = path.replace(seen["id"], "00000000-0000-4000-8000-000000000000")
    for end in ("", "objects/", "manifest/"):
        assert client.get(path + end).status_code == 200
        hidden, absent = client.get(fresh.path + end), client.get(unknown + end)
        assert (hidden.status_code, same(hidden)) == (404, same(absent))


def test_a_blocked_partner_stays_outside(fresh: Nodes) -> None:
    fresh.agree(reach=2)
    give(fresh, 1)
    client = client_of(fresh.north, fresh.key, fresh.signs)
    assert raws(client, fresh.path + "objects/")
    block_party(fresh.north, "south-isac", "it broke its word", now=fresh.tick())
    reply = client.get(fresh.path + "objects/")
    assert reply.status_code == 403
    assert "word" not in reply.text
    unblock_party(fresh.north, "south-isac", "we talked", now=fresh.tick())
    assert client.get(fresh.path + "objects/").status_code == 404


# ------------------------------------------------------------------------------------- agreement


def test_until_it_is_active_nothing_flows(fresh: Nodes) -> None:
    give(fresh, 1)
    fresh.propose(reach=2)
    fresh.carry()
    assert fresh.key == ""
    signing.countersign(fresh.south, fresh.agreement_id, now=fresh.tick())
    client = client_of(fresh.north, fresh.key, fresh.signs)
    assert client.get(fresh.path + "objects/").status_code == 401
    fresh._carry_from(fresh.south, fresh.north)  # noqa: SLF001  # countersignature, no activation
    fresh.reconcile()
    assert client.get("/taxii2/agreements/collections/").json() == {}
    assert client.get(fresh.path + "objects/").status_code == 404
    fresh.carry()
    fresh.reconcile()
    assert len(raws(client, fresh.path + "objects/")) == 5


@pytest.mark.parametrize("act", [signing.suspend, signing.terminate])
def test_a_stop_holds_from_the_next_request_on(fresh: Nodes, act: Any) -> None:  # noqa: ANN401
    fresh.agree(reach=2)
    give(fresh, 4)
    client = client_of(fresh.north, fresh.key, fresh.signs)
    token = client.get(fresh.path + "objects/", params={"limit": 3}).json()["next"]
    act(fresh.north, fresh.agreement_id, "enough", now=fresh.tick())
    for params in ({}, {"next": token}):
        reply = client.get(fresh.path + "objects/", params=params)
        assert reply.status_code == 404
        assert "objects" not in reply.json()


def test_another_version_of_the_agreement_is_a_conflict_and_noted(fresh: Nodes) -> None:
    fresh.agree(reach=2)
    client = client_of(fresh.north, fresh.key, fresh.signs)
    old = fresh.last_hash or ""
    assert client.get(fresh.path, headers={"Tearline-Agreement": old}).status_code == 200
    fresh.agree(reach=1)
    reply = client.get(fresh.path, headers={"Tearline-Agreement": old})
    assert (reply.status_code, reply.json()["details"]) == (409, {"agreement": fresh.last_hash})
    with fresh.north.store.read() as tx:
        noted = [json.loads(text) for kind, text in private.pending(tx) if kind == "refusal"]
    assert [(each["party"], each["code"]) for each in noted] == [("south-isac", "agreement")]
    assert client.get(fresh.path, auth=fresh.signs).status_code == 200


def test_conflicts_do_not_fill_the_log(fresh: Nodes) -> None:
    fresh.agree(reach=2)
    client = client_of(fresh.north, fresh.key, fresh.signs)
    for _ in range(70):
        client.get("/taxii2/", headers={"Tearline-Agreement": "sha256:00"})
    with fresh.north.store.read() as tx:
        kinds = [kind for kind, _ in private.pending(tx)]
    assert kinds.count("refusal") == 60


def test_a_receiver_without_a_node_reads_with_its_key(fresh: Nodes) -> None:
    text = fresh.terms(reach=2)
    for line in (f'key = "{fresh.south.card.sign}"', f'log = "{fresh.south.card.log}"'):
        text = text.replace(line, "")
    text = text.replace("South ISAC", "East Clinic").replace("south-isac", "east-clinic")
    text = f'one_sided = true\npaper = "sha256:{"0" * 64}"\n' + text
    signing.propose(fresh.north, parse_toml(text), now=fresh.tick())
    give(fresh, 1)
    key = signing.open_account(fresh.north, fresh.agreement_id, now=fresh.tick())
    client = client_of(fresh.north)
    reply = client.get(fresh.path + "objects/", auth=("east-clinic", key))
    assert len(split_envelope(reply.content).objects) == 5
