"""An object beside what a partner has of it, as plain values and as lines."""

from typing import Any

import orjson

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.holdings import one_object, one_object_lines
from tearline.cli.known import known
from tearline.cli.outcomes import explanation_parts, one_explanation
from tearline.cli.terminal import Part, Table
from tearline.release.showing import Shown
from tearline.release.showing import show as look

_LONGEST = 200


def both(home: Home, object_id: str, party: str) -> tuple[dict[str, Any], list[Part]]:
    """Return an object and what a party has of it or would get: as a value, and for people."""
    with known():
        our_id, found = look(home, object_id, party, now=clock.now())
    ours = one_object(home, our_id)
    parts: list[Part] = [*one_object_lines(ours)]
    for each in found:
        parts += ["", *explanation_parts(party, [each.explanation]), *_theirs(each, party)]
    return {**ours, "to": party, "agreements": [_side(each) for each in found]}, parts


def _side(shown: Shown) -> dict[str, Any]:
    return {
        **one_explanation(shown.explanation),
        "has": shown.has,
        "theirs": None if shown.raw is None else shown.raw.decode(),
        "theirs_hash": shown.hash,
        "difference": [each._asdict() for each in shown.changes],
    }


def _theirs(shown: Shown, party: str) -> list[Part]:
    if shown.raw is None:
        return []
    waits = shown.explanation.outcome == "wait"
    would = f"{party} would get{' once people approve it' if waits else ''}"
    content = orjson.dumps(orjson.loads(shown.raw), option=orjson.OPT_INDENT_2).decode()
    lines: list[Part] = [
        f"What {f'{party} has' if shown.has else would}, in {len(shown.raw):,} bytes:",
        f"Hash       {shown.hash}",
        *content.splitlines(),
    ]
    if not shown.changes:
        return [*lines, "No difference: these are our bytes."]
    rows = [(each.place, _short(each.ours), _short(each.theirs)) for each in shown.changes]
    return [*lines, "The difference:", Table(("property", "ours", "theirs"), rows)]


def _short(value: object) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
