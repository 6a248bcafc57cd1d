"""An agreement as a form: which lines it has, and what a sent form makes of a document. Pure.

The document, written as TOML, is what counts. The form shows its lines as far as they are of the
kind that is expected, and writes those it was sent; what it does not know stays as it was.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tearline.agreement.document import CATEGORIES, CAUSES

Document = dict[str, Any]
MARKINGS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
PAPS = ("PAP:CLEAR", "PAP:GREEN", "PAP:AMBER", "PAP:RED")
GRADES = ("*", *(f"{letter}{digit}" for letter in "ABCDEF" for digit in "123456"))
COMMON_TYPES = (
    *("indicator", "observed-data", "sighting", "relationship"),
    *("malware", "intrusion-set", "threat-actor", "campaign", "tool", "attack-pattern"),
    *("vulnerability", "infrastructure", "course-of-action", "identity", "location"),
    *("report", "grouping", "note", "opinion"),
)
_LISTS = ("names", "aliases", "attack_ids", "labels", "stix_ids")
_RELATIONS = ("victim", "actor", "observed")


# --------------------------------------------------------------------------------------- reading


def shown(document: Document, our_slug: str) -> Document:
    """Return the lines of a document as a form shows them: texts, lists of texts, truths."""
    slots = _slots(document)
    ours = next((s for s, p in slots.items() if p.get("slug") == our_slug), None)
    purpose, valid = _dict(document.get("purpose")), _dict(document.get("valid"))
    return {
        "title": _text(document.get("title")),
        "from": _text(valid.get("from")),
        "until": _text(valid.get("until")),
        "purpose": _text(purpose.get("text")),
        "never_for": _lines(purpose.get("never")),
        "never": _lines(document.get("never")),
        "topics": [_topic(n, _dict(e)) for n, e in enumerate(_list(document.get("topic")))],
        "clauses": [
            _clause(n, _dict(e), ours) for n, e in enumerate(_list(document.get("clause")))
        ],
        "onward": _onward(_dict(document.get("onward"))),
        "retention": _plain(_dict(document.get("retention")), _RETENTION),
        "limits": _plain(_dict(document.get("limits")), _NUMBERS),
        "suspend_on": _causes(document),
    }


_RETENTION = {"after_end": "recall", "recall_days": "7", "keep_days": ""}
_NUMBERS = {"objects_per_day": "", "requests_per_hour": ""}


def _causes(document: Document) -> list[str]:
    given = _dict(document.get("suspend")).get("on")
    return ["split-view", "key-compromise"] if given is None else _lines(given)


def _topic(n: int, topic: Document) -> Document:
    found: Document = {name: _lines(topic.get(name)) for name in _LISTS}
    return found | {"n": n, "id": _text(topic.get("id")), "between": _lines(topic.get("between"))}


def _clause(n: int, clause: Document, ours: str | None) -> Document:
    countries = clause.get("countries")
    review, coarsen = _dict(clause.get("review")), _dict(clause.get("coarsen"))
    return {
        "n": n,
        "id": _text(clause.get("id")),
        "ours": clause.get("from") == ours,
        "types": _starred(clause.get("types")),
        "topics": _starred(clause.get("topics")),
        "reach": _text(clause.get("reach")),
        "members": clause.get("members") is True,
        "marking_max": _text(clause.get("marking_max")),
        "grading_min": _text(clause.get("grading_min")),
        "confidence_min": _text(clause.get("confidence_min")),
        "max_age_days": _text(clause.get("max_age_days")),
        "pap_max": _text(clause.get("pap_max")),
        "statements": _starred(clause.get("statements")),
        "iep": _starred(clause.get("iep")),
        "expired": clause.get("expired") is True,
        "any_country": countries == "*",
        "countries": {each: _lines(_dict(countries).get(each)) for each in _RELATIONS},
        "never": _lines(clause.get("never")),
        "remove": _lines(clause.get("remove")),
        "pseudonymise": _lines(clause.get("pseudonymise")),
        "dates": _text(coarsen.get("dates")),
        "places": _text(coarsen.get("places")),
        "when": _lines(review.get("when")),
        "approvals": _text(review.get("approvals", 1)),
        "within_hours": _text(review.get("within_hours", 72)),
    }


def _onward(onward: Document) -> Document:
    return {
        "allowed": onward.get("allowed") is True,
        "to": _starred(onward.get("to")),
        "marking_max": _text(onward.get("marking_max")),
        "ask_first": onward.get("ask_first", True) is True,
    }


def _plain(table: Document, lines: Mapping[str, str]) -> Document:
    return {name: _text(table.get(name, otherwise)) for name, otherwise in lines.items()}


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _lines(value: object) -> list[str]:
    return [_text(each) for each in value] if isinstance(value, list) else []


def _starred(value: object) -> list[str]:
    return ["*"] if value == "*" else _lines(value)


def _dict(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _slots(document: Document) -> dict[str, Document]:
    return {slot: _dict(each) for slot, each in _dict(document.get("party")).items()}


# --------------------------------------------------------------------------------------- writing

_Given = Mapping[str, str]


def applied(document: Document, given: _Given, running: Document | None = None) -> Document:
    """Return the document as a sent form says; what the form does not speak of stays.

    A number that is none is kept as the text it is, so that reading it names the line. What is
    chosen again stands where it stood in the `running` version: then it is no change.
    """
    were = {_text(_dict(e).get("id")): _dict(e) for e in _list((running or {}).get("clause"))}
    new = dict(document)
    if "title" in given:
        new["title"] = given["title"].strip()
    if "valid.from" in given:
        new["valid"] = {name: given.get(f"valid.{name}", "").strip() for name in ("from", "until")}
    if "purpose.text" in given:
        new["purpose"] = _without_empty(
            _dict(document.get("purpose"))
            | {"text": _paragraphs(given["purpose.text"]), "never": _split(given, "purpose.never")}
        )
    if "never" in given:
        new["never"] = _split(given, "never")
    new["topic"] = [_put_topic(n, _dict(e), given) for n, e in enumerate(_list(new.get("topic")))]
    known = [_text(each.get("id")) for each in new["topic"]]
    new["clause"] = [
        _put_clause(f"clause.{n}", _dict(e), given, known, were)
        for n, e in enumerate(_list(new.get("clause")))
    ]
    for name, put in _TABLES.items():
        if f"{name}.sent" in given:
            new[name] = put(_dict(document.get(name)), given)
    return {name: value for name, value in new.items() if value not in ({}, [], "")}


def _put_topic(n: int, topic: Document, given: _Given) -> Document:
    place = f"topic.{n}"
    if f"{place}.id" not in given:
        return topic
    if topic.get("between"):
        return topic | {"id": given[f"{place}.id"].strip()}
    lists = {name: _split(given, f"{place}.{name}") for name in _LISTS}
    return _without_empty(topic | {"id": given[f"{place}.id"].strip()} | lists)


def _put_clause(
    place: str,
    clause: Document,
    given: _Given,
    topics: list[str],
    were: Mapping[str, Document],
) -> Document:
    if f"{place}.id" not in given:
        return clause

    def of(name: str) -> str:
        return given.get(f"{place}.{name}", "").strip()

    types = [each for each in COMMON_TYPES if of(f"type.{each}")]
    types += _split(given, f"{place}.more_types")
    about = [each for each in topics if of(f"topic.{each}")]
    old = were.get(of("id"), clause)
    return _without_empty(
        clause
        | {
            "id": of("id"),
            "types": "*" if of("type.*") else _as_before(old.get("types"), types),
            "topics": "*" if of("topic.*") else _as_before(old.get("topics"), about),
            "reach": _number(of("reach")),
            "members": bool(of("members")),
            "countries": _countries(given, place),
            "marking_max": of("marking_max"),
            "pap_max": of("pap_max"),
            "statements": _star_or_lines(given, f"{place}.statements"),
            "iep": _star_or_lines(given, f"{place}.iep"),
            "grading_min": of("grading_min"),
            "confidence_min": _number(of("confidence_min")),
            "max_age_days": _number(of("max_age_days")),
            "expired": bool(of("expired")),
            "never": _split(given, f"{place}.never"),
            "remove": _split(given, f"{place}.remove"),
            "pseudonymise": _split(given, f"{place}.pseudonymise"),
            "coarsen": _without_empty({"dates": of("dates"), "places": of("places")}),
            "review": _review(_dict(old.get("review")), given, place),
        }
    )


def _countries(given: _Given, place: str) -> object:
    named = {
        each: [part.upper() for part in re.split(r"[\s,;]+", text)]
        for each in _RELATIONS
        if (text := given.get(f"{place}.countries.{each}", "").strip())
    }
    return named or ("*" if given.get(f"{place}.countries.*") else "")


def _review(review: Document, given: _Given, place: str) -> Document:
    ticked = [each for each in CATEGORIES if given.get(f"{place}.when.{each}")]
    when = _as_before(review.get("when"), ticked)
    if not when:
        return {}
    return {
        "when": when,
        "approvals": _number(given.get(f"{place}.approvals", "1")),
        "within_hours": _number(given.get(f"{place}.within_hours", "72")),
        "silence": "withhold",
    }


def _put_onward(_onward: Document, given: _Given) -> Document:
    if not given.get("onward.allowed"):
        return {"allowed": False}
    return _without_empty(
        {
            "allowed": True,
            "to": _star_or_lines(given, "onward.to"),
            "marking_max": given.get("onward.marking_max", ""),
        }
    ) | {"ask_first": bool(given.get("onward.ask_first"))}


def _put_retention(retention: Document, given: _Given) -> Document:
    numbers = ("recall_days", "keep_days")
    return _without_empty(
        retention
        | {"after_end": given.get("retention.after_end", "recall")}
        | {name: _number(given.get(f"retention.{name}", "")) for name in numbers}
    )


def _put_limits(limits: Document, given: _Given) -> Document:
    return _without_empty(
        limits | {name: _number(given.get(f"limits.{name}", "")) for name in _NUMBERS}
    )


def _put_suspend(suspend: Document, given: _Given) -> Document:
    on = [each for each in CAUSES if given.get(f"suspend.{each}")]
    return suspend | {"on": _as_before(suspend.get("on"), on)}


_TABLES: Mapping[str, Callable[[Document, _Given], Document]] = {
    "onward": _put_onward,
    "retention": _put_retention,
    "limits": _put_limits,
    "suspend": _put_suspend,
}


def _without_empty(table: Document) -> Document:
    """A table without lines that say nothing: a limit that is emptied is left out."""
    return {k: v for k, v in table.items() if v not in ("", [], {}) and v is not False}


def _as_before(before: object, now: Iterable[str]) -> list[str]:
    """What is chosen now, in the order in which it stood before: only what differs is a change."""
    chosen = dict.fromkeys(now)
    kept = [each for each in _lines(before) if each in chosen]
    return kept + [each for each in chosen if each not in kept]


def _split(given: _Given, name: str) -> list[str]:
    lines = (line.strip() for line in given.get(name, "").splitlines())
    return [line for line in lines if line]


def _star_or_lines(given: _Given, name: str) -> str | list[str]:
    found = _split(given, name)
    return "*" if found == ["*"] else found


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text.strip(), re.ASCII) else text.strip()


def _paragraphs(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


# ---------------------------------------------------------------------------------- more and less


def with_clause(document: Document, our_slug: str, *, ours: bool) -> Document:
    """Return the document with one clause more: a copy of the last of its side, or an empty one."""
    slots = _slots(document)
    mine = next((s for s, p in slots.items() if p.get("slug") == our_slug), "")
    other = next((s for s in slots if s != mine), "")
    giver, taker = (mine, other) if ours else (other, mine)
    clauses = [_dict(each) for each in _list(document.get("clause"))]
    alike = next((each for each in reversed(clauses) if each.get("from") == giver), {})
    new = {**alike, "id": _fresh(giver[:1].upper() or "C", clauses), "from": giver, "to": taker}
    return document | {"clause": [*clauses, new]}


def with_topic(document: Document, topic: Document | None = None) -> Document:
    """Return the document with one topic more, and the clauses that have none are about it."""
    topics = [_dict(each) for each in _list(document.get("topic"))]
    new = {"id": _fresh("T", topics), **(topic or {})}
    clauses = [_dict(each) for each in _list(document.get("clause"))]
    about = [each if each.get("topics") else each | {"topics": [new["id"]]} for each in clauses]
    return document | {"topic": [*topics, new], "clause": about}


def without(document: Document, what: str, n: int) -> Document:
    """Return the document without its n-th clause or topic; of a topic no clause speaks then."""
    listed = [_dict(each) for each in _list(document.get(what))]
    if not 0 <= n < len(listed):
        return document
    gone = listed.pop(n)
    left = document | {what: listed}
    if what == "topic":
        left["clause"] = [_unsaid(_dict(e), gone.get("id")) for e in _list(document.get("clause"))]
    return {name: value for name, value in left.items() if value != []}


def _unsaid(clause: Document, topic: object) -> Document:
    if not isinstance(clause.get("topics"), list):
        return clause
    return _without_empty(clause | {"topics": [e for e in clause["topics"] if e != topic]})


def _fresh(letter: str, listed: list[Document]) -> str:
    taken = [each.get("id") for each in listed]
    return next(f"{letter}{n}" for n in range(1, len(listed) + 2) if f"{letter}{n}" not in taken)
