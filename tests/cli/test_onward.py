"""Questions about passing on, as somebody at a terminal reads and answers them."""

from pathlib import Path

import pytest

from tearline import clock
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import create_home
from tearline.agreement.partners import add_party
from tests.chain import ASKED, Chain
from tests.cli.calls import good, tearline
from tests.exchange.nodes import FOREVER, Nodes
from tests.pair import AGREEMENT, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader", x_desk="12")
uses = rel(heron, "uses", loader)


@pytest.fixture
def waiting(tmp_path: Path) -> Chain:
    """South wants to pass three things on to East, and has asked North."""
    now = clock.now()
    north, south, east = (
        create_home(tmp_path / name.partition(" ")[0].lower(), name, None, now)
        for name in ("North CERT", "South ISAC", "East CERT")
    )
    for us, them in ((north, south), (south, north), (south, east), (east, south)):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=now)
    limits: dict[str, object] = {"until": FOREVER}
    first = Nodes(north, south, now, limits=limits | {"onward": ASKED})
    second_id = f"{AGREEMENT[:-4]}00aa"
    second = Nodes(south, east, now, second_id, limits=limits | {"remove": '["x_desk"]'})
    chain = Chain(first, second)
    chain.first.put(heron, loader, uses)
    chain.agree({}, {})
    chain.move()
    return chain


def test_each_side_sees_its_part_of_a_question(waiting: Chain) -> None:
    north, south, east = (each.path for each in (waiting.north, waiting.south, waiting.east))
    asked = good("onward", "list", home=north)
    assert len(asked["asked_of_us"]) == good("status", home=north)["questions"] == 3
    assert "3 questions whether something may be passed on" in tearline("status", home=north).out
    assert (asked["asked_by_us"], asked["came"]) == ([], [])
    assert {each["to"]["slug"] for each in asked["asked_of_us"]} == {"east-cert"}
    asks = good("onward", "list", home=south)
    ours = {each["item"] for each in asks["asked_by_us"]}
    assert ours == {each["item"] for each in asked["asked_of_us"]}
    assert "Nothing is asked" in tearline("onward", "list", home=east).out
    said = tearline("explain", heron["id"], "--to", "east-cert", home=south).out
    assert "its giver has not consented yet" in said
    assert "May they pass on what we gave them?" in tearline("onward", "list", home=north).out


def test_a_question_shows_the_bytes_that_would_go(waiting: Chain) -> None:
    north = waiting.north.path
    items = {
        each["given"]: each["item"] for each in good("onward", "list", home=north)["asked_of_us"]
    }
    whole = good("onward", "show", items[heron["id"]], home=north)
    assert (whole["cut"], "Gray Heron" in whole["content"]) == (False, True)
    cut = good("onward", "show", items[loader["id"]][:20], home=north)
    assert (cut["cut"], "x_desk" in cut["content"]) == (True, False)
    said = tearline("onward", "show", items[loader["id"]], home=north).out
    assert "cut by them" in said
    assert "Mud Loader" in said


def test_answers_are_signed_once_and_listed(waiting: Chain) -> None:
    north = waiting.north.path
    items = {
        each["given"]: each["item"] for each in good("onward", "list", home=north)["asked_of_us"]
    }
    out = waiting.north.path / "answers.messages"
    yes = good("onward", "consent", items[heron["id"]], "--out", out, home=north)
    assert yes["state"] == "consented"
    no = ("onward", "refuse", items[loader["id"]], "--reason", "too exact", "--out", out)
    assert good(*no, home=north)["state"] == "refused"
    again = tearline("onward", "refuse", items[heron["id"]], "--reason", "no", home=north)
    assert (again.code, "answered already" in again.err) == (1, True)
    assert len(good("onward", "list", home=north)["asked_of_us"]) == 1
    assert len(good("onward", "list", "--all", home=north)["asked_of_us"]) == 3
    good("agreement", "receive", out, "--out", north / "back", home=waiting.south.path)
    shown = good("onward", "list", "--all", home=waiting.south.path)["asked_by_us"]
    states = {each["given"]: each["state"] for each in shown}
    assert states == {heron["id"]: "consented", loader["id"]: "refused", uses["id"]: "open"}
    waiting.move()
    came = good("onward", "list", home=waiting.east.path)["came"]
    assert [(each["object"], each["consent"]) for each in came] == [(heron["id"], "attested")]
    assert "attested" in tearline("onward", "list", home=waiting.east.path).out


def test_what_is_none_is_said(waiting: Chain) -> None:
    for verb in (("show",), ("consent",), ("refuse", "--reason", "no")):
        said = tearline("onward", verb[0], "sha256:00000000", *verb[1:], home=waiting.north.path)
        assert (said.code, "names no question" in said.err) == (1, True)
