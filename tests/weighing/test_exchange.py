"""What each side says of the other's claims comes back to it, and goes to nobody else."""

from pathlib import Path

import pytest

from tearline.agreement import force
from tearline.provenance.matrices import Rating
from tearline.provenance.perspectives import View
from tearline.release import arrive, reconcile
from tearline.release.preview import explain, preview
from tearline.release.sampling import sample
from tearline.release.warm import Kept
from tearline.store import objects, releases
from tearline.weighing import questions, views
from tests.pair import Pair, sdo
from tests.weighing.both import CLEAR, DENIAL, ENVOY, HERON, SECRET, claim, give, two_ways

ENVOY_ID, DENIAL_ID, SECRET_ID = (str(each["id"]) for each in (ENVOY, DENIAL, SECRET))


@pytest.fixture
def ways(tmp_path: Path) -> tuple[Pair, Pair]:
    return two_ways(tmp_path)


def standing(way: Pair) -> set[str]:
    with way.north.store.read() as tx:
        return {
            each
            for each, its in releases.standing_all(tx, way.agreement_id).items()
            if its.outcome == "release"
        }


def test_both_sides_rate_and_see_the_same_merged_matrix(ways: tuple[Pair, Pair]) -> None:
    there, back = ways
    matrix = questions.ask(
        there.north,
        "Why do they exchange intelligence?",
        ["To fight a common enemy", "To gain something to pass on"],
        [ENVOY_ID, DENIAL_ID, SECRET_ID],
        labels=["gray-heron"],
        annotation=CLEAR,
        now=there.tick(),
    ).stix_id
    for each in (ENVOY_ID, DENIAL_ID, SECRET_ID):
        marks = {"H1": Rating("H1", "I", "It does not fit."), "H2": Rating("H2", "C")}
        questions.rate(there.north, matrix, each, marks, annotation=CLEAR, now=there.tick())
    give(there, back)
    ((_, theirs),) = questions.questions(there.south, now=there.now)
    assert theirs.stix_id != matrix, "the question was cut, so it has another id there"
    marks = {"H1": Rating("H1", "II"), "H2": Rating("H2", "C")}
    questions.rate(there.south, theirs.stix_id, ENVOY_ID, marks, annotation=CLEAR, now=back.tick())
    give(back, there)
    at_north = questions.board(there.north, matrix, now=there.now)
    at_south = questions.board(there.south, theirs.stix_id, now=there.now)
    assert at_north.problems == at_south.problems == ()
    assert sorted(at_north.sides) == ["north-cert", "south-isac"]
    for board in (at_north, at_south):
        assert set(board.sides["north-cert"].seals.values()) == {"signed"}
        assert set(board.sides["south-isac"].seals.values()) == {"signed"}
        assert not board.sides["south-isac"].stale
    differing = {(ENVOY_ID, "H1"): {"north-cert": "I", "south-isac": "II"}}
    agreed = {(ENVOY_ID, "H2"): {"north-cert": "C", "south-isac": "C"}}
    assert at_north.merged.differing == at_south.merged.differing == differing
    assert at_north.merged.agreed == at_south.merged.agreed == agreed
    secret = {cell for cell in at_north.merged.alone if cell[0] == SECRET_ID}
    assert len(secret) == 2
    assert at_south.merged.alone.keys() == at_north.merged.alone.keys() - secret
    assert SECRET_ID not in str(there.delivered())


def test_a_view_goes_back_to_who_gave_the_claim_and_ends_with_it(ways: tuple[Pair, Pair]) -> None:
    there, back = ways
    give(there, back)
    draft = View(claim_ref=ENVOY_ID, opinion="disagree", party="", reliability="C", credibility=4)
    said = views.say(there.south, draft, annotation=CLEAR, now=back.tick())
    give(back, there)
    for home in (there.north, there.south):
        found = views.views(home, ENVOY_ID, now=there.now)
        assert [(each.view.party, each.seal, each.stale) for each in found.views] == [
            ("south-isac", "signed", False)
        ]
    assert standing(back) == {said.stix_id}
    (told,) = explain(there.south, said.stix_id, "north-cert", now=back.tick())
    assert told.outcome == "release"
    reconcile.reconcile(there.south, there.agreement_id, whole=True, now=back.tick())
    assert standing(back) == {said.stix_id}, "made again from nothing it is the same"

    there.now = back.now
    arrive.hold(there.north, "object", ENVOY_ID, "It was made up.", now=there.tick())
    give(there, back)
    back.reconcile()
    assert standing(back) == set()
    give(back, there)
    assert views.views(there.north, ENVOY_ID, now=there.now).views == ()


