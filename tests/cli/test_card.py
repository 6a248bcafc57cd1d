"""Cards that change, words that are compared again, and evidence, by the command line."""

import json
import shutil
from pathlib import Path

import pytest

from tearline import clock
from tests.cli.calls import Sides, good, tearline

DAY = 86_400_000_000


def carry(sides: Sides, sender: Path, receiver: Path, name: str) -> None:
    good("agreement", "export", "--out", sides.folder / name, home=sender)
    for file in sorted((sides.folder / name).iterdir()):
        good("agreement", "receive", file, "--out", sides.folder / "back", home=receiver)


@pytest.mark.parametrize("use", ["root", "sign", "log"])
def test_a_key_is_rotated_and_the_partner_follows(strangers: Sides, use: str) -> None:
    before = good("card", home=strangers.north)["card"]
    done = good("card", "rotate", use, "--yes", home=strangers.north)
    assert done["card"][use] != before[use]
    assert done["tells"] == ["south-isac"]
    carry(strangers, strangers.north, strangers.south, "out")
    assert good("party", "show", "north-cert", home=strangers.south)["words"] == done["words"]
    listed = good("card", "chain", "--of", "north-cert", home=strangers.south)
    assert [each["words"] for each in listed["cards"]][-1] == done["words"]
    assert listed == good("card", "chain", home=strangers.north)


def carried(sides: Sides, home: Path, name: str) -> list[Path]:
    """The files that a home writes for its partners now."""
    good("agreement", "export", "--out", sides.folder / name, home=home)
    return sorted((sides.folder / name).iterdir())


def test_a_card_that_goes_by_file_is_carried_until_the_partner_says_it_holds_it(
    strangers: Sides,
) -> None:
    north, south = strangers.north, strangers.south
    good("card", "rotate", "sign", "--yes", home=north)
    (file,) = carried(strangers, north, "first")
    (again,) = carried(strangers, north, "again")  # nobody said that it arrived
    answers = []
    for each in (file, again):  # the answer to the first was lost
        good("agreement", "receive", each, home=south)
        answers += carried(strangers, south, f"answer to {each.parent.name}")
        assert carried(strangers, south, f"after {each.parent.name}") == []
    _, answer = answers
    assert good("agreement", "receive", answer, home=north)["messages"][0]["outcome"] == "taken"
    assert carried(strangers, north, "last") == []
    assert good("agreement", "receive", answer, home=north)["messages"][0]["outcome"] == "known"


def test_an_answer_to_an_older_card_does_not_end_the_way_of_the_newest(strangers: Sides) -> None:
    north, south = strangers.north, strangers.south
    good("card", "rotate", "sign", "--yes", home=north)
    (file,) = carried(strangers, north, "first")
    good("agreement", "receive", file, home=south)
    (answer,) = carried(strangers, south, "answer")
    good("card", "rotate", "log", "--yes", home=north)
    good("agreement", "receive", answer, home=north)
    assert len(carried(strangers, north, "second")) == 1


def test_nothing_is_done_unless_somebody_says_yes(strangers: Sides) -> None:
    before = good("card", home=strangers.north)["words"]
    for verb in (["rotate", "sign"], ["rotate", "root"], ["renew"], ["revoke", "log"]):
        more = ["--reason", "lost"] if verb[0] == "revoke" else []
        said = tearline("card", *verb, *more, home=strangers.north)
        assert said.code == 1
        assert "Nothing was changed" in said.err
        assert "south-isac" in said.err
    assert good("card", home=strangers.north)["words"] == before


def test_what_cannot_be_understood_is_misuse(strangers: Sides) -> None:
    assert tearline("card", "rotate", "dog", "--yes", home=strangers.north).code == 2
    late = ["revoke", "sign", "--since", "2999-01-01", "--reason", "x", "--yes"]
    odd = ["revoke", "sign", "--since", "yesterday", "--reason", "x", "--yes"]
    assert tearline("card", *late, home=strangers.north).code == 2
    assert tearline("card", *odd, home=strangers.north).code == 2
    assert tearline("card", "--home", strangers.north, "renew").code == 2


def test_a_revocation_suspends_until_words_are_compared(agreed: Sides) -> None:
    north, south = agreed.north, agreed.south
    done = good("card", "revoke", "sign", "--reason", "A laptop", "--yes", home=north)
    carry(agreed, north, south, "out")
    shown = good("party", "show", "north-cert", home=south)
    assert "A laptop" in shown["doubt"]
    assert shown["agreements"][0]["state"] == "suspended"
    assert any("confirmed again" in each for each in good("status", home=south)["cards"])
    assert tearline("agreement", "resume", agreed.agreement, home=south).code == 1
    assert tearline("party", "confirm", "north-cert", "--words", "a", home=south).code == 1
    assert tearline("party", "confirm", "north-cert", home=south).code == 1
    good("party", "confirm", "north-cert", "--words", done["words"], home=south)
    assert good("status", home=south)["cards"] == []
    good("agreement", "resume", agreed.agreement, home=south)


