"""What claims are worth, as values and lines; the acts of these verbs with what follows them."""

from collections.abc import Iterable, Mapping
from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli import afterwards
from tearline.cli.terminal import Part, Table, count, joined, stamp
from tearline.errors import MisuseError
from tearline.provenance.grade import WORDS
from tearline.release import listing
from tearline.store import worth
from tearline.store.claims import CONFIRMED, REFUSED
from tearline.store.worth import Fall, Graded, Tie
from tearline.weighing import copies as comparing
from tearline.weighing import explained
from tearline.weighing import worth as weighing
from tearline.weighing.explained import Source
from tearline.weighing.sources import source_of
from tearline.weighing.worth import Weighed

_MANY = 20


def _ready(home: Home) -> Weighed:
    """Weigh everything that came in since, before anybody reads or judges."""
    return weighing.catch_up(home, now=clock.now())


def _id(home: Home, source: str) -> str:
    listing.sort_in(home)
    with home.store.read() as tx:
        return source_of(tx, source)


def worth_of(home: Home, claim: str) -> dict[str, Any]:
    """Return what a claim is worth."""
    _ready(home)
    found = explained.explain(home, claim, now=clock.now())
    return {
        **found._asdict(),
        "flags": list(found.flags),
        "origins": [_source(each) for each in found.origins],
        "denied_by": [_source(each) for each in found.denied_by],
        "claims": [each._asdict() | {"chain": list(each.chain)} for each in found.claims],
        "given": _given(found.given) if found.given else None,
    }


def worth_lines(found: Mapping[str, Any]) -> list[Part]:
    """Say it to people."""
    digit = found["credibility"]
    lines: list[Part] = [found["reason"], f"Proposed: {digit}, {WORDS[digit]}."]
    if found["flags"]:
        lines.append(f"Notice: {joined(found['flags'])}.")
    if given := found["given"]:
        why = f": {given['why']}" if given["why"] else "."
        lines.append(f"In force: {given['credibility']}, by {given['person']}{why}")
    rows = [
        (each["stix_id"], each["certainty"], " < ".join(each["chain"]), each["grade"] or None)
        for each in found["claims"]
    ]
    return [*lines, Table(("claim", "wording", "said by", "grade"), rows)]


def grade(home: Home, claim: str, digit: int | None, why: str, person: str) -> dict[str, Any]:
    """Put a grade in force, and let releases follow."""
    before = _ready(home)
    ids = weighing.give(home, claim, digit, why, person, now=clock.now())
    with home.store.read() as tx:
        given = worth.graded(tx, ids)[claim]
    followed = afterwards.reconcile(home)
    return {"claims": ids, "fallen": _falls(before.fallen), **_given(given), **followed}


def grade_lines(done: Mapping[str, Any]) -> list[Part]:
    """Say which grade is in force."""
    digit = done["credibility"]
    line = f"{digit}, {WORDS[digit]}, is in force for {count(len(done['claims']), 'claim')}."
    return [line, *_fall_lines(done["fallen"]), *afterwards.reconcile_lines(done)]


def other_source(other: str | None, *, end: bool) -> str | None:
    """Return the second source of a judgement, None to end it; MisuseError for both or neither."""
    if end == (other is not None):
        raise MisuseError("Name two sources, or one and --end.", do="See --help.")
    return other


def same(home: Home, source: str, other: str | None, why: str, person: str) -> dict[str, Any]:
    """Make two sources one, or the first one of its own."""
    before, now = _ready(home), clock.now()
    first = _id(home, source)
    if other is None:
        done = weighing.apart(home, first, why, now=now)
    else:
        done = weighing.same(home, first, _id(home, other), why, person, now=now)
    return _weighed(home, before, done)


