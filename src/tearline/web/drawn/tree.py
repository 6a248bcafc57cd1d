"""What lies around one thing, as a tree to both sides of it: what leads to it left. Pure.

Every branch has rows of its own, so that nothing overlaps, however much it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tearline.web.drawn.layout import GAP, LINE, PADDING, Box, Curve, Drawing, Node, boxed

WIDE = 212.0
BETWEEN = 56.0


class Branch(NamedTuple):
    """A box, and what lies beyond it."""

    node: Node
    beyond: tuple["Branch", ...] = ()


def both_sides(center: Node, left: Sequence[Branch], right: Sequence[Branch]) -> Drawing:
    """Lay a tree out around its middle; a side without anything takes no room."""
    before, after = _deep(left), _deep(right)
    step = WIDE + BETWEEN
    at = before * step
    tall = max(_tall(left), _tall(right), _height(center))
    boxes = [boxed(center, at, (tall - _height(center)) / 2, WIDE)]
    curves: list[Curve] = []
    for side, sign in ((left, -1), (right, 1)):
        _grow(side, boxes[0], (tall - _tall(side)) / 2, sign, boxes, curves)
    width = at + WIDE + after * step
    return Drawing(width, tall, tuple(boxes), tuple(curves))


def _deep(side: Sequence[Branch]) -> int:
    return max((1 + _deep(each.beyond) for each in side), default=0)


def _height(node: Node) -> float:
    return LINE * len(node.lines) + PADDING


def _tall(side: Sequence[Branch]) -> float:
    """How much room branches need, one below the other."""
    rooms = [max(_height(each.node), _tall(each.beyond)) for each in side]
    return sum(rooms) + GAP * max(0, len(rooms) - 1)


def _grow(
    side: Sequence[Branch],
    root: Box,
    y: float,
    sign: int,
    boxes: list[Box],
    curves: list[Curve],
) -> None:
    x = root.x + sign * (WIDE + BETWEEN)
    for each in side:
        own, room = _height(each.node), _tall(each.beyond)
        tall = max(own, room)
        box = boxed(each.node, x, y + (tall - own) / 2, WIDE)
        boxes.append(box)
        curves.append(_joined(root, box, sign, each.node.kind))
        _grow(each.beyond, box, y + (tall - room) / 2, sign, boxes, curves)
        y += tall + GAP


def _joined(root: Box, box: Box, sign: int, kind: str) -> Curve:
    x = root.x + (root.width if sign > 0 else 0)
    to_x = box.x + (0 if sign > 0 else box.width)
    y, to_y = root.y + root.height / 2, box.y + box.height / 2
    half = (x + to_x) / 2
    if abs(y - to_y) < 1:
        return Curve(f"M{x:g} {y:.1f}H{to_x:g}", kind)
    return Curve(f"M{x:g} {y:.1f}C{half:g} {y:.1f} {half:g} {to_y:.1f} {to_x:g} {to_y:.1f}", kind)