def test_what_speaks_of_an_answer_or_holds_it_goes_with_it(ways: tuple[Pair, Pair]) -> None:
    there, back = ways
    give(there, back)
    answer = claim("We have heard it, too.", ENVOY)
    on_it = claim("And it was said twice.", answer)
    both = sdo("grouping", "alike", context="unspecified", labels=["gray-heron"])
    both["object_refs"] = [answer["id"], on_it["id"]]
    back.put(both, answer, on_it)
    back.reconcile()
    assert standing(back) == {both["id"], answer["id"], on_it["id"]}
    with back.north.store.read() as tx:
        bound = force.in_force(tx, back.agreement_id, now=back.now)
    assert bound is not None
    for kept in (None, Kept()):
        assert preview(back.north, bound.terms, kept=kept, now=back.now).go == 3
    assert sample(back.north, bound.terms, now=back.now).go.likely == 3
    give(back, there)
    with there.north.store.read() as tx:
        held = {each.stix_id for each in objects.latest_all(tx, back.agreement_id)}
    assert held == standing(back)
    there.now = back.now
    arrive.hold(there.north, "object", ENVOY_ID, "It was made up.", now=there.tick())
    give(there, back)
    back.reconcile()
    assert standing(back) == set()


def test_what_answers_goes_under_a_quota_as_anything_does(ways: tuple[Pair, Pair]) -> None:
    there, back = ways
    there.agree(categories="[limits]\nobjects_per_day = 4")
    give(there, back)
    answer = claim("We have heard it, too.", ENVOY)
    both = sdo("grouping", "alike", context="unspecified", labels=["gray-heron"])
    both["object_refs"] = [answer["id"]]
    back.put(both, answer, claim("We saw it.", ENVOY), claim("We doubt it.", ENVOY))
    back.reconcile()
    assert standing(back) >= {both["id"], answer["id"]}
    assert len(standing(back)) == 4


def test_nothing_is_said_back_under_another_agreement(ways: tuple[Pair, Pair]) -> None:
    there, back = ways
    give(there, back)
    draft = View(claim_ref=ENVOY_ID, opinion="agree", party="")
    views.say(there.south, draft, annotation=CLEAR, now=back.tick())
    there.now = back.now
    other = there.beside(2)
    other.agree()
    reverse = Pair(there.south, there.north, other.now, other.agreement_id)
    reverse.reconcile()
    assert standing(reverse) == set()


def test_a_view_of_a_cut_claim_has_no_hash_of_what_was_cut(ways: tuple[Pair, Pair]) -> None:
    there, back = ways
    source = sdo("identity", "Whom nobody may know")
    cut = claim("It is about arms, too.", HERON, created_by_ref=source["id"])
    there.put(source, cut)
    draft = View(claim_ref=str(cut["id"]), opinion="agree", party="")
    said = views.say(there.north, draft, annotation=CLEAR, now=there.tick())
    assert said.view.claim_hash
    give(there, back)
    delivered = there.delivered()
    assert str(cut["id"]) not in str(delivered)
    assert said.view.claim_hash not in str(delivered)
    assert str(said.view.signature) not in str(delivered)
    (its,) = [each for each in delivered.values() if "arms" in str(each)]
    (found,) = views.views(there.south, str(its["id"]), now=there.now).views
    assert (found.view.party, found.seal, found.stale) == ("north-cert", "given", False)
    draft = View(claim_ref=str(its["id"]), opinion="neutral", party="")
    views.say(there.south, draft, annotation=CLEAR, now=back.tick())
    give(back, there)
    found, theirs = views.views(there.north, str(cut["id"]), now=there.now).views
    assert (theirs.view.party, theirs.seal, theirs.stale) == ("south-isac", "signed", False)
