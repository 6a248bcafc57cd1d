"""Questions with competing hypotheses: ask one, and see it as a matrix that both sides fill in."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from tearline.errors import InputError, MisuseError, RefusedError
from tearline.provenance.hypotheses import MARKS, Analysis, Cell
from tearline.provenance.matrices import Rating
from tearline.release.arrive import annotation_of
from tearline.store import parties
from tearline.store.agreements import versions
from tearline.store.asked import number as asked_number
from tearline.store.database import Tx
from tearline.web.page import AbsentError, Asked, Form, Page, number_of
from tearline.web.pages.claims import MOST_ROWS, ROWS, counted
from tearline.web.seen import seen
from tearline.web.signing_in import Role
from tearline.weighing import questions
from tearline.weighing.held import held
from tearline.weighing.questions import Board, Side

_RATING: tuple[Role, ...] = ("analyst", "officer", "admin")
_LONGEST = 500


def _questions(asked: Asked) -> dict[str, Any]:
    before = number_of(asked.query.get("before"))
    limit = min(max(number_of(asked.query.get("rows")) or ROWS, 1), MOST_ROWS)
    with asked.home.store.read() as tx:
        part = questions.browse(tx, limit=limit, before=before, now=asked.now)
        names = parties.names(tx)
        listed = [
            {
                "question": matrix.stix_id,
                "text": matrix.question,
                "hypotheses": len(matrix.live),
                "claims": len(matrix.claims),
                "partner": partner,
                "partner_name": names[partner] if partner else None,
            }
            for each, matrix in part.questions
            for partner in [_partner(tx, each.origin)]
        ]
        claim = _held(tx, asked)
        number = counted(asked_number(tx))
    return {
        "questions": listed,
        "number": number,
        "first": before is None,
        "next": part.next,
        "claim": claim,
        "query": urlencode({"claim": claim["id"]}) if claim else "",
        "may_ask": asked.who.may(*_RATING),
    }


def _held(tx: Tx, asked: Asked) -> dict[str, str] | None:
    """The claim that is to be evidence, as the address says; None where it is not held."""
    stix_id = asked.query.get("claim", "").strip()
    found = held(tx, [stix_id], now=asked.now).get(stix_id)
    return {"id": stix_id, "title": found.title} if found else None


def _question(asked: Asked) -> dict[str, Any]:
    weighted = bool(asked.query.get("weighted"))
    try:
        board = questions.board(asked.home, asked.path["id"], weighted=weighted, now=asked.now)
    except (RefusedError, InputError) as error:
        raise AbsentError("There is no such question.") from error
    named = {each.claim: f"E{place}" for place, each in enumerate(board.evidence, 1)}
    return {
        "question": board.matrix.stix_id,
        "text": board.matrix.question,
        "ours": board.ours,
        "us": asked.home.slug,
        "weighted": weighted,
        "may_rate": asked.who.may(*_RATING),
        "hypotheses": [{"id": each.id, "text": each.text} for each in board.matrix.live],
        "evidence": [_evidence(board, each, named, asked.home.slug) for each in named],
        "sides": [_side(board, party, named) for party in sorted(board.sides)],
        "alike": len(board.merged.agreed),
        "differing": [
            {"place": named[claim], "hypothesis": one, "said": _said(said)}
            for (claim, one), said in board.merged.differing.items()
        ],
        "alone": len(board.merged.alone),
        "problems": [{"id": each, "why": why} for each, why in board.problems],
    }


def _evidence(board: Board, claim: str, named: Mapping[str, str], us: str) -> dict[str, Any]:
    found = next(each for each in board.evidence if each.claim == claim)
    cells = []
    for one in board.matrix.live:
        cell = (claim, one.id)
        said = {p: its.marks[cell] for p, its in sorted(board.sides.items()) if cell in its.marks}
        why = {p: its.why[cell] for p, its in sorted(board.sides.items()) if cell in its.why}
        cells.append(
            {
                "hypothesis": one.id,
                "rated": said.get(us),
                "said": _said(said),
                "why": [{"party": party, "text": text} for party, text in why.items()],
            }
        )
    return {
        "claim": claim,
        "place": named[claim],
        "text": found.text,
        "confidence": found.confidence,
        "cells": cells,
    }


def _side(board: Board, party: str, named: Mapping[str, str]) -> dict[str, Any]:
    side, found = board.sides[party], board.analyses[party]
    return {
        "party": party,
        "standings": [
            {
                "hypothesis": each.hypothesis,
                "against": _number(each.against),
                "unrated": each.unrated,
            }
            for each in found.standings
        ],
        "order": [list(each) for each in found.order],
        "shifts": _shifts(found, named),
        "silent": [named[each] for each in found.silent],
        "doubts": [
            {"place": named[claim], "signature": seal, "stale": claim in side.stale}
            for claim, seal in sorted(side.seals.items())
            if seal != "signed" or claim in side.stale
        ],
    }


def _shifts(found: Analysis, named: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"place": named[each.claim], "order": [list(group) for group in each.order]}
        for each in found.shifts
    ]


def _said(said: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"party": party, "rating": mark} for party, mark in said.items()]


def _number(value: Fraction) -> str:
    """An exact number in digits: weights are hundredths."""
    return f"{value.numerator}" if value.denominator == 1 else f"{float(value):.2f}"


def _partner(tx: Tx, origin: str) -> str | None:
    return next((each.partner for each in versions(tx, origin)), None) if origin else None


def _rate(asked: Asked, given: Mapping[str, str]) -> str:
    """Sign what was chosen otherwise than before; a field is named CLAIM.HYPOTHESIS."""
    matrix_id = asked.path["id"]
    try:
        board = questions.board(asked.home, matrix_id, now=asked.now)
    except (RefusedError, InputError) as error:
        raise AbsentError("There is no such question.") from error
    chosen = _chosen(board, board.sides.get(asked.home.slug), given)
    if not chosen:
        raise MisuseError("Nothing was rated otherwise.", means="Nothing was signed.")
    for claim in board.matrix.claims:
        rated = {one: rating for (of, one), rating in chosen.items() if of == claim}
        if rated:
            questions.rate(
                asked.home,
                matrix_id,
                claim,
                rated,
                annotation=annotation_of(given.get("marking") or None),
                now=asked.now,
            )
    return f"/hypotheses/{matrix_id}"


def _chosen(board: Board, side: Side | None, given: Mapping[str, str]) -> dict[Cell, Rating]:
    """What a form rates otherwise than it was; a reason stands in CLAIM.HYPOTHESIS.why."""
    found = {}
    for cell in ((claim, one.id) for claim in board.matrix.claims for one in board.matrix.live):
        field = ".".join(cell)
        before = side.marks.get(cell, "") if side else ""
        reasoned = _in_line(seen(side.why.get(cell, ""))) if side else ""
        mark = given.get(field, "") or before
        why = _in_line(given.get(f"{field}.why", reasoned if mark == before else ""))
        if (mark, why) == (before, reasoned):
            continue
        if mark not in MARKS:
            raise MisuseError(
                "This is no rating." if mark else "A reason goes with a rating.",
                means="Nothing was signed.",
                do="Choose one of the list.",
            )
        if len(why) > _LONGEST:
            raise MisuseError(f"A reason has {_LONGEST} characters at most.")
        found[cell] = Rating(cell[1], mark, why or None)  # type: ignore[arg-type]  # one of MARKS
    return found


def _ask(asked: Asked, given: Mapping[str, str]) -> str:
    """Open a question, its hypotheses a line each, its claims by their ids."""
    text, texts = given.get("question", "").strip(), _lines(given.get("hypotheses", ""))
    if not text or len(texts) < 2:  # noqa: PLR2004  # one alone competes with nothing
        raise MisuseError(
            "A question has words, and two hypotheses at least.",
            means="Nothing was asked.",
            do="Write each hypothesis on a line of its own.",
        )
    made = questions.ask(
        asked.home,
        text,
        texts,
        given.get("claims", "").split(),
        labels=given.get("labels", "").split(),
        annotation=annotation_of(given.get("marking") or None),
        now=asked.now,
    )
    return f"/hypotheses/{made.stix_id}"


def _change(asked: Asked, given: Mapping[str, str]) -> str:
    """Add claims and hypotheses to a question of ours, or take one out."""
    claims, texts = given.get("claims", "").split(), _lines(given.get("hypotheses", ""))
    without = given.get("without", "").strip()
    if not (claims or texts or without):
        raise MisuseError("Nothing is to change.", means="The question stays as it is.")
    made = questions.change(
        asked.home,
        asked.path["id"],
        add=claims,
        remove=[without] if "--" in without else [],
        texts=texts,
        drop=[without] if without and "--" not in without else [],
        now=asked.now,
    )
    return f"/hypotheses/{made.stix_id}"


def _in_line(text: str) -> str:
    """A text as the field of a form gives it back."""
    return " ".join(text.split())


def _lines(text: str) -> list[str]:
    """The lines that say something, each once."""
    return list(dict.fromkeys(line for each in text.splitlines() if (line := each.strip())))


PAGES = (
    Page("/hypotheses", "hypotheses.html", _questions),
    Page("/hypotheses/{id}", "hypothesis.html", _question),
)
FORMS = (
    Form("/hypotheses", _ask, _RATING),
    Form("/hypotheses/{id}/change", _change, _RATING),
    Form("/hypotheses/{id}/rate", _rate, _RATING),
)
