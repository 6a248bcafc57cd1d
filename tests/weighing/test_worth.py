"""Grades follow what is held: they fall by themselves, and rise by a person alone."""

from typing import Any

import pytest

from tearline.agreement.home import Home
from tearline.errors import MisuseError, RefusedError
from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.stix.marking import parse_grade
from tearline.store import annotations, claims, objects, worth
from tearline.store.claims import CONFIRMED, REFUSED
from tearline.store.objects import OURS
from tearline.store.worth import Tie
from tearline.weighing import indexing
from tearline.weighing import worth as weighing
from tearline.weighing.worth import Weighed
from tests.pair import START, as_object, rel, sdo, stix_id
from tests.weighing.told import PARTNER, group, keep, note_id, source, told

LATER = START + 60_000_000
BY = "An analyst"


@pytest.fixture
def home(whole: Home) -> Home:
    with whole.store.write() as tx:
        for origin in (OURS, PARTNER):
            ids = [each.stix_id for each in objects.latest_all(tx, origin)]
            objects.erase(tx, origin, ids)
        judged = (claims.report_tie, claims.same_source, claims.standing, claims.worth_confirmed)
        for table in (*judged, worth.fallen, annotations.annotation):
            tx.execute(table.delete())
    weighing.catch_up(whole, now=START)
    return whole


def put(home: Home, *docs: dict[str, Any], origin: str = OURS) -> Weighed:
    with home.store.write() as tx:
        keep(tx, *docs, origin=origin)
    return weighing.catch_up(home, now=LATER)


def three(home: Home) -> None:
    """Three papers say alike, by two origins."""
    put(
        home,
        told("a", "Blue Paper", "Tall Mast Radio", "a spokeswoman"),
        told("b", "Red Paper", "a spokeswoman"),
        told("c", "Gray Paper", "an envoy"),
        group("g", "a", "b", "c"),
    )


def two_reports(home: Home) -> tuple[str, str]:
    """Two papers say alike, each in a report of its own."""
    one, other = stix_id("report", "one"), stix_id("report", "other")
    put(
        home,
        told("a", "Blue Paper", report_ref=one),
        told("b", "Red Paper", report_ref=other),
        group("g", "a", "b"),
    )
    return one, other


def digits(home: Home, name: str) -> tuple[int, int, int, str]:
    """How many are for and against, the digit, and the flags."""
    with home.store.read() as tx:
        proposition, polarity = weighing.place_of(tx, note_id(name))
        found = worth.of(tx, [proposition])[proposition, polarity]
    return found[2:]


def in_force(home: Home, name: str) -> int | None:
    with home.store.read() as tx:
        return annotations.annotations(tx, [note_id(name)]).get(note_id(name), (None, None))[1]


def who(name: str) -> str:
    return str(source(name)["id"])


def test_what_says_alike_is_counted_together(home: Home) -> None:
    three(home)
    assert digits(home, "a") == digits(home, "c") == (2, 0, 2, "echo")


def test_a_denial_lowers_what_it_denies_and_is_weighed_itself(home: Home) -> None:
    three(home)
    put(home, told("d", "Blue Paper", "the movement", denies="a"))
    assert digits(home, "a") == (2, 1, 3, "echo")
    assert digits(home, "d") == (1, 2, 4, "")


def test_a_claim_that_is_gone_leaves_no_worth(home: Home) -> None:
    put(home, told("a", "Blue Paper", "an envoy"))
    put(home, told("a", at=LATER) | {"revoked": True})
    with home.store.read() as tx:
        assert worth.of(tx, [note_id("a")]) == {}


def test_weighing_everything_again_is_what_came_of_it_step_by_step(home: Home) -> None:
    three(home)
    put(home, told("d", "Blue Paper", "the movement", denies="a"), told("e", "Red Paper"))
    weighing.same(home, who("an envoy"), who("a spokeswoman"), "one office", BY, now=LATER)

    def held() -> list[str]:
        with home.store.read() as tx:
            return sorted(repr(row) for row in tx.execute(claims.worth.select()))

    before = held()
    assert before
    with home.store.write() as tx:
        tx.execute(claims.worth.delete())
    weighing.settle_everything(home, now=LATER)
    assert held() == before
    assert weighing.settle_everything(home, now=LATER) == weighing.NOTHING


def test_one_source_by_two_names_lowers_at_once_and_apart_raises_nothing(home: Home) -> None:
    three(home)
    ids = weighing.give(home, note_id("a"), None, "", BY, now=LATER)
    assert sorted(ids) == sorted(map(note_id, "abc"))
    assert {in_force(home, each) for each in "abc"} == {parse_grade("F2")}
    done = weighing.same(home, who("an envoy"), who("a spokeswoman"), "one office", BY, now=LATER)
    assert digits(home, "a") == (1, 0, 3, "echo")
    assert [each[2:6] for each in done.fallen] == [("", "", "F2", "F3")] * 3
    assert {in_force(home, each) for each in "abc"} == {parse_grade("F3")}
    weighing.apart(home, who("an envoy"), "two offices after all", now=LATER)
    assert digits(home, "a") == (2, 0, 2, "echo")
    assert in_force(home, "a") == parse_grade("F3")
    with home.store.read() as tx:
        assert len(worth.falls(tx)) == 3


