"""A view as an opinion and back, what is signed of it, and words of likelihood."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import InputError
from tearline.provenance.claims import VIEW, Likelihood
from tearline.provenance.perspectives import (
    OPINIONS,
    RANGES,
    View,
    current,
    opinion_of,
    range_of,
    said,
    view_of,
)
from tearline.stix.check import Checker
from tests.provenance.sound import through

CLAIM = "note--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11"
OPINION = "opinion--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b12"
AT = 1_770_000_000_000_000
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
views = st.builds(
    View,
    claim_ref=st.just(CLAIM),
    opinion=st.sampled_from(OPINIONS),
    party=st.sampled_from(["north-cert", "south-isac"]),
    claim_hash=st.none() | st.just("sha256:" + "0f" * 32),
    wording=st.none() | texts,
    reliability=st.none() | st.sampled_from("ABCDEF"),
    credibility=st.none() | st.integers(1, 6),
    reasons=st.lists(texts, max_size=3).map(tuple),
    likelihood=st.none() | st.builds(Likelihood, scale=st.just("icd-203"), word=texts),
    signature=st.none() | st.just("eyJh..c2ln"),
)


@given(views)
def test_a_view_survives_as_an_opinion(view: View) -> None:
    doc = opinion_of(view, stix_id=OPINION, created_at=AT, modified_at=AT)
    assert Checker().problems(doc) == []
    assert view_of(msgspec.json.decode(msgspec.json.encode(doc))) == view


def test_a_view_is_sound_to_others() -> None:
    view = View(
        claim_ref=CLAIM,
        opinion="disagree",
        party="north-cert",
        claim_hash="sha256:" + "0f" * 32,
        wording="Nothing was promised.",
        reliability="C",
        credibility=4,
        reasons=("Nobody else heard of it.", "It is denied."),
        likelihood=Likelihood("icd-203", "unlikely"),
        signature="eyJh..c2ln",
    )
    doc = through(opinion_of(view, stix_id=OPINION, created_at=AT, modified_at=AT))
    assert view_of(doc) == view
    least = View(claim_ref=CLAIM, opinion="neutral", party="north-cert")
    assert view_of(through(opinion_of(least, stix_id=OPINION, created_at=AT, modified_at=AT)))


@given(views, views)
def test_what_is_signed_is_all_but_the_id_and_the_signature(first: View, second: View) -> None:
    assert CLAIM.encode() not in said(first)
    elsewhere = msgspec.structs.replace(first, claim_ref=CLAIM[:-1] + "9", signature=None)
    assert said(elsewhere) == said(first)
    same = msgspec.structs.replace(second, signature=first.signature) == first
    assert (said(first) == said(second)) == same


def test_the_current_view_is_that_of_the_side_that_was_picked() -> None:
    said = [("a", "strongly-disagree"), ("b", "agree"), ("c", "neutral")]
    found = [msgspec.convert({"claim_ref": CLAIM, "party": p, "opinion": o}, View) for p, o in said]
    assert current(found, None) is None
    picked = current(found, "b")
    assert picked is not None
    assert picked.opinion == "agree"
    assert current(found, "d") is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"party": "North CERT"}, "party"),
        ({"claim_ref": OPINION}, "speak of one claim"),
        ({"reliability": "C3"}, "reliability"),
        ({"credibility": 7}, "credibility"),
        ({"claim_hash": "0f"}, "claim_hash"),
        ({"signature": "not one"}, "signature"),
        ({"likelihood": {"scale": "percent", "word": "70"}}, "likelihood"),
        ({"reasons": [1]}, "reasons"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], why: str) -> None:
    view = View(claim_ref=CLAIM, opinion="agree", party="north-cert")
    doc = opinion_of(view, stix_id=OPINION, created_at=AT, modified_at=AT)
    doc["extensions"][VIEW] |= change
    with pytest.raises(InputError, match=why):
        view_of(doc)


def test_an_opinion_without_the_extension_is_no_view() -> None:
    assert view_of({"type": "opinion", "opinion": "agree", "object_refs": [CLAIM]}) is None
    assert view_of({"type": "opinion", "extensions": "none"}) is None
    assert view_of({"type": "note", "extensions": {VIEW: {}}}) is None


def test_the_words_of_icd_203_meet_without_a_gap() -> None:
    spans = list(RANGES.values())
    assert [each[1] for each in spans[:-1]] == [each[0] for each in spans[1:]]
    assert all(low < high for low, high in itertools.chain(spans))
    assert range_of(Likelihood("icd-203", "Highly  Probable")) == (80, 95)
    assert range_of(Likelihood("icd-203", "wahrscheinlich")) is None
    assert range_of(Likelihood("stix", "likely")) is None
