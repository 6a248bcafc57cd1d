"""A question with its hypotheses, and the ratings of one side, as STIX objects. Pure.

The question is a grouping whose members are the claims that are evidence. The ratings of one side
are notes, one for each claim: where a claim may not go to a partner, its ratings do not go either,
and those of the other claims do. What is signed are the words of question and hypotheses and the
hash of the claim, never an id: so the signature holds wherever question and claim are held.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tearline.errors import InputError
from tearline.provenance.claims import MATRIX, RATING
from tearline.provenance.hypotheses import Mark
from tearline.provenance.perspectives import Detached, Hash, Slug, Text
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp

SCHEMA = "tearline-ratings/1"
LABEL = "ach"
RATING_LABEL = "ach-rating"
MOST = 100
"""As many hypotheses as a question may have."""

HypothesisId = Annotated[str, Meta(pattern=r"\AH[1-9][0-9]{0,3}\Z")]


class Hypothesis(Struct, frozen=True, omit_defaults=True):
    """One hypothesis; a dropped one keeps its id, so that no rating comes to mean another."""

    id: HypothesisId
    text: Text
    dropped: bool = False


class Matrix(Struct, frozen=True, kw_only=True):
    """A question, the hypotheses that answer it, and the claims that are evidence.

    `subjects` is what the claims are about: where members of a container go for that, the question
    is about a topic by holding the topic's own object, without a label.
    """

    stix_id: str
    question: str
    hypotheses: tuple[Hypothesis, ...]
    claims: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def live(self) -> tuple[Hypothesis, ...]:
        """The hypotheses that were not dropped."""
        return tuple(each for each in self.hypotheses if not each.dropped)


class Rating(Struct, frozen=True, omit_defaults=True):
    """How well a claim goes with a hypothesis."""

    hypothesis: HypothesisId
    rating: Mark
    why: Text | None = None


class Ratings(Struct, frozen=True, kw_only=True):
    """What one party says of one claim under a question."""

    matrix_ref: str
    party: str
    claim_ref: str
    claim_hash: str | None
    ratings: tuple[Rating, ...]
    signature: str | None = None


class QuestionForm(Struct, frozen=True, kw_only=True):
    """A question with its hypotheses, as its extension has them."""

    question: Text
    hypotheses: Annotated[tuple[Hypothesis, ...], Meta(min_length=1, max_length=MOST)]


class RatingsForm(Struct, frozen=True, kw_only=True):
    """What one party says of one claim under a question, as its extension has it."""

    matrix_ref: str
    party: Slug
    claim_ref: str
    claim_hash: Hash | None = None
    ratings: Annotated[tuple[Rating, ...], Meta(min_length=1, max_length=MOST)]
    signature: Detached | None = None


def matrix_of(doc: Mapping[str, Any]) -> Matrix | None:
    """The question that a grouping asks; None where it asks none, InputError where it is wrong."""
    extension = _extension(doc, "grouping", MATRIX)
    if extension is None:
        return None
    try:
        found = msgspec.convert(extension, QuestionForm)
    except msgspec.ValidationError as error:
        raise _wrong("question", MATRIX, str(error)) from error
    _see_once([each.id for each in found.hypotheses], "question", MATRIX)
    refs = [each for each in doc.get("object_refs", ()) if isinstance(each, str)]
    return Matrix(
        stix_id=doc["id"],
        question=found.question,
        hypotheses=found.hypotheses,
        claims=tuple(each for each in refs if each.startswith("note--")),
        subjects=tuple(each for each in refs if not each.startswith("note--")),
        labels=tuple(each for each in doc.get("labels", ()) if isinstance(each, str)),
    )


def ratings_of(doc: Mapping[str, Any]) -> Ratings | None:
    """The ratings that a note states; None where it states none, InputError where it is wrong."""
    extension = _extension(doc, "note", RATING)
    if extension is None:
        return None
    try:
        found = msgspec.convert(extension, RatingsForm)
    except msgspec.ValidationError as error:
        raise _wrong("rating", RATING, str(error)) from error
    _see_once([each.hypothesis for each in found.ratings], "rating", RATING)
    refs = doc.get("object_refs")
    if not isinstance(refs, list) or set(refs) != {found.claim_ref, found.matrix_ref}:
        # Else it could go where claim or question may not go.
        raise _wrong("rating", RATING, "its object_refs are not its claim and its question")
    return Ratings(**msgspec.structs.asdict(found))


def said(ratings: Ratings, matrix: Matrix) -> bytes:
    """What the party signs: question, hypotheses and marks in words, and the hash of the claim.

    InputError where it rates a hypothesis that the question has not.
    """
    texts = {each.id: each.text for each in matrix.hypotheses}
    lines = []
    for each in ratings.ratings:
        if each.hypothesis not in texts:
            raise InputError(
                f"The question has no hypothesis {each.hypothesis}.",
                do="See its hypotheses with `tearline ach show`.",
            )
        line = {"hypothesis": texts[each.hypothesis], "rating": each.rating}
        lines.append(line | ({"why": each.why} if each.why else {}))
    return canonical.canonical(
        {
            "schema": SCHEMA,
            "party": ratings.party,
            "question": matrix.question,
            "claim_hash": ratings.claim_hash,
            "ratings": lines,
        }
    )


def grouping_of(matrix: Matrix, *, created_at: int, modified_at: int) -> dict[str, Any]:
    """The STIX grouping that asks a question."""
    return {
        "type": "grouping",
        "spec_version": "2.1",
        "id": matrix.stix_id,
        "created": format_timestamp(created_at),
        "modified": format_timestamp(modified_at),
        "name": matrix.question,
        "context": "unspecified",
        "labels": [*dict.fromkeys((LABEL, *matrix.labels))],
        "object_refs": [*matrix.claims, *matrix.subjects],
        "extensions": {
            MATRIX: {
                "extension_type": "property-extension",
                "question": matrix.question,
                "hypotheses": msgspec.to_builtins(matrix.hypotheses),
            }
        },
    }


def note_of(
    ratings: Ratings, matrix: Matrix, *, stix_id: str, created_at: int, modified_at: int
) -> dict[str, Any]:
    """The STIX note that states ratings; its content is for tools without the extension."""
    texts = {each.id: each.text for each in matrix.hypotheses}
    built = msgspec.to_builtins(ratings)
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": stix_id,
        "created": format_timestamp(created_at),
        "modified": format_timestamp(modified_at),
        "labels": [RATING_LABEL],
        "content": "\n".join(_line(each, texts) for each in ratings.ratings),
        "object_refs": [ratings.claim_ref, ratings.matrix_ref],
        "extensions": {
            RATING: {
                "extension_type": "property-extension",
                **{name: each for name, each in built.items() if each is not None},
            }
        },
    }


def next_id(hypotheses: Sequence[Hypothesis]) -> str:
    """The id of the next hypothesis: one more than the highest that ever was."""
    return f"H{max((int(each.id[1:]) for each in hypotheses), default=0) + 1}"


def _line(each: Rating, texts: Mapping[str, str]) -> str:
    line = f"{each.hypothesis} ({texts.get(each.hypothesis, '')}): {each.rating}"
    return f"{line}, {each.why}" if each.why else line


def _extension(doc: Mapping[str, Any], kind: str, name: str) -> object:
    extensions = doc.get("extensions")
    if doc.get("type") != kind or not isinstance(extensions, dict):
        return None
    return extensions.get(name)


def _see_once(ids: Sequence[str], what: str, name: str) -> None:
    if len(set(ids)) != len(ids):
        raise _wrong(what, name, "it names a hypothesis twice")


def _wrong(what: str, name: str, why: str) -> InputError:
    return InputError(
        f"This is not a {what}: {why}.", place=f"extensions.{name}", do="Ask its author."
    )