def test_whoever_gives_the_number_can_leave_the_others(home: Home) -> None:
    names = [who("an envoy"), who("a spokeswoman"), who("a ministry")]
    weighing.same(home, names[0], names[1], "one office", BY, now=LATER)
    weighing.same(home, names[1], names[2], "its office", BY, now=LATER)
    with home.store.read() as tx:
        assert worth.everybody(tx, names[0]) == sorted(names)
    weighing.apart(home, names[2], "no", now=LATER)
    with home.store.read() as tx:
        assert worth.everybody(tx, names[0]) == sorted(names[:2])
        assert worth.everybody(tx, names[2]) == [names[2]]
    with pytest.raises(RefusedError):
        weighing.apart(home, names[2], "no", now=LATER)


def test_one_is_given_by_a_person_with_a_reason_and_falls_with_what_it_rested_on(
    home: Home,
) -> None:
    three(home)
    with pytest.raises(MisuseError):
        weighing.give(home, note_id("a"), 1, " ", BY, now=LATER)
    weighing.give(home, note_id("a"), 1, "We heard both ourselves.", BY, now=LATER)
    weighing.rely(home, who("a spokeswoman"), "B", BY, now=LATER)
    assert in_force(home, "b") == parse_grade("F1")
    assert put(home, told("e", "Tall Mast Radio", "an envoy"), group("h", "a", "e")).fallen == ()
    done = put(home, told("d", "Blue Paper", "the movement", denies="a"))
    assert [(each.was, each.now) for each in done.fallen] == [("F1", "F3")] * 3
    with home.store.read() as tx:
        assert worth.graded(tx, list(map(note_id, "abc"))) == {}


def test_a_worse_digit_needs_no_reason_and_a_better_letter_is_the_origins(home: Home) -> None:
    three(home)
    weighing.rely(home, who("an envoy"), "B", BY, now=LATER)
    weighing.give(home, note_id("c"), 3, "", BY, now=LATER)
    assert in_force(home, "c") == parse_grade("B3")
    assert in_force(home, "a") == parse_grade("F3")


def test_a_grade_that_says_no_more_than_is_proposed_now_stays(home: Home) -> None:
    three(home)
    weighing.give(home, note_id("a"), 4, "", BY, now=LATER)
    assert weighing.discredit(home, who("an envoy"), "paid", BY, now=LATER).fallen == ()
    assert digits(home, "a") == (1, 0, 3, "echo,discredited")
    assert {in_force(home, each) for each in "abc"} == {parse_grade("F4")}


def test_a_discredited_source_regrades_all_that_rests_on_it_in_one_act(home: Home) -> None:
    three(home)
    put(home, told("x", "Red Paper", "an envoy"), told("y", "Blue Paper", "a clerk"))
    weighing.rely(home, who("an envoy"), "B", BY, now=LATER)
    for name in "axy":
        weighing.give(home, note_id(name), None, "", BY, now=LATER)
    done = weighing.discredit(home, who("an envoy"), "paid", BY, now=LATER)
    assert {each.stix_id: (each.was, each.now) for each in done.fallen} == {
        note_id("a"): ("F2", "F3"),
        note_id("b"): ("F2", "F3"),
        note_id("c"): ("B2", "E3"),
        note_id("x"): ("B3", "E6"),
    }
    assert digits(home, "x") == (0, 0, 6, "discredited")
    assert in_force(home, "y") == parse_grade("F3")
    weighing.discredit(home, who("an envoy"), None, BY, now=LATER)
    assert digits(home, "x") == (1, 0, 3, "")
    assert in_force(home, "x") == parse_grade("E6")