def tie(
    home: Home, report: str, other: str, why: str, person: str, *, refused: bool
) -> dict[str, Any]:
    """Confirm or refuse that one report rests on another."""
    before, now = _ready(home), clock.now()
    with home.store.read() as tx:
        known = worth.tie(tx, report, other)
    state = REFUSED if refused else CONFIRMED
    new = Tie(report, other, known.kind if known else "derived-from", state, person, now, why)
    return _weighed(home, before, weighing.tie(home, new, now=now))


def discredit(
    home: Home, source: str, why: str | None, person: str, *, restore: bool
) -> dict[str, Any]:
    """Discredit a source, or believe it again; MisuseError for neither and both."""
    if restore == bool(why and why.strip()):
        raise MisuseError("Say why, or --restore; not both.", do="See --help.")
    before, identity = _ready(home), _id(home, source)
    done = weighing.discredit(home, identity, why, person, now=clock.now())
    return _weighed(home, before, done)


def rely(home: Home, source: str, letter: str, person: str) -> dict[str, Any]:
    """Give a source its letter."""
    before, identity = _ready(home), _id(home, source)
    return _weighed(home, before, weighing.rely(home, identity, letter, person, now=clock.now()))


def copies(home: Home) -> dict[str, Any]:
    """Look for copies, and return every tie between reports."""
    _ready(home)
    new = comparing.propose(home, now=clock.now())
    with home.store.read() as tx:
        found = worth.ties(tx)
    return {"new": new, "ties": [each._asdict() | {"at": stamp(each.at)} for each in found]}


def copies_parts(found: Mapping[str, Any]) -> list[Part]:
    """Show the ties."""
    rows = [
        (each["state"], each["from_id"], each["to_id"], each["why"], each["person"] or None)
        for each in found["ties"]
    ]
    line = f"{count(found['new'], 'tie')} proposed."
    return [line, Table(("state", "report", "rests on", "why", "by"), rows)]


def fallen(home: Home) -> list[dict[str, Any]]:
    """Return the grades that fell."""
    _ready(home)
    with home.store.read() as tx:
        return _falls(worth.falls(tx))


def fallen_parts(found: list[dict[str, Any]]) -> list[Part]:
    """Show them."""
    if not found:
        return ["No grade fell."]
    return [f"{count(len(found), 'line')} of grades that fell.", _table(found)]


def weighed_lines(done: Mapping[str, Any]) -> list[Part]:
    """Say what weighing changed."""
    line = f"{count(done['changed'], 'proposition or denial', 'propositions or denials')} weighed"
    rest = [*_fall_lines(done["fallen"]), *afterwards.reconcile_lines(done)]
    return [f"{line} otherwise now.", *rest]


def _weighed(home: Home, before: Weighed, done: Weighed) -> dict[str, Any]:
    rest = weighing.settle(home, now=clock.now())
    falls = _falls(before.fallen + done.fallen + rest.fallen)
    return {"changed": done.changed + rest.changed, "fallen": falls, **afterwards.reconcile(home)}


def _fall_lines(falls: list[dict[str, Any]]) -> list[Part]:
    if not falls:
        return []
    had = sorted({each["partner"] for each in falls if each["partner"]})
    told = f"Received with the higher grade by {joined(had)}." if had else "Nobody had received it."
    number = len({each["stix_id"] for each in falls})
    return [f"The grade of {count(number, 'claim')} fell.", told, _table(falls[:_MANY])]


def _table(falls: list[dict[str, Any]]) -> Table:
    rows = [
        (each["at"][:19], each["stix_id"], each["was"], each["now"], each["partner"] or None)
        for each in falls
    ]
    return Table(("at", "claim", "was", "is", "received by"), rows)


def _falls(falls: Iterable[Fall]) -> list[dict[str, Any]]:
    return [each._asdict() | {"at": stamp(each.at)} for each in falls]


def _given(given: Graded) -> dict[str, Any]:
    return {**given._asdict(), "at": stamp(given.at)}


def _source(source: Source) -> dict[str, Any]:
    return source._asdict() | {"same_as": list(source.same_as)}
