"""Saved views: everybody has their own, and a link to one can go to anybody."""

from pathlib import Path

import pytest

from tearline.web import saved
from tests.pair import Pair, make_pair, sdo
from tests.web.site import site


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("views"))
    made.put(sdo("malware", "Mud Loader"), sdo("tool", "a spade"))
    return made


def titles(client: object) -> list[str]:
    found = client.get("/objects.json").json()["views"]  # type: ignore[attr-defined]
    return [each["title"] for each in found]


def test_a_view_is_saved_shown_followed_and_deleted(pair: Pair) -> None:
    with site(pair.north, "reader") as client, site(pair.north, "analyst") as other:
        given = {"title": " Bad  things ", "query": "type=malware&evil=1&at=50"}
        reply = client.post("/objects/views", data=given)
        assert (reply.status_code, reply.headers["location"]) == (303, "/objects?type=malware")
        page = client.get("/objects").text
        assert '<a href="/objects?type=malware">Bad things</a>' in page
        assert titles(other) == []
        assert other.get("/objects.json?type=malware").json()["number"] == 1
        other.post("/objects/views/delete", data={"title": "Bad things"})
        assert titles(client) == ["Bad things"]
        client.post("/objects/views", data=given | {"query": "type=tool"})
        assert client.get("/objects.json").json()["views"] == [
            {"title": "Bad things", "query": "type=tool"}
        ]
        reply = client.post("/objects/views/delete", data={"title": "Bad things", "query": "q=a b"})
        assert reply.headers["location"] == "/objects?q=a+b"
        assert titles(client) == []


def test_a_view_has_a_name_and_there_are_not_too_many(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(pair.north, "officer") as client:
        assert client.post("/objects/views", data={"query": "q=x"}).status_code == 400
        monkeypatch.setattr(saved, "MOST", 1)
        assert client.post("/objects/views", data={"title": "one"}).status_code == 303
        assert client.post("/objects/views", data={"title": "two"}).status_code == 400
        hostile = "<b>\u202e"
        monkeypatch.undo()
        client.post("/objects/views", data={"title": hostile, "query": "q=%3Cb%3E"})
        page = client.get("/objects").text
        assert "<b>\u202e" not in page
        assert "&lt;b&gt;⟨U+202E⟩" in page


def test_views_need_somebody_and_a_page_of_ours(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with site(pair.north) as nobody:
        assert nobody.post("/objects/views").headers["location"] == "/sign-in"
    with site(pair.north, "reader") as client:
        elsewhere = {"Origin": "http://elsewhere.example"}
        given = {"title": "x", "query": "//elsewhere.example"}
        assert client.post("/objects/views", data=given, headers=elsewhere).status_code == 403
        assert client.post("/objects/views", data=given).headers["location"] == "/objects?"
