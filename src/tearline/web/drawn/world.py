"""The world as paths: shapes of countries, cut where the map ends, in the Natural Earth projection.

The shapes are those of world-atlas (Natural Earth, public domain), a TopoJSON file that `make
assets` brings; countries are named there by their ISO 3166-1 numbers. Pure.

B. Šavrič, B. Jenny, T. Patterson and others: A polynomial equation for the Natural Earth
projection, Cartography and Geographic Information Science 38(4), 2011.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

WIDTH = 1000.0
_MARGIN = 4.0
_SOUTH, _NORTH = -57.0, 84.0
"""What the map shows. Antarctica, which lies beyond, is left out whole."""
_ANTARCTICA = "010"

Point: TypeAlias = tuple[float, float]
Ring: TypeAlias = list[Point]


class Shape(NamedTuple):
    """One country: its ISO 3166-1 number ("" for what has none), its name, and its path."""

    number: str
    name: str
    path: str
    box: tuple[float, float, float, float]


class World(NamedTuple):
    """The map: its size, and the shapes in it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def projected(longitude: float, latitude: float) -> Point:
    """Where a place in degrees stands on the map, before it is moved into its frame."""
    turn = math.radians(latitude)
    two = turn * turn
    four = two * two
    along = 0.8707 - 0.131979 * two - 0.013791 * four + four**2 * two * (0.003971 - 0.001529 * two)
    up = 1.007226 + 0.015085 * two + two * four * (-0.044475 + 0.028874 * two - 0.005916 * four)
    return math.radians(longitude) * along, turn * up


_HALF = projected(180, 0)[0]
_SCALE = (WIDTH - 2 * _MARGIN) / (2 * _HALF)
_TOP = projected(0, _NORTH)[1]
HEIGHT = round((_TOP - projected(0, _SOUTH)[1]) * _SCALE + 2 * _MARGIN, 1)


def placed(longitude: float, latitude: float) -> Point:
    """Where a place in degrees stands in the picture."""
    x, y = projected(longitude, latitude)
    return _MARGIN + (x + _HALF) * _SCALE, _MARGIN + (_TOP - y) * _SCALE


def drawn(topology: Mapping[str, Any]) -> World:
    """Draw the countries of a world-atlas topology; KeyError or TypeError for anything else."""
    arcs = _arcs(topology)
    shapes = []
    for each in topology["objects"]["countries"]["geometries"]:
        number = str(each.get("id", ""))
        if number == _ANTARCTICA:
            continue
        rings = [
            part
            for polygon in _polygons(each)
            for ring in polygon
            for part in _cut(_joined(arcs, ring))
        ]
        points = [[placed(*point) for point in ring] for ring in rings]
        name = str(each["properties"]["name"])
        shapes.append(Shape(number, name, _path(points), _box(points)))
    return World(WIDTH, HEIGHT, tuple(shapes))


def _arcs(topology: Mapping[str, Any]) -> list[Ring]:
    """The arcs in degrees: they are stored as steps on a grid (TopoJSON 1.0, 2.1.1)."""
    (wide, high), (left, low) = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        ring = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            ring.append((x * wide + left, y * high + low))
        found.append(ring)
    return found


def _polygons(geometry: Mapping[str, Any]) -> Iterable[Sequence[Sequence[int]]]:
    return geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]


def _joined(arcs: Sequence[Ring], ring: Sequence[int]) -> Ring:
    """One ring of arcs; ~n is arc n backwards, and each begins where the last one ended."""
    found: Ring = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        found += arc[1:] if found else arc
    return found


def _cut(ring: Ring) -> list[Ring]:
    """The parts of a ring that lie on the map: what crosses its edge comes in on the other side."""
    unrolled: Ring = []
    shift = 0.0
    for longitude, latitude in ring:
        if unrolled:
            step = longitude + shift - unrolled[-1][0]
            shift -= 360 if step > 180 else -360 if step < -180 else 0  # noqa: PLR2004  # half a turn
        unrolled.append((longitude + shift, latitude))
    west, east = min(x for x, _ in unrolled), max(x for x, _ in unrolled)
    parts = []
    for turn in (-360, 0, 360):
        if west < turn + 180 and east > turn - 180:
            moved = [(x - turn, y) for x, y in unrolled]
            part = _side(_side(moved, -180, 1), 180, -1)
            if len(part) > 2:  # noqa: PLR2004  # an area has three corners
                parts.append(part)
    return parts


def _side(ring: Ring, edge: float, sign: int) -> Ring:
    """The part of a ring on one side of a meridian (Sutherland and Hodgman)."""
    found: Ring = []
    for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        inside, next_inside = sign * (x - edge) >= 0, sign * (next_x - edge) >= 0
        if inside:
            found.append((x, y))
        if inside != next_inside:
            found.append((edge, y + (next_y - y) * (edge - x) / (next_x - x)))
    return found


def _path(rings: Iterable[Sequence[Point]]) -> str:
    """The `d` of a path: whole steps of a tenth of a pixel, each from the last."""
    found = []
    for ring in rings:
        tenths = [(round(x * 10), round(y * 10)) for x, y in ring]
        at_x, at_y = tenths[0]
        begun = [f"M{_written(at_x)} {_written(at_y)}l"]
        steps = []
        for x, y in tenths[1:]:
            if (x, y) != (at_x, at_y):
                steps.append(f"{_written(x - at_x)} {_written(y - at_y)}")
                at_x, at_y = x, y
        if len(steps) > 1:
            found.append("".join(begun) + " ".join(steps).replace(" -", "-") + "z")
    return "".join(found)


def _written(tenths: int) -> str:
    text = f"{tenths / 10:g}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _box(rings: Iterable[Sequence[Point]]) -> tuple[float, float, float, float]:
    every = [point for ring in rings for point in ring]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    return min(xs), min(ys), max(xs), max(ys)
