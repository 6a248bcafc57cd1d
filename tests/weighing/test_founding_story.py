"""What the founding story is worth: one relay is not four sources, and a denial counts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline.agreement.home import Home, create_home
from tearline.exchange.files import import_files
from tearline.weighing import grouping
from tearline.weighing import worth as weighing
from tearline.weighing.explained import Explained, explain
from tests.pair import START

STORY = Path(__file__).parents[2] / "examples" / "founding-story" / "story.json"
BY = "An analyst"
PROPOSED, DENIED = "An exchange of intelligence is proposed", "The movement denies it"
FIGHTERS, SPREADS = "More than 3000 fighters", "The second group is spreading"
BY_CAST = (PROPOSED, "Exclusively about one threat", FIGHTERS, "Motive one: cut a link")
CAST, SPOKESWOMAN = "A broadcaster", "A spokeswoman of the foreign ministry"


@pytest.fixture(scope="module")
def ids() -> dict[str, str]:
    docs = json.loads(STORY.read_bytes())["objects"]
    return {each.get("abstract") or each.get("name", each["id"]): each["id"] for each in docs}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = create_home(tmp_path / "north", "North CERT", None, START)
    import_files(made, [STORY], now=START)
    settle(made)
    yield made
    made.store.close()


def settle(home: Home) -> None:
    weighing.catch_up(home, now=START)


def names(found: Explained) -> set[str]:
    return {each.name for each in found.origins}


def test_every_claim_of_the_story_has_its_worth(home: Home, ids: dict[str, str]) -> None:
    with home.store.read() as tx:
        notes = [title for title, each in ids.items() if each.startswith("note--")]
        assert len(notes) == 19
        for each in notes:
            weighing.place_of(tx, ids[each])
    found = {each: explain(home, ids[each], now=START) for each in notes}
    digits = {title: each.credibility for title, each in found.items()}
    other = {PROPOSED: 4, DENIED: 4, "Motive three: show strength": 6}
    other["Worry about the movement itself"] = 6
    assert digits == dict.fromkeys(notes, 3) | other
    assert found[PROPOSED].reason == (
        "One report rests on one origin, a spokeswoman of the foreign ministry; "
        "an armed movement denies it: 4."
    )
    assert found[DENIED].reason.endswith("ministry says the contrary: 4.")
    assert found[PROPOSED].flags == ("interested",)
    assert found["Motive three: show strength"].flags == ("unnamed",)
    assert found["The page itself"].flags == ("origin not stated",)


def test_four_claims_through_one_broadcaster_are_three_origins_and_no_fourth(
    home: Home, ids: dict[str, str]
) -> None:
    grouping.together(home, [ids[each] for each in BY_CAST], now=START + 1_000_000)
    settle(home)
    found = explain(home, ids[PROPOSED], now=START)
    assert (len(found.claims), found.supporting, found.against, found.credibility) == (4, 3, 1, 3)
    assert "a broadcaster" not in names(found)
    assert found.flags == ("echo", "interested")
    weighing.discredit(home, ids[CAST], "paid", BY, now=START)
    found = explain(home, ids[PROPOSED], now=START)
    assert (found.supporting, found.against, found.credibility) == (0, 1, 5)


def test_a_claim_and_its_limit_by_one_spokeswoman_are_one_origin(
    home: Home, ids: dict[str, str]
) -> None:
    grouping.together(home, [ids[each] for each in BY_CAST[:2]], now=START + 1_000_000)
    settle(home)
    found = explain(home, ids[PROPOSED], now=START)
    assert (found.supporting, found.against, found.credibility) == (1, 1, 4)
    assert found.reason.startswith("Two reports rest on one origin, a spokeswoman")


def test_the_estimate_of_the_month_before_makes_the_warning_probable(
    home: Home, ids: dict[str, str]
) -> None:
    grouping.together(home, [ids[FIGHTERS], ids[SPREADS]], now=START + 1_000_000)
    settle(home)
    found = explain(home, ids[SPREADS], now=START)
    assert names(found) == {"the proposing state's authorities", "a commander of the other power"}
    assert (found.supporting, found.against) == (2, 0)
    assert found.credibility == 2
    ministry = ids["A foreign ministry"]
    weighing.same(home, ids["The proposing state's authorities"], ministry, "one state", BY, now=1)
    weighing.same(home, ids[SPOKESWOMAN], ministry, "its spokeswoman", BY, now=1)
    found = explain(home, ids[SPREADS], now=START)
    assert (found.supporting, names(found)) == (
        2,
        {"a foreign ministry", "a commander of the other power"},
    )
