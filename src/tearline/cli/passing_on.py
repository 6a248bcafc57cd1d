"""Questions about passing things on, as values, lines and tables."""

from pathlib import Path
from typing import Any

import orjson

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli import afterwards
from tearline.cli.options import open_home
from tearline.cli.terminal import Part, Table, answer, moment, stamp
from tearline.release import consenting
from tearline.release.consenting import Came
from tearline.release.consents import Says
from tearline.store import objects, releases
from tearline.store.onward import Consent

_DIGITS = len("sha256:") + 12
_STATES = {"": "open", "consent": "consented", "refuse": "refused"}


def open_questions(home: Home) -> list[Consent]:
    """Return what partners ask us and nobody has answered."""
    return [each for each in consenting.questions(home) if not each.ours and not each.verdict]


def question_value(row: Consent) -> dict[str, Any]:
    """Return a question as JSON."""
    return {
        "item": row.item,
        "state": _STATES[row.verdict],
        "party": row.party,
        "agreement": row.agreement,
        "given": row.given,
        "object": row.object,
        "bytes": row.hash,
        "cut": row.raw is not None,
        "under": row.under,
        "clause": row.clause,
        "to": {"slug": row.to_slug, "name": row.to_name, "key": row.to_key or None},
        "asked_at": stamp(row.asked_at),
        "answered_at": stamp(row.answered_at),
    }


def list_value(home: Home, *, everything: bool) -> dict[str, Any]:
    """Return what is asked of us, what we ask, and what came passed on."""
    rows = [each for each in consenting.questions(home) if everything or not each.verdict]
    came = consenting.came(home, now=clock.now())
    return {
        "asked_of_us": [question_value(each) for each in rows if not each.ours],
        "asked_by_us": [question_value(each) for each in rows if each.ours],
        "came": [_came_value(each) for each in came],
    }


def _came_value(each: Came) -> dict[str, Any]:
    states = {(False, False): "unasked", (True, False): "attested", (True, True): "verified"}
    return {
        "object": each.object,
        "party": each.party,
        "agreement": each.agreement_id,
        "source": each.source,
        "consent": states[bool(each.key), each.giver is not None],
        "signed_by": each.key or None,
        "giver": each.giver,
    }


def list_parts(found: dict[str, Any]) -> list[Part]:
    """Return the same for people."""
    parts: list[Part] = []
    for key, line in (
        ("asked_of_us", "May they pass on what we gave them?"),
        ("asked_by_us", "May we pass on what they gave us?"),
    ):
        rows = [
            (e["object"], e["party"], e["to"]["slug"], e["state"], e["item"][:_DIGITS])
            for e in found[key]
        ]
        head = ("object", "partner", "would go to", "answer", "item")
        parts += [line, Table(head, rows)] if rows else []
    came = [(e["object"], e["party"], e["consent"], e["signed_by"] or "") for e in found["came"]]
    if came:
        titles = ("object", "passed on by", "consent", "signed with")
        parts += ["Passed on to us:", Table(titles, came)]
    return parts or ["Nothing is asked, and nothing was passed on to us."]


def shown(home: Home, name: str) -> dict[str, Any]:
    """Return one question with the bytes that would go on; of ours as long as we hold them."""
    row = consenting.question(home, name)
    raw = row.raw
    if raw is None:
        with home.store.read() as tx:
            given = releases.last_delivered(tx, row.agreement_id, [row.given]).get(row.given)
            kept = given and (given.cut_raw or objects.raw_of(tx, [given.seq or 0]))
            if row.ours:
                held = objects.latest(tx, row.agreement_id, [row.given])
                kept = objects.raw_of(tx, [each.seq for each in held.values()])
            raw = kept if isinstance(kept, bytes) else next(iter((kept or {}).values()), b"")
    return question_value(row) | {"content": raw.decode()}


def shown_parts(found: dict[str, Any]) -> list[Part]:
    """Return one question for people."""
    to, cut = found["to"], "cut by them" if found["cut"] else "as it was given"
    lines = [
        f"Item       {found['item']}",
        f"Object     {found['given']}, {cut}",
        f"Bytes      {found['bytes']}",
        f"Partner    {found['party']}, under {found['agreement']}",
        f"Would go   to {to['name']} ({to['slug']}), clause {found['clause']} of {found['under']}",
        f"Their key  {to['key'] or 'none'}",
        f"Asked      {found['asked_at']}",
        f"Answer     {found['state']}",
    ]
    if not found["content"]:
        return [*lines, "It is not held any more."]
    indented = orjson.dumps(orjson.loads(found["content"]), option=orjson.OPT_INDENT_2).decode()
    return [*lines, *indented.splitlines()]


def say(
    place: Path | None, name: str, verdict: Says, reason: str, out: Path | None, *, as_json: bool
) -> None:
    """Sign our answer, bring it to who asks, and show it."""
    home = open_home(place)
    row = consenting.answer(home, name, verdict, reason, now=clock.now())
    carried = afterwards.carry(home, row.party, out)
    word = "may pass on" if verdict == "consent" else "may not pass on"
    line = f"{row.party} {word} {row.given} to {row.to_slug}."
    value = question_value(row) | {"delivery": carried}
    answer(
        as_json, value, line, f"Signed {moment(row.answered_at)}.", *afterwards.carry_lines(carried)
    )
