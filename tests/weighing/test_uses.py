"""What became of claims that were used, and numbers over time."""

from pathlib import Path
from typing import Any

import pytest

from tearline.agreement.home import Home, create_home
from tearline.errors import MisuseError, RefusedError
from tearline.provenance.claims import Quantity, disagreement
from tearline.stix.timestamp import format_timestamp
from tearline.weighing import uses
from tearline.weighing.indexing import begin_again, sort_in
from tearline.weighing.worth import catch_up, discredit
from tests.pair import DAY, START, sdo, stix_id
from tests.weighing.told import group, keep, note_id, source, told


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return create_home(tmp_path / "north", "North CERT", None, START)


def put(home: Home, *docs: dict[str, Any], at: int = START) -> None:
    with home.store.write() as tx:
        keep(tx, *docs, now=at)
    catch_up(home, now=at)


def revised(name: str, *chain: str, at: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return told(name, *chain, at=START, **more) | {"modified": format_timestamp(at)}


def news(home: Home, at: int = START + 9 * DAY) -> list[tuple[str, str]]:
    return [(each.kind, each.place) for each in uses.news(home, now=at)]


def test_what_changed_since_it_was_used_is_told(home: Home) -> None:
    put(home, source("Blue Paper"), told("It rains", "Blue Paper"))
    claim = note_id("It rains")
    used = uses.use(home, claim, "our paper of March", now=START + DAY)
    assert used.credibility == 3
    assert news(home) == []
    again = revised("It rains", "Blue Paper", "An envoy", at=START + 2 * DAY, hedges=("perhaps",))
    put(home, again, at=START + 2 * DAY)
    (found,) = uses.news(home, now=START + 3 * DAY)
    assert (found.kind, found.place) == ("revised", "our paper of March")
    assert {each.what for each in found.changes} == {"hedges", "chain"}
    put(home, told("It does not", "Grey Paper", denies="It rains"), at=START + 3 * DAY)
    discredit(home, source("An envoy")["id"], "paid", "N. Example", now=START + 3 * DAY)
    told_now = {each.kind: each for each in uses.news(home, now=START + 4 * DAY)}
    assert set(told_now) == {"revised", "denied", "regraded"}
    assert told_now["denied"].by == [note_id("It does not")]
    assert told_now["regraded"].was == 3
    assert told_now["regraded"].now > 3
    uses.use(home, claim, "our paper of March", now=START + 5 * DAY)
    assert news(home) == []
    gone = {**again, "modified": format_timestamp(START + 6 * DAY), "revoked": True}
    put(home, gone, at=START + 6 * DAY)
    assert news(home) == [("recalled", "our paper of March")]


def test_an_opinion_of_ours_is_a_use(home: Home) -> None:
    put(home, told("It rains", "Blue Paper"))
    view = disagreement(
        {"abstract": "No.", "id": note_id("Other")},
        note_id("It rains"),
        opinion_id=stix_id("opinion", "view"),
        at=START,
    )
    put(home, view, at=START + DAY)
    put(home, revised("It rains", "Red Paper", at=START + 2 * DAY), at=START + 2 * DAY)
    assert news(home) == [("revised", view["id"])]
    begin_again(home)
    sort_in(home)
    assert news(home) == [("revised", view["id"])]


def test_a_use_says_of_what_and_in_what(home: Home) -> None:
    put(home, sdo("malware", "Mud Loader"), told("It rains"))
    with pytest.raises(RefusedError):
        uses.use(home, note_id("Nothing"), "a paper", now=START)
    for wrong in ("", "  ", "a\nb", "a" * 501):
        with pytest.raises(MisuseError):
            uses.use(home, note_id("It rains"), wrong, now=START)


def test_versions_say_what_each_changed(home: Home) -> None:
    first = told("It rains", "Blue Paper", quantity=Quantity(40, "about", "mm"))
    later = revised(
        "It rains", "Blue Paper", at=START + DAY, quantity=Quantity(50.5, "over", "mm", 60)
    )
    put(home, first)
    put(home, later, at=START + DAY)
    found = uses.versions(home, note_id("It rains"), now=START + DAY)
    assert [len(each.changes) for each in found] == [0, 1]
    assert found[1].changes[0] == ("quantity", "about 40 mm", "over 50.5 to 60 mm")


def test_numbers_stand_by_date_and_apart_by_unit(home: Home) -> None:
    def number(name: str, date: str, quantity: Quantity, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        return told(name, "Blue Paper", true_from=date, quantity=quantity, **more)

    put(
        home,
        source("Blue Paper"),
        number("May", "2015-05", Quantity(100, "about", "fighters")),
        number("November", "2015-11", Quantity(250, "over", "Fighters ", 300)),
        told("Someday", "Nobody", quantity=Quantity(7, "exactly", "fighters")),
        number("Tons", "2015-01", Quantity(3, "exactly", "tons")),
        number("No", "2015-06", Quantity(100, "about", "fighters"), denies="May"),
        told("Wordless", "Blue Paper"),
        group("alike", "May", "November", "Someday", "Tons", "Wordless"),
    )
    found = uses.numbers(home, note_id("Wordless"), now=START)
    assert [each.unit for each in found] == ["fighters", "tons"]
    assert [(p.title, p.polarity, p.source) for p in found[0].points] == [
        ("May", "asserted", "Blue Paper"),
        ("No", "denied", "Blue Paper"),
        ("November", "asserted", "Blue Paper"),
        ("Someday", "asserted", ""),
    ]
    with pytest.raises(RefusedError):
        uses.numbers(home, note_id("Nothing"), now=START)
