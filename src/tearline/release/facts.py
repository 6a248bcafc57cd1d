"""Gather from the store what `decide` reads: the frozen facts of objects, a batch at a time."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from tearline.release.rules import Facts
from tearline.stix import marking
from tearline.store import annotations, objects
from tearline.store.database import Tx


class Attested(NamedTuple):
    """What is said of an object beside its bytes; a receiver can only take it as said.

    `at` is the moment at which the giver decided, from the slip.
    """

    marking: int | None = None
    grade: int | None = None
    approvals: int = 0
    at: int | None = None


Attestations: TypeAlias = Callable[[Iterable[str]], Mapping[str, Attested]]
"""Answers what a giver attested of objects that it gave."""


def gather(  # one gathering for giver and receiver
    tx: Tx,
    origin: str,
    ids: Iterable[str],
    now: int,
    *,
    delivered: Mapping[str, str],
    attested: Attestations | None = None,
) -> dict[str, Facts]:
    """The facts of the latest versions of `ids` that are held.

    `delivered` has the clause under which the partner holds an object now. On our own objects our
    annotations count; a receiver gives what was `attested` instead.
    """
    wanted = set(ids)
    rows = objects.latest(tx, origin, wanted)
    beside = attested(rows) if attested is not None else _annotated(tx, rows)
    holds = annotations.holds(tx) if attested is None else {}
    named = objects.victims(tx, origin, set(rows))
    return {
        stix_id: Facts(
            id=stix_id,
            version_at=row.version_at,
            type=row.type,
            created_at=row.arrived_at if row.created_at is None else row.created_at,
            marking=_effective(row.marking, beside.get(stix_id)),
            grade=_grade(beside.get(stix_id)),
            now=_moment(beside.get(stix_id), now),
            revoked=row.revoked,
            delivered=delivered.get(stix_id, ""),
            held=("object", stix_id) in holds or ("source", row.source) in holds,
            victim=stix_id in named,
            approvals=beside[stix_id].approvals if stix_id in beside else 0,
        )
        for stix_id, row in rows.items()
    }


def _annotated(tx: Tx, ids: Iterable[str]) -> dict[str, Attested]:
    found = annotations.annotations(tx, ids)
    return {stix_id: Attested(level, grade) for stix_id, (level, grade) in found.items()}


def _moment(beside: Attested | None, now: int) -> int:
    return now if beside is None or beside.at is None else beside.at


def _effective(own: int, beside: Attested | None) -> int:
    if beside is None or beside.marking is None:
        return own
    return marking.strictest(own, beside.marking)


def _grade(beside: Attested | None) -> int:
    return marking.NO_GRADE if beside is None or beside.grade is None else beside.grade
