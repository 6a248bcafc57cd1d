"""What templates call to draw: the facts that a page has, laid out for the viewer's language."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from tearline.web.drawn import bars, chains, estimates, graph, life, places


def pictures(language: str) -> dict[str, Callable[..., object]]:
    """Everything that draws or names places, by the name that templates have for it."""
    return {
        "country": lambda code: places.name_of(code, language),
        "draw_bars": _bars,
        "draw_chains": lambda value, **said: chains.draw(value, chains.Words(**said)),
        "draw_estimates": estimates.draw,
        "draw_graph": graph.draw,
        "draw_life": lambda facts, **said: life.draw(facts, life.Words(**said)),
        "draw_map": lambda counts, chosen: places.shaded(counts, language, chosen),
        "narrowed": narrowed,
        "nested_chains": chains.nested,
        "shape_of": graph.shape_of,
    }


def narrowed(path: str, chosen: Mapping[str, object], **changed: object) -> str:
    """The address of a page with a selection, some of it changed; what is None is left out."""
    query = {k: v for k, v in {**chosen, **changed}.items() if v is not None}
    return f"{path}?{urlencode(query)}" if query else path


def _bars(value: Mapping[str, Any]) -> bars.Bars | None:
    """The picture of the counts over time that a page has."""
    first, last = bars.read(value["first"]), bars.read(value["last"])
    if first is None or last is None:
        return None
    counts = {bars.read(each["first"]) or 0: each["number"] for each in value["days"]}
    return bars.draw(counts, first, last, value["step"])