def test_a_card_that_ends_is_told_before_and_renewed(
    strangers: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + (5 * 365 - 10) * DAY)
    told = good("status", home=strangers.north)["cards"]
    assert [each.partition(" ends in ")[0] for each in told] == [
        "Our card",
        "The card of South ISAC",
    ]
    said = tearline("status", home=strangers.north).out
    assert "tearline card renew" in said
    renewed = good("card", "renew", "--url", "https://n.example", "--yes", home=strangers.north)
    assert renewed["card"]["url"] == "https://n.example"
    assert len(good("status", home=strangers.north)["cards"]) == 1
    monkeypatch.setattr(clock, "now", lambda: real() + 6 * 365 * DAY)
    assert "has expired" in good("status", home=strangers.south)["cards"][0]
    carry(strangers, strangers.north, strangers.south, "out")
    shown = good("party", "show", "north-cert", home=strangers.south)
    assert shown["url"] == "https://n.example"
    draft = strangers.folder / "late.toml"
    made = tearline(
        "agreement", "new", "--with", "south-isac", "--out", draft, home=strangers.north
    )
    assert made.code == 0
    refused = tearline("agreement", "propose", draft, home=strangers.north)
    assert refused.code == 1
    assert "has expired" in refused.err


def test_a_log_and_a_receipt_are_checked_by_the_chain_of_cards(agreed: Sides) -> None:
    north, folder = agreed.north, agreed.folder
    good("log", "copy", agreed.agreement, folder / "before", home=north)
    made = good(
        "receipt", "make", "--log", good("log", "list", home=north)[0]["log"], "--leaf", "0",
        "--out", folder / "r.json", home=north,
    )  # fmt: skip
    assert made
    old = folder / "north.card"
    good("card", "rotate", "log", "--overlap-days", "0", "--yes", home=north)
    good("card", "chain", "--out", folder / "north.cards", home=north)
    good("card", "--out", folder / "new.card", home=north)
    good("log", "copy", agreed.agreement, folder / "after", home=north)
    for file, kept in ((old, "before"), (folder / "north.cards", "before")):
        good("log", "verify", folder / kept, "--card", file)
        good("receipt", "verify", folder / "r.json", "--card", file)
    for file in (folder / "new.card", folder / "north.cards"):
        good("log", "verify", folder / "after", "--card", file)
    assert tearline("log", "verify", folder / "after", "--card", old).code == 1


def test_evidence_is_listed_exported_and_checked_by_anyone(
    strangers: Sides, tmp_path: Path
) -> None:
    shutil.copytree(strangers.north, tmp_path / "stolen")
    good("card", "renew", "--yes", home=strangers.north)
    good("card", "rotate", "sign", "--yes", home=tmp_path / "stolen")
    carry(strangers, strangers.north, strangers.south, "true")
    good("agreement", "export", "--out", tmp_path / "false", home=tmp_path / "stolen")
    (file,) = (tmp_path / "false").iterdir()
    assert tearline("agreement", "receive", file, home=strangers.south).code == 1
    (found,) = good("evidence", "list", home=strangers.south)
    assert (found["kind"], found["party"]) == ("two-cards", "north-cert")
    out = tmp_path / "proof.json"
    good("evidence", "export", found["evidence"][7:19], "--out", out, home=strangers.south)
    checked = good("evidence", "verify", out, home=tmp_path / "nobody")
    assert (checked["party"], checked["known"]) == ("north-cert", False)
    assert good("evidence", "verify", out, home=strangers.south)["known"] is True
    first = good("card", "chain", "--of", "north-cert", home=strangers.south)["cards"][0]
    assert checked["words"] == first["words"]
    for party, code in (("north-cert", 0), (None, 1)):  # its cards, and ours
        of = ("--of", party) if party else ()
        good("card", "chain", *of, "--out", tmp_path / "cards", home=strangers.south)
        said = tearline("evidence", "verify", out, "--card", tmp_path / "cards")
        assert said.code == code
    altered = json.loads(out.read_text("utf-8"))
    altered["both"].reverse()
    altered["both"][0] = altered["both"][1]
    out.write_text(json.dumps(altered), "utf-8")
    assert tearline("evidence", "verify", out).code == 1
    assert tearline("evidence", "export", "abc", "--out", out, home=strangers.south).code == 2


def test_two_logs_agree_across_a_change_of_keys(agreed: Sides) -> None:
    north, south, folder = agreed.north, agreed.south, agreed.folder
    for use in ("sign", "log"):
        good("card", "rotate", use, "--overlap-days", "0", "--yes", home=north)
    good("agreement", "suspend", agreed.agreement, "--reason", "a check", home=north)
    carry(agreed, north, south, "changed")
    for home, name in ((north, "north"), (south, "south")):
        good("log", "copy", agreed.agreement, folder / f"{name}-log", "--records", home=home)
        good("card", "chain", "--out", folder / f"{name}.cards", home=home)
    both = folder / "north-log", folder / "south-log"
    cards = "--card", folder / "north.cards", "--card", folder / "south.cards"
    found = good("log", "verify", *both, *cards)
    assert found["problems"] == []
    assert not [each for each in found["open"] if "key" in each["what"]]
    good("log", "audit", *both, *cards)
    found = good("log", "verify", *both, "--card", folder / "south.cards", "--vkey", _key(both[0]))
    assert [each for each in found["open"] if "a key that is not on its card" in each["what"]]


def _key(log: Path) -> str:
    return (log / "vkey").read_text("utf-8").split("\n")[0]
