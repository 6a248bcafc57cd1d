"""Copies between reports are proposed once, and judged by a person."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.home import Home, create_home
from tearline.release import arrive
from tearline.stix.timestamp import format_timestamp
from tearline.store import worth
from tearline.store.claims import CONFIRMED, PROPOSED, REFUSED
from tearline.store.worth import Tie
from tearline.weighing import copies, indexing
from tearline.weighing import worth as weighing
from tearline.weighing.copies import ALIKE, FEWEST, WITHIN_US, Copy, Read, agencies_of, runs_of
from tests.pair import DAY, START, as_object, sdo, stix_id
from tests.weighing.told import group, told

TEXT = "The envoy said that weapons might follow, but only with great caution and after a summit."
OTHER = "A quite different page about the price of bread, of milk, and of eggs in the old town."


@pytest.fixture
def home(tmp_path: Any) -> Iterator[Home]:  # noqa: ANN401  # a path
    made = create_home(tmp_path / "north", "North CERT", None, START)
    yield made
    made.store.close()


def report(name: str, text: str, at: int = START) -> dict[str, Any]:
    refs = [stix_id("identity", "Blue Paper")]
    return sdo("report", name, published=format_timestamp(at), object_refs=refs, description=text)


def put(home: Home, *docs: dict[str, Any]) -> None:
    arrive.arrive(home, list(map(as_object, docs)), source="test", now=START)
    indexing.sort_in(home)


def ties(home: Home) -> list[Tie]:
    with home.store.read() as tx:
        return worth.ties(tx)


def test_a_copy_with_other_words_around_it_is_proposed_once(home: Home) -> None:
    put(
        home,
        report("a", TEXT),
        report("b", f"From our desk. {TEXT.upper()}", START + DAY),
        report("c", OTHER),
        report("d", TEXT, START + 4 * DAY),
    )
    assert copies.propose(home, now=START) == 1
    (found,) = ties(home)
    assert found[:5] == (
        stix_id("report", "b"),
        stix_id("report", "a"),
        "duplicate-of",
        PROPOSED,
        "",
    )
    assert found.why == "71% of their runs of five words are the same"
    assert copies.propose(home, now=START) == 0


@pytest.mark.parametrize("state", [CONFIRMED, REFUSED])
@pytest.mark.parametrize("turned", [False, True])
def test_what_a_person_judged_is_never_proposed_again(
    home: Home, state: str, *, turned: bool
) -> None:
    put(home, report("a", TEXT), report("b", TEXT, START + 1))
    ends = (stix_id("report", "b"), stix_id("report", "a"))
    judged = Tie(*(ends[::-1] if turned else ends), "derived-from", state, "An analyst", 1, "seen")
    weighing.tie(home, judged, now=START)
    assert copies.propose(home, now=START) == 0
    assert ties(home) == [judged]


def test_the_same_agency_is_proposed_where_the_reports_say_the_same(home: Home) -> None:
    names = "abcd"
    texts = ["Short (dpa).", "Other words here (AFP/dpa)", "Not said (Reuters)", "Bread (dpa)"]
    put(
        home,
        *(report(each, text) for each, text in zip(names, texts, strict=True)),
        *(told(each, f"Paper {each}", report_ref=stix_id("report", each)) for each in names),
        group("g", "a", "b", "c"),
    )
    assert copies.propose(home, now=START) == 1
    (found,) = ties(home)
    assert {found.from_id, found.to_id} == {stix_id("report", "a"), stix_id("report", "b")}
    assert found.why == "both carry the tag of dpa, and say the same"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x (dpa)", {"dpa"}),
        ("x (AFP/Reuters) y", {"afp", "reuters"}),
        ("Old Town, 3 May (Interfax) y", {"interfax"}),
        ("reuters wrote", set()),
        ("(apart from that)", set()),
    ],
)
def test_tags(text: str, found: set[str]) -> None:
    assert agencies_of(text) == found


_TEXTS = st.lists(
    st.tuples(st.integers(0, 4), st.lists(st.sampled_from("abc"), max_size=14)), max_size=6
)


@given(_TEXTS)
def test_every_pair_that_is_alike_enough_is_found(made: list[tuple[int, list[str]]]) -> None:
    read = sorted(
        Read(days * DAY, str(place), runs_of(" ".join(words)), frozenset())
        for place, (days, words) in enumerate(made)
    )
    wanted = {
        (later.stix_id, earlier.stix_id)
        for place, later in enumerate(read)
        for earlier in read[:place]
        if min(len(later.runs), len(earlier.runs)) >= FEWEST
        and later.published_at - earlier.published_at <= WITHIN_US
        and len(later.runs & earlier.runs) / len(later.runs | earlier.runs) > ALIKE
    }
    found: list[Copy] = list(copies.look_alike(read))
    assert {(each.later, each.earlier) for each in found} == wanted
    assert len(found) == len(wanted)
