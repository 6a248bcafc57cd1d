"""Nobody puts words into another's mouth: what a signature under a view or rating is worth."""

from pathlib import Path

import msgspec
import pytest

from tearline.agreement.home import Home
from tearline.provenance import matrices, perspectives
from tearline.provenance.claims import VIEW
from tearline.provenance.matrices import Rating, Ratings
from tearline.provenance.perspectives import View
from tearline.weighing import questions, views, writing
from tearline.weighing.signed import detached
from tests.pair import Pair, make_pair, stix_id
from tests.weighing.both import CLEAR, ENVOY, HERON

ENVOY_ID = str(ENVOY["id"])


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.put(HERON, ENVOY)
    return made


def put(pair: Pair, doc: dict[str, object]) -> None:
    with pair.north.store.write() as tx:
        writing.put(tx, [doc], source="test", annotation=CLEAR, now=pair.tick())


def forged(view: View, name: str) -> dict[str, object]:
    found = stix_id("opinion", name)
    return perspectives.opinion_of(view, stix_id=found, created_at=1, modified_at=1)


def signed(home: Home, view: View) -> View:
    return msgspec.structs.replace(view, signature=detached(home, perspectives.said(view)))


def test_only_the_party_that_is_named_can_have_signed(pair: Pair) -> None:
    view = View(claim_ref=ENVOY_ID, opinion="agree", party="south-isac")
    put(pair, forged(signed(pair.south, view), "its own"))
    put(pair, forged(signed(pair.north, view), "by another's key"))
    put(pair, forged(view, "nobody signed"))
    other = msgspec.structs.replace(signed(pair.south, view), opinion="disagree")
    put(pair, forged(other, "turned round"))
    stranger = msgspec.structs.replace(view, party="north-cert")
    put(pair, forged(signed(pair.south, stranger), "in our name"))
    bad = msgspec.structs.replace(view, signature="e30..c2ln")
    put(pair, forged(bad, "no signature at all"))
    seen = views.views(pair.north, ENVOY_ID, now=pair.now).views
    assert [each.view.party for each in seen] == ["north-cert"] + ["south-isac"] * 5
    found = {each.stix_id: each.seal for each in seen}
    names = ("its own", "by another's key", "nobody signed", "turned round", "in our name")
    assert [found[stix_id("opinion", each)] for each in (*names, "no signature at all")] == [
        *("signed", "broken", "unsigned", "broken", "broken", "broken")
    ]


def test_a_view_that_is_wrong_is_listed_and_nothing_crashes(pair: Pair) -> None:
    doc = forged(View(claim_ref=ENVOY_ID, opinion="agree", party="south-isac"), "wrong")
    put(pair, doc | {"extensions": {VIEW: {"extension_type": "property-extension", "party": 7}}})
    found = views.views(pair.north, ENVOY_ID, now=pair.now)
    assert found.views == ()
    assert [each for each, _ in found.problems] == [doc["id"]]


def test_a_rating_that_nothing_shows_is_listed_and_does_not_count(pair: Pair) -> None:
    matrix = questions.ask(pair.north, "Why?", ["Money"], [ENVOY_ID], now=pair.tick())
    rated = Ratings(
        matrix_ref=matrix.stix_id,
        party="south-isac",
        claim_ref=ENVOY_ID,
        claim_hash=None,
        ratings=(Rating("H1", "II"),),
    )
    found = stix_id("note", "rating")
    put(pair, matrices.note_of(rated, matrix, stix_id=found, created_at=1, modified_at=1))
    board = questions.board(pair.north, matrix.stix_id, now=pair.now)
    assert board.sides == {}
    assert board.problems == ((found, "Nothing shows that the party it names said it."),)
    body = matrices.said(rated, matrix)
    rated = msgspec.structs.replace(rated, signature=detached(pair.south, body))
    put(pair, matrices.note_of(rated, matrix, stix_id=found, created_at=1, modified_at=2_000))
    board = questions.board(pair.north, matrix.stix_id, now=pair.now)
    assert board.sides["south-isac"].seals == {ENVOY_ID: "signed"}
    assert board.problems == ()
