"""What is held, on a map and over time: one selection for both, which stands in the address."""

from collections.abc import Mapping
from typing import Any

from tearline.store import objects
from tearline.store.objects import OURS
from tearline.topics.charted import CLOCKS, RELATIONS, Chosen, chart
from tearline.web.drawn import bars, places
from tearline.web.naming import called, parsed
from tearline.web.page import Asked, Form, Page
from tearline.weighing.dated import Claimed, dated
from tearline.weighing.held import held

_CLAIMS = "claims"
_CLAIM_CLOCKS = ("said", "true")
_NAMED = "named"
_SHOWN = 20
_SPAN = (-25_567, 84_006)
"""Days that are drawn, from 1900 to 2199; what lies beyond is counted and said."""


def _charts(asked: Asked) -> dict[str, Any]:
    return _claims(asked) if asked.query.get("layer") == _CLAIMS else _objects(asked)


def _objects(asked: Asked) -> dict[str, Any]:
    found = chart(asked.home.store, now=asked.now)
    chosen = _chosen(asked.query)
    days = found.days(chosen)
    within = {day: n for day, n in days.items() if _SPAN[0] <= day <= _SPAN[1]}
    with asked.home.store.read() as tx:
        versions = objects.latest(tx, OURS, found.some(chosen))
        names = called(tx, parsed(tx, versions.values()))
    return {
        "layer": "objects",
        "relations": list(RELATIONS),
        "clocks": list(CLOCKS),
        "types": found.types(),
        "counted": {"objects": found.number, "done": found.done, "share": found.share},
        "objects": [
            {"id": each, "name": names[each], "type": version.type}
            for each, version in versions.items()
        ],
        **_told(asked, chosen, days, within, found.countries(chosen)),
    }


def _told(
    asked: Asked,
    chosen: Chosen,
    days: Mapping[int, int],
    within: Mapping[int, int],
    countries: Mapping[str, int],
) -> dict[str, Any]:
    """What both layers tell alike: the choice, countries, and days in steps."""
    first = chosen.first if chosen.first is not None else min(within, default=None)
    last = chosen.last if chosen.last is not None else max(within, default=None)
    step = _step(asked.query, first, last)
    selected = {
        day: n
        for day, n in within.items()
        if first is not None and last is not None and first <= day <= last
    }
    return {
        "chosen": {
            "layer": _CLAIMS if chosen.relation == _NAMED else None,
            "relation": chosen.relation,
            "type": chosen.type,
            "country": chosen.country,
            "clock": chosen.clock,
            "from": None if chosen.first is None else bars.written(chosen.first),
            "to": None if chosen.last is None else bars.written(chosen.last),
            "step": asked.query.get("step") if asked.query.get("step") in bars.STEPS else None,
        },
        "steps": list(bars.STEPS),
        "countries": [
            {"country": code, "name": places.name_of(code, "en"), "number": number}
            for code, number in sorted(countries.items(), key=lambda each: (-each[1], each[0]))
        ],
        "step": step,
        "first": None if first is None else bars.written(first),
        "last": None if last is None else bars.written(last),
        "number": sum(selected.values()),
        "beyond": sum(days.values()) - sum(within.values()),
        "days": [
            {"first": each.first, "last": each.last, "number": each.number}
            for each in _bars(selected, first, last, step)
        ],
        "map": places.world() is not None,
    }


def _claims(asked: Asked) -> dict[str, Any]:
    """The layer of claims: when they were said, or hold, and the countries that they name."""
    every = dated(asked.home.store, now=asked.now)
    clock = asked.query.get("clock")
    chosen = _chosen(asked.query)._replace(
        clock=clock if clock in _CLAIM_CLOCKS else "said",  # type: ignore[arg-type]  # a layer's own
        type=None,
        relation=_NAMED,
    )
    found = Claimed(every.spots, chosen.clock, chosen)
    days = found.days()
    within = {day: n for day, n in days.items() if _SPAN[0] <= day <= _SPAN[1]}
    return {
        "layer": _CLAIMS,
        "relations": [_NAMED],
        "clocks": list(_CLAIM_CLOCKS),
        "types": [],
        "counted": {"objects": len(every.spots), "done": True, "share": 1.0},
        "objects": _some_claims(asked, found),
        **_told(asked, chosen, days, within, found.countries()),
    }


def _some_claims(asked: Asked, found: Claimed) -> list[dict[str, Any]]:
    with asked.home.store.read() as tx:
        some = held(tx, found.some(_SHOWN), now=asked.now)
    return [{"id": each, "name": its.title, "type": "note"} for each, its in some.items()]


def _bars(
    counts: Mapping[int, int], first: int | None, last: int | None, step: bars.Step
) -> tuple[bars.Bar, ...]:
    if first is None or last is None:
        return ()
    return bars.draw(counts, first, last, step).bars


def _step(query: Mapping[str, str], first: int | None, last: int | None) -> bars.Step:
    """The step that is asked for, unless it makes too many bars."""
    narrowest = bars.step_for(first or 0, last or 0)
    wished = next((each for each in bars.STEPS if each == query.get("step")), narrowest)
    return max(wished, narrowest, key=bars.STEPS.index)


def _chosen(query: Mapping[str, str]) -> Chosen:
    """What the address asks for; what is none of its values limits nothing."""
    country = query.get("country", "").upper()
    first, last = (bars.read(query.get(name)) for name in ("from", "to"))
    first, last = (None if e is None else min(max(e, _SPAN[0]), _SPAN[1]) for e in (first, last))
    if first is not None and last is not None and first > last:
        first, last = last, first
    return Chosen(
        clock=next((each for each in CLOCKS if each == query.get("clock")), "created"),
        type=query.get("type") or None,
        relation=next((each for each in RELATIONS if each == query.get("relation")), "victim"),
        country=country if country in places.countries() else None,
        first=first,
        last=last,
    )


PAGES = (Page("/map", "map.html", _charts),)
FORMS: tuple[Form, ...] = ()
