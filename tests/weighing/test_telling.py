"""Claims brought in by hand, put together and taken apart, and shown."""

from pathlib import Path
from typing import Any

import pytest

from tearline.agreement.home import Home, create_home
from tearline.errors import InputError, MisuseError, RefusedError
from tearline.provenance.claims import ClaimError, claim_of
from tearline.release.arrive import Annotation
from tearline.store import annotations, objects
from tearline.store.objects import OURS
from tearline.weighing.grouping import apart, together
from tearline.weighing.held import Held, held
from tearline.weighing.showing import listed, show
from tearline.weighing.telling import tell
from tests.pair import START, sdo
from tests.weighing.told import PARTNER, group, keep, note_id, source, told

SECOND = 1_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return create_home(tmp_path / "north", "North CERT", None, START)


def said(*names: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # properties of a claim
    roles = ["publisher", *["relay"] * (len(names) - 2), "origin"][-len(names) :]
    chain = [{"role": role, "name": name} for role, name in zip(roles, names, strict=True)]
    given = {"abstract": "Arms might follow", "polarity": "asserted", "certainty": "apparent"}
    return {**given, "source_chain": chain, **more}


def of(home: Home, stix_id: str) -> Held:
    with home.store.read() as tx:
        return held(tx, [stix_id], now=START)[stix_id]


def test_sources_are_those_of_the_name_or_new_and_unnamed_ones_always_new(home: Home) -> None:
    first = tell(home, said("A page", "A radio", "An envoy"), now=START)
    assert len(first.made) == 3
    second = tell(home, said("A page", "Another"), now=START + SECOND)
    assert len(second.made) == 1
    chains = [of(home, each.id).claim for each in (first, second)]
    assert chains[0] is not None
    assert chains[1] is not None
    assert chains[0].source_chain[0] == chains[1].source_chain[0]
    nobody = said("A page", "A commander")
    nobody["source_chain"][1]["unnamed"] = True
    made = {tell(home, nobody, now=START + SECOND * n).made for n in (2, 3)}
    assert len({each for some in made for each in some}) == 2


def test_a_name_of_several_is_asked_back(home: Home) -> None:
    with home.store.write() as tx:
        keep(tx, *(sdo("identity", each) | {"name": "A page"} for each in ("one", "two")))
    with pytest.raises(RefusedError, match="2 sources are called 'A page'") as caught:
        tell(home, said("A page"), now=START)
    assert sdo("identity", "one")["id"] in caught.value.do
    by_id = said("A page")
    by_id["source_chain"] = [{"role": "origin", "identity_ref": sdo("identity", "one")["id"]}]
    assert tell(home, by_id, now=START).made == ()


def test_a_denial_is_an_opinion_too_and_a_newer_version_takes_it_back(home: Home) -> None:
    claim = tell(home, said("An envoy"), now=START)
    denial = said("The movement", abstract="No arms", polarity="denied", denies_ref=claim.id)
    done = tell(home, denial, annotation=Annotation(marking=1), now=START + SECOND)
    assert done.opinion is not None
    assert of(home, done.opinion).doc["object_refs"] == [claim.id, done.id]
    with home.store.read() as tx:
        marked = annotations.annotations(tx, [done.id, done.opinion, *done.made])
    assert {each[0] for each in marked.values()} == {1}
    assert len(marked) == 3
    again = tell(home, {**denial, "id": done.id, "source_chain": _chain(home, done.id)}, now=START)
    assert not again.new
    back = said("The movement", abstract="Some arms", id=done.id)
    assert tell(home, back, now=START + 2 * SECOND).id == done.id
    assert of(home, done.opinion).version.revoked
    found = of(home, done.id)
    assert found.doc["created"] != found.doc["modified"]
    assert found.claim is not None
    assert not found.claim.denied


def _chain(home: Home, claim_id: str) -> list[dict[str, Any]]:
    doc = of(home, claim_id).doc
    chain: list[dict[str, Any]] = next(iter(doc["extensions"].values()))["source_chain"]
    return chain


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"abstract": ""}, "abstract", "says nothing"),
        ({"abstract": 3}, "abstract", "no text"),
        ({"about": "x"}, "about", "no list"),
        ({"who": "me"}, "who", "nothing that a claim has"),
        ({"polarity": "denied"}, "denies_ref", "does not say what it denies"),
        ({"said": "soon"}, "said", "no date"),
        ({"true_from": "2016", "true_until": "2015"}, "true_until", "before"),
        ({"report_ref": sdo("report", "r")["id"]}, "report_ref", "do not hold"),
        ({"about": [sdo("tool", "x")["id"]]}, "about", "do not hold"),
        ({"polarity": "denied", "denies_ref": note_id("x")}, "denies_ref", "do not hold"),
        ({"polarity": "denied", "denies_ref": note_id("plain")}, "denies_ref", "is no claim"),
        ({"source_chain": []}, "source_chain", "length >= 1"),
        ({"source_chain": [{"role": "origin", "name": ""}]}, "source_chain", "no name"),
        ({"source_chain": [{"role": "origin"}]}, "", "refers to nothing"),
    ],
)
def test_what_is_no_claim_is_said_and_nothing_kept(
    home: Home, change: dict[str, Any], place: str, words: str
) -> None:
    with home.store.write() as tx:
        plain = sdo("note", "plain", content="x", object_refs=[source("x")["id"]])
        keep(tx, plain)
        before = objects.last(tx)
    with pytest.raises((InputError, ClaimError), match=words) as caught:
        tell(home, said("A page", "An envoy") | change, now=START)
    assert isinstance(caught.value, InputError)
    assert caught.value.place == place
    assert caught.value.do
    with home.store.read() as tx:
        assert objects.last(tx) == before


