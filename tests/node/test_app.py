import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from tearline.errors import HomeError
from tearline.exchange.access import Door
from tearline.node.app import Opened, create_app
from tearline.node.logs import log_as_json
from tests.exchange.nodes import Nodes, give, make_nodes


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    made = make_nodes(tmp_path_factory.mktemp("nodes"))
    made.agree(reach=2)
    give(made, 2)
    yield made
    made.close()


def client_of(nodes: Nodes, app: FastAPI | None = None, address: str = "127.0.0.1") -> TestClient:
    app = app or create_app(nodes.north.path, jobs=False)
    return TestClient(app, client=(address, 50_000), raise_server_exceptions=False)


def test_health_says_that_the_store_answers_and_no_more(nodes: Nodes) -> None:
    with client_of(nodes) as client:
        reply = client.get("/health")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_every_answer_carries_careful_headers(nodes: Nodes) -> None:
    with client_of(nodes) as client:
        for path in ("/health", "/metrics", "/taxii2/", "/peer/messages", "/nosuch"):
            headers = client.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert "Server" not in headers


def test_nothing_describes_the_routes_to_strangers(nodes: Nodes) -> None:
    with client_of(nodes) as client:
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert client.get(path).status_code == 404
        assert "North" not in client.get("/").text


@pytest.mark.parametrize(
    ("setting", "address", "status"),
    [
        ("loopback", "127.0.0.1", 200),
        ("loopback", "::1", 200),
        ("loopback", "192.0.2.7", 404),
        ("loopback", "", 404),
        ("all", "192.0.2.7", 200),
        ("off", "127.0.0.1", 404),
    ],
)
def test_metrics_are_for_those_whom_the_settings_allow(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, setting: str, address: str, status: int
) -> None:
    app = create_app(nodes.north.path, jobs=False)
    with client_of(nodes, app, address) as client:
        own = app.state.home().settings
        monkeypatch.setattr(
            type(app.state.home()), "settings", own.model_copy(update={"metrics": setting})
        )
        assert client.get("/metrics").status_code == status


def test_metrics_count_routes_and_name_no_partner_and_no_object(nodes: Nodes) -> None:
    with client_of(nodes) as client:
        client.get(nodes.path + "objects/", headers={"X-API-Key": nodes.key}, auth=nodes.signs)
        client.get("/nosuch/secret-path")
        text = client.get("/metrics").text
    assert 'route="/taxii2/agreements/collections/{collection}/objects/",status="200"} 1.0' in text
    assert "tearline_outbox_messages 0.0" in text
    assert "tearline_private_records" in text
    for secret in (nodes.key, nodes.collection, "south", "secret-path", "HERON"):
        assert secret not in text


def test_the_log_has_no_content_and_no_secrets(
    nodes: Nodes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(nodes.north.path, jobs=False)

    def breaks(*_: object, **__: object) -> NoReturn:
        found = nodes.key
        raise RuntimeError(f"The key is {found}.")

    with client_of(nodes, app) as client:
        key = {"X-API-Key": nodes.key}
        client.get(nodes.path + "objects/?match[id]=secret-id", headers=key, auth=nodes.signs)
        client.post("/peer/messages", content=b"secret-words", auth=nodes.signs)
        monkeypatch.setattr(Door, "admit", breaks)
        reply = client.get("/taxii2/")
    assert reply.status_code == 500
    assert nodes.key not in reply.text
    assert reply.headers["Content-Type"] == "application/taxii+json;version=2.1"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    events = [each["event"] for each in lines]
    assert (events[0], events[-1]) == ("node started", "node stopped")
    assert [each["status"] for each in lines if each["event"] == "answered"] == [200, 403, 500]
    for secret in (nodes.key, nodes.collection, "secret", "Heron", "127.0.0.1"):
        assert secret not in str(lines)


def test_an_error_is_logged_by_its_kind_and_place_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_as_json()
    try:
        raise RuntimeError("secret")  # noqa: TRY301  # the log is what this is about
    except RuntimeError:
        structlog.get_logger().error("broke", exc_info=True)
        logging.getLogger("uvicorn.error").exception("broke")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [each["error"] for each in lines] == ["RuntimeError"] * 2
    assert all("test_app.py" in each["at"][0] for each in lines)
    assert "secret" not in str(lines)


def test_a_home_is_opened_when_it_is_served_and_not_before(tmp_path: Path) -> None:
    app = create_app(tmp_path / "nowhere")
    with pytest.raises(HomeError), TestClient(app):
        pass


def test_each_process_opens_the_home_for_itself(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Opened(nodes.north.path)
    first = home()
    assert home() is first
    monkeypatch.setattr("os.getpid", lambda: -1)
    second = home()
    assert second is not first
    assert second.store is not first.store
    second.store.close()
    first.store.close()
