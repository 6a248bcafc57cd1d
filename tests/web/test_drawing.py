"""Laying pictures out: whatever they are told, nothing overlaps, and the same comes out again."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.web.drawn import bars, graph, layout, life, tree
from tearline.web.drawn.layout import Box, Drawing, Link, Node
from tearline.web.drawn.tree import Branch

TEXTS = st.text(max_size=80)


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[list[Node]], list[Link]]:
    """Columns of boxes, and ties between any of them, also of what is not there."""
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5))
    made = [
        [
            Node(f"{at}-{n}", tuple(draw(st.lists(TEXTS, min_size=1, max_size=4))), "all")
            for n in range(size)
        ]
        for at, size in enumerate(sizes)
    ]
    ids = [each.id for column in made for each in column] + ["nobody"]
    pairs = draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=20))
    return made, [Link(*pair) for pair in pairs]


@st.composite
def branches(draw: st.DrawFn, deep: int = 3) -> list[Branch]:
    number = draw(st.integers(0, 5 if deep else 0))
    return [
        Branch(Node("x", (draw(TEXTS), draw(TEXTS)), "all"), tuple(draw(branches(deep - 1))))
        for _ in range(number)
    ]


def apart(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x + 0.01 or other.x + other.width <= one.x + 0.01
    return beside or one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01


def holds(drawing: Drawing) -> None:
    """No box covers another, all are in the picture, and each text is in its box, line by line."""
    boxes = drawing.boxes
    for number, one in enumerate(boxes):
        assert all(apart(one, other) for other in boxes[number + 1 :])
        assert one.x >= -0.01
        assert one.y >= -0.01
        assert one.x + one.width <= drawing.width + 0.01
        assert one.y + one.height <= drawing.height + 0.01
        for text in one.texts:
            size = layout.TITLE if text.first else layout.SMALL
            assert text.x + layout.width_of(text.text, size) <= one.x + one.width
            assert one.y < text.y < one.y + one.height
        assert all(after.y - before.y >= layout.SMALL for before, after in pairwise(one.texts))


@given(columns())
def test_boxes_in_columns_never_overlap(given: tuple[list[list[Node]], list[Link]]) -> None:
    drawing = layout.layered(*given, width=1160, between=52)
    holds(drawing)
    assert drawing == layout.layered(*given, width=1160, between=52)
    assert len(drawing.boxes) == sum(map(len, given[0]))


@given(branches(), branches())
def test_branches_to_both_sides_never_overlap(left: list[Branch], right: list[Branch]) -> None:
    center = Node("center", ("what", "it is"), "all")
    drawing = tree.both_sides(center, left, right)
    holds(drawing)
    assert drawing == tree.both_sides(center, left, right)
    assert len(drawing.curves) == len(drawing.boxes) - 1


@given(TEXTS, st.floats(20, 400))
def test_a_text_is_cut_to_its_width_and_no_shorter_than_it_must(text: str, width: float) -> None:
    cut = layout.fitted(text, width, 13)
    assert layout.width_of(cut, 13) <= width
    if cut != text:
        assert cut.endswith("…")
        assert layout.width_of(text, 13) > width
        assert text.startswith(cut[:-1])


def test_a_line_runs_behind_no_box_that_it_does_not_end_at() -> None:
    columns = [[Node(f"{at}{n}", (f"{at}{n}",), "") for n in range(3)] for at in "abcd"]
    links = [Link("a1", "d1"), Link("a0", "c2"), Link("b1", "d0"), Link("a2", "b2")]
    drawing = layout.layered(columns, links, width=900, between=50)
    assert len(drawing.boxes) == 12
    passing = [each.d for each in drawing.curves if "C" not in each.d and "H" in each.d]
    assert len(passing) >= 4, "through two columns, one and one"
    for d in passing:
        x, y, to_x = (float(each) for each in re.findall(r"[0-9.]+", d))
        behind = [e for e in drawing.boxes if x < e.x + e.width and to_x > e.x]
        assert all(not e.y <= y <= e.y + e.height for e in behind), d


def test_what_is_tied_to_the_same_stands_together() -> None:
    left = [Node("a", ("a",), ""), Node("b", ("b",), "")]
    right = [Node("to b", ("x",), ""), Node("to a", ("x",), "")]
    links = [Link("b", "to b"), Link("a", "to a")]
    drawing = layout.layered([left, right], links, width=500, between=50)
    places = {each.node.id: each.y for each in drawing.boxes}
    assert places["to a"] < places["to b"]


# ---------------------------------------------------------------------------------- line of life

WORDS = life.Words(
    dict.fromkeys(("has", "waits", "recalled", "stays", "apart", "open", "confirmed"), "said"),
    "version",
    "leaf",
    "clause",
    "and {n} more",
    "made it",
    "came",
    "origin",
    "asserted",
    "denied",
    "proposed {n}",
)


def claimed(number: int, polarity: str = "asserted", **more: object) -> dict[str, object]:
    """A claim about it, by a source of its own."""
    return {
        "id": f"note--{number}",
        "title": f"It is claimed to be so {number} " * 3,
        "polarity": polarity,
        "source_id": f"identity--of {number}",
        "source": f"source {number}",
        "grade": None,
        "worth": None,
    } | more


def lived(sources: int, sides: int, partners: int, claims: int = 0) -> dict[str, Any]:
    """The facts of a life with so many of each."""
    return {
        "author": {"id": "identity--1", "name": "somebody", "held": True},
        "sources": [
            {"name": f"feed {n}", "agreement": None, "versions": 1, "last_at": 0}
            for n in range(sources)
        ],
        "claims": [claimed(n, ("asserted", "denied")[n % 2]) for n in range(min(claims, 6))],
        "claims_number": {"number": claims, "more": claims > 10_000},
        "object": {"id": "tool--1", "name": "it", "type": "tool", "version_at": 0},
        "sides": [
            {
                "partner": f"p{n % partners}",
                "partner_name": "A partner with a long name " * 3,
                "agreement": f"urn:uuid:{n}",
                "title": f"agreement {n}",
                "stands": ("has", "waits", "recalled", "stays", "apart")[n % 5],
                "clause": "N1",
                "reasons": [["victim", "N1"]] * (n % 5 == 1),
                "version": "2026-03-01T00:00:00.000Z",
                "leaf": n,
                "queue_item": None,
                "answered": "open" if n % 5 == 2 else None,
            }
            for n in range(min(sides, 60))
        ],
        "sides_number": sides,
    }


@given(st.integers(0, 200), st.integers(0, 500), st.integers(1, 60), st.integers(0, 2_000))
def test_a_life_has_a_bounded_number_of_marks(
    sources: int, sides: int, partners: int, claims: int
) -> None:
    drawing = life.draw(lived(sources, sides, partners, claims), WORDS)
    holds(drawing)
    assert len(drawing.boxes) <= life.MOST
    said = [box.node.lines[0] for box in drawing.boxes]
    if sides > 22 and not claims:
        assert f"and {sides - 21} more" in said
    if claims > 6:
        assert f"and {claims - 6} more" in said
    drawn = sum(box.node.id.startswith("decision-") for box in drawing.boxes)
    assert drawn == min(sides, 22) if not claims else drawn >= min(sides, 18)


def boxes(facts: dict[str, Any]) -> dict[str, Box]:
    return {each.node.id: each for each in life.draw(facts, WORDS).boxes}


def test_a_claim_stands_between_its_source_and_the_object() -> None:
    facts = lived(1, 0, 1)
    facts["claims"] = [
        claimed(1, grade="B2", worth={"credibility": 3}),
        claimed(2, "denied", worth={"credibility": 4}, source_id="identity--of 1"),
        claimed(3, source_id="identity--1", source="somebody"),
        claimed(4, source_id="", source=""),
    ]
    found = boxes(facts)
    first, denial = found["claim-note--1"], found["claim-note--2"]
    said = [found[f"claim-note--{n}"].node.lines[1] for n in (1, 2, 3)]
    assert said == ["asserted · B2", "denied · proposed 4", "asserted"]
    assert (first.node.kind, first.node.href) == ("asserted", "/claims/note--1")
    assert (denial.node.kind, denial.node.href) == ("denied", "/claims/note--2")
    by = found["origin-identity--of 1"]
    assert by.x < first.x == denial.x < found["object"].x
    assert (by.node.lines, by.node.href) == (("source 1", "origin"), "/sources/identity--of 1")
    assert sum(each.startswith("origin-") for each in found) == 1, "who made it is there already"
    assert {each.x for each in (by, found["author"])} == {0}
    kinds = [each.kind for each in life.draw(facts, WORDS).curves]
    assert (kinds.count("asserted"), kinds.count("denied")) == (5, 2)


def test_without_a_claim_the_picture_has_room_for_all_decisions() -> None:
    plain = boxes(lived(8, 22, 22))
    assert len(plain) == 1 + 8 + 1 + 22 + 22
    assert not any(each.startswith(("claim-", "origin-")) for each in plain)


def test_further_claims_are_one_box_that_leads_to_them() -> None:
    more = boxes(lived(1, 1, 1, 1_000))["claim-more"]
    assert (more.node.lines, more.node.href) == (("and 994 more",), "/claims?about=tool--1")
    facts = lived(1, 1, 1, 10_001) | {"claims_number": {"number": 10_000, "more": True}}
    assert boxes(facts)["claim-more"].node.full == "and 9994+ more"
    assert "claim-more" not in boxes(lived(1, 1, 1, 6))


def test_a_column_without_anything_takes_no_room() -> None:
    facts = lived(0, 0, 1) | {"author": None}
    (box,) = life.draw(facts, WORDS).boxes
    assert (box.x, box.width) == (0, life.WIDTH)


def test_a_curve_says_how_it_stands() -> None:
    drawing = life.draw(lived(1, 5, 5), WORDS)
    kinds = {each.kind for each in drawing.curves}
    assert kinds >= {"has", "waits", "recalled", "stays", "apart"}


# -------------------------------------------------------------------------------------- over time

DAYS = st.integers(-25_000, 80_000)


@given(st.dictionaries(DAYS, st.integers(1, 10**9), min_size=1, max_size=40), st.data())
def test_bars_lose_nothing_and_stand_apart(counts: dict[int, int], data: st.DataObject) -> None:
    first, last = min(counts), max(counts)
    narrowest = bars.step_for(first, last)
    step = data.draw(st.sampled_from(bars.STEPS[bars.STEPS.index(narrowest) :]))
    drawn = bars.draw(counts, first, last, step)
    assert sum(each.number for each in drawn.bars) == sum(counts.values())
    for one, other in pairwise(drawn.bars):
        assert one.x + one.width <= other.x
        assert one.last < other.first
    for each in drawn.bars:
        assert each.x >= drawn.left
        assert each.x + each.width <= drawn.width + 0.01
        assert 0 < each.y < each.y + each.height <= drawn.foot + 0.01
    for before, after in pairwise(drawn.times):
        assert after.at - before.at >= 70
    assert bars.read(drawn.bars[0].first) is not None


@given(DAYS, st.sampled_from(bars.STEPS))
def test_a_step_begins_once_and_ends_where_the_next_begins(day: int, step: bars.Step) -> None:
    begin = bars.begin_of(step, day)
    assert begin <= day < bars.after(step, begin)
    assert bars.begin_of(step, begin) == begin
    assert bars.begin_of(step, bars.after(step, begin)) == bars.after(step, begin)


def test_a_bar_ends_with_the_chosen_time() -> None:
    (bar,) = bars.draw({3: 7}, 2, 4, "year").bars
    assert (bar.first, bar.last, bar.number) == ("1970-01-03", "1970-01-05", 7)


@pytest.mark.parametrize("text", [None, "", "x", "2026-13-01", "2026-02-30", "-1"])
def test_what_is_no_day_is_none(text: str | None) -> None:
    assert bars.read(text) is None


# ------------------------------------------------------------------------------------------ graph


def test_what_leads_there_stands_left_and_a_group_leads_to_its_list() -> None:
    def near(name: str | None, *, outward: bool) -> dict[str, object]:
        return {
            "id": name and f"tool--{name}",
            "name": name,
            "type": "tool",
            "kind": "uses",
            "number": 41,
            "whole": True,
            "again": False,
            "outward": outward,
            "around": [],
        }

    around = [near("left", outward=False), near(None, outward=True)]
    value = {"id": "malware--1", "name": "it", "type": "malware", "around": around}
    drawing = graph.draw(value, "again")
    left, center, right = sorted(drawing.boxes, key=lambda each: each.x)
    assert [each.node.lines[0] for each in (left, center, right)] == [
        "left",
        "it",
        f"41 {graph.TIMES} tool",
    ]
    assert right.node.href == "/objects/malware--1?kind=uses&tied=tool#ties"
    assert left.node.href == "/explore?id=tool--left"
    assert left.node.lines[1] == "← uses · tool"
