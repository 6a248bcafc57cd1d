"""Revoked versions in the place of what was recalled, for a receiver without a node.

A node gets the order to stop using something, and answers it. A plain TAXII client reads objects
and nothing else, so what it can be told is a revoked version. Only for ids that we derived: others'
objects are theirs to revoke, and leave the collection. It says nothing but that it is withdrawn.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tearline.release import cut
from tearline.release.planned import Ground, Planned
from tearline.stix import canonical
from tearline.stix.check import Checker
from tearline.stix.objects import is_observable, references
from tearline.stix.timestamp import parse_timestamp
from tearline.store import aliases, releases
from tearline.store.database import Tx
from tearline.store.releases import Release, Standing
from tearline.topics.topic import type_of

_MS = 1_000


def taken_back(
    ending: Iterable[tuple[Standing, str]], waiting: set[str], going: Iterable[Planned]
) -> list[Standing]:
    """Return what is recalled and does not go again under the same id."""
    again = {each.standing.delivered_id for each in going}
    return [
        old for old, _ in ending if old.stix_id not in waiting and old.delivered_id not in again
    ]


def revocations(tx: Tx, on: Ground, gone: Iterable[Standing]) -> dict[int, Release]:
    """Return the revoked version of each that can have one, by the position of what they hold.

    Position, moment and place in the log are still those of what they hold.
    """
    ours = [old.position for old in gone if old.delivered_id != old.stix_id]
    if not on.marks or not ours:
        return {}
    checker = Checker()
    rows = releases.releases_at(tx, on.agreement_id, ours)
    docs: dict[int, dict[str, Any]] = {
        position: orjson.loads(row.cut_raw or b"{}") for position, row in rows.items()
    }
    named = {position: _names(doc) for position, doc in docs.items()}
    pseudonyms = aliases.derived(tx, on.agreement_id, set().union(*named.values()))
    found = {}
    for position, doc in docs.items():
        if not doc.get("modified"):
            continue
        row = rows[position]
        at = max(on.now, parse_timestamp(row.version) + _MS)
        new = cut.withdrawn(doc, (named[position] & pseudonyms.keys()).__contains__, at)
        if new is not None and not checker.problems(new):
            found[position] = _revoked(row, new, on.rules.valid_until)
    return found


def _names(doc: Mapping[str, Any]) -> set[str]:
    """What it names; it may still name pseudonyms, which tell nobody anything without our secret.

    The id of an observable is none, also when it was computed anew: who guesses the value has it.
    """
    return {each for _, each in references(dict(doc)) if not is_observable(type_of(each))}


def _revoked(row: Release, doc: dict[str, Any], until_at: int) -> Release:
    raw = cut.encode(doc)
    return row._replace(
        version=doc["modified"],
        until_at=until_at,
        hash=canonical.sha256(raw),
        basis=releases.WITHDRAWN,
        seq=None,
        cut_raw=raw,
        live=True,
    )
