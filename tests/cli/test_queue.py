"""The queue and the people, as somebody at a terminal uses them."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest

from tearline import clock
from tearline.agreement.assertion import base64url
from tearline.cli.options import open_home
from tearline.store import passkeys
from tearline.store.passkeys import Passkey
from tearline.web import signing_in
from tearline.web.challenges import mark_of
from tests.authenticator import Device
from tests.cli.calls import STAMP, Sides, actor, agree, bundle, good, tearline

CLINIC = {
    "type": "identity",
    "spec_version": "2.1",
    "id": "identity--1f0c7a52-54a6-4d7b-8f8e-2f6f0f6c9b22",
    "created": STAMP,
    "modified": STAMP,
    "name": "Harbour Clinic",
}


@pytest.fixture
def waiting(strangers: Sides) -> Sides:
    """Two homes, and two objects of North that wait for two people."""
    text = strangers.draft.read_text("utf-8").replace("# review = ", "review = ")
    text = "\n".join('types = "*"' if s.startswith("types") else s for s in text.split("\n"))
    strangers.draft.write_text(text, "utf-8")
    agree(strangers)
    heron = actor("Gray Heron")
    targets = {
        **CLINIC,
        "type": "relationship",
        "id": "relationship--1f0c7a52-54a6-4d7b-8f8e-2f6f0f6c9b23",
        "relationship_type": "targets",
        "source_ref": heron["id"],
        "target_ref": CLINIC["id"],
    }
    del targets["name"]
    path = bundle(strangers.folder / "victims.json", heron, CLINIC, targets)
    good("import", path, "--mark", "TLP:GREEN", "--grade", "B2", home=strangers.north)
    return strangers


def item_of(sides: Sides, *more: str) -> dict[str, Any]:
    listed = good("queue", "list", *more, home=sides.north)
    found: dict[str, Any] = next(each for each in listed if each["object"] == CLINIC["id"])
    return found


def person(sides: Sides, name: str) -> Path:
    key = sides.folder / f"{name}.pem"
    good("person", "add", name, "--key", key, home=sides.north)
    return key


def test_two_people_let_exactly_these_bytes_go(waiting: Sides) -> None:
    north = waiting.north
    keys = [person(waiting, name) for name in ("ada", "bo")]
    for each in good("queue", "list", "south-isac", home=north):
        shown = good("queue", "show", each["item"][:20], home=north)
        assert shown["hash"] == each["hash"]
        for key in keys:
            good("queue", "approve", each["item"][7:19], "--key", key, home=north)
    assert "Nothing waits." in tearline("queue", "list", home=north).out
    found = item_of(waiting, "--all")
    assert (found["state"], found["approved_by"]) == ("approved", ["ada", "bo"])
    assert good("explain", CLINIC["id"], "--to", "south-isac", home=north)["outcome"] == "release"


def test_what_is_shown_are_the_bytes_and_why(waiting: Sides) -> None:
    said = tearline("queue", "show", item_of(waiting)["item"], home=waiting.north).out
    assert "It waits for 2 more of 2 people." in said
    assert "victim: " in said
    assert '"name": "Harbour Clinic"' in said


def test_a_no_and_a_question_need_their_reason_and_stand_in_the_list(waiting: Sides) -> None:
    key, item = person(waiting, "ada"), item_of(waiting)["item"]
    assert tearline("queue", "refuse", item, "--key", key, home=waiting.north).code == 2
    blank = tearline("queue", "query", item, "--key", key, "--reason", " ", home=waiting.north)
    assert (blank.code, "needs a reason" in blank.err) == (1, True)
    good("queue", "query", item, "--key", key, "--reason", "Who asked?", home=waiting.north)
    done = good("queue", "refuse", item, "--key", key, "--reason", "too exact", home=waiting.north)
    assert done["state"] == "refused"
    assert [each["verdict"] for each in done["said"]] == ["query", "refuse"]
    again = tearline("queue", "approve", item, "--key", key, home=waiting.north)
    assert (again.code, "queue request" in again.err) == (1, True)


@pytest.mark.parametrize("name", ["0000000000000000", "12", "sha256:"])
def test_an_item_that_nobody_knows_is_refused(waiting: Sides, name: str) -> None:
    said = tearline("queue", "show", name, home=waiting.north)
    assert said.code == 1
    assert "queue list" in said.err or "more of its hash" in said.err


def test_a_strangers_key_says_nothing(waiting: Sides) -> None:
    key, item = person(waiting, "ada"), item_of(waiting)["item"]
    good("person", "end", "ada", "--reason", "left", home=waiting.north)
    said = tearline("queue", "approve", item, "--key", key, home=waiting.north)
    assert (said.code, "nobody who is enrolled" in said.err) == (1, True)
    other = tearline("queue", "approve", item, "--key", waiting.draft, home=waiting.north)
    assert (other.code, "not a private key" in other.err) == (1, True)


def test_a_key_is_its_owners_alone_and_opens_with_its_password(
    waiting: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, north = waiting.folder / "cy.pem", waiting.north
    monkeypatch.setattr("sys.stdin", io.StringIO("open sesame\n"))
    good("person", "add", "Cy", "--key", key, "--password-stdin", home=north)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    item = item_of(waiting)["item"]
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    said = tearline("queue", "approve", item, "--key", key, "--password-stdin", home=north)
    assert said.code == 1
    assert tearline("queue", "approve", item, "--key", key, "--json", home=north).code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("open sesame\n"))
    good("queue", "approve", item, "--key", key, "--password-stdin", home=north)
    assert item_of(waiting)["approved_by"] == ["cy"]


def test_a_passkey_is_enrolled_by_its_mark_and_a_further_key_as_one(waiting: Sides) -> None:
    north, key = waiting.north, waiting.folder / "ada.pem"
    link = good("staff", "invite", "ada", "--role", "approver", home=north)["link"]
    opened, device, now = open_home(north), Device(host="localhost"), clock.now()
    token = signing_in.accept(opened, link.rpartition("/")[2], "correct horse battery", now=now)
    assert token
    with opened.store.write() as tx:
        new = Passkey(base64url(device.credential), "ada", "laptop", device.key, 0, now)
        passkeys.add_passkey(tx, new)
    mark = mark_of(device.key)
    for wrong in (
        ("--passkey", "0000-0000-0000-0000"),
        (),
        ("--key", key, "--also"),
        ("--key", key, "--passkey", mark),
    ):
        assert tearline("person", "add", "ada", *wrong, home=north).code != 0
    assert good("person", "add", "ada", "--passkey", mark, home=north)["key"] == device.key
    said = tearline("person", "add", "ada", "--key", key, home=north)
    assert (said.code, "say --also" in said.err) == (1, True)
    good("person", "add", "ada", "--key", key, "--also", home=north)
    assert [each["person"] for each in good("person", "list", home=north)] == ["ada", "ada"]
    item = item_of(waiting)["item"]
    good("queue", "approve", item, "--key", key, home=north)
    assert item_of(waiting)["approved_by"] == ["ada"]
    good("person", "end", "ada", "--reason", "left", home=north)
    assert all(each["until"] for each in good("person", "list", home=north))


def test_a_name_that_is_taken_leaves_no_key_behind(waiting: Sides) -> None:
    person(waiting, "ada")
    key = waiting.folder / "second.pem"
    said = tearline("person", "add", "Ada", "--key", key, home=waiting.north)
    assert said.code == 1
    assert not key.exists()
    assert [each["person"] for each in good("person", "list", home=waiting.north)] == ["ada"]
