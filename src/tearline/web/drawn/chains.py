"""The chains of a proposition: claims at the left, then publishers, relays, origins. Pure.

A source is one box however often it is cited, so that an echo is seen: many lines, one box.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tearline.provenance.chains import loops
from tearline.web.drawn.layout import Drawing, Link, Node, layered

MOST = 40
"""Claims in one picture; what is beyond is one box."""
_WIDE, _BETWEEN = 214.0, 52.0
_DEEPEST = 14
_DENIED = "denied"


class Words(NamedTuple):
    """What the picture says, in the viewer's language; `{n}` is filled in."""

    claims: str
    asserted: str
    denied: str
    publisher: str
    relay: str
    origin: str
    more: str
    nobody: str
    bad: str
    echo: str


class Branch(NamedTuple):
    """A source, what stands directly in it, and who cites it: a tree from the origin on."""

    identity: str
    name: str
    role: str
    unnamed: bool
    bad: bool
    left_out: int
    claims: list[Mapping[str, Any]]
    below: list["Branch"]


def nested(value: Mapping[str, Any]) -> dict[str, list[Branch]]:
    """The chains of each polarity as trees from their origins on."""
    found: dict[str, list[Branch]] = {}
    for chain in value["chains"]:
        branches = found.setdefault(chain["polarity"], [])
        last: Branch | None = None
        for step in reversed(chain["steps"]):
            last = _branch(branches, step)
            branches = last.below
        if last is not None:
            last.claims.append(chain)
    return found


def _branch(branches: list[Branch], step: Mapping[str, Any]) -> Branch:
    """The branch of a source among these; nobody with a name is the same as another."""
    for each in branches:
        if each.identity and each.identity == step["identity"] and each.role == step["role"]:
            return each
    role = "" if step["left_out"] else step["role"]
    fresh = Branch(
        step["identity"],
        step["name"],
        role,
        step["unnamed"],
        step["bad"],
        step["left_out"],
        [],
        [],
    )
    branches.append(fresh)
    return fresh


def draw(value: Mapping[str, Any], words: Words) -> Drawing:
    """Draw the chains that a page of a claim has."""
    shown = value["chains"][:MOST]
    names = [_box_names(each) for each in shown]
    levels = _levels(names)
    deepest = max(levels.values(), default=0)
    columns: list[list[Node]] = [[] for _ in range(deepest + 2)]
    links: dict[tuple[str, str], str] = {}
    ends = Counter((path[-1], each["polarity"]) for each, path in zip(shown, names, strict=True))
    drawn: set[str] = set()
    for number, (each, path) in enumerate(zip(shown, names, strict=True)):
        kind = each["polarity"]
        here = each["claim"] == value["id"]
        columns[0].append(_claim(each, f"claim-{number}", words, here=here))
        for name, step in zip(path, each["steps"], strict=True):
            if name not in drawn:
                drawn.add(name)
                times = max(ends[name, "asserted"], ends[name, _DENIED])
                columns[deepest + 1 - levels[name]].append(_source(name, step, words, times))
        for pair in pairwise([f"claim-{number}", *path]):
            links[pair] = kind
    if more := len(value["chains"]) - len(shown) + value["more"]:
        text = words.more.format(n=more)
        columns[0].append(Node("more", (text,), text, "more", "#alike"))
    used = sum(1 for each in columns if each)
    width = used * _WIDE + max(used - 1, 0) * _BETWEEN
    tied = [Link(*pair, kind) for pair, kind in links.items() if pair[0] != pair[1]]
    return layered(columns, tied, width=width, between=_BETWEEN)


def _box_names(chain: Mapping[str, Any]) -> list[str]:
    """The box of each step: one for a source and whoever is the same, of its own for nobody."""
    return [
        step["body"] if step["body"] and not step["unnamed"] else f"{chain['claim']} {place}"
        for place, step in enumerate(chain["steps"])
    ]


def _levels(paths: Sequence[Sequence[str]]) -> dict[str, int]:
    """How far each box is from the end of its longest way; who cite in a circle stand in a row."""
    names = sorted({each for path in paths for each in path})
    numbers = {each: number for number, each in enumerate(names)}
    edges = {
        (numbers[first], numbers[second])
        for path in paths
        for first, second in pairwise(path)
        if first != second
    }
    cites: dict[int, set[int]] = {}
    for first, second in edges:
        cites.setdefault(first, set()).add(second)
    levels = [0] * len(names)
    circle: dict[int, int] = {}
    for number, loop in enumerate(loops(cites)):
        for place, each in enumerate(sorted(loop)):
            circle[each] = number
            levels[each] = place
    forward = [each for each in edges if circle.get(each[0], -1) != circle.get(each[1], -2)]
    for _ in range(_DEEPEST):
        for first, second in forward:
            levels[first] = max(levels[first], min(levels[second] + 1, _DEEPEST))
    return _closed(dict(zip(names, levels, strict=True)))


def _closed(levels: Mapping[str, int]) -> dict[str, int]:
    """The same order without levels that nobody has."""
    places = {each: number for number, each in enumerate(sorted(set(levels.values())))}
    return {each: places[level] for each, level in levels.items()}


def _claim(chain: Mapping[str, Any], name: str, words: Words, *, here: bool) -> Node:
    said = words.denied if chain["polarity"] == _DENIED else words.asserted
    lines = (chain["title"], said)
    kind = f"{chain['polarity']}{' center' if here else ''}"
    return Node(name, lines, " · ".join(lines), kind, f"/claims/{chain['claim']}")


def _source(name: str, step: Mapping[str, Any], words: Words, times: int) -> Node:
    if step["left_out"]:
        text = words.more.format(n=step["left_out"])
        return Node(name, (text,), text, "more")
    said = {"publisher": words.publisher, "relay": words.relay, "origin": words.origin}
    parts = [said[step["role"]]]
    if times > 1:
        parts.append(words.echo.format(n=times))
    if step["bad"]:
        parts.append(words.bad)
    lines = (step["name"] or words.nobody, " · ".join(parts))
    kind = "bad" if step["bad"] else "echo" if times > 1 else step["role"]
    href = f"/sources/{step['identity']}" if step["identity"] else None
    return Node(name, lines, " · ".join(lines), kind, href)
