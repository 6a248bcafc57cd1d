"""Claims are sorted in as they come, in any order, and it is the same as made from nothing."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tearline.agreement.home import Home
from tearline.provenance.claims import EXTENSION, Quantity
from tearline.stix.timestamp import parse_timestamp
from tearline.store import aliases, claim_lists, claims, claims_upto, objects
from tearline.store.claim_lists import Chosen
from tearline.store.objects import OURS
from tearline.weighing import indexing
from tearline.weighing.indexing import begin_again, sort_in
from tests.pair import START, rel, sdo
from tests.weighing.told import ANOTHER, PARTNER, group, keep, note_id, source, told

NAMES = "abcdefgh"
ORIGINS = (OURS, PARTNER, ANOTHER)


@pytest.fixture
def home(whole: Home) -> Home:
    _empty(whole)
    return whole


def _empty(home: Home) -> None:
    with home.store.write() as tx:
        for origin in ORIGINS:
            ids = [each.stix_id for each in objects.latest_all(tx, origin)]
            objects.erase(tx, origin, ids)
    sort_in(home)


def put(home: Home, *docs: dict[str, Any], origin: str = OURS) -> None:
    with home.store.write() as tx:
        keep(tx, *docs, origin=origin)
    sort_in(home)


def alike(home: Home) -> dict[str, str]:
    with home.store.read() as tx:
        return {row[0]: row[1] for row in tx.execute(select(claims.alike))}


def tables(home: Home) -> list[list[str]]:
    made = (
        claims.claim,
        claims.claim_link,
        claims.claim_about,
        claims.alike_said,
        claims.report_said,
        claims.alike,
    )
    with home.store.read() as tx:
        return [sorted(repr(row) for row in tx.execute(select(each))) for each in made]


def names(home: Home, *wanted: str) -> list[str | None]:
    held = alike(home)
    return [held.get(note_id(each)) for each in wanted]


def test_a_claim_is_found_with_its_chain(home: Home) -> None:
    first = told(
        "a",
        "Blue Paper",
        "Tall Mast Radio",
        "an envoy",
        report_ref=sdo("report", "r")["id"],
        said="2015-12",
        true_from="2015-11",
        true_until="2015-11",
        quantity=Quantity(3000, "over", "fighters", 4000),
    )
    put(home, first, told("b", "Blue Paper", denies="a"))
    with home.store.read() as tx:
        (row,) = claims.by_id(tx, [note_id("a")])[note_id("a")]
        links = claims.links(tx, [row.seq])[row.seq]
        assert [each.stix_id for each in claims.denying(tx, [note_id("a")])] == [note_id("b")]
        assert claims.of_reports(tx, [sdo("report", "r")["id"]]) == [row]
        assert len(claims.naming(tx, [source("Blue Paper")["id"]])) == 2
        assert claims.number(tx) == (2, 0)
    assert (row.said_at, row.true_from_at) == (
        parse_timestamp("2015-12-01T00:00:00Z"),
        parse_timestamp("2015-11-01T00:00:00Z"),
    )
    assert row.true_until_at == parse_timestamp("2015-11-30T23:59:59.999999Z")
    assert (row.number, row.upto, row.bound, row.unit) == (3000, 4000, "over", "fighters")
    assert [(each.role, each.identity) for each in links] == [
        ("publisher", source("Blue Paper")["id"]),
        ("relay", source("Tall Mast Radio")["id"]),
        ("origin", source("an envoy")["id"]),
    ]
    assert names(home, "a", "b") == [min(note_id("a"), note_id("b"))] * 2


def about(home: Home, doc: dict[str, Any]) -> list[str]:
    with home.store.read() as tx:
        return [each.stix_id for each in claim_lists.page(tx, Chosen(about=doc["id"]), 9)]


def test_a_claim_is_about_what_its_note_names_beside_report_and_sources(home: Home) -> None:
    report, spoken = sdo("report", "r"), sdo("malware", "spoken of")
    first = told("a", "Blue Paper", report_ref=report["id"])
    first["object_refs"] += [spoken["id"], spoken["id"]]
    wrong = told("b")
    wrong["object_refs"].append(spoken["id"])
    wrong["extensions"][EXTENSION]["polarity"] = "perhaps"
    plain = sdo("note", "p", content="x", object_refs=[spoken["id"]])
    put(home, first, wrong, plain)
    assert about(home, spoken) == [note_id("a")]
    assert about(home, report) == about(home, source("Blue Paper")) == []
    put(home, told("a", at=START + 1_000_000))
    assert about(home, spoken) == [], "the newest version does not name it"


def test_a_partner_names_ours_by_the_id_that_we_derived(home: Home) -> None:
    ours, cut = sdo("malware", "ours"), sdo("malware", "ours, as they have it")
    claimed = told("a")
    claimed["object_refs"].append(cut["id"])
    with home.store.write() as tx:
        aliases.put_aliases(tx, [(PARTNER, cut["id"], ours["id"])])
    put(home, claimed, origin=PARTNER)
    assert (about(home, ours), about(home, cut)) == ([note_id("a")], [])
    put(home, claimed | {"id": note_id("b")}, origin=ANOTHER)
    assert (about(home, ours), about(home, cut)) == ([note_id("a")], [note_id("b")])


def test_a_wrong_extension_is_listed_with_what_is_wrong(home: Home) -> None:
    wrong = told("a")
    wrong["extensions"][EXTENSION]["polarity"] = "denied"
    plain = sdo("note", "p", content="x", object_refs=[source("Blue Paper")["id"]])
    put(home, wrong, plain, told("b", denies="a"))
    with home.store.read() as tx:
        (row,) = claim_lists.wrong(tx, 5)
        assert claims.number(tx) == (1, 1)
        assert [each.stix_id for each in claim_lists.page(tx, Chosen(), 5)] == [note_id("b")]
        assert note_id("a") in objects.latest(tx, OURS, [note_id("a")])
    assert row.stix_id == note_id("a")
    assert row.problem == "denies_ref: A denial does not say what it denies."
    assert names(home, "a", "b") == [None, note_id("b")]
    mended = told("a", at=START + 1_000_000)
    put(home, mended)
    assert names(home, "a", "b") == [min(note_id("a"), note_id("b"))] * 2


def test_the_word_may_be_spelled_by_numbers(home: Home) -> None:
    with home.store.write() as tx:
        keep(tx, told("a"))
        raw = objects.raw_of(tx, [objects.last(tx)])[objects.last(tx)]
        spelled = raw.replace(EXTENSION.encode(), EXTENSION.replace("-", "\\u002d").encode())
        tx.execute(objects.object_raw.update().values(raw=spelled))
    sort_in(home)
    assert names(home, "a") == [note_id("a")]


def test_a_newer_version_takes_the_place_and_a_revoked_one_is_none(home: Home) -> None:
    put(home, told("a"), told("b"), group("g", "a", "b"))
    one = min(note_id("a"), note_id("b"))
    assert names(home, "a", "b") == [one, one]
    put(home, group("g", "a", at=START + 1_000_000))
    assert names(home, "a", "b") == [note_id("a"), note_id("b")]
    put(home, told("a", at=START + 1_000_000) | {"revoked": True})
    assert names(home, "a", "b") == [None, note_id("b")]


def test_a_partner_binds_only_what_is_theirs(home: Home) -> None:
    put(home, told("a"), told("b"))
    put(home, told("c"), told("d"), told("e", denies="a"), told("f", denies="b"), origin=PARTNER)
    put(home, group("ours", "a", "b"), origin=PARTNER)
    put(home, group("denials", "e", "f"), origin=PARTNER)
    put(home, group("others", "c", "d"), origin=ANOTHER)
    assert names(home, *"abcdef") == [note_id(each) for each in "abcdab"]
    put(home, group("theirs", "c", "d"), origin=PARTNER)
    assert len(set(names(home, "c", "d"))) == 1
    put(home, group("by us", "a", "c"))
    assert set(names(home, *"acde")) == {note_id("a")}


def test_what_we_hold_ourselves_is_bound_by_a_partner_no_more(home: Home) -> None:
    put(home, told("c"), told("d"), group("g", "c", "d"), origin=PARTNER)
    assert len(set(names(home, "c", "d"))) == 1
    put(home, told(min("cd", key=note_id)))
    assert names(home, "c", "d") == [note_id("c"), note_id("d")]


def test_a_copy_with_another_denial_does_not_count_beside_ours(home: Home) -> None:
    put(home, told("a"), told("b"), told("d", denies="a"))
    put(home, told("d", denies="b"), origin=PARTNER)
    assert names(home, "b") == [note_id("b")]
    assert len(set(names(home, "a", "d"))) == 1


def test_a_tie_between_reports_is_found(home: Home) -> None:
    one, other = (
        sdo("report", each, published="2026-03-01T00:00:00Z", object_refs=[note_id("a")])
        for each in "rs"
    )
    put(home, one, other, rel(one, "derived-from", other), rel(one, "related-to", other))
    with home.store.read() as tx:
        (found,) = claims.said_ties(tx, [other["id"]])
    assert (found.from_id, found.to_id, found.kind) == (one["id"], other["id"], "derived-from")


def test_what_changed_is_to_be_weighed_anew(home: Home) -> None:
    put(home, told("a"), told("b"))
    with home.store.write() as tx:
        claims_upto.WORTH_AGAIN.take(tx, 10**6)
    put(home, told("c", denies="a"))
    with home.store.write() as tx:
        taken = claims_upto.WORTH_AGAIN.take(tx, 10**6)
        assert {note_id("a"), note_id("c")} <= {*taken} - {note_id("b")}
        objects.erase(tx, OURS, [note_id("c")])
    sort_in(home)
    with home.store.write() as tx:
        assert note_id("a") in claims_upto.WORTH_AGAIN.take(tx, 10**6)
    assert names(home, "a", "c") == [note_id("a"), None]


@st.composite
def courses(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """What arrives, and from whom: claims, denials, groupings, versions, wrong and revoked ones."""
    name = st.sampled_from(NAMES)
    about_ids = st.sampled_from([sdo("tool", each)["id"] for each in "xy"])
    origin = st.sampled_from((OURS, OURS, PARTNER, ANOTHER))
    found = []
    for place in range(draw(st.integers(1, 14))):
        at = START + place * 1_000_000
        if draw(st.integers(0, 2)):
            doc = told(draw(name), denies=draw(st.none() | name), at=at)
            doc["object_refs"] += draw(st.lists(about_ids, max_size=2))
            kind = draw(st.integers(0, 9))
            if kind == 0:
                doc["revoked"] = True
            if kind == 1:
                doc["extensions"][EXTENSION]["certainty"] = "sure"
        else:
            members = draw(st.lists(name, min_size=1, max_size=4, unique=True))
            doc = group(draw(st.sampled_from("xyz")), *members, at=at)
        found.append((draw(origin), doc))
    return found


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(courses(), st.randoms(use_true_random=False))
def test_any_order_comes_to_the_same_as_made_from_nothing(
    whole: Home, course: list[tuple[str, dict[str, Any]]], chance: random.Random
) -> None:
    seen = []
    for _ in range(2):
        _empty(whole)
        for origin, doc in course:
            put(whole, doc, origin=origin)
        grown = tables(whole)
        begin_again(whole)
        sort_in(whole)
        assert tables(whole) == grown
        seen.append(grown[-1])
        chance.shuffle(course)
    assert seen[0] == seen[1]


def test_steps_and_doing_it_twice(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "STEP", 2)
    with home.store.write() as tx:
        keep(tx, *(told(each, denies="a" if each > "a" else None) for each in NAMES))
    assert sort_in(home, steps=1) == len(NAMES) - 2
    assert sort_in(home) == 0
    made = tables(home)
    assert sort_in(home) == 0
    assert tables(home) == made
    assert len(set(alike(home).values())) == 1
