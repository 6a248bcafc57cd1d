"""What a record of a log says, as a few plain values; the template has the words.

Records are of partners too, so that nothing is believed of their form: what is not a text or a
number where one belongs is left out.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from tearline.agreement import jws
from tearline.errors import TearlineError

_LONGEST = 300


def told(record: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a record: its kind, object, clause, position, who acts, on what and why.

    `people` are those who said yes, as the record has them; `count` is how many it is about.
    """
    signed = _signed(record)
    attested = record.get("attested")
    said = attested.get("approvals") if isinstance(attested, Mapping) else None
    people = [each for each in said or () if isinstance(each, str)]
    if isinstance(signed.get("person"), str):
        people.append(signed["person"])
    return {
        "kind": _text(record.get("kind")) or "?",
        "object": _text(record.get("object")),
        "clause": _text(record.get("clause")),
        "position": _number(record.get("position", record.get("release"))),
        "people": people[:20],
        "step": _text(signed.get("step") or signed.get("verdict") or record.get("act")),
        "party": _text(
            signed.get("by") or record.get("party") or record.get("partner") or record.get("name")
        ),
        "outcome": _text(record.get("outcome") or record.get("verdict")),
        "reason": _text(record.get("reason") or signed.get("reason") or signed.get("text")),
        "recall": record.get("recall") if isinstance(record.get("recall"), bool) else None,
        "source": _text(record.get("source") or record.get("value")),
        "count": _count(record),
    }


def _signed(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What somebody signed, where a record carries it; its signature was checked when it came."""
    if not isinstance(record.get("signed"), Mapping):
        return {}
    try:
        found = orjson.loads(jws.convert(record["signed"]).body)
    except (TearlineError, ValueError, TypeError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _count(record: Mapping[str, Any]) -> int | None:
    """How many releases or objects a record is about, where it says so."""
    for name in ("objects", "count"):
        value = record.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value[:18])
        if _number(value) is not None:
            return _number(value)
    spans = record.get("positions")
    if isinstance(spans, list):
        try:
            return sum(int(last) - int(first) + 1 for first, last in spans)
        except (TypeError, ValueError):
            return None
    named = record.get("releases")
    return len(named) if isinstance(named, list) else None


def _text(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if type(value) is int else None
