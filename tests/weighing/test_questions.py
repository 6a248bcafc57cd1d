"""Both sides rate a question, each in its own home, and see the same matrix."""

from pathlib import Path

import pytest

from tearline.agreement.home import Home
from tearline.errors import InputError, RefusedError
from tearline.provenance.claims import MATRIX, RATING, VIEW
from tearline.provenance.definitions import DEFINITIONS
from tearline.provenance.hypotheses import Mark
from tearline.provenance.matrices import Rating
from tearline.provenance.perspectives import View
from tearline.store import objects
from tearline.store.objects import OURS
from tearline.weighing import questions, views
from tests.pair import DAY, Pair
from tests.weighing.both import CLEAR, DENIAL, ENVOY, SECRET, TYPES, two_ways


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return two_ways(tmp_path)[0]


ENVOY_ID, DENIAL_ID, SECRET_ID = (str(each["id"]) for each in (ENVOY, DENIAL, SECRET))


def ask(pair: Pair, *claims: dict[str, object]) -> str:
    return questions.ask(
        pair.north,
        "Why do they exchange intelligence?",
        ["To fight a common enemy", "To gain something to pass on"],
        [str(each["id"]) for each in claims],
        labels=["gray-heron"],
        annotation=CLEAR,
        now=pair.tick(),
    ).stix_id


def rate(pair: Pair, home: Home, matrix: str, claim: dict[str, object], **marks: Mark) -> None:
    given = {each: Rating(each, mark) for each, mark in marks.items()}
    questions.rate(home, matrix, str(claim["id"]), given, annotation=CLEAR, now=pair.tick())


def test_what_a_side_rates_reaches_the_other_with_its_signature(pair: Pair) -> None:
    matrix = ask(pair, ENVOY, DENIAL)
    rate(pair, pair.north, matrix, ENVOY, H1="II", H2="C")
    rate(pair, pair.north, matrix, DENIAL, H1="I")
    pair.reconcile()
    pair.sync()
    rate(pair, pair.south, matrix, ENVOY, H1="II", H2="I")
    found = questions.board(pair.south, matrix, now=pair.now)
    assert not found.ours
    assert found.problems == ()
    assert sorted(found.sides) == ["north-cert", "south-isac"]
    assert set(found.sides["north-cert"].seals.values()) == {"signed"}
    assert not found.sides["north-cert"].stale
    assert found.merged.agreed == {(ENVOY_ID, "H1"): {"north-cert": "II", "south-isac": "II"}}
    assert found.merged.differing == {(ENVOY_ID, "H2"): {"north-cert": "C", "south-isac": "I"}}
    assert found.merged.alone == {(DENIAL_ID, "H1"): {"north-cert": "I"}}
    assert found.analyses["north-cert"].order == (("H2",), ("H1",))


def test_the_definition_of_each_form_comes_along_once(pair: Pair) -> None:
    def defined() -> set[str]:
        with pair.north.store.read() as tx:
            found = [each.stix_id for each in objects.latest_all(tx, OURS)]
        assert len(set(found)) == len(found)
        return {each for each in found if each in DEFINITIONS}

    assert defined() == set()
    matrix = ask(pair, ENVOY, DENIAL)
    assert defined() == {MATRIX}
    rate(pair, pair.north, matrix, ENVOY, H1="II", H2="C")
    rate(pair, pair.north, matrix, DENIAL, H1="I")
    assert defined() == {MATRIX, RATING}
    view = View(claim_ref=ENVOY_ID, opinion="agree", party="")
    views.say(pair.north, view, annotation=CLEAR, now=pair.tick())
    assert defined() == {MATRIX, RATING, VIEW}


