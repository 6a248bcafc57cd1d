"""Ask a question with hypotheses, gather evidence, rate it, and see what every side says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import InputError, RefusedError
from tearline.provenance import hypotheses as analysis
from tearline.provenance import matrices
from tearline.provenance.hypotheses import Analysis, Cell, Merged
from tearline.provenance.matrices import Hypothesis, Matrix, Rating, Ratings
from tearline.release.arrive import NOTHING, Annotation
from tearline.store import asked
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.topic import depends
from tearline.weighing.held import (
    Held,
    held_claim,
    held_object,
    known_hashes,
    numbered,
    our_name,
    speaking_of,
)
from tearline.weighing.signed import Seal, detached, seal_of
from tearline.weighing.writing import moments, put

_AGAINST: Mapping[str, str] = {
    "broken": "The signature does not hold.",
    "unknown": "We know no such key of the party that it names.",
    "unsigned": "Nothing shows that the party it names said it.",
}
"""Why ratings do not count, by what their signature is worth."""
_PART = 500


class Evidence(NamedTuple):
    """A claim under a question: what it says, and its confidence where one stands."""

    claim: str
    text: str
    confidence: int | None


class Side(NamedTuple):
    """What one party rated: its marks, its reasons, and what its signatures are worth.

    `stale` are the claims of which it rated other bytes than we hold, or gave.
    """

    marks: dict[Cell, str]
    why: dict[Cell, str]
    seals: dict[str, Seal]
    stale: frozenset[str]


class Board(NamedTuple):
    """A question as it stands: evidence, each side's ratings and what they come to, all together.

    `not_held` counts what is evidence and was not given to us; `problems` name what claims to be a
    rating and does not count, with why.
    """

    matrix: Matrix
    ours: bool
    evidence: tuple[Evidence, ...]
    sides: dict[str, Side]
    analyses: dict[str, Analysis]
    merged: Merged
    problems: tuple[tuple[str, str], ...]


class Part(NamedTuple):
    """One part of the list; `next` is the number of a version before which the list goes on."""

    questions: list[tuple[Held, Matrix]]
    next: int | None


def ask(
    home: Home,
    question: str,
    texts: Sequence[str],
    claims: Sequence[str],
    *,
    labels: Sequence[str] = (),
    annotation: Annotation = NOTHING,
    now: int,
) -> Matrix:
    """Open a question with its first hypotheses and claims; each has to be held."""
    made = tuple(Hypothesis(f"H{place}", text) for place, text in enumerate(texts, 1))
    matrix = Matrix(
        stix_id=f"grouping--{clock.fresh_uuid()}",
        question=question,
        hypotheses=made,
        claims=tuple(dict.fromkeys(claims)),
        labels=tuple(labels),
    )
    with home.store.write() as tx:
        _put(tx, home, matrix, None, annotation, now)
    return matrix


def change(
    home: Home,
    matrix_id: str,
    *,
    add: Sequence[str] = (),
    remove: Iterable[str] = (),
    texts: Sequence[str] = (),
    drop: Iterable[str] = (),
    now: int,
) -> Matrix:
    """Add or remove claims, add hypotheses or drop some; RefusedError where it is not ours to do.

    Ratings of what is removed or dropped stay signed, and count no more.
    """
    gone, dropped = set(remove), set(drop)
    with home.store.write() as tx:
        held, before = _question(tx, matrix_id, now)
        if held.origin != OURS:
            raise RefusedError(
                "This question is a partner's.",
                means="You can rate it; what it asks is for them to change.",
                do="Open one of your own with `tearline ach new`.",
            )
        _see_known(gone, before.claims, "claim")
        _see_known(dropped, [each.id for each in before.live], "hypothesis")
        listed = [
            Hypothesis(each.id, each.text, each.dropped or each.id in dropped)
            for each in before.hypotheses
        ]
        for text in texts:
            listed.append(Hypothesis(matrices.next_id(listed), text))
        claims = [each for each in before.claims if each not in gone]
        after = msgspec.structs.replace(
            before, hypotheses=tuple(listed), claims=tuple(dict.fromkeys([*claims, *add]))
        )
        _put(tx, home, after, held, NOTHING, now)
    return after


def rate(
    home: Home,
    matrix_id: str,
    claim_id: str,
    ratings: Mapping[str, Rating],
    *,
    annotation: Annotation = NOTHING,
    now: int,
) -> Ratings:
    """Sign how well a claim goes with hypotheses, by their ids; what was rated before stays.

    RefusedError where question or claim is not held, InputError for what the question has not.
    """
    with home.store.write() as tx:
        _, matrix = _question(tx, matrix_id, now)
        _see_known({claim_id}, matrix.claims, "claim")
        _see_known(set(ratings), [each.id for each in matrix.live], "hypothesis")
        claim = held_claim(tx, claim_id, now=now)
        before, old = _rated_by_us(tx, home.slug, matrix, claim_id, now)
        merged = {each.hypothesis: each for each in old} | dict(ratings)
        rated = Ratings(
            matrix_ref=matrix.stix_id,
            party=home.slug,
            claim_ref=claim_id,
            claim_hash=claim.version.hash,
            ratings=tuple(merged[each.id] for each in matrix.hypotheses if each.id in merged),
        )
        signature = detached(home, matrices.said(rated, matrix))
        rated = msgspec.structs.replace(rated, signature=signature)
        created_at, modified_at = moments(before, now)
        doc = matrices.note_of(
            rated,
            matrix,
            stix_id=before.stix_id if before else f"note--{clock.fresh_uuid()}",
            created_at=created_at,
            modified_at=modified_at,
        )
        matrices.ratings_of(doc)
        put(tx, [doc], source=home.slug, annotation=annotation, now=now)
    return rated


def questions(home: Home, *, now: int) -> list[tuple[Held, Matrix]]:
    """Every question that is held, ours and those that partners gave, the last first."""
    with home.store.read() as tx:
        part = browse(tx, limit=_PART, now=now)
        found = part.questions
        while part.next is not None:
            part = browse(tx, limit=_PART, before=part.next, now=now)
            found += part.questions
    return found


def browse(tx: Tx, *, limit: int, before: int | None = None, now: int) -> Part:
    """List questions, the last first; what may not be used any more, or is none, is out."""
    seqs = asked.page(tx, limit + 1, before)
    found = []
    for each in numbered(tx, seqs[:limit], now=now):
        try:
            matrix = matrices.matrix_of(each.doc)
        except InputError:
            continue
        if matrix is not None:
            found.append((each, matrix))
    return Part(found, seqs[limit - 1] if len(seqs) > limit else None)


def board(home: Home, matrix_id: str, *, weighted: bool = False, now: int) -> Board:
    """A question as it stands; with `weighted`, each claim weighs as much as it is credible."""
    with home.store.read() as tx:
        held, matrix = _question(tx, matrix_id, now)
        evidence = [_evidence(tx, each, now) for each in matrix.claims]
        sides, problems = _sides(tx, matrix, now)
    weights = (
        {each.claim: analysis.weight_of(each.confidence) for each in evidence} if weighted else None
    )
    ids = [each.id for each in matrix.live]
    analyses = {
        party: analysis.analyse(ids, matrix.claims, side.marks, weights)
        for party, side in sorted(sides.items())
    }
    merged = analysis.merge({party: side.marks for party, side in sides.items()})
    ours = held.origin == OURS
    return Board(matrix, ours, tuple(evidence), sides, analyses, merged, tuple(problems))


def _sides(tx: Tx, matrix: Matrix, now: int) -> tuple[dict[str, Side], list[tuple[str, str]]]:
    """The ratings of each party that count, and why the others do not."""
    sides: dict[str, Side] = {}
    problems: list[tuple[str, str]] = []
    live = {each.id for each in matrix.live}
    hashes: dict[str, set[str]] = {}
    for each in speaking_of(tx, matrix.stix_id, "note", now=now):
        try:
            rated = matrices.ratings_of(each.doc)
            if rated is None:
                continue
            body = matrices.said(rated, matrix)
        except InputError as error:
            problems.append((each.stix_id, str(error)))
            continue
        claim_id = our_name(tx, each.origin, rated.claim_ref)
        seal = seal_of(tx, each.origin, rated.party, body, rated.signature)
        against = _AGAINST.get(seal, "")
        if against or claim_id not in matrix.claims:
            problems.append((each.stix_id, against or "It rates what is no evidence here."))
            continue
        if claim_id not in hashes:
            hashes[claim_id] = known_hashes(tx, claim_id, now=now)
        side = sides.setdefault(rated.party, Side({}, {}, {}, frozenset()))
        for one in rated.ratings:
            if one.hypothesis in live:
                side.marks[claim_id, one.hypothesis] = one.rating
                side.why.update({(claim_id, one.hypothesis): one.why} if one.why else {})
        side.seals[claim_id] = seal
        if rated.claim_hash is not None and rated.claim_hash not in hashes[claim_id]:
            sides[rated.party] = side._replace(stale=side.stale | {claim_id})
    return sides, problems


def _evidence(tx: Tx, claim_id: str, now: int) -> Evidence:
    try:
        found = held_object(tx, claim_id, now=now)
    except RefusedError:
        return Evidence(claim_id, "", None)
    confidence = found.doc.get("confidence")
    return Evidence(claim_id, found.title, confidence if isinstance(confidence, int) else None)


def _question(tx: Tx, matrix_id: str, now: int) -> tuple[Held, Matrix]:
    found = held_object(tx, matrix_id, now=now)
    matrix = matrices.matrix_of(found.doc)
    if matrix is None:
        raise InputError(f"{matrix_id} asks no question.", do="See `tearline ach list`.")
    return found, matrix


def _rated_by_us(
    tx: Tx, party: str, matrix: Matrix, claim_id: str, now: int
) -> tuple[Held | None, tuple[Rating, ...]]:
    """Our ratings of a claim with the note that states them; none where we rated nothing."""
    for each in speaking_of(tx, matrix.stix_id, "note", now=now):
        try:
            rated = matrices.ratings_of(each.doc) if each.origin == OURS else None
        except InputError:
            continue
        if rated is not None and (rated.party, rated.claim_ref) == (party, claim_id):
            return each, rated.ratings
    return None, ()


def _put(
    tx: Tx, home: Home, matrix: Matrix, before: Held | None, annotation: Annotation, now: int
) -> None:
    matrix = msgspec.structs.replace(matrix, subjects=_subjects(tx, matrix.claims, now))
    created_at, modified_at = moments(before, now)
    doc = matrices.grouping_of(matrix, created_at=created_at, modified_at=modified_at)
    if not matrix.claims or not matrix.live:
        raise InputError(
            "A question needs a hypothesis and a claim at least.",
            do="Add another before the last one goes.",
        )
    matrices.matrix_of(doc)
    put(tx, [doc], source=home.slug, annotation=annotation, now=now)


def _subjects(tx: Tx, claims: Iterable[str], now: int) -> tuple[str, ...]:
    """What claims are about; RefusedError where one is not held, InputError where it is none."""
    docs = [held_claim(tx, each, now=now).doc for each in claims]
    refs = (ref for doc in docs for ref in doc.get("object_refs", ()) if isinstance(ref, str))
    return tuple(dict.fromkeys(each for each in refs if not depends(each)))


def _see_known(wanted: set[str], known: Iterable[str], what: str) -> None:
    unknown = sorted(wanted - set(known))
    if unknown:
        raise InputError(
            f"The question has no {what} {unknown[0]}.", do="See it with `tearline ach show`."
        )
