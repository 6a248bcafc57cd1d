"""What terms would do, as pages show it: counts, reasons, what changes side, what stands out.

The counting is that of release itself. Nothing is sent by looking.
"""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from tearline.agreement.home import Home
from tearline.agreement.terms import Terms
from tearline.release.changes import Changes, Moved
from tearline.release.preview import preview
from tearline.release.sampling import sample
from tearline.release.warm import MOST, Kept
from tearline.store import objects
from tearline.store.database import Store, Tx
from tearline.store.objects import OURS
from tearline.web.reason_words import WORDS

_LISTED = 20
_LONGEST = 120
_KEPT: WeakKeyDictionary[Store, Kept] = WeakKeyDictionary()
"""What previews of a store read, so that the next tick of a term need not."""


def counts(home: Home, terms: Terms, how: str, *, now: int) -> dict[str, Any]:
    """Count by `sample` where much is held, else everything; `exact` says which it was."""
    with home.store.read() as tx:
        held = objects.number(tx, OURS)
    if how == "sample" and held > MOST:
        return _sampled(home, terms, now)
    kept = _KEPT.setdefault(home.store, Kept())
    found = preview(home, terms, listed=_LISTED, kept=kept if held <= MOST else None, now=now)
    most = terms.limits.objects_per_day
    with home.store.read() as tx:
        changes = None if found.changes is None else _changes(tx, found.changes)
    return {
        "exact": True,
        "held": found.held,
        "go": found.go,
        "wait": found.wait,
        "stay": found.stay,
        "share": _shares(found.go, found.wait, found.held),
        "reasons": sorted(
            (
                {"code": e.code, "words": WORDS[e.code], "total": e.total, "only": e.only}
                for e in found.reasons
            ),
            key=lambda each: -int(each["total"]),
        ),
        "by_clause": found.by_clause,
        "by_type": {name: list(row) for name, row in found.by_type.items() if row[0] or row[1]},
        "exposure": [
            {
                "kind": each.kind,
                "value": each.value.partition(":")[2] if each.kind == "topic" else each.value,
                "objects": each.objects,
            }
            for each in found.exposure
        ],
        "days": -(-found.go // most) if most and found.go > most else None,
        "changes": changes,
    }


def _shares(go: int, wait: int, held: int) -> dict[str, float]:
    """How much of a bar they fill, of 100: what goes, and with what waits behind it."""
    whole = max(held, 1)
    return {"go": round(100 * go / whole, 2), "wait": round(100 * (go + wait) / whole, 2)}


def _sampled(home: Home, terms: Terms, now: int) -> dict[str, Any]:
    found = sample(home, terms, now=now)
    return {
        "exact": False,
        "held": found.held,
        "size": found.size,
        "go": found.go.likely,
        "wait": found.wait.likely,
        "stay": found.stay.likely,
        "share": _shares(found.go.likely, found.wait.likely, found.held),
        "least": found.go.low,
        "most": found.go.high,
        "reasons": [
            {"code": code, "words": WORDS[code], "total": each.likely, "only": None}
            for code, each in sorted(found.reasons, key=lambda each: -each[1].likely)
        ],
        "by_clause": {},
        "by_type": {},
        "exposure": [],
        "days": None,
        "changes": None,
    }


def _changes(tx: Tx, found: Changes) -> dict[str, Any]:
    """How many start and stop to go against the version that runs, and some by name."""
    names = named(tx, (each.object for each in found.objects))
    return {
        "more": sum(each.objects for each in found.sides if each.after == "release"),
        "fewer": sum(each.objects for each in found.sides if each.before == "release"),
        "sides": [
            {"before": each.before, "after": each.after, "objects": each.objects}
            for each in found.sides
        ],
        "objects": [_moved(each, names.get(each.object, each.object)) for each in found.objects],
    }


def _moved(each: Moved, name: str) -> dict[str, Any]:
    why = each.reasons_after or each.reasons_before
    codes = list(dict.fromkeys(reason.code for reason in why))
    return {
        "object": each.object,
        "name": name,
        "before": each.before,
        "after": each.after,
        "because": ", ".join(codes),
    }


def named(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """What people call some of our objects."""
    held = objects.latest(tx, OURS, ids)
    by_seq = {each.seq: stix_id for stix_id, each in held.items()}
    found = {}
    for seq, raw in objects.raw_of(tx, by_seq).items():
        doc = orjson.loads(raw)
        name = doc.get("name") or doc.get("value") or doc.get("relationship_type")
        found[by_seq[seq]] = f"{doc['type']} {name}"[:_LONGEST] if name else by_seq[seq]
    return found
