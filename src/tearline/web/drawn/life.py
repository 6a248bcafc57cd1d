"""One object's line of life: who made it and how it came, what is claimed, who has it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tearline.web.drawn.bars import day_of, written
from tearline.web.drawn.layout import Drawing, Link, Node, layered

MOST = 60
"""Boxes in one picture; what is beyond is one box that leads to the list."""
WIDTH = 1160.0
_BETWEEN = 52.0
_SOURCES = 8
_SIDES = 22
_LIST = "#sides"


class Words(NamedTuple):
    """What the picture says, in the viewer's language; `{n}` and `{text}` are filled in."""

    stands: Mapping[str, str]
    version: str
    leaf: str
    clause: str
    more: str
    made: str
    came: str
    origin: str
    asserted: str
    denied: str
    proposed: str


def draw(life: Mapping[str, Any], words: Words) -> Drawing:
    """Draw the facts of a life, as the page of an object has them.

    `life` has `author`, `sources`, `claims`, `claims_number`, `object`, `sides` and `sides_number`.
    """
    columns: list[list[Node]] = [[], [], [], [], []]
    links: list[Link] = []
    _before(life, words, columns, links)
    _claimed(life, words, columns, links)
    own = life["object"]
    lines = (own["name"], own["type"], f"{words.version} {written(day_of(own['version_at']))}")
    columns[2].append(Node("object", lines, " · ".join(lines), "object"))
    room = (MOST - sum(map(len, columns))) // 2
    _after(life, words, columns, links, min(_SIDES, room))
    return layered(columns, links, width=WIDTH, between=_BETWEEN)


def _before(
    life: Mapping[str, Any], words: Words, columns: list[list[Node]], links: list[Link]
) -> None:
    author, sources = life["author"], life["sources"]
    if author is not None:
        lines = (author["name"], words.made)
        href = f"/objects/{author['id']}" if author["held"] else None
        columns[0].append(Node("author", lines, " · ".join(lines), "source", href))
    shown = sources if len(sources) <= _SOURCES else sources[: _SOURCES - 1]
    for number, each in enumerate(shown):
        lines = (each["name"], f"{words.came} {written(day_of(each['last_at']))}")
        kind = "theirs" if each["agreement"] else "source"
        name = f"source-{number}"
        columns[1].append(Node(name, lines, " · ".join(lines), kind, "#versions"))
        links += [Link("author", name), Link(name, "object")]
    if len(sources) > len(shown):
        text = words.more.format(n=len(sources) - len(shown))
        columns[1].append(Node("source-more", (text,), text, "more", "#versions"))
        links += [Link("author", "source-more"), Link("source-more", "object")]


def _claimed(
    life: Mapping[str, Any], words: Words, columns: list[list[Node]], links: list[Link]
) -> None:
    """What is claimed, between who says so at the end of the chain and the object."""
    about, claims, number = life["object"]["id"], life["claims"], life["claims_number"]
    drawn = {life["author"]["id"]: "author"} if life["author"] else {}
    for each in claims:
        name, kind, who = f"claim-{each['id']}", each["polarity"], each["source_id"]
        lines = each["title"], _weight(each, words)
        columns[1].append(Node(name, lines, " · ".join(lines), kind, f"/claims/{each['id']}"))
        links.append(Link(name, "object", kind))
        if who and who not in drawn:
            drawn[who] = f"origin-{who}"
            lines = each["source"], words.origin
            columns[0].append(
                Node(drawn[who], lines, " · ".join(lines), "origin", f"/sources/{who}")
            )
        if who:
            links.append(Link(drawn[who], name, kind))
    if number["more"] or number["number"] > len(claims):
        beyond = f"{number['number'] - len(claims)}{'+' if number['more'] else ''}"
        text = words.more.format(n=beyond)
        columns[1].append(Node("claim-more", (text,), text, "more", f"/claims?about={about}"))
        links.append(Link("claim-more", "object", "more"))


def _weight(claim: Mapping[str, Any], words: Words) -> str:
    said = words.denied if claim["polarity"] == "denied" else words.asserted
    if claim["grade"]:
        return f"{said} · {claim['grade']}"
    if claim["worth"]:
        return f"{said} · {words.proposed.format(n=claim['worth']['credibility'])}"
    return said


def _after(
    life: Mapping[str, Any],
    words: Words,
    columns: list[list[Node]],
    links: list[Link],
    most: int,
) -> None:
    sides = life["sides"]
    few = life["sides_number"] <= most
    shown = sides if few else sides[: most - 1]
    by_partner: dict[str, list[Mapping[str, Any]]] = {}
    for number, each in enumerate(shown):
        name, kind = f"decision-{number}", each["stands"]
        columns[3].append(Node(name, _decision(each, words), _told(each, words), kind, _at(each)))
        links += [Link("object", name, kind), Link(name, f"party-{each['partner']}", kind)]
        by_partner.setdefault(each["partner"], []).append(each)
    for partner, its in by_partner.items():
        said = tuple(dict.fromkeys(_receives(each, words) for each in its))
        lines = (its[0]["partner_name"], *said[:3])
        full = f"{its[0]['partner_name']}: " + "; ".join(_told(each, words) for each in its)
        columns[4].append(Node(f"party-{partner}", lines, full, its[0]["stands"], _LIST))
    if not few:
        text = words.more.format(n=life["sides_number"] - len(shown))
        columns[3].append(Node("decision-more", (text,), text, "more", _LIST))
        links.append(Link("object", "decision-more", "more"))


def _at(each: Mapping[str, Any]) -> str:
    if each["queue_item"]:
        return f"/queue/{each['queue_item']}"
    return f"/agreements/{each['agreement'].removeprefix('urn:uuid:')}"


def _decision(each: Mapping[str, Any], words: Words) -> tuple[str, ...]:
    if each["reasons"]:
        why = ", ".join(code for code, _ in each["reasons"])
    else:
        why = f"{words.clause} {each['clause']}" if each["clause"] else ""
    said = words.stands[each["stands"]]
    return each["title"], f"{said}: {why}" if why else said


def _receives(each: Mapping[str, Any], words: Words) -> str:
    if each["stands"] == "has":
        return f"{each['version'][:10]} · {words.leaf} {each['leaf']}"
    said = words.stands[each["stands"]]
    if each["stands"] == "recalled":
        return f"{said} · {words.stands[each['answered']]}"
    return said


def _told(each: Mapping[str, Any], words: Words) -> str:
    return " · ".join((*_decision(each, words), _receives(each, words)))


__all__: Sequence[str] = ("MOST", "WIDTH", "Words", "draw")
