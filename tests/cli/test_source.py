"""Sources by the command line, read over HTTP from a server that others might run."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tearline.cli import asking, feeds
from tests.cli.calls import Sides, good, tearline
from tests.exchange.foreign_server import ONE, TWO, Foreign, foreign
from tests.pair import START, sdo
from tests.stix.old import old

Type = Callable[[str], None]
SECRET = "hush-hush"


@pytest.fixture
def server() -> Iterator[Foreign]:
    with foreign(Foreign()) as made:
        made.put(*(sdo("tool", f"tool {place}") for place in range(12)), at=START)
        yield made


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Say what a person pipes into standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.fixture
def home(strangers: Sides) -> Path:
    return strangers.north


def add(home: Path, server: Foreign, *more: str) -> Any:  # noqa: ANN401
    return good("source", "add", "feed", f"{server.url}/root/", *more, home=home)


def test_the_course_of_a_source(home: Path, server: Foreign, types: Type) -> None:
    types(SECRET + "\n")
    server.needs = {"x-api-key": SECRET}
    key = "--key-stdin", "--key-header", "X-API-Key"
    labels = "--mark", "TLP:GREEN", "--grade", "C3"
    added = add(home, server, "--collection", ONE, *key, *labels, "--page", "5")
    assert [each["title"] for each in added["found"]["collections"]] == [
        "Made up 1",
        "Made up 2",
        "Made up 3",
    ]
    assert (added["login"], added["mark"], added["grade"]) == (
        "key in X-API-Key",
        "TLP:GREEN",
        "C3",
    )

    done = good("sync", "feed", home=home)
    assert done["parties"] == []
    (came,) = done["sources"]
    assert (came["ok"], came["stored"], came["refused"]) == (True, 12, [])
    shown = good("show", sdo("tool", "tool 0")["id"], home=home)
    assert shown["source"] == "taxii:feed"
    assert good("sync", home=home)["sources"][0]["stored"] == 0

    (listed,) = good("source", "list", home=home)
    (collection,) = listed["collections"]
    assert (collection["stored"], collection["problem"]) == (12, None)
    assert collection["read_to"]
    assert collection["next_try"]
    people = [tearline("source", *verb, home=home).out for verb in (["list"], ["show", "feed"])]
    for said in (*people, json.dumps(listed)):
        assert SECRET not in said
    assert "12 stored" in people[1]

    ended = good("source", "end", "feed", home=home)
    assert ended["ended_at"]
    assert good("source", "list", home=home) == []
    assert good("sync", home=home)["sources"] == []
    assert tearline("sync", "feed", home=home).code == 2


def test_of_several_collections_those_to_read_are_named(home: Path, server: Foreign) -> None:
    said = tearline("source", "add", "feed", server.url, home=home)
    assert said.code == 1
    for each in (ONE, TWO, "Made up 1", "--collection", "--all"):
        assert each in said.err
    assert good("source", "list", home=home) == []
    assert len(add(home, server, "--all")["collections"]) == 2
    again = tearline("source", "add", "feed", server.url, "--all", home=home)
    assert again.code == 2
    assert "already" in again.err
    only = ["--collection", "made up 2"]
    assert (
        good("source", "add", "other", server.url, *only, home=home)["collections"][0]["collection"]
        == TWO
    )
    for wrong in ("nowhere", "Made up 3"):
        assert tearline("source", "add", "x", server.url, "--collection", wrong, home=home).code


def test_a_person_may_choose(
    home: Path, server: Foreign, types: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "interactive", lambda: True)
    types("9\n2\n")
    said = tearline("source", "add", "feed", server.url, home=home)
    assert said.code == 0, said
    assert good("source", "show", "feed", home=home)["collections"][0]["collection"] == TWO


def test_the_address_may_be_of_any_resource(home: Path, server: Foreign) -> None:
    paths = ["", "/taxii2/", "/root", "/root/collections/", f"/root/collections/{ONE}"]
    paths.append(f"/root/collections/{ONE}/objects/")
    for number, path in enumerate(paths):
        added = good("source", "add", f"s{number}", server.url + path, "--all", home=home)
        assert added["collections"][0]["url"] == f"{server.url}/root/collections/{ONE}/"
        assert added["collections"][0]["taxii"] == "2.1"


def test_a_server_of_2_0_is_found_and_lifted(home: Path, server: Foreign) -> None:
    server.version = "2.0"
    server.shelf = []
    server.put(old("malware", "Mud"), old("indicator", "x") | {"labels": 7}, at=START)
    added = good("source", "add", "old", server.url, "--collection", ONE, home=home)
    assert added["collections"][0]["taxii"] == "2.0"
    said = tearline("sync", "old", home=home)
    assert said.code == 0
    assert "1 refused" in said.out
    assert "STIX 2.0, lifted to 2.1" in said.out
    assert "lifted" in tearline("sync", "old", "--json", home=home).out
    shown = tearline("source", "show", "old", home=home).out
    assert "labels" in shown


def test_roots_of_another_host_are_told_and_not_followed(home: Path, server: Foreign) -> None:
    with foreign(Foreign()) as other:
        server.roots = [f"{other.url}/root/", "https://[broken", "/root/"]
        added = good("source", "add", "feed", server.url, "--all", home=home)
        assert added["found"]["elsewhere"] == [f"{other.url}/root/", "https://[broken"]
        assert other.asked == []
        server.roots = [f"{other.url}/root/"]
        said = tearline("source", "add", "x", server.url, "--all", home=home)
        assert said.code == 1
        assert other.url in said.err


def test_who_is_shut_out_is_asked_again_after_a_retry(
    home: Path, server: Foreign, types: Type
) -> None:
    add(home, server, "--collection", ONE)
    server.needs = {"authorization": "Basic dXM6aHVzaC1odXNo"}
    said = tearline("sync", "--json", home=home)
    assert said.code == 1
    assert said.value["ok"] is False
    assert "does not let us in" in said.value["sources"][0]["problem"]
    assert "does not let us in" in tearline("status", home=home).out
    assert good("status", home=home)["sources"][0]["collections"][0]["stopped"]
    asked = len(server.asked)
    waits = tearline("sync", "feed", home=home)
    assert waits.code == 1
    assert "until a person looks at it" in waits.out
    assert len(server.asked) == asked
    types(SECRET + "\n")
    retried = good("source", "retry", "feed", "--user", "us", "--password-stdin", home=home)
    assert retried["login"] == "password of us"
    assert good("sync", "feed", home=home)["sources"][0]["stored"] == 12


def test_a_wait_that_the_server_asked_for_is_kept_by_people_too(
    home: Path, server: Foreign
) -> None:
    add(home, server, "--collection", ONE)
    server.refusals = [(503, {})]
    assert tearline("sync", home=home).code == 1
    assert "is not asked until" in tearline("sync", home=home).out
    server.refusals = [(429, {"Retry-After": "900"})]
    assert tearline("sync", "feed", home=home).code == 1, "by name at once, against our own wait"
    assert "is not asked until" in tearline("sync", "feed", home=home).out
    good("source", "retry", "feed", home=home)
    assert good("sync", home=home)["ok"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["Feed!"], 2),
        (["south-isac"], 2),
        (["feed", "--since", "yesterday"], 2),
        (["feed", "--mark", "TLP:PINK"], 1),
        (["feed", "--key-stdin"], 2),
        (["feed", "--key-stdin", "--user", "us"], 2),
        (["feed", "--password-stdin"], 2),
        (["feed", "--key-stdin", "--key-header", "Host"], 2),
        (["feed", "--every", "-1"], 2),
    ],
)
def test_wrong_words_add_nothing(
    home: Path, server: Foreign, types: Type, words: list[str], code: int
) -> None:
    types("a key\n" if words[-1] == "--key-stdin" else "key\n")
    name, *rest = words
    said = tearline("source", "add", name, server.url, "--all", *rest, home=home)
    assert said.code == code, said
    assert good("source", "list", home=home) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{}", b'{"api_roots": 7}'])
def test_what_is_no_taxii_server_is_said(home: Path, body: bytes) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(foreign(Foreign(body=body)))
        server.plain = True
        said = tearline("source", "add", "feed", f"{server.url}/blog/", "--all", home=home)
    assert said.code == 1
    assert "Something broke" not in said.err


def test_moments_are_dates_or_timestamps() -> None:
    assert feeds.since_at(None) is None
    assert feeds.since_at("2026-03-01") == START
    assert feeds.since_at("2026-03-01T00:00:00Z") == START


def test_a_source_that_nobody_knows(home: Path) -> None:
    for verb in ("show", "end", "retry"):
        assert tearline("source", verb, "nobody", home=home).code == 2
    assert "No sources yet" in tearline("source", "list", home=home).out
