"""Where countries are on the map, what they are called, and how many things shade each."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson

from tearline.web.assets import asset
from tearline.web.drawn.world import World, drawn, placed

_HERE = Path(__file__).parent
ATLAS = "vendor/world-atlas/countries-110m.json"
"""The shapes, which `make assets` brings; without them there is a table and no map."""
SHADES = (1, 10, 100, 1_000, 10_000)
"""From how many on a country is in each shade."""
_DOT = 3.2


class Country(NamedTuple):
    """A country by its code: its number, its names, and where it is if the map has no shape."""

    code: str
    number: str
    names: Mapping[str, str]
    at: tuple[float, float] | None


class Area(NamedTuple):
    """One country as it is drawn: a path, or a dot where it is too small for one.

    `shade` is 0 where nothing is counted, else from 1 on. `code` is "" for what has none.
    """

    code: str
    name: str
    number: int
    shade: int
    path: str
    dot: tuple[float, float, float] | None


class Map(NamedTuple):
    """The whole picture: first what is not counted, as one path, then what is."""

    width: float
    height: float
    land: str
    areas: tuple[Area, ...]


@cache
def countries() -> Mapping[str, Country]:
    """Every country by its code."""
    found = {}
    for line in (_HERE / "countries.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, number, english, german, *at = line.split("\t")
            place = placed(float(at[1]), float(at[0])) if at else None
            found[code] = Country(code, number, {"en": english, "de": german}, place)
    return found


def name_of(code: str, language: str) -> str:
    """What a country is called; its code where nobody knows it."""
    known = countries().get(code)
    return known.names.get(language, known.names["en"]) if known else code


@cache
def world() -> World | None:
    """The shapes, read and projected once; None where they are not installed."""
    found = asset(ATLAS)
    return None if found is None else drawn(orjson.loads(found.content))


def shade_of(number: int) -> int:
    """In which shade so many are."""
    return sum(number >= each for each in SHADES)


def shaded(counts: Sequence[Mapping[str, object]], language: str, chosen: str | None) -> Map | None:
    """Draw the map with these counts, each with `country` and `number`.

    The chosen country is drawn as counted even where nothing is.
    """
    found = world()
    if found is None:
        return None
    numbers = {str(each["country"]): int(str(each["number"])) for each in counts}
    codes = {each.number: each.code for each in countries().values()}
    land, areas, dots = [], [], []
    shapes = {}
    for shape in found.shapes:
        code = "XK" if shape.name == "Kosovo" else codes.get(shape.number, "")
        shapes[code] = shape
        if code in numbers or (code and code == chosen):
            number = numbers.get(code, 0)
            name = name_of(code, language)
            areas.append(Area(code, name, number, shade_of(number), shape.path, None))
        else:
            land.append(shape.path)
    for code, number in numbers.items():
        country = countries().get(code)
        if code not in shapes and country is not None and country.at is not None:
            name, dot = name_of(code, language), (*country.at, _DOT)
            dots.append(Area(code, name, number, shade_of(number), "", dot))
    return Map(found.width, found.height, "".join(land), (*areas, *dots))
