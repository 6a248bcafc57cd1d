"""Statements, and the state that follows from them; pure.

Each side writes its own chain of statements about one agreement, over all its versions. A statement
names two others:

- `previous`, the same signer's statement before it. Two signed statements that name the same one
  (or two that name none) prove two faces: one of them was shown to us, the other to someone else.
- `seen`, the last statement of the other side that the signer held. So statements of both sides
  may cross on the way, and still everyone knows what each signer knew.

The state is a function of the two chains, not of the order in which they arrived: whoever holds the
same statements computes the same state. Whether a step was allowed is judged by what its signer
knew. What ends an agreement wins over what crossed it; a suspension ends when both sides consented
to resume after they knew of it.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from tearline.agreement.document import Hash, Id, Slot
from tearline.errors import InputError, RefusedError
from tearline.stix import canonical
from tearline.stix.timestamp import parse_timestamp

Step = Literal[
    "proposed",
    "countersigned",
    "activated",
    "rejected",
    "withdrawn",
    "suspended",
    "resume-asked",
    "resumed",
    "terminated",
]
Name = Literal[
    "none",
    "proposed",
    "countersigned",
    "active",
    "suspended",
    "superseded",
    "rejected",
    "withdrawn",
    "terminated",
    "expired",
]
ENDED: frozenset[Name] = frozenset({"superseded", "rejected", "withdrawn", "terminated", "expired"})
STEPS: tuple[Step, ...] = get_args(Step)
_ENDS: tuple[Literal["terminated", "withdrawn", "rejected"], ...] = (
    "terminated",
    "withdrawn",
    "rejected",
)
_CONSENTS = frozenset({"resume-asked", "resumed"})


class Statement(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One signed step of one side: which version, what, after what, when and why.

    `proof` is the hash of the receipt that an activation relies on.
    """

    schema: Literal["tearline-statement/1"] = "tearline-statement/1"
    id: Id
    agreement: Hash
    step: Step
    previous: Hash | None
    seen: Hash | None
    by: Slot
    at: Annotated[str, Meta(max_length=40)]
    reason: Annotated[str, Meta(min_length=1, max_length=1000)] | None
    proof: Hash | None


class State(Struct, frozen=True, kw_only=True):
    """Where one version stands, as far as its statements say; time and successors come on top.

    Both sides may have proposed the same bytes, when the proposals crossed.
    """

    name: Name
    proposed_by: frozenset[str] = frozenset()
    countersigned_by: frozenset[str] = frozenset()
    activated_by: frozenset[str] = frozenset()
    suspended_by: frozenset[str] = frozenset()
    resume_asked_by: frozenset[str] = frozenset()

    @property
    def signed(self) -> bool:
        """Whether it carries every signature it needs and nobody ended it."""
        return self.name in {"countersigned", "active", "suspended"}


def parse_statement(body: bytes) -> Statement:
    """Return the statement in signed bytes.

    InputError when it is none, ProofError when the bytes are not canonical.
    """
    try:
        statement = msgspec.convert(canonical.parse_canonical(body), Statement)
    except msgspec.ValidationError as error:
        raise InputError(f"This is not a statement: {error}.", do="Refuse it.") from error
    parse_timestamp(statement.at)
    if statement.reason is not None and not statement.reason.isprintable():
        raise InputError("The reason holds control characters.", do="Refuse the statement.")
    return statement


def statement_bytes(statement: Statement) -> bytes:
    """Return the bytes that are signed: RFC 8785."""
    return canonical.canonical(msgspec.to_builtins(statement))


def statement_hash(statement: Statement) -> str:
    """Return the name of a statement: the hash of its signed bytes."""
    return canonical.sha256(statement_bytes(statement))


def chains(statements: Iterable[Statement]) -> dict[str, list[tuple[str, Statement]]]:
    """Return each signer's statements as (hash, statement), from the first on."""
    after = {(each.by, each.previous): (statement_hash(each), each) for each in statements}
    ordered: dict[str, list[tuple[str, Statement]]] = {by: [] for by, _ in after}
    for by, chain in ordered.items():
        step = after.get((by, None))
        while step is not None:
            chain.append(step)
            step = after.get((by, step[0]))
    return ordered


