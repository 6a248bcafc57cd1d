"""Weigh what rests on a change, lower the grades that no longer hold, and take people's judgements.

A grade is *in force* when it stands beside a claim of ours as our annotation, or when a person gave
it. Counting lowers a grade in force by itself, at once and in the transaction of what caused it,
and lists who has the claim with the higher one; it never raises one: that is for a person.
"""

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.errors import MisuseError, RefusedError
from tearline.provenance.grade import better
from tearline.release.arrive import Annotation, put_beside
from tearline.stix.marking import grade_name
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, annotations, claims, claims_upto, private, releases, worth
from tearline.store.claims import ASSERTED, DENIED
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.worth import Fall, Graded, Same, Standing, Tie, Worth
from tearline.weighing import sides
from tearline.weighing.grades import LETTERS, Moved, falling, in_force
from tearline.weighing.indexing import sort_in
from tearline.weighing.sides import Sides

STEP = 2_000
"""How many claims or propositions are weighed by one transaction."""
PART = 10_000
"""How many propositions one transaction weighs, unless more have grades that may fall: a second."""
_ARRIVED = "other claims, or other chains, came in"


class Weighed(NamedTuple):
    """What weighing changed: how many sides of propositions stand otherwise, and what fell."""

    changed: int
    fallen: tuple[Fall, ...]


NOTHING = Weighed(0, ())


# --------------------------------------------------------------------------------------- weighing


def settle(home: Home, *, steps: int | None = None, now: int) -> Weighed:
    """Weigh what became open when claims were sorted in, in so many steps at most."""
    done, total = 0, NOTHING
    while steps is None or done < steps:
        with home.store.write() as tx:
            ids = claims_upto.WORTH_AGAIN.take(tx, STEP)
            if not ids:
                break
            total = _sum(total, _around(tx, ids, why=_ARRIVED, now=now))
        done += 1
    return total


def catch_up(home: Home, *, now: int) -> Weighed:
    """Sort in what arrived, and weigh what became open by that."""
    sort_in(home)
    return settle(home, now=now)


def settle_everything(home: Home, *, now: int) -> Weighed:
    """Weigh every proposition again."""
    after, total = "", NOTHING
    while True:
        with home.store.write() as tx:
            names = worth.names(tx, after, PART)
            if not names:
                return total
            total = _sum(total, reweigh(tx, names, why=_ARRIVED, now=now))
        after = names[-1]


def reweigh(tx: Tx, names: Iterable[str], *, why: str, now: int) -> Weighed:
    """Weigh propositions again inside a transaction of the caller; names of none are forgotten."""
    wanted = sorted(set(names))
    found = sides.read(tx, wanted)
    before = worth.of(tx, wanted)
    rows = found.worth()
    changed = [each for each in rows if before.get((each.proposition, each.polarity)) != each]
    gone = len(before.keys() - found.found.keys())
    if changed or gone:
        moved = {each.proposition for each in changed} | {
            name for name, polarity in before.keys() - found.found.keys()
        }
        worth.put(tx, sorted(moved), [each for each in rows if each.proposition in moved])
    stood = _stood(before, found)
    return Weighed(len(changed) + gone, tuple(_lower(tx, found, changed, stood, why, now)))


def _stood(before: Mapping[tuple[str, str], Worth], found: Sides) -> dict[tuple[str, str], Worth]:
    """What each side was worth, also where its proposition was called after another claim of it.

    A proposition has the name of one of its claims, and a newcomer may give it another. Of several
    that became one, the best counts: none of their grades may stay by that.
    """
    sides_of = found.found.keys()
    if all((name, ASSERTED) in sides_of or (name, DENIED) in sides_of for name, _ in before):
        return dict(before)
    now_in = {each.stix_id: key[0] for key, side in found.found.items() for each in side.claims}
    stood = dict(before)
    for (name, polarity), was in before.items():
        key = now_in.get(name, name), polarity
        if key not in stood or better(was.credibility, stood[key].credibility):
            stood[key] = was
    return stood


def _around(tx: Tx, ids: Iterable[str], *, why: str, now: int) -> Weighed:
    """Weigh the propositions of claims again; an id may be that of a proposition, too."""
    touched = set(ids)
    names = touched | set(claims.propositions(tx, touched).values())
    return reweigh(tx, names, why=why, now=now)


def _sum(first: Weighed, second: Weighed) -> Weighed:
    return Weighed(first.changed + second.changed, first.fallen + second.fallen)


# ----------------------------------------------------------------------------------- what falls


