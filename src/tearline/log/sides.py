"""Two logs of one agreement, one from each side, checked against each other; stands alone.

Each act under an agreement leaves a record in both logs. What one side says and the other does not
is either *open*, because the other may not know of it yet, or a *problem*: then the two histories
cannot both be true, or one of the folders is older than what its owner has shown before.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tearline.errors import ProofError
from tearline.log import entries
from tearline.log.entries import (
    Acceptance,
    Answer,
    Certificate,
    Certified,
    Confirmed,
    Delivery,
    Entry,
    Expiry,
    Place,
    Question,
    RecallReceipt,
    Release,
    Statement,
    Withdrawal,
    delivery_hash,
    expand,
)

FINDING_LIMIT = 1_000


class Finding(NamedTuple):
    """Something that does not fit, or waits for the other side: where, what, and what it means."""

    log: str
    leaf: int
    item: int
    what: str
    means: str


@dataclass(slots=True)
class Side:
    """One side's log of an agreement, read: what it says of the acts of both."""

    party: str
    origin: str
    size: int
    statements: dict[str, tuple[Place, Statement]] = field(default_factory=dict)
    releases: dict[int, tuple[Place, Release]] = field(default_factory=dict)
    withdrawals: dict[int, tuple[Place, Withdrawal]] = field(default_factory=dict)
    deliveries: list[tuple[Place, Delivery]] = field(default_factory=list)
    acceptances: list[tuple[Place, Acceptance]] = field(default_factory=list)
    confirmed: list[tuple[Place, Confirmed]] = field(default_factory=list)
    answered: dict[int, tuple[Place, RecallReceipt | Expiry]] = field(default_factory=dict)
    certificates: list[tuple[Place, Certificate]] = field(default_factory=list)
    certified: list[tuple[Place, Certified]] = field(default_factory=list)
    questions: dict[str, tuple[Place, Question]] = field(default_factory=dict)
    answers: dict[str, tuple[Place, Answer]] = field(default_factory=dict)

    def __contains__(self, statement: str) -> bool:
        """Whether a statement stands in it, by its hash."""
        return statement in self.statements


@dataclass(slots=True)
class Compared:
    """What two logs agree on, by kind, what is open, and what does not fit."""

    matched: Counter[str] = field(default_factory=Counter)
    open: list[Finding] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)

    def blame(self, place: Place, what: str, means: str) -> None:
        """Note what does not fit; at most FINDING_LIMIT."""
        if len(self.problems) < FINDING_LIMIT:
            self.problems.append(Finding(*place, what, means))

    def leave(self, place: Place, what: str, means: str) -> None:
        """Note what waits for the other side; at most FINDING_LIMIT."""
        if len(self.open) < FINDING_LIMIT:
            self.open.append(Finding(*place, what, means))


# ----------------------------------------------------------------------------------------- reading


def read_side(directory: Path, origin: str, size: int, found: Compared) -> Side:
    """Read the records of a folder that `verify_folder` found good; what is misformed is blamed."""
    side = Side(origin.partition("/")[0], origin, size)
    last = 0
    for opening in entries.read_openings(directory, size):
        place = Place(origin, opening.leaf, opening.item)
        try:
            entry = entries.read_entry(opening.record)
        except ProofError as error:
            found.blame(place, error.what, "It was not written by Tearline, or was altered.")
            continue
        if isinstance(entry, Release | Withdrawal):
            if entry.position != last + 1:
                found.blame(
                    place,
                    f"Position {entry.position} comes after {last}.",
                    f"{side.party} numbers what it gives without a gap: something was left out of "
                    "its log, or put in.",
                )
            last = entry.position
        if entry is not None:
            _add(side, place, entry)
    return side


def _add(side: Side, place: Place, entry: Entry) -> None:  # noqa: C901  # a kind a case
    match entry:
        case Release():
            side.releases[entry.position] = place, entry
        case Withdrawal():
            side.withdrawals[entry.position] = place, entry
        case Statement():
            side.statements.setdefault(entry.hash, (place, entry))
        case Delivery():
            side.deliveries.append((place, entry))
        case Acceptance():
            side.acceptances.append((place, entry))
        case Confirmed():
            side.confirmed.append((place, entry))
        case RecallReceipt() | Expiry():
            side.answered.setdefault(entry.release, (place, entry))
        case Certificate():
            side.certificates.append((place, entry))
        case Certified():
            side.certified.append((place, entry))
        case Question():
            side.questions.setdefault(entry.item, (place, entry))
        case Answer():
            side.answers[entry.item] = place, entry


