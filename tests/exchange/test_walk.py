"""A walk passes nothing over, whatever the server counts and wherever it is broken off."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tearline.errors import SourceError
from tearline.exchange.foreign import Ask, Page
from tearline.exchange.walk import OVERLAP_US, Step, advance, by_moment, resumed
from tearline.store.sources import Walk

FAR = 10 * OVERLAP_US
NOW = 1 << 60


@dataclass
class Shelf:
    """A collection, how its server goes on from page to page, and what it has given away."""

    kind: str
    cap: int
    items: list[int] = field(default_factory=list)
    """When each item was added, rising; an item is its place here."""
    left: dict[str, list[int]] = field(default_factory=dict)

    def page(self, ask: Ask) -> Page:
        after = -1 if ask.after_at is None else ask.after_at
        found = [place for place, at in enumerate(self.items) if at > after]
        limit = min(ask.limit, self.cap)
        if self.kind == "counted":
            waiting = self.left.pop(ask.next) if ask.next else found
            token = ask.next or f"t{len(self.left)}"
            rest = waiting[limit:]
            if rest:
                self.left[token] = rest
            return self._made(waiting[:limit], more=bool(rest), next_=token)
        start = int(ask.next or 0)
        page, rest = found[start : start + limit], found[start + limit :]
        next_ = "" if self.kind == "none" else str(start + limit)
        return self._made(page, more=bool(rest), next_=next_)

    def _made(self, page: list[int], *, more: bool, next_: str) -> Page:
        first, last = (self.items[page[0]], self.items[page[-1]]) if page else (None, None)
        raws = [str(place).encode() for place in page]
        return Page(raws, more, next_ if more else "", first, last)


@st.composite
def courses(draw: st.DrawFn) -> tuple[Shelf, list[str], int]:
    """A shelf, what happens at each page, and how many are asked for at a time."""
    kind = draw(st.sampled_from(["position", "counted", "none"]))
    # Without a 'next' a page of one object, or of one moment, cannot be gone on from.
    limit = draw(st.integers(2 if kind == "none" else 1, 3))
    ties = st.sampled_from([FAR, FAR, 0] if kind != "none" else [FAR])
    gaps = draw(st.lists(ties, max_size=3) | st.lists(ties, min_size=6, max_size=30))
    items, at = [], 1
    for gap in gaps:
        items.append(at)
        at += gap
    events = ["go", "go", "broken", "stopped", "added"]
    happens = draw(st.lists(st.sampled_from(events), min_size=4, max_size=40))
    return Shelf(kind, draw(st.integers(limit, 4)), items), happens, limit


def turn(shelf: Shelf, walk: Walk, limit: int, seen: set[int], happens: list[str]) -> Walk:
    """One poll: to its end, or until something happens to it."""
    step = Step(resumed(walk), limit)
    # Written down before anything is asked, as a poll does.
    kept = step.walk._replace(sure=False)
    step = step._replace(walk=kept)
    while step.walk.open:
        page = shelf.page(step.ask)
        event = happens.pop(0) if happens else "go"
        if event == "broken":  # the server gave the page, and nobody kept it
            return kept
        if event == "added":
            shelf.items.append((shelf.items[-1] if shelf.items else 0) + FAR)
        fresh = {int(raw) for raw in page.raws} - seen
        seen.update(fresh)
        step = advance(step, page, str(page.raws), fresh=bool(fresh), now=NOW)
        kept = step.walk
        if event == "stopped":
            return kept._replace(sure=bool(kept.next))
    return kept


@settings(max_examples=400)
@given(courses())
def test_nothing_is_passed_over(course: tuple[Shelf, list[str], int]) -> None:
    shelf, happens, limit = course
    seen: set[int] = set()
    walk = Walk()
    while happens:
        walk = turn(shelf, walk, limit, seen, happens)
        if not walk.open and not shelf.items:
            happens.pop(0) if happens else None
    if walk.open:  # a server may have listed what it gives before the last object was added
        walk = turn(shelf, walk, limit, seen, [])
    walk = turn(shelf, walk, limit, seen, [])
    assert not walk.open
    assert seen == set(range(len(shelf.items)))


def page(*, more: bool = True, next_: str = "", first: int = 5, last: int = 9) -> Page:
    return Page([b"{}"], more, next_, first, last)


def test_a_walk_that_ended_begins_where_it_ended_and_overlaps_once() -> None:
    step = advance(Step(resumed(Walk()), 10), page(more=False), "a", fresh=True, now=NOW)
    assert step.walk == Walk(done_at=9, fresh=True, met=1)
    again = resumed(step.walk._replace(done_at=FAR))
    assert again.after_at == FAR - OVERLAP_US
    quiet = advance(Step(again, 10), Page([], False, "", None, None), "b", fresh=False, now=NOW)  # noqa: FBT003  # a page as it came
    assert quiet.walk.done_at == FAR
    assert resumed(quiet.walk).after_at == FAR


def test_a_server_whose_clock_is_ahead_hides_nothing_that_is_to_come() -> None:
    step = advance(Step(resumed(Walk()), 10), page(more=False), "a", fresh=True, now=7)
    assert step.walk.done_at == 7


def test_moments_that_fall_are_not_gone_by() -> None:
    start = Step(Walk(after_at=1, open=True, top_at=20), 10)
    step = advance(start, page(next_="x"), "a", fresh=True, now=NOW)
    assert not step.walk.ordered
    assert by_moment(step.walk).after_at == 1
    with pytest.raises(SourceError, match="no moments"):
        advance(start, page(), "a", fresh=True, now=NOW)


def test_a_next_is_used_again_only_where_it_is_sure() -> None:
    walk = Walk(after_at=1, next="x", top_at=20, open=True)
    assert resumed(walk) == walk._replace(after_at=19, next="")
    assert resumed(walk._replace(sure=True)).next == "x"
