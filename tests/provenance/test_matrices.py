"""Questions and ratings as STIX objects and back, and what is refused."""

import msgspec
import pytest

from tearline.errors import InputError
from tearline.provenance.claims import MATRIX, RATING
from tearline.provenance.matrices import (
    Hypothesis,
    Matrix,
    Rating,
    Ratings,
    grouping_of,
    matrix_of,
    next_id,
    note_of,
    ratings_of,
    said,
)
from tests.provenance.sound import through

AT = 1_770_000_000_000_000
CLAIM = "note--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11"
SUBJECT = "intrusion-set--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b13"
NOTE = "note--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b14"
ASKED = Matrix(
    stix_id="grouping--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b12",
    question="Why?",
    hypotheses=(Hypothesis("H1", "Money"), Hypothesis("H3", "Strength", dropped=True)),
    claims=(CLAIM,),
    subjects=(SUBJECT,),
    labels=("ach", "gray-heron"),
)
RATED = Ratings(
    matrix_ref=ASKED.stix_id,
    party="north-cert",
    claim_ref=CLAIM,
    claim_hash="sha256:" + "0f" * 32,
    ratings=(Rating("H1", "II", "It cost more than it brought."), Rating("H3", "N")),
    signature="eyJh..c2ln",
)


def test_both_survive_as_stix() -> None:
    grouping = grouping_of(ASKED, created_at=AT, modified_at=AT)
    assert matrix_of(through(grouping)) == ASKED
    note = note_of(RATED, ASKED, stix_id=NOTE, created_at=AT, modified_at=AT)
    assert ratings_of(through(note)) == RATED
    assert [each.id for each in ASKED.live] == ["H1"]
    assert next_id(ASKED.hypotheses) == "H4"
    assert next_id(()) == "H1"


def test_what_is_signed_names_no_id_and_hangs_on_every_word() -> None:
    body = said(RATED, ASKED)
    assert b"--" not in body
    words = (Hypothesis("H1", "Fame"), ASKED.hypotheses[1])
    more = (*ASKED.hypotheses, Hypothesis("H4", "Another"))
    assert said(RATED, msgspec.structs.replace(ASKED, question="How?")) != body
    assert said(RATED, msgspec.structs.replace(ASKED, hypotheses=words)) != body
    assert said(RATED, msgspec.structs.replace(ASKED, hypotheses=more)) == body
    assert said(msgspec.structs.replace(RATED, claim_hash=None), ASKED) != body
    with pytest.raises(InputError, match="no hypothesis H3"):
        said(RATED, msgspec.structs.replace(ASKED, hypotheses=ASKED.hypotheses[:1]))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"party": "../north"}, "party"),
        ({"ratings": []}, "ratings"),
        ({"ratings": [{"hypothesis": "H1", "rating": "CCC"}]}, "rating"),
        ({"ratings": [{"hypothesis": "H1", "rating": "C"}] * 2}, "twice"),
        ({"claim_ref": NOTE}, "object_refs"),
        ({"matrix_ref": 3}, "matrix_ref"),
    ],
)
def test_wrong_ratings_are_refused(change: dict[str, object], why: str) -> None:
    note = note_of(RATED, ASKED, stix_id=NOTE, created_at=AT, modified_at=AT)
    note["extensions"][RATING] |= change
    with pytest.raises(InputError, match=why):
        ratings_of(note)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"question": ""}, "question"),
        ({"hypotheses": []}, "hypotheses"),
        ({"hypotheses": [{"id": "one", "text": "Money"}]}, "hypotheses"),
        ({"hypotheses": [{"id": "H1", "text": "Money"}] * 2}, "twice"),
    ],
)
def test_a_wrong_question_is_refused(change: dict[str, object], why: str) -> None:
    grouping = grouping_of(ASKED, created_at=AT, modified_at=AT)
    grouping["extensions"][MATRIX] |= change
    with pytest.raises(InputError, match=why):
        matrix_of(grouping)


def test_other_objects_are_neither() -> None:
    assert matrix_of({"type": "grouping", "object_refs": [CLAIM]}) is None
    assert ratings_of({"type": "note", "extensions": {MATRIX: {}}}) is None
