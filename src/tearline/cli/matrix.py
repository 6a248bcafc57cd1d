"""Questions and their ratings as values, lines and tables, and what options say of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.afterwards import reconcile, reconcile_lines
from tearline.cli.terminal import Part, Table, count, joined
from tearline.cli.view_parts import SEALS, Shown
from tearline.errors import MisuseError
from tearline.provenance.hypotheses import MARKS, Analysis, Cell
from tearline.provenance.matrices import Matrix, Rating
from tearline.release.arrive import annotation_of
from tearline.weighing import questions
from tearline.weighing.questions import Board

_LONGEST = 60


def ask(
    home: Home,
    question: str,
    hypotheses: Sequence[str],
    claims: Sequence[str],
    labels: Sequence[str],
    mark: str | None,
) -> Shown:
    """Open a question, and let releases follow."""
    made = questions.ask(
        home,
        question,
        hypotheses,
        claims,
        labels=labels,
        annotation=annotation_of(mark),
        now=clock.now(),
    )
    return _done(home, matrix_value(made), f"{made.stix_id} asks: {made.question}")


def change(
    home: Home,
    matrix_id: str,
    claims: Sequence[str],
    hypotheses: Sequence[str],
    without: Sequence[str],
) -> Shown:
    """Change a question of ours, and let releases follow."""
    if not (claims or hypotheses or without):
        raise MisuseError("Nothing is to change.", do="Use --claim, --hypothesis or --without.")
    made = questions.change(
        home,
        matrix_id,
        add=claims,
        remove=[each for each in without if "--" in each],
        texts=hypotheses,
        drop=[each for each in without if "--" not in each],
        now=clock.now(),
    )
    sizes = f"{_hypotheses(len(made.live))}, {count(len(made.claims), 'claim')}"
    return _done(home, matrix_value(made), f"{made.stix_id} has now: {sizes}.")


def rate(
    home: Home,
    matrix_id: str,
    claim_id: str,
    ratings: Sequence[str],
    why: Sequence[str],
    mark: str | None,
) -> Shown:
    """Rate a claim, and let releases follow; MisuseError for what is no rating."""
    reasons = dict(_pairs(why, "--why"))
    given = {}
    for hypothesis, rating in _pairs(ratings, "A rating"):
        if rating not in MARKS:
            raise MisuseError(f"{rating!r} is no rating.", do=f"Use one of {joined(MARKS)}.")
        said = {"hypothesis": hypothesis, "rating": rating, "why": reasons.pop(hypothesis, None)}
        given[hypothesis] = msgspec.convert(said, Rating)
    if reasons:
        raise MisuseError(f"{min(reasons)} has a reason and no rating.", do="Rate it, too.")
    made = questions.rate(
        home, matrix_id, claim_id, given, annotation=annotation_of(mark), now=clock.now()
    )
    value = {"question": matrix_id, "claim": claim_id, "party": made.party}
    value["ratings"] = msgspec.to_builtins(made.ratings)
    line = f"Rated {count(len(given), 'hypothesis', 'hypotheses')} and signed it."
    return _done(home, value, line)


def listed(home: Home) -> Shown:
    """Return all questions."""
    found = questions.questions(home, now=clock.now())
    value = [matrix_value(matrix) | {"agreement": each.origin or None} for each, matrix in found]
    rows = [
        (
            m.question,
            _hypotheses(len(m.live)),
            count(len(m.claims), "claim"),
            _from(e.origin),
            m.stix_id,
        )
        for e, m in found
    ]
    table = Table(("question", "hypotheses", "evidence", "from", "id"), rows)
    lines = [] if found else ["No question yet: `tearline ach new`."]
    return Shown(value, (table, *lines))


def shown(home: Home, matrix_id: str, *, weighted: bool) -> Shown:
    """Return a question as it stands, as JSON and as tables."""
    board = questions.board(home, matrix_id, weighted=weighted, now=clock.now())
    return Shown(_board_value(board, weighted=weighted), tuple(_parts(board)))


def matrix_value(matrix: Matrix) -> dict[str, Any]:
    """Return a question as JSON."""
    return {
        "question": matrix.stix_id,
        "text": matrix.question,
        "hypotheses": {each.id: each.text for each in matrix.live},
        "dropped": {each.id: each.text for each in matrix.hypotheses if each.dropped},
        "claims": list(matrix.claims),
    }


def _done(home: Home, value: Mapping[str, Any], line: str) -> Shown:
    followed = reconcile(home)
    return Shown({**value, **followed}, (line, *reconcile_lines(followed)))


def _pairs(given: Iterable[str], what: str) -> Iterator[tuple[str, str]]:
    for each in given:
        hypothesis, equals, rest = each.partition("=")
        if not equals or not rest:
            raise MisuseError(f"{what} is H1=…, and {each!r} is not.", do="Name the hypothesis.")
        yield hypothesis.strip().upper(), rest.strip()


def _board_value(board: Board, *, weighted: bool) -> dict[str, Any]:
    merged = board.merged
    return matrix_value(board.matrix) | {
        "ours": board.ours,
        "weighted": weighted,
        "evidence": [each._asdict() for each in board.evidence],
        "sides": {
            party: {
                "ratings": _cells(side.marks),
                "why": _cells(side.why),
                "signatures": dict(side.seals),
                "stale": sorted(side.stale),
                **_analysis_value(board.analyses[party]),
            }
            for party, side in sorted(board.sides.items())
        },
        "merged": {
            "agreed": _cells(merged.agreed),
            "differing": _cells(merged.differing),
            "alone": _cells(merged.alone),
        },
        "problems": [{"object": each, "problem": why} for each, why in board.problems],
    }


def _analysis_value(found: Analysis) -> dict[str, Any]:
    return {
        "against": {each.hypothesis: number(each.against) for each in found.standings},
        "unrated": {each.hypothesis: each.unrated for each in found.standings},
        "order": [list(each) for each in found.order],
        "shifts": [
            {"without": each.claim, "order": [list(group) for group in each.order]}
            for each in found.shifts
        ],
        "silent": list(found.silent),
    }


def _cells(cells: Mapping[Cell, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for (claim, hypothesis), said in sorted(cells.items()):
        found.setdefault(claim, {})[hypothesis] = said
    return found


def number(value: Fraction) -> str:
    """Return an exact number in digits: weights are hundredths, so two places say it all."""
    return f"{value.numerator}" if value.denominator == 1 else f"{float(value):.2f}"


def _parts(board: Board) -> Iterator[Part]:
    matrix = board.matrix
    yield matrix.question
    yield Table(("", "hypothesis"), [(each.id, each.text) for each in matrix.live])
    named = {each.claim: f"E{place}" for place, each in enumerate(board.evidence, 1)}
    yield Table(
        ("", "evidence", "claim"),
        [(named[e.claim], _short(e.text), e.claim) for e in board.evidence],
    )
    ids = [each.id for each in matrix.live]
    rows = [
        (named[each], party, *(side.marks.get((each, one)) for one in ids))
        for each in matrix.claims
        for party, side in sorted(board.sides.items())
    ]
    yield Table(("", "party", *ids), rows)
    for party, found in board.analyses.items():
        yield from _side(party, found, named)
    yield from _differences(board, named)
    for party, side in sorted(board.sides.items()):
        for claim, seal in sorted(side.seals.items()):
            if seal != "signed" or claim in side.stale:
                stale = ", on other bytes than these" if claim in side.stale else ""
                yield f"Warning: {party} on {named[claim]}: signature {SEALS[seal]}{stale}."
    for each, why in board.problems:
        yield f"Warning: {each} does not count. {why}"


def _side(party: str, found: Analysis, named: Mapping[str, str]) -> Iterator[str]:
    against = {each.hypothesis: number(each.against) for each in found.standings}
    order = ", then ".join(
        " = ".join(f"{each} ({against[each]} against)" for each in group) for group in found.order
    )
    yield f"{party}: least against {order}."
    open_ = [f"{each.unrated} for {each.hypothesis}" for each in found.standings if each.unrated]
    if open_:
        yield f"{party}: not rated yet: {joined(open_)}."
    for each in found.shifts:
        order = ", ".join(" = ".join(group) for group in each.order)
        yield f"{party}: without {named[each.claim]} the order would be {order}."
    if found.silent:
        silent = joined(named[each] for each in found.silent)
        yield f"{party}: {silent} tells no hypothesis from another."


def _differences(board: Board, named: Mapping[str, str]) -> Iterator[str]:
    if len(board.sides) < 2:  # noqa: PLR2004  # one side alone differs from nobody
        return
    merged = board.merged
    yield (
        f"Rated alike: {len(merged.agreed)}. Differently: {len(merged.differing)}. "
        f"By one side only: {len(merged.alone)}."
    )
    for (claim, hypothesis), said in merged.differing.items():
        sides = ", ".join(f"{party} says {mark}" for party, mark in said.items())
        yield f"{named[claim]} and {hypothesis}: {sides}."


def _hypotheses(number_: int) -> str:
    return count(number_, "hypothesis", "hypotheses")


def _from(origin: str) -> str:
    return origin or "us"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
