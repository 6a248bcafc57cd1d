"""What clients of local collections are told when something of ours fails, and what is kept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import event

from tearline.errors import StoreError
from tearline.node.app import create_app
from tearline.release import collecting
from tests.exchange.local import Shelf, indicator, post, shelf, walk


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path) as made:
        yield made


@contextmanager
def small_disk(node: Shelf) -> Iterator[None]:
    """Let the store's file grow by a few pages only."""
    engine = node.home.store._writer  # noqa: SLF001  # the disk is full for nobody else

    def limit(connection: Any, _record: object) -> None:  # noqa: ANN401  # SQLite's own
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 20}")

    engine.dispose()
    event.listen(engine, "connect", limit)
    yield
    event.remove(engine, "connect", limit)
    engine.dispose()


def test_a_full_disk_is_told_and_loses_nothing_that_was_acknowledged(node: Shelf) -> None:
    kept: list[str] = []
    with node.client("alice") as client:
        with small_disk(node):
            while True:
                some = [indicator(x_long="x" * 500) for _ in range(50)]
                reply = post(client, node.path("feed"), *some)
                if reply.status_code != 202:
                    break
                kept += [each["id"] for each in some]
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
            assert "disk" not in reply.text
            assert [each["id"] for each in walk(client, node.path("feed"))] == kept
        again = post(client, node.path("feed"), *some)
        assert again.json()["success_count"] == 50
        assert len(walk(client, node.path("feed"))) == len(kept) + 50
        assert len(kept) >= 50


def test_a_store_that_is_gone_is_told_to_reader_and_writer(
    node: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> NoReturn:
        raise StoreError("The store at secret-place did not answer as it must.")

    with node.client("alice") as client:
        assert client.get(node.path("feed")).status_code == 200
        monkeypatch.setattr(type(node.home.store), "read", gone)
        monkeypatch.setattr(type(node.home.store), "ask", gone)
        for reply in (client.get(node.path("feed")), post(client, node.path("feed"), indicator())):
            told = reply.json()
            assert (reply.status_code, told["http_status"]) == (503, "503")
            assert "secret-place" not in reply.text
        monkeypatch.undo()
        assert post(client, node.path("feed"), indicator()).status_code == 202


def test_the_id_of_an_error_leads_to_its_line_of_the_log(
    node: Shelf, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(node.home.path, jobs=False)

    def breaks(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("hush")

    monkeypatch.setattr(collecting, "submit", breaks)
    with node.client("alice", app=app) as client:
        refused = client.get(node.path("feed"), params={"limit": "0"}).json()
        broken = post(client, node.path("feed"), indicator(name="hush")).json()
    assert (refused["http_status"], broken["http_status"]) == ("400", "500")
    lines = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    found: dict[str, dict[str, object]] = {}
    for each in lines:
        found.setdefault(each.get("error_id", ""), {}).update(each)
    assert found[refused["error_id"]]["status"] == 400
    assert found[broken["error_id"]]["error"] == "RuntimeError"
    assert "hush" not in str(lines)
