"""Put claims into one proposition, and take them out: a grouping of ours that others can read."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import MisuseError, RefusedError
from tearline.provenance.claims import PROPOSITION
from tearline.release.arrive import NOTHING, Annotation, put_beside
from tearline.stix.timestamp import format_timestamp
from tearline.store import claims
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.weighing.held import Held, held, no_claim
from tearline.weighing.indexing import sort_in
from tearline.weighing.writing import next_at, put

SOURCE = "weighing"
_TWO = 2


class Grouped(NamedTuple):
    """The groupings that were written, each with what it holds now; none left where it is empty."""

    groupings: dict[str, list[str]]


def together(
    home: Home,
    ids: Sequence[str],
    *,
    labels: Sequence[str] = (),
    annotation: Annotation = NOTHING,
    now: int,
) -> Grouped:
    """Say that claims say alike; groupings of ours that held any of them become one.

    It carries these labels, and those that they had: by the label of a topic it may go to a partner
    with those of its claims that go.

    MisuseError for fewer than two, RefusedError for what is no claim that we hold.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) < _TWO:
        raise MisuseError("Only two claims or more can say alike.", do="Name another one.")
    sort_in(home)
    with home.store.write() as tx:
        _see_claims(tx, wanted, now)
        ours = _ours_with(tx, wanted, now)
        members = sorted({*wanted, *(one for each in ours for one in _members(each))})
        worn = [PROPOSITION, *(one for each in ours for one in each.doc["labels"]), *labels]
        first = _changed(ours[0], members, now) if ours else _fresh(members, now)
        first["labels"] = list(dict.fromkeys(worn))
        docs = [first, *(_changed(each, [], now) for each in ours[1:])]
        if ours and not ours[1:] and _says_as(ours[0], first):
            put_beside(tx, [first["id"]], annotation, now=now)
            return Grouped({first["id"]: members})
        put(tx, docs, source=SOURCE, annotation=annotation, now=now)
    sort_in(home)
    return Grouped({each["id"]: _listed(each) for each in docs})


def apart(home: Home, ids: Sequence[str], *, now: int) -> Grouped:
    """Take claims out of the groupings of ours; one that holds fewer than two then is revoked.

    RefusedError for a claim that is in none: what denies another stands with it, and what a partner
    grouped is the partner's.
    """
    sort_in(home)
    with home.store.write() as tx:
        _see_claims(tx, ids, now)
        ours = _ours_with(tx, ids, now)
        lone = set(ids) - {one for each in ours for one in _members(each)}
        if lone:
            raise RefusedError(
                f"{min(lone)} is in no grouping of ours.",
                means="A claim also stands with what it denies, and where a partner put its own.",
                do="See `tearline claim show` for what it stands with.",
            )
        left = [[one for one in _members(each) if one not in ids] for each in ours]
        docs = [_changed(each, its, now) for each, its in zip(ours, left, strict=True)]
        put(tx, docs, source=SOURCE, annotation=NOTHING, now=now)
    sort_in(home)
    return Grouped({each["id"]: _listed(each) for each in docs})


def _see_claims(tx: Tx, ids: Iterable[str], now: int) -> None:
    found = held(tx, ids, now=now)
    for each in ids:
        if each not in found or found[each].claim is None:
            raise no_claim(each)


def _ours_with(tx: Tx, ids: Iterable[str], now: int) -> list[Held]:
    """Our groupings that hold any of these claims, the oldest first."""
    names = {each.stix_id for each in claims.groups_of(tx, ids) if each.origin == OURS}
    return sorted(held(tx, names, now=now).values(), key=lambda each: each.version.seq)


def _members(grouping: Held) -> list[str]:
    return [str(each) for each in grouping.doc["object_refs"]]


def _says_as(grouping: Held, doc: dict[str, Any]) -> bool:
    """Whether a grouping holds already what a newer version of it would, under the same labels."""
    labels, refs = (set(grouping.doc[each]) for each in ("labels", "object_refs"))
    return labels == set(doc["labels"]) and refs == set(doc["object_refs"])


def _listed(doc: dict[str, Any]) -> list[str]:
    return [] if doc.get("revoked") else list(doc["object_refs"])


def _fresh(members: list[str], now: int) -> dict[str, Any]:
    stamp = format_timestamp(now)
    return {
        "type": "grouping",
        "spec_version": "2.1",
        "id": f"grouping--{clock.fresh_uuid()}",
        "created": stamp,
        "modified": stamp,
        "context": "unspecified",
        "object_refs": members,
    }


def _changed(grouping: Held, members: list[str], now: int) -> dict[str, Any]:
    """A newer version that holds these; with fewer than two, one that is revoked."""
    doc = {**grouping.doc, "modified": format_timestamp(next_at(grouping, now))}
    return {**doc, "object_refs": members} if len(members) >= _TWO else {**doc, "revoked": True}