def _lower(  # what was read, what changed and why
    tx: Tx,
    found: Sides,
    changed: Iterable[Worth],
    before: Mapping[tuple[str, str], Worth],
    why: str,
    now: int,
) -> list[Fall]:
    """Lower the grades in force that say more than what is proposed now; return them."""
    rows = [(row, before.get((row.proposition, row.polarity))) for row in changed]
    if not worth.any_graded(tx):
        rows = [(row, was) for row, was in rows if was and better(was.credibility, row.credibility)]
    moved = {
        each.stix_id: Moved(each.origin, was.credibility if was else None, row.credibility)
        for row, was in rows
        for each in found.found[row.proposition, row.polarity].claims
    }
    fall = falling(tx, moved)
    if not fall:
        return []
    stand = _letters(tx, found, fall)
    lowered = {
        # The letter stays as it was, but for that of the origin where it is worse.
        each: (letter * 10 + digit, max(letter, stand[each] or letter) * 10 + allowed)
        for each, (letter, digit, allowed) in fall.items()
    }
    ours = {each for each in lowered if moved[each].origin == OURS}
    return _put_lower(tx, lowered, ours, why, now)


def _letters(tx: Tx, found: Sides, ids: Container[str]) -> dict[str, int | None]:
    """Our letter for the origin of each of these claims, as of `letter_of`."""
    ends = {
        each.stix_id: found.identities[path[-1]]
        for side in found.found.values()
        for each, (path, _) in zip(side.claims, side.chains, strict=True)
        if each.stix_id in ids
    }
    letters = {each: letter_of(tx, each) for each in sorted(set(ends.values()))}
    return {each: letters[end] for each, end in ends.items()}


def letter_of(tx: Tx, identity: str) -> int | None:
    """Our letter for a source as a number, A = 1; E for who is discredited; None for no judgement.

    The worst of all that are judged to be the same.
    """
    found = worth.standings(tx, worth.everybody(tx, identity)).values()
    letters = [worth.UNRELIABLE if each.discredited else each.reliability for each in found]
    return max((LETTERS.index(each) + 1 for each in letters if each), default=None)


def _put_lower(
    tx: Tx, lowered: Mapping[str, tuple[int, int]], ours: set[str], why: str, now: int
) -> list[Fall]:
    by_grade: dict[int, list[str]] = {}
    for each, (_, code) in lowered.items():
        by_grade.setdefault(code, []).append(each)
    for code, ids in by_grade.items():
        put_beside(tx, [each for each in ids if each in ours], Annotation(grade=code), now=now)
    worth.drop_graded(tx, lowered)
    receivers = receivers_of(tx, lowered)
    rows = [
        Fall(0, each, *receiver, grade_name(was), grade_name(code), now, why)
        for each, (was, code) in lowered.items()
        for receiver in receivers.get(each, [("", "")])
    ]
    return worth.add_falls(tx, rows)


