"""Read the partner's side of the story: slips and withdrawals from our copy of its log. Pure.

Whatever is not of the exact form is passed over: without a slip, nothing is accepted.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from tearline.agreement.document import Hash
from tearline.errors import InputError
from tearline.stix import marking
from tearline.stix.timestamp import parse_timestamp

Line = Annotated[str, Meta(max_length=600)]
Position = Annotated[int, Meta(ge=1, le=2**53)]


class Attested(NamedTuple):
    """What is said of an object beside its bytes; a receiver can only take it as said.

    `at` is the moment at which the giver decided, from the slip. `meanings` has what the markings
    say that stand in definitions of their own, see `stix.handling`.
    """

    marking: int | None = None
    grade: int | None = None
    approvals: Mapping[str, int] = {}  # never changed
    at: int | None = None
    meanings: Mapping[str, str] = {}


class Said(Struct, frozen=True, forbid_unknown_fields=True):
    """What the giver attests beside the bytes.

    Of what was given to it: `source`, the version of the agreement that it came under, and the
    signed `consent` of who gave it, where that agreement demands one.
    """

    marking: Line | None = None
    grade: Line | None = None
    approvals: Annotated[tuple[Line, ...], Meta(max_length=20)] = ()
    meanings: Annotated[dict[Line, Line], Meta(max_length=50)] = {}
    source: Hash | None = None
    consent: Annotated[str, Meta(max_length=4_000)] = ""


class Slip(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="release"):
    """The log entry of a release that travels with it."""

    agreement: Hash
    position: Position
    object: Line
    version: Line
    hash: Hash
    clause: Line
    at: Line
    until: Line | None
    start: Line
    path: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=16)]
    attested: Said

    @property
    def moment(self) -> int:
        """When the giver decided; InputError if the text is no moment."""
        return parse_timestamp(self.at)

    def beside(self) -> Attested:
        """What it attests, in the codes that `decide` reads; InputError for an unknown level."""
        said = self.attested
        return Attested(
            marking=None if said.marking is None else marking.parse_level(said.marking),
            grade=None if said.grade is None else marking.parse_grade(said.grade),
            approvals={self.clause: len(set(said.approvals))} if said.approvals else {},
            at=self.moment,
            meanings=said.meanings,
        )


class Withdrawal(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="withdraw"):
    """The log entry that ends a release, and perhaps recalls it."""

    agreement: Hash
    position: Position
    object: Line
    release: Position
    reason: Line
    recall: bool
    at: Line


Entry: TypeAlias = Slip | Withdrawal
_DECODER = msgspec.json.Decoder(Entry)


class Story(NamedTuple):
    """What a stretch of the partner's log says, each word and the last word on each object.

    `given` has every slip by the hash of its bytes, `slips` those that still stand by object,
    `before` the slip that each of these replaced, `ended` the withdrawals that still stand by
    object, `recalled` every recall.
    """

    given: dict[str, Slip]
    before: dict[str, Slip]
    slips: dict[str, Slip]
    recalled: list[Withdrawal]
    ended: dict[str, Withdrawal]


def read_slip(text: str) -> Slip:
    """The slip in a stored record; InputError if it is none."""
    try:
        return msgspec.json.decode(text, type=Slip)
    except msgspec.MsgspecError as error:
        raise InputError("This is not a slip.") from error


def story(records: Iterable[bytes]) -> Story:
    """Follow releases and withdrawals in the order of the log: the last word on each object.

    A withdrawal ends what was given of its object before; a later release gives it again.
    """
    told = Story({}, {}, {}, [], {})
    for record in records:
        entry = read_entry(record)
        if isinstance(entry, Slip):
            told.given[entry.hash] = entry
            if entry.object in told.slips:
                told.before[entry.object] = told.slips[entry.object]
            told.slips[entry.object] = entry
            told.ended.pop(entry.object, None)
        elif entry is not None:
            told.slips.pop(entry.object, None)
            told.ended[entry.object] = entry
            if entry.recall:
                told.recalled.append(entry)
    return told


def read_entry(record: bytes) -> Entry | None:
    """The slip or withdrawal in a record of the partner's log; None for anything else."""
    try:
        entry: Entry = _DECODER.decode(record)
        parse_timestamp(entry.at)
        if isinstance(entry, Slip):
            entry.beside()
    except (msgspec.MsgspecError, InputError):
        return None
    return entry
