"""The verbs about the store, on a home with objects, an agreement and logs."""

from collections.abc import Iterator

import pytest

from tearline.config import settings
from tests.cli.calls import Sides, good, tearline
from tests.cluster import PASSWORD, Cluster


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    made = postgres.fresh()
    yield made
    postgres.drop(made)


@pytest.fixture
def store_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def test_a_file_is_shown_with_its_tables(agreed: Sides) -> None:
    found = good("store", "show", home=agreed.north)
    assert found["kind"] == "sqlite"
    assert found["store"] == str(agreed.north / "node.db")
    assert found["bytes"] >= 4096
    assert found["rows"]["object_version"] == 4
    said = tearline("store", "show", home=agreed.north).out
    assert "object_version" in said
    assert "MB" in said


def test_a_node_is_moved_and_shown_there(
    agreed: Sides, url: str, store_is: pytest.MonkeyPatch
) -> None:
    before = good("store", "show", home=agreed.north)
    moved = good("store", "move", url, home=agreed.north)
    assert moved["rows"] == before["rows"]
    assert all(each["root"] for each in moved["logs"])
    assert PASSWORD not in str(moved)
    lost = tearline("store", "show", home=agreed.north)
    assert lost.code == 1
    assert "TEARLINE_STORE" in lost.err
    store_is.setenv("TEARLINE_STORE", url)
    settings.cache_clear()
    found = good("store", "show", home=agreed.north)
    assert (found["kind"], found["rows"]) == ("postgresql", before["rows"])
    assert good("objects", home=agreed.north)
    again = tearline("store", "move", url, home=agreed.north)
    assert again.code == 1
    assert "already" in again.err
    shown = tearline("config", "show", home=agreed.north).out
    for said in (str(found), again.err, shown, repr(settings())):
        assert PASSWORD not in said


def test_another_nodes_store_is_refused(
    agreed: Sides, url: str, store_is: pytest.MonkeyPatch
) -> None:
    said = tearline("store", "move", url, home=agreed.north)
    assert "set TEARLINE_STORE" in said.out
    store_is.setenv("TEARLINE_STORE", url)
    settings.cache_clear()
    other = tearline("status", home=agreed.south)
    assert other.code == 1
    assert "belongs to the node 'north-cert'" in other.err
    taken = tearline("init", "--name", "West", home=agreed.folder / "west")
    assert taken.code == 1
    assert "already" in taken.err
    assert not (agreed.folder / "west").exists()


def test_a_server_that_does_not_answer_is_said_without_the_password(
    agreed: Sides, store_is: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://tearline:{PASSWORD}@127.0.0.1:1/nothing"
    refused = tearline("store", "move", url, home=agreed.north)
    store_is.setenv("TEARLINE_STORE", url)
    settings.cache_clear()
    gone = tearline("status", home=agreed.north)
    for said in (refused, gone):
        assert said.code == 1
        assert "postgresql://127.0.0.1:1/nothing cannot be used now" in said.err
        assert PASSWORD not in said.err