# --------------------------------------------------------------------------------------- comparing


def compare(one: Side, two: Side, found: Compared) -> None:
    """Check two sides of one agreement against each other, both ways."""
    _two_faces(one, two, found)
    for side, other in ((one, two), (two, one)):
        _statements(side, other, found)
        _withdrawals(side, found)
        _deliveries(side, other, found)
        _recalls(side, other, found)
        _certificates(side, other, found)
    _onward(one, two, found)


def _older(side: Side) -> str:
    return (
        f"{side.party} left it out of its log, or this copy of its log is older than what it has "
        "shown: ask for a newer one. If it has none, it set its log back."
    )


def _statements(side: Side, other: Side, found: Compared) -> None:
    """See that each statement in one log is in the other, and that each chain is whole."""
    known = {each.previous for _, each in other.statements.values() if each.signer == side.party}
    before: str | None = None
    for name, (place, each) in side.statements.items():
        if each.signer == side.party:
            if each.previous != before:
                found.blame(
                    place,
                    f"The statement {each.step!r} does not follow on the one before it.",
                    f"A statement of {side.party} is missing from its own log, or its order was "
                    "changed.",
                )
            before = name
        if name in other.statements:
            found.matched["statements"] += each.signer == side.party
        elif each.signer == other.party:
            found.blame(
                place,
                f"{other.party} signed the statement {each.step!r}, and its log does not have it.",
                _older(other),
            )
        elif name in known:
            found.blame(
                place,
                f"{other.party} does not have the statement {each.step!r}, but has a later one.",
                f"{other.party} left it out of its log.",
            )
        else:
            found.leave(
                place,
                f"{other.party} does not have the statement {each.step!r} yet.",
                f"It reaches {other.party} with the next exchange.",
            )


def _two_faces(one: Side, two: Side, found: Compared) -> None:
    """Find two statements of one signer that follow on the same one."""
    first: dict[tuple[str, str | None], str] = {}
    for name, (place, each) in {**one.statements, **two.statements}.items():
        same = first.setdefault((each.signer, each.previous), name)
        if same != name:
            found.blame(
                place,
                f"{each.signer} signed two statements after the same one: {same} and {name}.",
                f"{each.signer} showed two faces; the two signatures prove it.",
            )


def _withdrawals(side: Side, found: Compared) -> None:
    """See that each withdrawal ends a release of its object."""
    for place, each in side.withdrawals.values():
        ended = side.releases.get(each.release)
        if ended is None or ended[1].object != each.object:
            found.blame(
                place,
                f"It ends release {each.release} of {each.object}, and there is no such release.",
                f"A release was left out of the log of {side.party}, or altered.",
            )


def _deliveries(giver: Side, receiver: Side, found: Compared) -> None:
    """See that what was received is what was released, and that both say so."""
    told = Counter((each.positions, each.hash) for _, each in giver.deliveries)
    late = True
    received: set[int] = set()
    for place, each in reversed(receiver.acceptances):
        positions = _positions(each.positions, place, found)
        received.update(positions)
        if not _covers(giver, receiver, place, each, positions, found):
            late = False
            continue
        if told[each.positions, each.hash]:
            told[each.positions, each.hash] -= 1
            found.matched["deliveries"] += 1
            late = False
        elif late:
            found.leave(
                place,
                f"{giver.party} has not logged this delivery yet.",
                "The acknowledgement reaches it with the next exchange.",
            )
        else:
            found.blame(
                place,
                f"The log of {giver.party} does not have this delivery, but has a later one.",
                _older(giver),
            )
    accepted = {(each.positions, each.hash) for _, each in receiver.acceptances}
    for place, entry in giver.deliveries:
        if (entry.positions, entry.hash) not in accepted:
            found.blame(
                place,
                f"{giver.party} says that this was received; the log of {receiver.party} does not "
                "have it.",
                _older(receiver),
            )
    _unacknowledged(giver, receiver, received, found)


