"""The verbs about what claims are worth, as a person plays them."""

from pathlib import Path

import pytest

from tests.cli.calls import good, tearline

BY = ("--by", "An analyst")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    good("init", "--name", "North CERT", home=tmp_path / "north")
    return tmp_path / "north"


def add(home: Path, says: str, publisher: str, origin: str, *more: str) -> str:
    options = ("--says", says, "--publisher", publisher, "--origin", origin, *more)
    return str(good("claim", "add", *options, home=home)["id"])


def two(home: Path) -> tuple[str, str]:
    one = add(home, "Weapons follow", "A page", "A spokeswoman")
    other = add(home, "Arms are to come", "A daily", "A minister")
    good("claim", "alike", one, other, home=home)
    return one, other


def test_a_claim_is_weighed_graded_and_falls(home: Path) -> None:
    one, other = two(home)
    found = good("claim", "worth", one, home=home)
    assert (found["supporting"], found["against"], found["credibility"]) == (2, 0, 2)
    assert found["reason"] == (
        "Two reports rest on two independent origins, a spokeswoman and a minister: 2."
    )
    given = good("claim", "grade", one, *BY, home=home)
    assert (given["credibility"], sorted(given["claims"])) == (2, sorted([one, other]))
    done = good(
        "claim", "same", "A spokeswoman", "A minister", *BY, "--why", "One ministry", home=home
    )
    assert {(each["was"], each["now"]) for each in done["fallen"]} == {("F2", "F3")}
    found = good("claim", "worth", one, home=home)
    assert found["flags"] == ["echo"]
    assert [len(each["same_as"]) for each in found["origins"]] == [1]
    assert {each["grade"] for each in found["claims"]} == {"F3"}
    add(home, "No weapons", "A page", "The movement", "--denies", one)
    found = good("claim", "fallen", home=home)
    assert [(each["was"], each["now"]) for each in found] == [("F3", "F4")] * 2 + [("F2", "F3")] * 2
    said = tearline("claim", "worth", one, home=home)
    assert "the movement denies it: 4." in said.out
    assert "Proposed: 4, doubtful." in said.out
    ended = good("claim", "same", "A minister", "--end", *BY, "--why", "Two", home=home)
    assert ended["changed"] == 2
    assert ended["fallen"] == []


def test_one_needs_a_reason(home: Path) -> None:
    one, _ = two(home)
    said = tearline("claim", "grade", one, "--digit", "1", *BY, home=home)
    assert said.code == 2
    assert "needs a reason" in said.err
    done = good("claim", "grade", one, "--digit", "1", *BY, "--why", "We saw it.", home=home)
    assert done["credibility"] == 1
    assert (
        "In force: 1, by An analyst: We saw it." in tearline("claim", "worth", one, home=home).out
    )


def test_a_source_is_discredited_and_believed_again(home: Path) -> None:
    one, _ = two(home)
    good("claim", "grade", one, *BY, home=home)
    done = good("claim", "discredit", "A minister", *BY, "--why", "paid", home=home)
    assert len(done["fallen"]) == 2
    assert good("claim", "worth", one, home=home)["flags"] == ["echo", "discredited"]
    good("claim", "discredit", "A minister", *BY, "--restore", home=home)
    assert good("claim", "worth", one, home=home)["credibility"] == 2
    good("claim", "rely", "A minister", "E", *BY, home=home)
    assert good("claim", "worth", one, home=home)["supporting"] == 1


def test_ties_between_reports(home: Path) -> None:
    one, other = two(home)
    assert good("claim", "copies", home=home) == {"new": 0, "ties": []}
    first, second = (f"report--0d9f1f63-53f3-4b6c-8d53-2f6f0f6c9b0{each}" for each in "12")
    good("claim", "tie", first, second, *BY, "--why", "Word for word", home=home)
    good("claim", "tie", first, second, *BY, "--why", "It is not", "--refuse", home=home)
    (found,) = good("claim", "copies", home=home)["ties"]
    assert (found["state"], found["why"], found["person"]) == ("refused", "It is not", "An analyst")
    assert "refused" in tearline("claim", "copies", home=home).out
    assert one != other


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("worth", "note--0d9f1f63-53f3-4b6c-8d53-2f6f0f6c9b01"), 1, "We hold no claim"),
        (("discredit", "Nobody", *BY, "--why", "paid"), 1, "We know no source"),
        (("discredit", "Nobody", *BY), 2, "Say why, or --restore"),
        (("same", "Nobody", *BY, "--why", "x"), 2, "Name two sources, or one and --end"),
        (("rely", "identity--0d9f1f63-53f3-4b6c-8d53-2f6f0f6c9b01", "E", *BY), 1, "know no source"),
    ],
)
def test_what_is_wrong_is_said(home: Path, words: tuple[str, ...], code: int, said: str) -> None:
    answer = tearline("claim", *words, home=home)
    assert answer.code == code
    assert said in answer.err


def test_nothing_fell(home: Path) -> None:
    assert tearline("claim", "fallen", home=home).out == "No grade fell.\n"
