"""What a plan stands on, and what it says of each object. Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from tearline.release.concern import Decided
from tearline.release.decide import Decision
from tearline.release.form import Form
from tearline.release.reasons import spell
from tearline.release.reviewing import Reviewed
from tearline.release.rules import FOREVER, Rules
from tearline.stix import canonical, marking
from tearline.store.releases import Standing


class Ground(NamedTuple):
    """What a plan stands on: the agreement, its rules for what we give, and the moment.

    With `marks`, the receiver has no node and reads no slip: our marking goes in the bytes. `stood`
    has all that stood on the objects `asked` for before, `reviewed` what people said of them.
    `quota` says how many more objects may go today, where the agreement sets a number.
    """

    agreement_id: str
    hash: str
    rules: Rules
    secret: bytes
    now: int
    marks: bool = False
    asked: AbstractSet[str] = frozenset()
    stood: Mapping[str, Standing] = MappingProxyType({})
    reviewed: Mapping[str, Reviewed] = MappingProxyType({})
    quota: int | None = None


class Ask(NamedTuple):
    """What people are asked about: exact bytes under a clause, by the name of both together."""

    item: str
    clause: str
    delivered_id: str
    hash: str
    seq: int | None
    raw: bytes | None


class Way(NamedTuple):
    """A path as we know it and as the partner will see it: how it starts, our ids, their ids."""

    start: str
    ids: Sequence[str]
    theirs: Sequence[str]


class Planned(NamedTuple):
    """What would be the answer for one object, whether it stands, and the form it goes in.

    No decision stands on what does not concern the agreement. There is no form where bytes do not
    change. `way` is the path of what goes, as `standing` has it. People were asked about what is
    `reviewed`, `void` where that has ended, and are to be asked about the bytes of `ask`.
    """

    standing: Standing
    stands: bool
    decided: Decided | None
    form: Form | None
    way: Way | None
    reviewed: Reviewed | None
    ask: Ask | None
    void: bool


def way_of(planned: Planned) -> Way:
    """The path of what goes, read from what stands where it was not found anew."""
    return planned.way or Way(*orjson.loads(planned.standing.path))


def depth(planned: Planned) -> tuple[bool, int, str]:
    """The order of going: objects before what speaks of them, nearest to the topic first."""
    way = way_of(planned)
    return way.start == "ends", len(way.ids), planned.standing.stix_id


def is_held(old: Standing | None) -> bool:
    """Whether they hold an object, by what stood on it: what only waits they keep."""
    return old is not None and old.position > 0


@lru_cache(maxsize=4_096)
def attested(
    level: int | None,
    grade: int | None,
    approvals: tuple[str, ...] = (),
    meanings: tuple[tuple[str, str], ...] = (),
    source: str = "",
    consent: str = "",
) -> str:
    """What a slip says beside the bytes, as canonical JSON.

    Of what came under another agreement, its version, and the giver's consent where it has one.
    """
    said: dict[str, Any] = {"meanings": dict(meanings)} if meanings else {}
    if source:
        said["source"] = source
    if consent:
        said["consent"] = consent
    if approvals:
        said["approvals"] = approvals
    if level is not None:
        said["marking"] = marking.level_name(level)
    if grade is not None:
        said["grade"] = marking.grade_name(grade)
    return canonical.canonical(said).decode()


def kept_back(stix_id: str, decision: Decision) -> Standing:
    """What stands on an object that does not go."""
    return Standing(
        stix_id,
        decision.outcome,
        decision.clause or "",
        _spelled(*decision.against),
        "",
        "",
        "",
        "{}",
        decision.until_at,
        0,
        False,  # noqa: FBT003  # a row, made for each object: `live`
    )


@lru_cache(maxsize=4_096)
def _spelled(shared: int, masks: tuple[tuple[str, int], ...]) -> str:
    found = spell(shared, masks)
    return orjson.dumps([[each.code, each.clause] for each in found]).decode()


def withheld(stix_id: str) -> Standing:
    """What stands on an object on which nothing was decided."""
    return Standing(stix_id, "withhold", "", "[]", "", "", "", "{}", FOREVER, 0, live=False)