def fold(statements: Sequence[Statement], agreement: str, *, one_sided: bool = False) -> State:
    """Return the state of the version `agreement` that follows from all statements of its id."""
    ordered = chains(statements)
    place = {name: i for chain in ordered.values() for i, (name, _) in enumerate(chain)}
    here = [
        (place[name], each)
        for chain in ordered.values()
        for name, each in chain
        if each.agreement == agreement
    ]
    by_step: dict[Step, list[str]] = {step: [] for step in STEPS}
    for _, each in here:
        by_step[each.step].append(each.by)
    sides = {*by_step["proposed"], *by_step["countersigned"]}
    open_stops = [
        (at, stop)
        for at, stop in here
        if stop.step == "suspended"
        and not all(_consented(side, at, stop, here, place) for side in sides)
    ]
    asked = {
        side
        for side in sides
        if open_stops and all(_consented(side, at, stop, here, place) for at, stop in open_stops)
    }
    state = State(
        name="none",
        proposed_by=frozenset(by_step["proposed"]),
        countersigned_by=frozenset(by_step["countersigned"]),
        activated_by=frozenset(by_step["activated"]),
        suspended_by=frozenset(stop.by for _, stop in open_stops),
        resume_asked_by=frozenset(asked),
    )
    return msgspec.structs.replace(state, name=_name(state, by_step, one_sided=one_sided))


def _consented(
    side: str,
    at: int,
    stop: Statement,
    here: list[tuple[int, Statement]],
    place: dict[str, int],
) -> bool:
    """Whether `side` agreed to resume, knowing of the suspension `stop` at `at` in its chain."""
    return any(
        each.step in _CONSENTS
        and each.by == side
        and (when if side == stop.by else place.get(each.seen or "", -1)) >= at
        for when, each in here
    )


def _name(state: State, by_step: dict[Step, list[str]], *, one_sided: bool) -> Name:
    for end in _ENDS:
        if by_step[end]:
            return end
    if not state.proposed_by:
        return "none"
    needed = 1 if one_sided else 2
    if not state.countersigned_by and not (one_sided and state.activated_by):
        return "proposed"
    if state.suspended_by:
        return "suspended"
    return "active" if len(state.activated_by) == needed else "countersigned"


def allowed(state: State, step: Step, by: str, *, one_sided: bool = False) -> None:
    """Let `by` take `step` in this state, or raise RefusedError."""
    ours = by in state.proposed_by
    theirs = bool(state.proposed_by - {by})
    live = state.signed
    fine = {
        "proposed": state.name == "none",
        "countersigned": state.name == "proposed" and theirs,
        "rejected": state.name == "proposed" and theirs,
        "withdrawn": state.name == "proposed" and ours,
        "activated": by not in state.activated_by
        and (live or (one_sided and ours and state.name == "proposed")),
        "suspended": live and by not in state.suspended_by,
        "resume-asked": state.name == "suspended" and by not in state.resume_asked_by,
        "resumed": state.name == "suspended" and by not in state.resume_asked_by,
        "terminated": live,
    }[step]
    if not fine:
        raise RefusedError(
            f"An agreement that is {state.name} cannot be {step} by {by}.",
            means=_WHY[step],
            do="Look at `tearline agreement show`, which lists every statement so far.",
        )


_WHY: dict[Step, str] = {
    "proposed": "The same version is proposed once.",
    "countersigned": "Only a proposal can be countersigned, and only by the side that got it.",
    "rejected": "Only a proposal can be rejected, and only by the side that got it.",
    "withdrawn": "Only a proposal can be withdrawn, and only by the side that made it.",
    "activated": "Each side activates once, when both have signed.",
    "suspended": "Each side suspends once, while both signatures stand.",
    "resume-asked": "Each side consents once to end a suspension.",
    "resumed": "Each side consents once to end a suspension.",
    "terminated": "Only what both have signed and nobody has ended can be terminated.",
}


def known_to(statements: Sequence[Statement], new: Statement) -> list[Statement]:
    """Return the statements that the signer of `new` had signed or seen before it."""
    known: list[Statement] = []
    for by, chain in chains(statements).items():
        last = new.previous if by == new.by else new.seen
        names = [name for name, _ in chain]
        count = names.index(last) + 1 if last in names else 0
        known += [each for _, each in chain[:count]]
    return known


def check_step(statements: Sequence[Statement], new: Statement, *, one_sided: bool = False) -> None:
    """Let `new` follow on `statements`, judged by what its signer knew; RefusedError if it may not.

    `previous` and `seen` must be among the statements already. A signer never unsees.
    """
    places = {
        name: place
        for by, chain in chains(statements).items()
        for place, (name, _) in enumerate(chain)
        if by != new.by
    }
    own = [each for each in statements if each.by == new.by]
    newest = max((places.get(each.seen or "", -1) for each in own), default=-1)
    if places.get(new.seen or "", -1) < newest:
        raise RefusedError(
            "This statement forgets what its signer had seen before.",
            means="The signer's records were set back, or two of its machines disagree.",
            do="Ask the partner before you go on.",
        )
    allowed(
        fold(known_to(statements, new), new.agreement, one_sided=one_sided),
        new.step,
        new.by,
        one_sided=one_sided,
    )