def test_a_chain_that_comes_back_to_itself_is_refused_by_hand(home: Home) -> None:
    with pytest.raises(InputError, match="stands in the chain twice"):
        tell(home, said("A page", "A radio", "A page"), now=START)
    with pytest.raises(RefusedError, match="We hold no note"):
        tell(home, said("A page", id=note_id("x")), now=START)


def test_claims_are_put_together_and_taken_apart(home: Home) -> None:
    a, b, c = (
        tell(home, said("A page", abstract=each), now=START + n * SECOND).id
        for n, each in enumerate("abc")
    )
    (first,) = together(home, [a, b], now=START).groupings
    assert together(home, [b, a], now=START).groupings == {first: sorted([a, b])}
    assert {each.id for each in show(home, a, now=START).alike} == {b}
    (again,) = together(home, [b, c], now=START).groupings
    assert again == first
    assert {each.id for each in show(home, a, now=START).alike} == {b, c}
    assert apart(home, [a], now=START).groupings == {first: sorted([b, c])}
    assert show(home, a, now=START).alike == []
    assert apart(home, [b], now=START).groupings == {first: []}
    assert show(home, c, now=START).alike == []
    with pytest.raises(RefusedError, match="in no grouping of ours"):
        apart(home, [c], now=START)
    with pytest.raises(MisuseError, match="two claims"):
        together(home, [a, a], now=START)
    with pytest.raises(RefusedError, match="no claim"):
        together(home, [a, note_id("x")], now=START)


def test_a_proposition_carries_every_label_that_it_was_given(home: Home) -> None:
    a, b, c, d = (
        tell(home, said("A page", abstract=each), now=START + n * SECOND).id
        for n, each in enumerate("abcd")
    )

    def labels(grouping: str) -> list[str]:
        with home.store.read() as tx:
            return list(held(tx, [grouping], now=START)[grouping].doc["labels"])

    (one,) = together(home, [a, b], now=START).groupings
    assert labels(one) == ["proposition"]
    together(home, [a, b], labels=["gray-heron"], now=START)
    assert labels(one) == ["proposition", "gray-heron"]
    together(home, [c, d], labels=["blue-tern"], now=START)
    together(home, [b, c], now=START)
    assert labels(one) == ["proposition", "gray-heron", "blue-tern"]
    with home.store.read() as tx:
        before = objects.last(tx)
    note = Annotation(marking=1)
    together(home, [a, d], labels=["blue-tern"], annotation=note, now=START)
    with home.store.read() as tx:
        assert objects.last(tx) == before
        assert annotations.annotations(tx, [one])[one] == (1, None)


