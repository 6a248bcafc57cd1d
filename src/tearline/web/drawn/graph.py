"""The graph around an object as a tree of boxes: shapes and words by kind, colour beside. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tearline.web.drawn.layout import Drawing, Node
from tearline.web.drawn.tree import Branch, both_sides

TIMES = "\u00d7"
SHAPES: Mapping[str, str] = {
    "threat-actor": "actor",
    "intrusion-set": "actor",
    "campaign": "actor",
    "malware": "means",
    "tool": "means",
    "attack-pattern": "means",
    "infrastructure": "means",
    "vulnerability": "means",
    "indicator": "sign",
    "sighting": "sign",
    "observed-data": "sign",
    "identity": "whom",
    "location": "whom",
    "report": "paper",
    "grouping": "paper",
    "note": "paper",
    "opinion": "paper",
}
"""The shape for each type; observables and all else are `thing`."""


def shape_of(type_: str) -> str:
    """The shape that stands for a type."""
    return SHAPES.get(type_, "thing")


def draw(value: Mapping[str, Any], again: str) -> Drawing:
    """Draw what the page of the graph has; `again` says that something stands elsewhere too."""
    type_ = value["type"]
    center = Node(
        "center",
        (value["name"], type_),
        f"{value['name']} ({type_})",
        "center",
        f"/objects/{quote(value['id'])}",
        shape_of(type_),
    )
    sides: tuple[list[Branch], list[Branch]] = ([], [])
    for number, each in enumerate(value["around"]):
        branch = _branch(each, f"n{number}", value["id"], again)
        sides[each["outward"]].append(branch)
    return both_sides(center, *sides)


def _branch(each: Mapping[str, Any], name: str, root: str, again: str) -> Branch:
    arrow = "→" if each["outward"] else "←"
    shape = shape_of(each["type"])
    if each["id"] is None:
        number = f"{each['number']}{'' if each['whole'] else '+'}"
        lines = (f"{number} {TIMES} {each['type']}", f"{arrow} {each['kind']}")
        query = urlencode({"kind": each["kind"], "tied": each["type"]})
        href = f"/objects/{quote(root)}?{query}#ties"
        return Branch(Node(name, lines, " ".join(lines), "group", href, shape))
    said = f"{arrow} {each['kind']} · {each['type']}"
    title = each["name"] or each["id"]
    full = f"{title} ({said}{'; ' + again if each['again'] else ''})"
    href = f"/explore?{urlencode({'id': each['id']})}"
    kind = "again" if each["again"] else ""
    beyond = tuple(
        _branch(one, f"{name}-{number}", each["id"], again)
        for number, one in enumerate(each["around"])
    )
    return Branch(Node(name, (title, said), full, kind, href, shape), beyond)
