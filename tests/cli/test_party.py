import io
import json
from pathlib import Path

import pytest

from tests.cli.calls import Sides, good, tearline


@pytest.fixture
def newcomer(tmp_path: Path) -> Path:
    """The card file of a party that nobody knows yet; its home stands beside it."""
    good("init", "--name", "East Bank AG", "--url", "https://east.example", home=tmp_path / "e")
    good("card", "--out", tmp_path / "east.card", home=tmp_path / "e")
    return tmp_path / "east.card"


def _words(newcomer: Path) -> str:
    words: str = good("card", home=newcomer.parent / "e")["words"]
    return words


def test_a_home_is_made_once(tmp_path: Path) -> None:
    made = good("init", "--name", "Northgate CERT", home=tmp_path / "h")
    assert (made["slug"], made["card"]["name"]) == ("northgate-cert", "Northgate CERT")
    assert len(made["words"].split("-")) == 8
    assert made["file"]["card"] == made["card"]
    again = tearline("init", "--name", "Northgate CERT", home=tmp_path / "h")
    assert again.code == 1
    assert "already in use" in again.err


def test_a_card_is_shown_and_written(strangers: Sides, tmp_path: Path) -> None:
    said = tearline("card", home=strangers.north)
    assert good("card", home=strangers.north)["words"] in said.out
    raw = tearline("card", "--out", "-", home=strangers.north).out
    good("card", "--out", tmp_path / "c", home=strangers.north)
    assert (tmp_path / "c").read_text("utf-8") == raw
    assert json.loads(raw) == good("card", home=strangers.north)["file"]


def test_a_card_with_the_right_words_makes_a_partner(strangers: Sides, newcomer: Path) -> None:
    spoken = _words(newcomer).replace("-", " ").upper()
    added = good("party", "add", newcomer, "--words", spoken, home=strangers.north)
    assert added["party"] == "east-bank-ag"
    listed = good("party", "list", home=strangers.north)
    assert [each["party"] for each in listed] == ["east-bank-ag", "south-isac"]
    assert listed[0]["url"] == "https://east.example"


def test_a_card_with_other_words_is_refused(strangers: Sides, newcomer: Path) -> None:
    words = good("card", home=strangers.south)["words"]
    said = tearline("party", "add", newcomer, "--words", words, home=strangers.north)
    assert said.code == 1
    assert "not those of this card" in said.err
    assert len(good("party", "list", home=strangers.north)) == 1


def test_a_card_without_words_is_refused_where_nobody_can_be_asked(
    strangers: Sides, newcomer: Path
) -> None:
    said = tearline("party", "add", newcomer, home=strangers.north)
    assert said.code == 1
    assert "trust on first use is refused" in said.err
    assert _words(newcomer) not in said.err, "who reads them off the card has not heard them"
    assert len(good("party", "list", home=strangers.north)) == 1


def test_a_person_is_asked_for_the_words(
    strangers: Sides, newcomer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tearline.cli.asking.interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(_words(newcomer) + "\n"))
    said = tearline("party", "add", newcomer, home=strangers.north)
    assert said.code == 0, said
    assert "This card says it is of East Bank" in said.err


def test_who_is_asked_can_walk_away(
    strangers: Sides, newcomer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tearline.cli.asking.interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    said = tearline("party", "add", newcomer, home=strangers.north)
    assert said.code == 130
    assert len(good("party", "list", home=strangers.north)) == 1


def test_what_is_no_card_is_refused(strangers: Sides, tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"card":{}}')
    said = tearline("party", "add", tmp_path / "x", "--words", "a", home=strangers.north)
    assert said.code == 1
    missing = tearline("party", "add", tmp_path / "none", "--words", "a", home=strangers.north)
    assert missing.code == 2


def test_a_partner_is_shown_blocked_and_unblocked(agreed: Sides) -> None:
    shown = good("party", "show", "South ISAC", home=agreed.north)
    assert shown["agreements"][0]["state"] == "active"
    assert shown["words"] == good("card", home=agreed.south)["words"]
    blocked = good("party", "block", "south-isac", "--reason", "Sanctioned", home=agreed.north)
    assert blocked["blocked"] == "Sanctioned"
    assert sum(each["withdrawn"] for each in blocked["reconciled"].values()) == 3
    shown = good("party", "show", "south-isac", home=agreed.north)
    assert (shown["blocked"], shown["agreements"][0]["state"]) == ("Sanctioned", "suspended")
    assert "Sanctioned" in tearline("party", "show", "south-isac", home=agreed.north).out
    good("party", "unblock", "south-isac", "--reason", "A mistake", home=agreed.north)
    assert good("party", "show", "south-isac", home=agreed.north)["blocked"] is None


def test_an_unknown_partner_is_misuse(strangers: Sides) -> None:
    assert tearline("party", "show", "nobody", home=strangers.north).code == 2


def test_settings_are_shown(strangers: Sides) -> None:
    assert good("config", "show", home=strangers.north)["home"] == str(strangers.north)
    assert "TEARLINE_PAGE_LIMIT" in tearline("config", "show").out