def test_a_withheld_claim_is_named_by_nothing_that_goes(pair: Pair) -> None:
    matrix = ask(pair, ENVOY, DENIAL, SECRET)
    for each in (ENVOY, DENIAL, SECRET):
        rate(pair, pair.north, matrix, each, H1="I", H2="C")
    view = View(claim_ref=SECRET_ID, opinion="agree", party="", wording="A secret thing.")
    views.say(pair.north, view, annotation=CLEAR, now=pair.tick())
    pair.reconcile()
    given = pair.delivered()
    assert len(given) == 6
    everything = str(given)
    assert SECRET_ID not in everything
    assert "secret" not in everything
    pair.sync()
    (theirs,) = questions.questions(pair.south, now=pair.now)
    found = questions.board(pair.south, theirs[1].stix_id, now=pair.now)
    assert theirs[1].stix_id != matrix
    assert found.matrix.claims == (ENVOY_ID, DENIAL_ID)
    assert len(found.sides["north-cert"].marks) == 4
    assert set(found.sides["north-cert"].seals.values()) == {"signed"}
    assert found.problems == ()


def test_only_its_owner_changes_a_question(pair: Pair) -> None:
    matrix = ask(pair, ENVOY)
    changed = questions.change(
        pair.north, matrix, add=[DENIAL_ID], texts=["To show strength"], now=pair.tick()
    )
    assert [each.id for each in changed.live] == ["H1", "H2", "H3"]
    changed = questions.change(pair.north, matrix, remove=[ENVOY_ID], drop=["H2"], now=pair.tick())
    assert [each.id for each in changed.live] == ["H1", "H3"]
    assert changed.claims == (DENIAL_ID,)
    with pytest.raises(InputError, match="no claim"):
        rate(pair, pair.north, matrix, ENVOY, H1="I")
    with pytest.raises(InputError, match="no hypothesis H2"):
        rate(pair, pair.north, matrix, DENIAL, H2="I")
    with pytest.raises(InputError, match="a claim at least"):
        questions.change(pair.north, matrix, remove=[DENIAL_ID], now=pair.tick())
    pair.reconcile()
    pair.sync()
    with pytest.raises(RefusedError, match="a partner's"):
        questions.change(pair.south, matrix, texts=["Another"], now=pair.tick())


def test_rating_again_keeps_what_was_not_said_anew(pair: Pair) -> None:
    matrix = ask(pair, ENVOY)
    rate(pair, pair.north, matrix, ENVOY, H1="I", H2="C")
    rate(pair, pair.north, matrix, ENVOY, H2="N")
    side = questions.board(pair.north, matrix, now=pair.now).sides["north-cert"]
    assert side.marks == {(ENVOY_ID, "H1"): "I", (ENVOY_ID, "H2"): "N"}
    questions.change(pair.north, matrix, texts=["To show strength"], now=pair.tick())
    side = questions.board(pair.north, matrix, now=pair.now).sides["north-cert"]
    assert set(side.seals.values()) == {"signed"}


def test_weights_follow_the_confidence_of_the_claims(pair: Pair) -> None:
    matrix = ask(pair, ENVOY, DENIAL)
    rate(pair, pair.north, matrix, ENVOY, H1="I", H2="C")
    rate(pair, pair.north, matrix, DENIAL, H1="C", H2="I")
    plain = questions.board(pair.north, matrix, now=pair.now).analyses["north-cert"]
    assert plain.order == (("H1", "H2"),)
    weighed = questions.board(pair.north, matrix, weighted=True, now=pair.now)
    assert weighed.analyses["north-cert"].order == (("H2",), ("H1",))


def test_what_is_over_is_used_no_more_even_before_it_is_erased(pair: Pair) -> None:
    pair.agree(types=TYPES, end="[retention]\nkeep_days = 5")
    matrix = ask(pair, ENVOY)
    rate(pair, pair.north, matrix, ENVOY, H1="II", H2="C")
    view = View(claim_ref=ENVOY_ID, opinion="agree", party="")
    views.say(pair.north, view, annotation=CLEAR, now=pair.tick())
    pair.reconcile()
    pair.sync()
    (given,) = views.views(pair.south, ENVOY_ID, now=pair.now).views
    assert given.view.party == "north-cert"
    later = pair.now + 6 * DAY
    assert questions.questions(pair.south, now=later) == []
    for looked_up in (views.views, questions.board):
        with pytest.raises(RefusedError, match="is not held"):
            looked_up(pair.south, ENVOY_ID if looked_up is views.views else matrix, now=later)