def _covers(
    giver: Side,
    receiver: Side,
    place: Place,
    accepted: Acceptance,
    positions: list[int],
    found: Compared,
) -> bool:
    """Whether what was acknowledged is exactly what the giver's slips say."""
    if accepted.to > giver.size:
        found.blame(
            place,
            f"{receiver.party} had read {accepted.to} leaves of the log of {giver.party}; this "
            f"copy of it has {giver.size}.",
            f"The copy is older than what {giver.party} has shown, or its log was set back to an "
            "old backup.",
        )
        return False
    slips = giver.releases
    missing = [at for at in positions if at not in slips]
    if missing:
        found.blame(
            place,
            f"It acknowledges release {missing[0]}, of which the log of {giver.party} has no slip.",
            _older(giver),
        )
    elif delivery_hash((at, slips[at][1].hash) for at in positions) != accepted.hash:
        found.blame(
            place,
            f"What {receiver.party} says it received is not what {giver.party} says it released.",
            "One of the two altered what was given, or what its log says of it.",
        )
    else:
        return True
    return False


def _unacknowledged(giver: Side, receiver: Side, received: set[int], found: Compared) -> None:
    ended = {each.release for _, each in giver.withdrawals.values()}
    rest = [at for at in giver.releases if at not in received and at not in ended]
    if rest:
        first = giver.releases[rest[0]][0]
        found.leave(
            first,
            f"Not acknowledged: {len(rest)} of the releases of {giver.party}, from position "
            f"{rest[0]} on.",
            f"{receiver.party} has not fetched them yet.",
        )


def _recalls(giver: Side, receiver: Side, found: Compared) -> None:
    """See that each recall has its receipt, or list it as open."""
    ordered = {each.release: place for place, each in giver.withdrawals.values() if each.recall}
    confirmed = {at for _, each in giver.confirmed for at in each.releases}
    for place, each in giver.withdrawals.values():
        if not each.recall:
            continue
        if each.release in receiver.answered:
            found.matched["recalls"] += 1
        else:
            found.leave(
                place,
                f"The recall of release {each.release} ({each.object}) has no receipt.",
                f"{receiver.party} has not said that it carried it out.",
            )
    for release, (place, answer) in receiver.answered.items():
        if isinstance(answer, RecallReceipt) and answer.object and release not in ordered:
            found.blame(
                place,
                f"It answers a recall of release {release} that {giver.party} did not log.",
                _older(giver),
            )
        if release not in confirmed:
            found.leave(
                place,
                f"{giver.party} has not logged yet that release {release} is carried out.",
                "The receipt reaches it with the next exchange.",
            )
    for place, confirmation in giver.confirmed:
        for release in confirmation.releases:
            if release not in receiver.answered:
                found.blame(
                    place,
                    f"{giver.party} says that the recall of release {release} is confirmed; the "
                    f"log of {receiver.party} has no receipt.",
                    _older(receiver),
                )


def _certificates(giver: Side, receiver: Side, found: Compared) -> None:
    """See that each certificate is over what the giver released."""
    for place, each in receiver.certificates:
        positions = _positions(each.positions, place, found)
        given = [(at, giver.releases[at][1].hash) for at in positions if at in giver.releases]
        if len(given) != len(positions) or delivery_hash(given) != each.hash:
            found.blame(
                place,
                f"The certificate is not over what {giver.party} released.",
                "One of the two altered what its log says was given.",
            )
        found.matched["certificates"] += 1
    hashes = {each.hash for _, each in receiver.certificates}
    for place, taken in giver.certified:
        if taken.hash not in hashes:
            found.blame(
                place,
                f"{giver.party} took a certificate that the log of {receiver.party} does not have.",
                _older(receiver),
            )


def _onward(one: Side, two: Side, found: Compared) -> None:
    """See that both know of each question about passing on, and have the same answer."""
    for side, other in ((one, two), (two, one)):
        for item, (place, _) in side.questions.items():
            if item in other.questions:
                found.matched["questions"] += side is one
            else:
                found.leave(
                    place,
                    f"{other.party} does not have this question about passing on.",
                    "It reaches it with the next exchange, or was void when it came.",
                )
        for item, (place, answer) in side.answers.items():
            same = other.answers.get(item)
            if same is None:
                found.leave(
                    place,
                    f"{other.party} does not have this answer about passing on.",
                    "It reaches it with the next exchange.",
                )
            elif same[1].signed != answer.signed and side is one:
                found.blame(
                    place,
                    f"{one.party} and {two.party} have different answers to one question.",
                    "The giver said it twice, or one of the two altered it.",
                )


def _positions(spans: entries.Spans, place: Place, found: Compared) -> list[int]:
    try:
        return expand(spans)
    except ProofError as error:
        found.blame(place, error.what, "The record was not written by Tearline, or was altered.")
        return []
