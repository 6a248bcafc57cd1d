"""Views as values, lines and tables, and what options say of one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.afterwards import reconcile, reconcile_lines
from tearline.cli.terminal import Part, Table, joined
from tearline.errors import InputError, MisuseError
from tearline.provenance import perspectives
from tearline.provenance.claims import Likelihood
from tearline.provenance.perspectives import OPINIONS, View
from tearline.release.arrive import annotation_of
from tearline.weighing import views
from tearline.weighing.views import HeldView

_GRADE = 2


class Shown(NamedTuple):
    """A value for scripts, and the parts for people."""

    value: Any
    parts: tuple[Part, ...]


def draft(
    claim: str,
    flags: Iterable[bool],
    wording: str | None,
    grade: str | None,
    reasons: Iterable[str],
    likelihood: tuple[str | None, str],
) -> View:
    """Return the view that the options say; MisuseError unless one opinion was chosen."""
    chosen = [each for each, is_set in zip(OPINIONS, flags, strict=True) if is_set]
    if len(chosen) != 1:
        raise MisuseError(
            "Say one opinion.",
            do="Use --agree, --disagree, --strongly-agree, --strongly-disagree or --neutral.",
        )
    letter, digit = _graded(grade)
    word, scale = likelihood
    said: dict[str, Any] = {
        "claim_ref": claim,
        "opinion": chosen[0],
        "party": "",
        "reasons": list(reasons),
    }
    said |= {"wording": wording, "reliability": letter, "credibility": digit}
    said["likelihood"] = None if word is None else {"scale": scale, "word": word}
    return msgspec.convert(said, View)


def say(home: Home, view: View, mark: str | None) -> Shown:
    """Say a view, and let releases follow; returns it as JSON and as lines."""
    done = views.say(home, view, annotation=annotation_of(mark), now=clock.now())
    followed = reconcile(home)
    line = f"We {_WORDS[done.view.opinion]}: {done.stix_id}."
    return Shown(_value(done) | followed, (line, *reconcile_lines(followed)))


def shown(home: Home, claim: str, side: str | None) -> Shown:
    """Return all views of a claim as JSON, and as a table."""
    found = views.views(home, claim, now=clock.now())
    current = perspectives.current([each.view for each in found.views], side)
    value = {
        "claim": claim,
        "views": [_value(each) for each in found.views],
        "current": next((_value(e) for e in found.views if e.view == current), None),
        "problems": [{"object": each, "problem": why} for each, why in found.problems],
    }
    table = Table(_HEADINGS, [_row(each) for each in found.views])
    lines = [] if found.views else ["Nobody said what they think of it."]
    if side is not None:
        lines.append(
            f"Current, as {side} was picked: {current.opinion}."
            if current
            else f"{side} said nothing of it."
        )
    lines += [f"Warning: {each} is no view. {why}" for each, why in found.problems]
    return Shown(value, (table, *lines))


_HEADINGS = ("party", "opinion", "grade", "likelihood", "wording", "why", "signature")
_WORDS = {
    "strongly-disagree": "strongly disagree",
    "disagree": "disagree",
    "neutral": "take no side",
    "agree": "agree",
    "strongly-agree": "strongly agree",
}
SEALS = {
    "signed": "holds",
    "given": "none; given by the party itself",
    "unsigned": "none",
    "unknown": "of a key that we do not know",
    "broken": "does not hold",
}
"""What a signature is worth, for people."""


def _row(each: HeldView) -> tuple[object, ...]:
    view = each.view
    seal = SEALS[each.seal] + (", on other bytes than these" if each.stale else "")
    return (
        view.party,
        view.opinion,
        _grade(view),
        _likely(view.likelihood),
        view.wording,
        joined(view.reasons),
        seal,
    )


def _value(each: HeldView) -> dict[str, Any]:
    view = each.view
    span = perspectives.range_of(view.likelihood) if view.likelihood else None
    return {
        "view": each.stix_id,
        "claim": view.claim_ref,
        "party": view.party,
        "opinion": view.opinion,
        "grade": _grade(view),
        "wording": view.wording,
        "reasons": list(view.reasons),
        "likelihood": msgspec.to_builtins(view.likelihood),
        "percent": list(span) if span else None,
        "agreement": each.origin or None,
        "signature": each.seal,
        "stale": each.stale,
    }


def _grade(view: View) -> str | None:
    if view.reliability is None and view.credibility is None:
        return None
    return f"{view.reliability or '-'}{view.credibility or '-'}"


def _likely(said: Likelihood | None) -> str | None:
    return None if said is None else f"{said.word} ({said.scale})"


def _graded(grade: str | None) -> tuple[str | None, int | None]:
    """A grade as its two parts; either may be a dash, for one thing is not the other."""
    if grade is None:
        return None, None
    letter, digit = grade[:1].upper(), grade[1:]
    if len(grade) != _GRADE or letter not in "ABCDEF-" or digit not in "123456-":
        raise InputError(
            f"{grade!r} is no grade.", do="Write letter and digit, C3 say; a dash leaves one open."
        )
    return (None if letter == "-" else letter), (None if digit == "-" else int(digit))
