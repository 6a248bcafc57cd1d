"""Requests an hour: every one that came with the key counts, and nobody else's do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.node.app import create_app
from tests.exchange.nodes import Nodes, give, make_nodes

HOUR = 3_600_000_000
LIMITS = "[limits]\nrequests_per_hour = 5"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    made = make_nodes(tmp_path_factory.mktemp("pace"))
    made.agree(reach=2, categories=LIMITS)
    give(made, 3)
    yield made
    made.close()


@pytest.fixture
def moment(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The moment that the node reads: it begins with a full hour."""
    at = [nodes.now - nodes.now % HOUR + HOUR]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    return at


@pytest.fixture
def client(nodes: Nodes, moment: list[int]) -> Iterator[TestClient]:
    del moment
    with TestClient(create_app(nodes.north.path, jobs=False)) as made:
        made.headers["Authorization"] = f"Bearer {nodes.key}"
        made.auth = nodes.signs
        yield made


def test_what_is_over_is_turned_away_until_the_next_full_hour(
    nodes: Nodes, client: TestClient, moment: list[int]
) -> None:
    page = f"{nodes.path}objects/"
    assert [client.get(page).status_code for _ in range(5)] == [200] * 5
    moment[0] += 600 * 1_000_000
    late = client.get(page)
    assert late.status_code == 429
    assert late.headers["Retry-After"] == "3000"
    assert late.headers["content-type"] == "application/taxii+json;version=2.1"
    assert late.json()["http_status"] == "429"
    assert client.get("/taxii2/").status_code == 429
    moment[0] += 3_000 * 1_000_000 - 1
    assert client.get(page).headers["Retry-After"] == "1"
    moment[0] += 1
    assert client.get(page).status_code == 200


def test_a_request_that_is_refused_counts_too(nodes: Nodes, client: TestClient) -> None:
    page = f"{nodes.path}objects/"
    tries = [
        client.get(page, headers={"Accept": "text/html"}).status_code,
        client.get(page, params={"limit": "x"}).status_code,
        client.get(nodes.path.replace(nodes.collection, "feed")).status_code,
        client.post(page, content=b"{}").status_code,
        client.delete(page).status_code,
    ]
    assert tries == [406, 400, 404, 403, 405]
    assert client.get(page).status_code == 429


def test_who_brings_no_key_or_a_wrong_one_uses_up_nothing(nodes: Nodes, client: TestClient) -> None:
    page = f"{nodes.path}objects/"
    for _ in range(7):
        wrong = {"Authorization": "Bearer no"}
        assert client.get(page, headers=wrong).status_code == 401
    assert client.get(page).status_code == 200


def test_the_log_stays_open(nodes: Nodes, client: TestClient) -> None:
    for _ in range(6):
        client.get(f"{nodes.path}objects/")
    uuid = nodes.agreement_id.removeprefix("urn:uuid:")
    named = {"Tearline-Agreement": nodes.last_hash or ""}
    log = f"/peer/agreements/{uuid}/log/checkpoint"
    assert client.get(log, headers=named).status_code == 200


def test_each_agreement_counts_by_itself(tmp_path: Path) -> None:
    nodes = make_nodes(tmp_path)
    nodes.agree(categories=LIMITS)
    other = Nodes(**vars(nodes.beside(2, categories="")))
    other.agree()
    with TestClient(create_app(nodes.north.path, jobs=False)) as client:
        for each, last in ((nodes, 429), (other, 200)):
            key = {"Authorization": f"Bearer {each.key}"}
            page = f"{each.path}objects/"
            said = [client.get(page, headers=key, auth=each.signs) for _ in range(7)]
            assert said[-1].status_code == last
    nodes.close()
