"""The list of objects: filtered, searched and counted, each part at an address of its own."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tearline.agreement import force
from tearline.errors import InputError
from tearline.release import finding
from tearline.release.finding import Counts, Facet, Found, Wanted
from tearline.stix.marking import NO_GRADE, grade_name, level_name, parse_grade, parse_level
from tearline.store import annotations
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version
from tearline.web import saved
from tearline.web.naming import called, parsed, row
from tearline.web.page import Asked, Form, Page, number_of
from tearline.web.signing_in import ROLES, Viewer

ROWS = 50
_MOST_ROWS = 100
_SHOWN = 12
_LONGEST_QUERY = 1_000
US = "us"
"""What the filter `from` calls ourselves; no partner can have our own place."""
_DAY = 86_400_000_000
CAME = {"day": _DAY, "week": 7 * _DAY, "month": 30 * _DAY}
FILTERS = ("q", "from", "type", "source", "marking", "grade", "revoked", "came")


def sight(_who: Viewer) -> finding.Sight:
    """What somebody may see of what is held: the one point that every list and search passes."""
    return finding.everything


def _objects(asked: Asked) -> dict[str, Any]:
    filters = filters_of(asked.query)
    limit = min(max(number_of(asked.query.get("rows")) or ROWS, 1), _MOST_ROWS)
    with asked.home.store.read() as tx:
        origins = _origins(tx, asked.now)
        wanted = _wanted(filters, origins, asked.now)
        found = finding.find(
            tx,
            wanted,
            sight(asked.who),
            at=number_of(asked.query.get("at")) or 0,
            before=number_of(asked.query.get("before")),
            limit=limit,
        )
        rows = _rows(tx, found.rows, origins)
        whole = _rows(tx, found.whole, origins)
    return {
        "filters": filters,
        "query": urlencode(filters),
        "without": {name: urlencode(_but(filters, name)) for name in filters},
        "number": found.number,
        "behind": found.behind,
        "views": [each._asdict() for each in saved.views(asked.home, asked.who)],
        "whole": whole,
        "objects": rows,
        "moments": {"came": _came(asked.now)},
        **_places(found, limit, asked.query),
    }


def _places(found: Found, limit: int, query: Mapping[str, str]) -> dict[str, Any]:
    """Where this part stands in its list, and the parts before and after it."""
    at, number = found.at, found.number
    if at is None or number is None:
        first = not query.get("before")
        return {"at": None, "newer": None, "next": found.next, "oldest": None, "first": first}
    oldest = (number - 1) // limit * limit if number > limit else 0
    return {
        "at": at,
        "newer": max(at - limit, 0) if at else None,
        "next": found.next,
        "oldest": oldest if at + limit < number else None,
        "first": at == 0,
    }


def _counts(asked: Asked) -> dict[str, Any]:
    filters = filters_of(asked.query)
    moments = _came(asked.now)
    with asked.home.store.read() as tx:
        origins = _origins(tx, asked.now)
        wanted = _wanted(filters, origins, asked.now)
        found = finding.count(tx, wanted, sight(asked.who), moments.values())
    return {
        "filters": filters,
        "query": urlencode(filters),
        "number": found.number,
        "more": found.more,
        "behind": found.behind,
        "facets": _facets(found, filters, origins, moments),
    }


def _facets(
    found: Counts, filters: dict[str, str], origins: dict[str, str], moments: dict[str, int]
) -> list[dict[str, Any]]:
    """What can be chosen next, property by property, and how many it leaves."""
    made = [
        _facet("type", found.facets["type"], filters, str),
        _facet("marking", found.facets["marking"], filters, lambda e: level_name(int(e))),
        _facet("grade", found.facets["grade"], filters, _grade),
        _facet("source", found.facets["source"], filters, str),
        _facet("came", found.since, filters, {v: k for k, v in moments.items()}.__getitem__),
        _facet("revoked", found.facets["revoked"], filters, lambda e: "yes" if e else "no"),
        _facet("from", _by_partner(found.facets["origin"], origins), filters, str),
    ]
    return [each for each in made if _tells(each, filters)]


def _tells(facet: dict[str, Any], filters: dict[str, str]) -> bool:
    """Whether there is something to choose by a property, or something of it was chosen."""
    values = [each["value"] for each in facet["values"]]
    return (
        len(values) > 1 or facet["name"] in filters or (facet["name"] == "from" and values != [US])
    )


def _by_partner(found: list[Facet], origins: dict[str, str]) -> list[Facet]:
    """Counts by origin added up for each partner, who may have given under several agreements."""
    named: dict[str, int] = {}
    for each in found:
        if each.value in origins:
            name = origins[str(each.value)]
            named[name] = named.get(name, 0) + each.number
    more = any(each.more for each in found)
    return [Facet(name, number, more) for name, number in named.items()]


def _facet(
    name: str, found: list[Facet], filters: dict[str, str], shown: Callable[[Any], str]
) -> dict[str, Any]:
    values = [
        {
            "value": shown(each.value),
            "number": each.number,
            "more": each.more,
            "chosen": filters.get(name) == shown(each.value),
            "query": urlencode({**filters, name: shown(each.value)}),
        }
        for each in found
    ]
    chosen = [each for each in values if each["chosen"]]
    rest = [each for each in values if not each["chosen"] and each["number"]]
    shown_rest = rest[: _SHOWN - len(chosen)]
    return {
        "name": name,
        "values": [*chosen, *shown_rest],
        "further": len(rest) - len(shown_rest),
        "without": urlencode(_but(filters, name)),
    }


# --------------------------------------------------------------------------------------- filters


def filters_of(query: Mapping[str, str]) -> dict[str, str]:
    """The filters of a query string, without those that say nothing."""
    return {name: query[name].strip() for name in FILTERS if query.get(name, "").strip()}


def _wanted(filters: dict[str, str], origins: dict[str, str], now: int) -> Wanted:
    """What the filters ask for; what is no value of a property finds nothing."""
    whose = filters.get("from", US)
    came = filters.get("came")
    return Wanted(
        words=filters.get("q", ""),
        origins=frozenset(origin for origin, name in origins.items() if name == whose),
        type=filters.get("type"),
        source=filters.get("source"),
        marking=_level(filters["marking"]) if "marking" in filters else None,
        grade=_digit(filters["grade"]) if "grade" in filters else None,
        revoked=filters["revoked"] == "yes" if "revoked" in filters else None,
        since_at=None if came is None else now - CAME.get(came, 0),
    )


def _came(now: int) -> dict[str, int]:
    return {name: now - span for name, span in CAME.items()}


def _origins(tx: Tx, now: int) -> dict[str, str]:
    """Whose objects there are, by origin: ours, and those that partners gave by agreement."""
    bound = force.all_in_force(tx, now=now)
    return {OURS: US, **{each.agreement_id: each.partner for each in bound}}


def _grade(value: object) -> str:
    return "none" if value == NO_GRADE else grade_name(int(str(value)))


def _digit(text: str) -> int:
    try:
        return NO_GRADE if text == "none" else parse_grade(text)
    except InputError:
        return -9


def _level(text: str) -> int:
    for level in (-1, -2, -3):
        if text == level_name(level):
            return level
    try:
        return parse_level(text)
    except InputError:
        return -9


def _but(filters: dict[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in filters.items() if each != name}


# ------------------------------------------------------------------------------------------ rows


def _rows(
    tx: Tx, found: list[tuple[str, Version]], origins: Mapping[str, str]
) -> list[dict[str, Any]]:
    versions = [each for _, each in found]
    docs = parsed(tx, versions)
    names = called(tx, docs)
    said = annotations.annotations(tx, [each.stix_id for origin, each in found if origin == OURS])
    return [
        row(each, names[each.stix_id], None if origin else said.get(each.stix_id))
        | {"from": origins.get(origin, origin)}
        for origin, each in found
    ]


# ----------------------------------------------------------------------------------------- views


def _save(asked: Asked, given: Mapping[str, str]) -> str:
    query = _own_query(given.get("query", ""))
    saved.save(asked.home, asked.who, given.get("title", ""), query, now=asked.now)
    return f"/objects?{query}"


def _delete(asked: Asked, given: Mapping[str, str]) -> str:
    saved.delete(asked.home, asked.who, given.get("title", ""))
    return f"/objects?{_own_query(given.get('query', ''))}"


def _own_query(text: str) -> str:
    """A query string of the list, made anew of what it says, so that it leads nowhere else."""
    return urlencode(filters_of(dict(parse_qsl(text[:_LONGEST_QUERY]))))


PAGES = (
    Page("/objects", "objects.html", _objects),
    Page("/objects/counts", "facet_counts.html", _counts),
)
FORMS = (
    Form("/objects/views", _save, ROLES),
    Form("/objects/views/delete", _delete, ROLES),
)