def receivers_of(tx: Tx, ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Under which agreements who holds each claim: (agreement, partner)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for agreement_id, standing in sorted(releases.standing_among(tx, ids).items()):
        held = [each for each, its in standing.items() if its.position > 0]
        if held:
            partner = agreements.versions(tx, agreement_id)[-1].partner
            for each in held:
                found.setdefault(each, []).append((agreement_id, partner))
    return found


# ----------------------------------------------------------------------------------- judgements


def give(
    home: Home, stix_id: str, digit: int | None, why: str, person: str, *, now: int
) -> list[str]:
    """Put a grade in force for a claim and all that say alike; returns the claims.

    None takes what is proposed. Whatever is better than that, 1 above all, is a person's own
    judgement and needs the reason why: MisuseError without. The letter is that of the origin, or F.
    """
    with home.store.write() as tx:
        proposition, polarity = place_of(tx, stix_id)
        found = sides.read(tx, [proposition])
        proposed = found.proposal(proposition, polarity).credibility
        chosen = proposed if digit is None else digit
        if better(chosen, proposed) and not why.strip():
            raise MisuseError(
                f"{chosen} is better than {proposed}, which is proposed, and needs a reason.",
                do="Say with --why what you know that the count does not.",
            )
        side = found.found[proposition, polarity]
        ids = [each.stix_id for each in side.claims]
        said = annotations.annotations(tx, ids)
        rows = [Graded(each, polarity, chosen, proposed, person, now, why) for each in ids]
        worth.put_graded(tx, rows)
        for each, (path, _) in zip(side.claims, side.chains, strict=True):
            if each.origin == OURS:
                letter, _ = in_force(said.get(each.stix_id), None)
                code = (letter_of(tx, found.identities[path[-1]]) or letter) * 10 + chosen
                put_beside(tx, [each.stix_id], Annotation(grade=code), now=now)
        _record(tx, {"kind": "claim-grade", "claim": stix_id, "digit": str(chosen)}, why, now)
    return ids


def discredit(
    home: Home, identity: str, discredited: str | None, person: str, *, now: int
) -> Weighed:
    """Say that a source is not to be believed, or with None that it is again.

    Everything that rests on it is weighed anew; what that lowers is lowered in this act.
    """
    with home.store.write() as tx:
        was = worth.standings(tx, [identity]).get(identity)
        letter = was.reliability if was else None
        return _stand(tx, Standing(identity, letter, discredited, person, now))


def rely(home: Home, identity: str, letter: str | None, person: str, *, now: int) -> Weighed:
    """Give a source its letter, A to F, or take it back with None; MisuseError for another.

    With E it corroborates nothing, and everything that rests on it is weighed anew.
    """
    if letter is not None and letter not in LETTERS:
        raise MisuseError(f"{letter} is no reliability.", do="Write A, B, C, D, E or F.")
    with home.store.write() as tx:
        was = worth.standings(tx, [identity]).get(identity)
        discredited = was.discredited if was else None
        return _stand(tx, Standing(identity, letter, discredited, person, now))


def _stand(tx: Tx, new: Standing) -> Weighed:
    worth.put_standing(tx, new)
    said = f"discredited ({new.discredited})" if new.discredited else new.reliability or "restored"
    why = f"{new.identity} is {said}"
    _record(tx, {"kind": "standing", "identity": new.identity, "said": said}, "", new.at)
    return _resting_on(tx, [new.identity], why, new.at)


def same(home: Home, identity: str, other: str, why: str, person: str, *, now: int) -> Weighed:
    """Judge that two identities are one source; everything that rests on either is weighed anew.

    MisuseError for an identity and itself, or without a reason.
    """
    _see_reason(why)
    if identity == other:
        raise MisuseError("An identity is the same as itself.", do="Name two identities.")
    with home.store.write() as tx:
        worth.put_same(tx, Same(identity, other, person, now, why))
        _record(tx, {"kind": "same", "identity": identity, "as": other}, why, now)
        return _resting_on(tx, [identity], f"{identity} is the same source as {other}", now)


def apart(home: Home, identity: str, why: str, *, now: int) -> Weighed:
    """Take back that an identity is one source with others; RefusedError where it stands alone."""
    with home.store.write() as tx:
        others = worth.everybody(tx, identity)
        if not worth.drop_same(tx, identity):
            raise RefusedError(
                f"{identity} is judged to be the same as nobody.",
                means="Nothing was changed.",
                do="See `tearline claim same` for what was judged.",
            )
        _record(tx, {"kind": "same-ended", "identity": identity}, why, now)
        return _resting_on(tx, others, f"{identity} is a source of its own", now)


def tie(home: Home, new: Tie, *, now: int) -> Weighed:
    """Confirm or refuse that one report rests on another, and weigh what rests on either.

    MisuseError for what is not two reports, or without a reason.
    """
    _see_reason(new.why)
    reports = {each for each in (new.from_id, new.to_id) if each.startswith("report--")}
    if len(reports) < len(("from", "to")):
        raise MisuseError("A tie is between two reports.", do="Name two different reports.")
    with home.store.write() as tx:
        worth.put_tie(tx, new)
        said = {"kind": "tie", "from": new.from_id, "to": new.to_id, "state": new.state}
        _record(tx, said, new.why, now)
        rows = claims.of_reports(tx, [new.from_id, new.to_id])
        why = f"that {new.from_id} rests on {new.to_id} is {new.state}"
        return _around(tx, [each.stix_id for each in rows], why=why, now=now)


def place_of(tx: Tx, stix_id: str) -> tuple[str, str]:
    """Return the proposition and the polarity of a claim; RefusedError where there is none."""
    rows = [each for each in claims.by_id(tx, [stix_id]).get(stix_id, []) if each.problem is None]
    name = claims.propositions(tx, [stix_id]).get(stix_id)
    if not rows or name is None:
        raise RefusedError(
            f"We hold no claim {stix_id}.",
            means="Nothing was changed.",
            do="See `tearline claim list` for the claims that are held.",
        )
    return name, rows[0].polarity


def _resting_on(tx: Tx, identities: Iterable[str], why: str, now: int) -> Weighed:
    """Weigh again what rests on these identities, and on whoever is the same.

    Where that is very much, what has no grade that could fall is noted for `settle` instead.
    """
    everybody = {each for identity in identities for each in worth.everybody(tx, identity)}
    names = worth.resting_on(tx, sorted(everybody))
    if len(names) > PART:
        graded = set(worth.graded_in(tx, names))
        claims_upto.WORTH_AGAIN.note(tx, [each for each in names if each not in graded])
        names = sorted(graded)
    return reweigh(tx, names, why=why, now=now)


def _see_reason(why: str) -> None:
    if not why.strip():
        raise MisuseError("A judgement needs its reason.", do="Say with --why how you know it.")


def _record(tx: Tx, said: dict[str, str], why: str, now: int) -> None:
    line = {**said, "why": why, "at": format_timestamp(now, digits=6)}
    private.add(tx, said["kind"], [orjson.dumps(line).decode()])