def test_of_very_much_what_has_no_grade_is_weighed_after_the_act(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(home)
    put(home, told("x", "Red Paper", "an envoy"), told("y", "Blue Paper", "an envoy"))
    arrive.annotate(home, [note_id("x")], Annotation(grade=22), now=LATER)
    weighing.give(home, note_id("a"), None, "", BY, now=LATER)
    monkeypatch.setattr(weighing, "PART", 1)
    done = weighing.discredit(home, who("an envoy"), "paid", BY, now=LATER)
    assert {each.stix_id for each in done.fallen} == set(map(note_id, "abcx"))
    assert (digits(home, "a"), digits(home, "x")) == (
        (1, 0, 3, "echo,discredited"),
        (0, 0, 6, "discredited"),
    )
    assert digits(home, "y") == (1, 0, 3, "")
    assert weighing.settle(home, now=LATER) == Weighed(1, ())
    assert digits(home, "y") == (0, 0, 6, "discredited")
    assert weighing.settle_everything(home, now=LATER) == weighing.NOTHING


def test_a_reliability_of_e_corroborates_nothing(home: Home) -> None:
    three(home)
    weighing.rely(home, who("an envoy"), "E", BY, now=LATER)
    assert digits(home, "a") == (1, 0, 3, "echo,discredited")
    with pytest.raises(MisuseError):
        weighing.rely(home, who("an envoy"), "G", BY, now=LATER)


def test_a_report_that_rests_on_another_counts_once_it_is_confirmed(home: Home) -> None:
    one, other = two_reports(home)
    assert digits(home, "a")[:2] == (2, 0)
    for state, number in ((CONFIRMED, 1), (REFUSED, 2)):
        new = Tie(other, one, "derived-from", state, BY, LATER, "word for word")
        weighing.tie(home, new, now=LATER)
        assert digits(home, "a")[0] == number


def test_a_tie_that_we_hold_counts_and_a_partners_is_only_proposed(home: Home) -> None:
    two_reports(home)
    tied = rel(sdo("report", "other"), "derived-from", sdo("report", "one"))
    put(home, tied, origin=PARTNER)
    assert digits(home, "a")[0] == 2
    put(home, tied)
    assert digits(home, "a")[0] == 1
    put(home, tied | {"modified": "2026-03-02T00:00:00.000Z", "revoked": True})
    assert digits(home, "a")[0] == 2


def test_a_grade_of_ours_that_came_with_it_falls_with_the_proposal_only(home: Home) -> None:
    doc = told("a", "Blue Paper", "an envoy")
    arrive.arrive(home, [as_object(doc)], source="test", annotation=Annotation(grade=12), now=LATER)
    put(home)
    assert in_force(home, "a") == 12
    done = put(home, told("d", "Red Paper", "the movement", denies="a"))
    assert [(each.was, each.now) for each in done.fallen] == [("A2", "A4")]


def apart(home: Home, *left: str) -> None:
    """Two claims whose grades came with them said alike; now the grouping holds these alone."""
    docs = [told("a", "an envoy"), told("b", "a clerk"), told("c", "a spokeswoman")]
    arriving = [as_object(each) for each in docs]
    arrive.arrive(home, arriving, source="test", annotation=Annotation(grade=12), now=LATER)
    put(home, group("g", "a", "b", "c"))
    assert {in_force(home, each) for each in "abc"} == {12}
    change = {"modified": "2026-03-02T00:00:00.000Z"}
    with home.store.write() as tx:
        keep(tx, group("g", *left) | change | {"revoked": len(left) < len("ab")}, now=LATER)
    indexing.sort_in(home)


@pytest.mark.parametrize("left", [(), ("a", "b"), ("b", "c"), ("a", "c")])
def test_a_grade_that_came_with_it_falls_for_each_that_is_taken_apart(
    home: Home, left: tuple[str, ...]
) -> None:
    apart(home, *left)
    done = weighing.settle(home, now=LATER)
    alone = set("abc") - set(left)
    assert {each.stix_id: each.now for each in done.fallen} == {
        note_id(each): "A3" for each in alone
    }
    assert {each: in_force(home, each) for each in "abc"} == {
        each: 13 if each in alone else 12 for each in "abc"
    }


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_so_it_does_where_its_origin_is_lost_before_it_was_weighed_apart(
    home: Home, name: str
) -> None:
    apart(home)
    origins = {"a": "an envoy", "b": "a clerk", "c": "a spokeswoman"}
    done = weighing.discredit(home, who(origins[name]), "paid", BY, now=LATER)
    assert [(each.stix_id, each.was, each.now) for each in done.fallen] == [
        (note_id(name), "A2", "E6")
    ]
    weighing.settle(home, now=LATER)
    assert sorted(str(in_force(home, each)) for each in "abc") == ["13", "13", "56"]


@pytest.mark.parametrize("gone", ["a", "b", "c"])
def test_and_where_the_other_claim_was_revoked(home: Home, gone: str) -> None:
    apart(home, *(kept := sorted(set("abc") - {gone})))
    weighing.settle(home, now=LATER)
    done = put(home, told(kept[0], at=LATER) | {"revoked": True})
    assert [(each.stix_id, each.now) for each in done.fallen] == [(note_id(kept[1]), "A3")]


def test_who_is_no_claim_is_told_so(home: Home) -> None:
    put(home, sdo("note", "plain", content="x", object_refs=[who("an envoy")]))
    with pytest.raises(RefusedError):
        weighing.give(home, stix_id("note", "plain"), None, "", BY, now=LATER)


def test_a_judgement_needs_a_reason_and_two(home: Home) -> None:
    with pytest.raises(MisuseError):
        weighing.same(home, who("an envoy"), who("an envoy"), "why", BY, now=LATER)
    with pytest.raises(MisuseError):
        weighing.same(home, who("an envoy"), who("a clerk"), "", BY, now=LATER)
    report = stix_id("report", "one")
    with pytest.raises(MisuseError):
        weighing.tie(
            home, Tie(report, report, "duplicate-of", CONFIRMED, BY, LATER, "x"), now=LATER
        )
