"""How sources are shown: as JSON, and to people."""

from collections.abc import Sequence
from typing import Any

import orjson

from tearline.agreement.home import Home
from tearline.cli.terminal import Part, Table, count, stamp
from tearline.exchange.foreign_find import Found
from tearline.exchange.sources import due_at, open_source, source_label
from tearline.stix.marking import grade_name, level_name
from tearline.store import sources as rows
from tearline.store.sources import Reading, Source


def choices(found: Found) -> list[Part]:
    """Show the collections that stand at an address."""
    listed = [
        (each.id, each.title, each.version, "yes" if each.can_read else "no")
        for each in found.collections
    ]
    return [
        f"{found.title}:",
        Table(("collection", "title", "TAXII", "may be read"), listed),
        *(f"On another host, not followed: {each}" for each in found.elsewhere),
    ]


def found_value(found: Found) -> dict[str, Any]:
    """Return what stands at an address as JSON."""
    return {
        "title": found.title,
        "collections": [each._asdict() for each in found.collections],
        "elsewhere": list(found.elsewhere),
    }


def polled_lines(each: dict[str, Any]) -> list[str]:
    """Say what a poll did."""
    name = f"{each['source']}, {each['title']}"
    if each["waits"]:
        return [f"{name}: it is not asked {each['waits']}. {each['problem']}"]
    came = f"{name}: {count(each['objects'], 'object')} came, {each['stored']:,} new, "
    lines = [f"{came}{each['unchanged']:,} unchanged, {len(each['refused']):,} refused."]
    lines += [f"  Refused {stix_id or 'one'}: {why}" for stix_id, why in each["refused"][:3]]
    lines += [f"  Note: {remark}" for remark in each["remarks"]]
    return lines + ([f"  {each['problem']}"] if each["problem"] else [])


def everything(home: Home) -> list[dict[str, Any]]:
    """Return every source that is not ended, as JSON."""
    with home.store.read() as tx:
        held = [each for each in rows.sources(tx) if each.ended_at is None]
        return [_described(each, rows.readings_of(tx, each.name)) for each in held]


def one(home: Home, name: str) -> dict[str, Any]:
    """Return a source as JSON, an ended one too; what lets us in there is not in it."""
    with home.store.read() as tx:
        held = rows.source_named(tx, name) or open_source(tx, name)
        return _described(held, rows.readings_of(tx, name))


def _described(source: Source, readings: Sequence[Reading]) -> dict[str, Any]:
    ways = {"": "nothing", "basic": f"password of {source.login}", "bearer": "bearer key"}
    return {
        "source": source.name,
        "url": source.url,
        "label": source_label(source.name),
        "login": ways.get(source.way, f"key in {source.way}"),
        "mark": None if source.marking is None else level_name(source.marking),
        "grade": None if source.grade is None else grade_name(source.grade),
        "page": source.page,
        "every_seconds": source.every_s,
        "since": stamp(source.since_at),
        "ended_at": stamp(source.ended_at),
        "collections": [_reading(source, each) for each in readings],
    }


def _reading(source: Source, each: Reading) -> dict[str, Any]:
    walk, tally, turn = each.walk, each.tally, each.turn
    return {
        "collection": each.id,
        "title": each.title,
        "url": each.url,
        "taxii": each.version,
        "read_to": stamp(walk.done_at),
        "walking": {"after": stamp(walk.after_at), "at": stamp(walk.top_at), "objects": walk.met}
        if walk.open
        else None,
        "stored": tally.stored,
        "unchanged": tally.unchanged,
        "refused": tally.refused,
        "lifted": tally.lifted,
        "first_refusals": orjson.loads(tally.reasons),
        "last_poll": stamp(turn.last_at),
        "problem": turn.problem or None,
        "failures": turn.failures,
        "stopped": turn.stopped,
        "next_try": stamp(due_at(source, each)),
    }


def all_table(found: list[dict[str, Any]]) -> Table:
    """Show all sources: a row for each collection."""
    names = ("title", "taxii", "stored", "refused", "read_to", "last_poll", "next_try", "problem")
    rows_ = [
        (each["source"], *(one[name] for name in names))
        for each in found
        for one in each["collections"]
    ]
    return Table(("source", *(name.replace("_", " ") for name in names)), rows_)


def trouble_lines(found: list[dict[str, Any]]) -> list[str]:
    """Say which sources cannot be read now, and why."""
    return [
        f"Source {source['source']}, {each['title']}: {each['problem']}"
        for source in found
        for each in source["collections"]
        if each["problem"]
    ]


def one_parts(found: dict[str, Any]) -> list[Part]:
    """Show one source."""
    pace = f"every {found['every_seconds']} s" if found["every_seconds"] else "only by sync"
    labels = f"mark {found['mark'] or '-'}, grade {found['grade'] or '-'}"
    parts: list[Part] = [
        f"{found['source']}: {found['url']}",
        f"Let in by   {found['login']}",
        f"Labels      {labels}, from {found['label']}",
        f"Read        {pace}, {found['page']} objects at a time",
    ]
    parts += [f"Ended       {found['ended_at']}"] if found["ended_at"] else []
    for each in found["collections"]:
        parts += _collection_lines(each)
    return parts


def _collection_lines(each: dict[str, Any]) -> list[str]:
    counts = f"{each['stored']:,} stored, {each['unchanged']:,} unchanged"
    last, then = each["last_poll"] or "-", each["next_try"] or "when a person asks"
    lines = [
        f"{each['title']} ({each['collection']}, TAXII {each['taxii']})",
        f"  {counts}, {each['refused']:,} refused; {each['lifted']:,} were of STIX 2.0",
        f"  read to {each['read_to'] or 'nothing yet'}, last poll {last}, next {then}",
    ]
    if each["walking"]:
        lines.append(f"  on the way: {count(each['walking']['objects'], 'object')} so far")
    if each["problem"]:
        lines.append(f"  Problem ({each['failures']} in a row): {each['problem']}")
    return lines + [f"  Refused {who or 'one'}: {why}" for who, why in each["first_refusals"]]