def test_two_groupings_become_one(home: Home) -> None:
    a, b, c, d = (
        tell(home, said("A page", abstract=each), now=START + n * SECOND).id
        for n, each in enumerate("abcd")
    )
    (one,) = together(home, [a, b], now=START).groupings
    (other,) = together(home, [c, d], now=START).groupings
    found = together(home, [a, c], now=START).groupings
    assert found == {one: sorted([a, b, c, d]), other: []}
    assert {each.id for each in show(home, d, now=START).alike} == {a, b, c}
    assert of(home, other).version.revoked


def test_a_claim_is_shown_with_what_stands_around_it(home: Home) -> None:
    claim = tell(home, said("A page", "A radio", "An envoy"), now=START)
    no = said("The movement", abstract="No arms", polarity="denied", denies_ref=claim.id)
    denial = tell(home, no, now=START + SECOND)
    found = show(home, claim.id, now=START)
    assert [found.names[each.identity_ref] for each in found.claim.source_chain] == [
        "A page",
        "A radio",
        "An envoy",
    ]
    assert [each.id for each in found.denied_by] == [denial.id]
    assert found.brief.source == "An envoy"
    about = show(home, denial.id, now=START)
    assert about.denies is not None
    assert (about.denies.id, about.denies.title) == (claim.id, "Arms might follow")
    assert about.brief.proposition == found.brief.proposition


def test_partners_claims_are_listed_only_while_their_agreement_stands(home: Home) -> None:
    with home.store.write() as tx:
        keep(tx, told("theirs"), group("g", "theirs"), origin=PARTNER)
        keep(tx, told("ours", "A page", denies="theirs"), sdo("identity", "A page"))
    found = listed(home, limit=5, now=START)
    assert [each.id for each in found.claims] == [note_id("ours")]
    shown = show(home, note_id("ours"), now=START)
    assert shown.denies is None
    assert shown.claim.denies_ref == note_id("theirs")
    with pytest.raises(RefusedError):
        show(home, note_id("theirs"), now=START)


def test_a_list_by_source_and_by_report(home: Home) -> None:
    report = sdo("report", "r", published="2026-03-01T00:00:00Z", object_refs=[note_id("a")])
    with home.store.write() as tx:
        keep(tx, report, source("Blue Paper"), told("a", report_ref=report["id"]))
        keep(tx, source("Tall Mast"), told("b", "Tall Mast", "Blue Paper"), told("c", "Tall Mast"))
        wrong = told("w")
        next(iter(wrong["extensions"].values()))["polarity"] = "perhaps"
        keep(tx, wrong)
    by_source = listed(home, limit=5, source=source("Blue Paper")["id"], now=START)
    assert [each.id for each in by_source.claims] == [note_id("b"), note_id("a")]
    by_report = listed(home, limit=5, report=report["id"], now=START)
    assert [each.id for each in by_report.claims] == [note_id("a")]
    both = listed(home, limit=5, report=report["id"], source=source("Tall Mast")["id"], now=START)
    assert both.claims == []
    assert (by_report.number, by_report.number_wrong) == (3, 1)
    assert by_report.wrong[0].problem.startswith("polarity: Invalid enum value")
    with pytest.raises(RefusedError, match="is not a claim: polarity"):
        show(home, note_id("w"), now=START)


def test_a_claim_of_ours_is_not_listed_as_wrong_for_a_partners_copy(home: Home) -> None:
    wrong = told("a")
    next(iter(wrong["extensions"].values()))["polarity"] = "perhaps"
    with home.store.write() as tx:
        keep(tx, told("a"))
        keep(tx, wrong, origin=PARTNER)
    found = listed(home, limit=5, now=START)
    assert [each.id for each in found.claims] == [note_id("a")]
    assert found.wrong == []


def test_what_is_written_is_a_claim_and_sound_stix(home: Home) -> None:
    done = tell(home, said("A page", quote := "An envoy"), now=START)
    found = of(home, done.id)
    assert claim_of(found.doc) is not None
    assert found.origin == OURS
    assert found.doc["abstract"] == found.doc["content"]
    assert quote == of(home, done.made[1]).title
