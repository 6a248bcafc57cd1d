"""Marks in columns, joined by curves: every picture of boxes is laid out here. Pure.

Whatever is told, boxes and texts never overlap: a column is as high as its boxes, and a text is cut
to its box by the width that its letters have in the widest of usual fonts.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tearline.web.seen import seen

GAP = 10
"""Between boxes of a column."""
PADDING = 10
"""Between the side of a box and its text."""
LINE = 17
"""From one line of text to the next."""
SHAPE = 18
"""The room of a shape before the text."""
TITLE, SMALL = 13.0, 11.5
"""Sizes of the first line of a box and of the others."""

_WIDTHS = """
    32 41 46 84 64 95 78 28 39 39 50 84 32 37 32 34 64 64 64 64 64 64 64 64
    64 64 34 34 84 84 84 54 100 69 69 70 77 64 58 78 76 30 30 66 56 87 75 79
    61 79 70 64 62 74 69 99 69 62 69 39 34 39 84 50 50 62 64 55 64 62 36 64
    64 28 28 58 28 98 64 62 64 64 42 53 40 64 60 82 60 60 53 64 34 64 84
"""
_ASCII = tuple(int(each) / 100 for each in _WIDTHS.split())
"""How wide the letters from blank to tilde are, as shares of their size."""


class Node(NamedTuple):
    """What becomes a box: its lines, where it leads, and what it is (a class of the style sheet).

    `full` is what it says in full, for who points at it or hears it. With a `shape`, that stands
    before the first line.
    """

    id: str
    lines: tuple[str, ...]
    full: str
    kind: str = ""
    href: str | None = None
    shape: str = ""


class Link(NamedTuple):
    """What joins two boxes by their ids, and what it is (a class of the style sheet)."""

    source: str
    target: str
    kind: str = ""


class Text(NamedTuple):
    """One line of text: where it begins, and whether it is the first of its box."""

    x: float
    y: float
    text: str
    first: bool


class Box(NamedTuple):
    """A box at its place."""

    x: float
    y: float
    width: float
    height: float
    node: Node
    texts: tuple[Text, ...]


class Curve(NamedTuple):
    """A line between two boxes, as the `d` of a path."""

    d: str
    kind: str


class Drawing(NamedTuple):
    """A picture: its size in pixels, and what is in it."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]


def width_of(text: str, size: float) -> float:
    """At most how wide a text is, in pixels: as DejaVu Sans, the widest of usual fonts, has it."""
    return sum(map(_part, text)) * size


def _part(letter: str) -> float:
    place = ord(letter) - ord(" ")
    if 0 <= place < len(_ASCII):
        return _ASCII[place]
    wide = letter.isupper() or unicodedata.east_asian_width(letter) in "WF"
    return 1.1 if wide or letter == "…" else 0.91


def fitted(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis where it is wider than that."""
    if width_of(text, size) <= width:
        return text
    room, kept = width - width_of("…", size), 0
    for letter in text:
        room -= _part(letter) * size
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def layered(
    columns: Sequence[Sequence[Node]], links: Sequence[Link], *, width: float, between: float
) -> Drawing:
    """Lay columns out from left to right, each in the middle of the height, and join what is tied.

    The order within a column is that of what its boxes are tied to on the left, where it can be.
    Columns without a box are left out, with no room kept. A line that passes a column has room of
    its own there, so that it never runs behind a box it does not end at.
    """
    used = [list(column) for column in columns if column]
    if not used:
        return Drawing(width, 0, (), ())
    links = _by_way(used, links)
    wide = (width - between * (len(used) - 1)) / len(used)
    ordered = _untangled(used, links)
    heights = [sum(map(_height, column)) + GAP * (len(column) - 1) for column in ordered]
    tallest = max(heights)
    boxes: dict[str, Box] = {}
    for at, (column, its) in enumerate(zip(ordered, heights, strict=True)):
        y = (tallest - its) / 2
        for node in column:
            boxes[node.id] = boxed(node, at * (wide + between), y, wide)
            y += _height(node) + GAP
    curves = [
        curve
        for each in links
        for curve in _curves(boxes[each.source], boxes[each.target], each.kind)
    ]
    shown = tuple(each for each in boxes.values() if each.node.lines)
    return Drawing(width, tallest, shown, tuple(curves))


def _by_way(columns: list[list[Node]], links: Sequence[Link]) -> list[Link]:
    """The links from column to column: longer ones go by nodes without a line, put between."""
    place = {node.id: number for number, column in enumerate(columns) for node in column}
    found = []
    for each in links:
        if each.source not in place or each.target not in place:
            continue
        source = each.source
        for number in range(place[source] + 1, place[each.target]):
            way = Node(f"{each.source}\0{each.target}\0{number}", (), "")
            columns[number].append(way)
            found.append(Link(source, way.id, each.kind))
            source = way.id
        found.append(Link(source, each.target, each.kind))
    return found


def _height(node: Node) -> float:
    return LINE * len(node.lines) + PADDING


def boxed(node: Node, x: float, y: float, width: float) -> Box:
    """A box with its texts, cut to its width."""
    texts = []
    room = SHAPE if node.shape else 0
    for number, line in enumerate(node.lines):
        size = TITLE if number == 0 else SMALL
        cut = fitted(seen(line), width - 2 * PADDING - room, size)
        texts.append(Text(x + PADDING + room, y + LINE * (number + 1) + 1, cut, number == 0))
    return Box(x, y, width, _height(node), node, tuple(texts))


def _untangled(columns: Sequence[Sequence[Node]], links: Sequence[Link]) -> list[list[Node]]:
    """Each column in the order of the middle of what its boxes are tied to on the left."""
    before: dict[str, list[str]] = {}
    for each in links:
        before.setdefault(each.target, []).append(each.source)
    ordered = [list(columns[0])]
    for column in columns[1:]:
        place = {node.id: number for number, node in enumerate(ordered[-1])}
        middle = {node.id: _middle(before.get(node.id, ()), place) for node in column}
        ordered.append(sorted(column, key=lambda each: middle[each.id]))
    return ordered


def _middle(ids: Sequence[str], place: Mapping[str, int]) -> float:
    """The middle of the places of those that have one; after everything where none has."""
    found = [place[each] for each in ids if each in place]
    return sum(found) / len(found) if found else len(place)


def _curves(source: Box, target: Box, kind: str) -> Iterator[Curve]:
    """The curve between two boxes, and the line on through the second where it is only passed."""
    yield _curve(source, target, kind)
    if not target.node.lines:
        y = target.y + target.height / 2
        yield Curve(f"M{target.x:g} {y:.1f}H{target.x + target.width:g}", kind)


def _curve(source: Box, target: Box, kind: str) -> Curve:
    """A curve from the right side of one box to the left side of another."""
    x, y = source.x + source.width, source.y + source.height / 2
    to_x, to_y = target.x, target.y + target.height / 2
    half = (x + to_x) / 2
    if abs(y - to_y) < 1:
        return Curve(f"M{x:g} {y:g}H{to_x:g}", kind)
    return Curve(f"M{x:g} {y:.1f}C{half:g} {y:.1f} {half:g} {to_y:.1f} {to_x:g} {to_y:.1f}", kind)
