"""A group by the command line: three real nodes, a fourth that carries files, one text for all."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement.home import open_home
from tests.cli.calls import actor, bundle, good, malware, tearline, uses
from tests.exchange.nodes import free_socket, serving, url_of

HUB, ALDER, BIRCH, CEDAR = "hub", "alder", "birch", "cedar"
heron, lock, kit = actor("Gray Heron"), malware("Tin Lock"), malware("Brass Kit")


class Ring:
    """A hub and three members; all but Cedar are nodes that answer."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self.folder = folder
        sockets = {each: closing.enter_context(free_socket()) for each in (HUB, ALDER, BIRCH)}
        for name in (HUB, ALDER, BIRCH, CEDAR):
            url = ["--url", url_of(sockets[name])] if name in sockets else []
            good("init", "--name", f"{name.title()} Bank", *url, home=self[name])
            good("card", "--out", folder / f"{name}.card", home=self[name])
        for name in (ALDER, BIRCH, CEDAR):
            for us, them in ((HUB, name), (name, HUB)):
                words = good("card", home=self[them])["words"]
                good("party", "add", folder / f"{them}.card", "--words", words, home=self[us])
        for name, sock in sockets.items():
            home = open_home(self[name])
            home.store.close()
            closing.enter_context(serving(home, sock))

    def __getitem__(self, name: str) -> Path:
        """The home of one of them."""
        return self.folder / name

    def text(self, name: str, **changed: str) -> Path:
        """A template from the commented one, with some lines changed."""
        path = self.folder / f"{name}.toml"
        good("group", "draft", "--out", path, home=self[HUB])
        text = path.read_text("utf-8").replace("Example Spider", "Gray Heron")
        text = text.replace("max_age_days = 180", 'max_age_days = "*"')
        for line, value in changed.items():
            text = re.sub(rf"(?m)^{line} = .*$", f"{line} = {value}", text)
        path.write_text(text, "utf-8")
        return path

    def group(self, *words: str | Path) -> Any:  # noqa: ANN401  # any JSON value
        return good("group", *words, home=self[HUB])

    def answers(self) -> dict[str, tuple[str, int | None]]:
        """By member: its answer to the newest text, and the edition that it runs on."""
        found = self.group("show", "banks")["members"]
        return {each["party"]: (each["answer"], each["runs_edition"]) for each in found}

    def countersign(self, name: str) -> None:
        good("agreement", "countersign", "ransomware", home=self[name])
        for each in (HUB, name, HUB):
            tearline("sync", home=self[each])  # between two versions one side is ahead

    def received(self, name: str) -> int:
        """How many objects a member holds from the hub, under what runs there."""
        good("sync", home=self[name])
        found = good("status", home=self[name])["agreements"]
        (number,) = (int(each["accepted"]) for each in found if each["state"] == "active")
        return number


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    with ExitStack() as closing:
        yield Ring(tmp_path, closing)


def test_a_group_from_its_first_text_to_a_member_that_leaves(ring: Ring) -> None:
    path = bundle(ring.folder / "held.json", heron, lock, uses(heron, lock), kit, uses(heron, kit))
    good("import", path, "--mark", "TLP:GREEN", "--grade", "B2", home=ring[HUB])

    # One text, and three who are asked; Cedar has no address, so its message is carried.
    made = ring.group("new", "banks", "--template", ring.text("one"))
    assert any("gives The member" in each for each in made["sentences"])
    asked = ring.group("add", "banks", "alder-bank", "birch-bank", "cedar-bank")
    assert [each["delivery"]["pending"] for each in asked["members"]] == [0, 0, 1]
    assert set(ring.answers().values()) == {("proposed", None)}

    # Two accede; neither waits for the other, nor for Cedar.
    ring.countersign(ALDER)
    assert ring.answers()["alder-bank"] == ("signed", 1)
    ring.countersign(BIRCH)
    assert ring.answers()["birch-bank"] == ("signed", 1)
    assert ring.received(ALDER) == ring.received(BIRCH) == 5

    # Each can see that the others sign the same words.
    texts = {
        good("agreement", "show", "ransomware", home=ring[n])["template"]
        for n in ("alder", "birch")
    }
    assert texts == {made["template"]}

    # A new text is one proposal to all. Cedar's first offer is taken back with the same message.
    two = ring.text("two", types='["intrusion-set"]')
    ring.group("propose", "banks", two)
    assert ring.answers() == {
        "alder-bank": ("proposed", 1),
        "birch-bank": ("proposed", 1),
        "cedar-bank": ("proposed", None),
    }
    assert not any(each["done"] for each in ring.group("propose", "banks")["members"])

    # Alder signs and runs on it at once; Birch stays where it is, and then says no.
    ring.countersign(ALDER)
    assert ring.answers()["alder-bank"] == ("signed", 2)
    assert ring.received(ALDER) == 1
    assert ring.received(BIRCH) == 5
    good("agreement", "reject", "ransomware", "--reason", "Too little.", home=ring[BIRCH])
    assert ring.answers()["birch-bank"] == ("rejected", 1)
    said = tearline("group", "show", "banks", home=ring[HUB]).out
    assert "Of 3 members: 1 signed, 1 asked, 1 said no." in said
    assert "Too little." in said

    # Cedar takes all that waited for it, and finds one open proposal: the newest.
    ring.group("propose", "banks", "--out", ring.folder / "out")
    good(
        "agreement", "export", "--party", "cedar-bank", "--out", ring.folder / "out", home=ring[HUB]
    )
    carried = ring.folder / "out" / "hub-bank-to-cedar-bank.messages"
    good("agreement", "receive", carried, "--out", ring.folder / "none", home=ring[CEDAR])
    states = [each["state"] for each in good("agreement", "list", home=ring[CEDAR])]
    assert states == ["withdrawn", "proposed"]

    # Birch leaves; the others do not notice.
    gone = ring.group("remove", "banks", "birch-bank", "--reason", "It left.")
    assert gone["members"][0]["state"] == "terminated"
    assert ring.answers()["birch-bank"] == ("ended", None)
    assert ring.answers()["alder-bank"] == ("signed", 2)
    assert good("agreement", "list", home=ring[BIRCH])[0]["state"] == "terminated"
    assert ring.received(ALDER) == 1
    (listed,) = ring.group("list")
    assert (listed["group"], listed["edition"], listed["counts"]["signed"]) == ("banks", 2, 1)


def test_one_that_cannot_be_asked_is_told_and_the_rest_is(ring: Ring) -> None:
    ring.group("new", "banks", "--template", ring.text("one"))
    good("party", "add-plain", "Elm Bakery", home=ring[HUB])
    said = tearline("group", "add", "banks", "elm-bakery", "alder-bank", "--json", home=ring[HUB])
    assert said.code == 1
    first, second = said.value["members"]
    assert "has no node" in first["problem"]["what"]
    assert (second["party"], second["state"]) == ("alder-bank", "proposed")
    assert list(ring.answers()) == ["alder-bank"]


def test_a_template_is_read_back_and_a_wrong_one_names_its_place(tmp_path: Path) -> None:
    home = tmp_path / "hub"
    good("init", "--name", "Hub Bank", home=home)
    path = tmp_path / "t.toml"
    good("group", "draft", "--out", path, home=home)
    assert good("group", "check", path)["template"].startswith("sha256:")
    path.write_text(path.read_text("utf-8").replace("schema =", "version = 1\nschema ="), "utf-8")
    said = tearline("group", "check", path)
    assert said.code == 1
    assert "version" in said.err
    assert tearline("group", "show", "nobody", home=home).code == 2
