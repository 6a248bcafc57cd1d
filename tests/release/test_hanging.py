"""What hangs on others has its turn after them, and in a circle none, whatever the order."""

import random
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from tearline.release.hanging import holds_some, in_turn

_IDS = [f"{kind}--{number}" for kind in ("note", "grouping") for number in range(5)]
_ALONE = ["tool--goes", "tool--stays"]

needs_of = st.lists(st.sampled_from(_IDS + _ALONE), max_size=4)
worlds = st.fixed_dictionaries({}, optional=dict.fromkeys(_IDS, needs_of))


def settled(needs: Mapping[str, Sequence[str]], kept_back: set[str]) -> tuple[set[str], list[str]]:
    """What goes when each is decided in its turn, and the turns."""
    gone, turns = {"tool--goes"}, []
    for each in in_turn(needs, lambda one: one in gone):
        enough = any if holds_some(each) else all
        if each not in kept_back and needs[each] and enough(n in gone for n in needs[each]):
            gone.add(each)
        turns.append(each)
    return gone, turns


def slowly(needs: Mapping[str, Sequence[str]], kept_back: set[str]) -> set[str]:
    """What goes when everything is asked again until nothing more does."""
    gone: set[str] = set()
    more = {"tool--goes"}
    while more - gone:
        gone |= more
        more = {
            each
            for each, below in needs.items()
            if each not in kept_back
            and below
            and (any if holds_some(each) else all)(n in gone for n in below)
        }
    return gone


@given(needs=worlds, kept_back=st.sets(st.sampled_from(_IDS)), seed=st.integers(0, 99))
def test_whatever_the_order_the_same_goes_and_each_has_one_turn(
    needs: dict[str, list[str]], kept_back: set[str], seed: int
) -> None:
    gone, turns = settled(needs, kept_back)
    assert gone == slowly(needs, kept_back)
    assert len(turns) == len(set(turns))
    shuffled = list(needs.items())
    random.Random(seed).shuffle(shuffled)
    again, others = settled(dict(shuffled), kept_back)
    assert (again, set(others)) == (gone, set(turns))


def test_a_grouping_of_notes_alone_goes_with_the_first_that_goes() -> None:
    needs = {
        "grouping--0": ["note--0", "note--1"],
        "note--0": ["tool--stays"],
        "note--1": ["tool--goes"],
    }
    gone, turns = settled(needs, set())
    assert {"note--1", "grouping--0"} < gone
    assert turns[-1] == "grouping--0"


def test_a_circle_stays_and_a_container_with_something_of_its_own_breaks_it() -> None:
    circle = {"grouping--0": ["note--0"], "note--0": ["grouping--0"]}
    assert settled(circle, set()) == ({"tool--goes"}, [])
    broken = circle | {"grouping--0": ["note--0", "tool--goes"]}
    gone, _ = settled(broken, set())
    assert {"grouping--0", "note--0"} < gone


def test_a_long_row_is_gone_through_once() -> None:
    needs = {f"note--{number}": [f"note--{number - 1}"] for number in range(1, 20_000)}
    needs |= {"note--0": ["tool--goes"], "grouping--all": list(needs)}
    gone, turns = settled(needs, set())
    assert len(turns) == len(gone) - 1 == 20_001
