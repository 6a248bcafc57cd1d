"""What an object looks like below the tear line, and which delivered object it must be.

A cut version goes under an identifier that only North can compute, so the judge finds it by its
content: what is expected to be left of each object, with the references followed back.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tearline.cli.demo.expect import Doc, World
from tearline.stix.canonical import canonical, sha256

_STAYS = {"type", "id", "spec_version", "created", "modified", "object_marking_refs"}


class Fit(NamedTuple):
    """How what was delivered fits what ought to go, ours and theirs by our ids."""

    uncut: int
    cut: int
    missing: list[str]
    surplus: list[str]
    ours: dict[str, str]
    """Our id of each delivered id."""


def fit(world: World, delivered: Mapping[str, bytes]) -> Fit:
    """Find for each object that ought to go the delivered one; byte for byte where it is uncut."""
    going = {each for each, fate in world.outcomes.items() if fate.outcome == "release"}
    cut = _cut_ones(world, going)
    ours = {}
    for each in going - cut:
        raw = delivered.get(each)
        if raw is not None and sha256(raw) == sha256(world.objects[each].raw):
            ours[each] = each
    uncut = len(ours)
    _find_cut(world, going, cut, delivered, ours)
    found = set(ours.values())
    surplus = sorted(delivered.keys() - ours.keys())
    return Fit(uncut, len(ours) - uncut, sorted(going - found), surplus, ours)


def _cut_ones(world: World, going: set[str]) -> set[str]:
    """What cannot go as it is: fields to remove, references to what stays, or to what is cut."""
    cut = {
        each
        for each in going
        if any(_removed(world, name) for name in world.objects[each].doc)
        or any(_replaced(world, world.objects[each].doc, n) for n in world.objects[each].doc)
        or not set(_references(world.objects[each].doc)) <= going
    }
    while True:
        more = {
            each for each in going - cut if not cut.isdisjoint(_references(world.objects[each].doc))
        }
        if not more:
            return cut
        cut |= more


def _find_cut(
    world: World,
    going: set[str],
    cut: set[str],
    delivered: Mapping[str, bytes],
    ours: dict[str, str],
) -> None:
    """Pair cut versions by what is left of them, what they refer to before what refers to it."""
    left = {each: json.loads(raw) for each, raw in delivered.items() if each not in ours}
    wanted = {
        _form(world, world.objects[each].doc, lambda n: n if n in going else None): each
        for each in cut
    }
    progress = True
    while progress:
        progress = False
        for each, doc in list(left.items()):
            if each in cut or not set(_references(doc)) <= ours.keys():
                continue
            found = wanted.pop(_form(world, doc, ours.get), None)
            if found is not None and world.objects[found].type == doc["type"]:
                ours[each] = found
                del left[each]
                progress = True


def _form(world: World, doc: Doc, follow: Callable[[str], str | None]) -> bytes:
    """What is left of an object, without the id and the moment that a cut version gets anew."""
    kept = {
        name: None if _replaced(world, doc, name) else value
        for name, value in doc.items()
        if name not in {"id", "modified"} and not _removed(world, name)
    }
    return canonical(_followed("", kept, follow))


def _followed(name: str, value: Any, follow: Callable[[str], str | None]) -> Any:  # noqa: ANN401  # any JSON value
    if name == "object_marking_refs":
        return value
    if name.endswith("_refs") and isinstance(value, list):
        return [new for each in value if (new := follow(each)) is not None]
    if name.endswith("_ref") and isinstance(value, str):
        return follow(value)
    if isinstance(value, dict):
        found = {key: _followed(key, each, follow) for key, each in value.items()}
        return {key: each for key, each in found.items() if each not in (None, [])}
    if isinstance(value, list):
        return [_followed("", each, follow) for each in value]
    return value


def _removed(world: World, name: str) -> bool:
    return name not in _STAYS and any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each
        for each in world.clause.get("remove", ())
    )


def _replaced(world: World, doc: Doc, name: str) -> bool:
    """Whether a pseudonym that only North can make takes the place of a property."""
    return f"{doc['type']}.{name}" in world.clause.get("pseudonymise", ())


def _references(value: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401  # any JSON value
    """Every id that an object refers to, markings left out."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in {"object_marking_refs", "granular_markings"}:
                yield from _references(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each, name.removesuffix("s") if name.endswith("_refs") else "")
    elif isinstance(value, str) and name.endswith("_ref"):
        yield value
