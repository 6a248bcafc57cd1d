"""Local collections and accounts by the command line, as scripts use it."""

import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline.agreement.home import open_home
from tearline.exchange.access import Door
from tests.cli.calls import Said, Sides, actor, bundle, good, malware, tearline
from tests.exchange.local import Shelf, cheap_passwords, indicator, post, walk


@pytest.fixture
def home(tmp_path: Path) -> Path:
    good("init", "--name", "North CERT", home=tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_passwords():
        yield


def typed(monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str, home: Path) -> Said:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return tearline(*arguments, "--json", home=home)


def test_a_script_makes_a_collection_and_an_account_and_a_client_uses_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = good("collection", "add", "feed", "--title", "Our feed", home=home)
    assert uuid.UUID(made["id"]).version == 4
    rights = ("--password-stdin", "--read", "feed", "--write", "feed")
    added = typed(monkeypatch, "correct horse\n", "account", "add", "alice", *rights, home=home)
    assert (added.code, added.value["read"], added.value["write"]) == (0, ["feed"], ["feed"])
    opened = open_home(home)
    node = Shelf(opened, {"feed": made["id"]}, Door())
    with node.client("alice") as client:
        assert post(client, node.path("feed"), indicator(), indicator()).status_code == 202
        (seen,) = client.get("/taxii2/local/collections/").json()["collections"]
    opened.store.close()
    assert (seen["id"], seen["title"], seen["alias"]) == (made["id"], "Our feed", "feed")
    shown = good("collection", "show", "feed", home=home)
    assert (shown["objects"], shown["address"]) == (2, f"/taxii2/local/collections/{made['id']}/")
    assert shown["accounts"] == [{"account": "alice", "read": True, "write": True}]
    assert [each["objects"] for each in good("collection", "list", home=home)] == [2]
    assert "feed: Our feed" in tearline("collection", "show", "feed", home=home).out
    assert good("objects", home=home)["objects"][0]["source"] == "taxii:feed"


def test_objects_of_ours_are_put_and_taken(home: Path, tmp_path: Path) -> None:
    good("collection", "add", "feed", home=home)
    held = [actor("Gray Heron"), malware("Tin Lock"), malware("Brass Fly")]
    good("import", bundle(tmp_path / "held.json", *held), "--source", "desk", home=home)
    put = ("collection", "put", "feed")
    assert good(*put, held[0]["id"], home=home) == {"chosen": 1, "changed": 1}
    assert good(*put, "--type", "malware", home=home) == {"chosen": 2, "changed": 2}
    assert good(*put, "--source", "desk", home=home) == {"chosen": 3, "changed": 0}
    node = Shelf(open_home(home), {"feed": good("collection", "list", home=home)[0]["id"]}, Door())
    node.account("alice", read=("feed",))
    with node.client("alice") as client:
        assert walk(client, node.path("feed")) == held
    node.home.store.close()
    take = ("collection", "take", "feed")
    assert good(*take, held[1]["id"], home=home) == {"chosen": 1, "changed": 1}
    assert good(*take, held[1]["id"], home=home) == {"chosen": 1, "changed": 0}
    assert good(*take, "--type", "malware", home=home)["changed"] == 1
    assert good("objects", home=home)["held"] == 3
    assert tearline(*put, f"malware--{uuid.uuid4()}", home=home).code == 1
    assert tearline(*put, home=home).code == tearline(*take, home=home).code == 2


def test_what_was_received_cannot_be_put(agreed: Sides) -> None:
    good("collection", "add", "feed", home=agreed.north)
    good("collection", "add", "feed", home=agreed.south)
    lock = malware("Tin Lock")["id"]
    assert good("collection", "put", "feed", lock, home=agreed.north)["changed"] == 1
    said = tearline("collection", "put", "feed", lock, "--json", home=agreed.south)
    assert said.code == 1
    assert "of our own" in said.value["error"]["what"]


def test_a_collection_ends_and_its_name_is_not_given_again(home: Path) -> None:
    good("collection", "add", "feed", home=home)
    assert tearline("collection", "add", "feed", home=home).code == 1
    ended = good("collection", "end", "feed", home=home)
    assert ended["ended"] is not None
    for verb in ("end", "show", "put", "take"):
        assert tearline("collection", verb, "feed", home=home).code in {1, 2}
    assert tearline("collection", "add", "feed", home=home).code == 1
    for name in ("", " feed", "a\tb", "x" * 64):
        assert tearline("collection", "add", name, home=home).code == 2
    assert "No collections" not in tearline("collection", "list", home=home).out


def test_rights_passwords_and_keys_of_an_account(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("feed", "inbox"):
        good("collection", "add", name, home=home)
    assert (
        typed(monkeypatch, "one\n", "account", "add", "bob", "--password-stdin", home=home).value[
            "read"
        ]
        == []
    )
    assert typed(monkeypatch, "", "account", "add", "eve", home=home).code == 2
    assert (
        typed(monkeypatch, "\n", "account", "add", "eve", "--password-stdin", home=home).code == 2
    )
    granted = good("account", "grant", "bob", "--read", "feed", "--write", "inbox", home=home)
    assert (granted["read"], granted["write"]) == (["feed"], ["inbox"])
    assert good("account", "deny", "bob", "--read", "feed", home=home)["read"] == []
    assert tearline("account", "grant", "bob", "--read", "none", home=home).code == 1
    assert tearline("account", "grant", "bob", home=home).code == 2
    key = good("account", "key", "bob", home=home)["key"]
    assert len(key) == 64
    (listed,) = good("account", "list", home=home)
    assert len(listed["keys"]) == 1
    assert key not in str(listed)
    said = tearline("account", "list", home=home)
    assert "inbox" in said.out
    ended = good("account", "key", "bob", "--end", listed["keys"][0]["hash"][:20], home=home)
    assert ended["ended"] == listed["keys"][0]["hash"]
    changed = typed(monkeypatch, "two", "account", "password", "bob", "--password-stdin", home=home)
    assert changed.code == 0
    assert good("account", "end", "bob", home=home)["ended"] is not None
    for verb in ("key", "end"):
        assert tearline("account", verb, "bob", home=home).code == 1
    for name in ("a:b", "a b"):
        said = typed(monkeypatch, "x\n", "account", "add", name, "--password-stdin", home=home)
        assert said.code == 2
