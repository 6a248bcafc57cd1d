from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tearline.provenance.chains import (
    FIRM,
    STATED,
    UNNAMED,
    Chain,
    Known,
    ends,
    knowing,
    loops,
)
from tearline.provenance.grade import better, propose

PAGE, DAILY, WEEKLY, BROADCASTER, AGENCY, MINISTRY, SPOKESWOMAN, ENVOY, SOMEBODY = range(1, 10)
SAID = STATED | FIRM

Pair = tuple[int, int]


def said(*path: int, marks: int = SAID) -> Chain:
    return path, marks


# ------------------------------------------------------------------------------- what is counted


def test_the_same_origin_heard_three_times_is_one_origin() -> None:
    found = ends(
        [
            said(PAGE, BROADCASTER, SPOKESWOMAN),
            said(DAILY, SPOKESWOMAN),
            said(WEEKLY, AGENCY, SPOKESWOMAN),
        ]
    )
    assert found.origins == (SPOKESWOMAN,)
    assert found.claims == 3


def test_claims_through_one_broadcaster_without_an_origin_are_that_broadcaster_once() -> None:
    through = [said(each, BROADCASTER, marks=FIRM) for each in (PAGE, DAILY, WEEKLY)]
    found = ends([*through, said(PAGE, BROADCASTER, marks=FIRM)])
    assert found.origins == (BROADCASTER,)
    assert found.unstated == (BROADCASTER,)


def test_an_outlet_that_names_its_origin_elsewhere_is_no_origin() -> None:
    found = ends([said(PAGE, BROADCASTER, marks=FIRM), said(DAILY, BROADCASTER, MINISTRY)])
    assert found.origins == (MINISTRY,)


def test_a_loop_with_no_way_out_yields_nothing() -> None:
    found = ends([said(PAGE, DAILY, marks=FIRM), said(DAILY, PAGE, marks=FIRM)])
    assert found.origins == ()
    assert found.loops == 1


def test_a_loop_with_a_way_out_yields_what_it_leads_to() -> None:
    found = ends([said(PAGE, DAILY), said(DAILY, PAGE), said(PAGE, ENVOY)])
    assert found.origins == (ENVOY,)
    assert found.loops == 1


def test_a_source_that_cites_itself_by_another_is_a_loop_in_one_chain() -> None:
    found = ends([said(PAGE, BROADCASTER, PAGE)])
    assert found.origins == ()
    assert found.loops == 1


def test_unnamed_origins_are_none() -> None:
    found = ends([said(PAGE, 101, marks=SAID | UNNAMED), said(DAILY, 102, marks=SAID | UNNAMED)])
    assert found.origins == ()
    assert found.unnamed


def test_a_spokeswoman_and_her_ministry_are_one_source() -> None:
    chains = [said(PAGE, MINISTRY, SPOKESWOMAN), said(DAILY, MINISTRY), said(WEEKLY, ENVOY)]
    assert ends(chains).origins == (SPOKESWOMAN, ENVOY)
    same = knowing({SPOKESWOMAN: MINISTRY, ENVOY: MINISTRY}, ())
    found = ends(chains, (), same)
    assert found.origins == (MINISTRY,)
    assert found.loops == 0


def test_our_own_report_that_comes_back_is_a_loop() -> None:
    found = ends([said(PAGE, BROADCASTER, SOMEBODY)], (), knowing({SOMEBODY: PAGE}, ()))
    assert found.origins == ()
    assert found.loops == 1


@pytest.mark.parametrize("who", [BROADCASTER, SPOKESWOMAN])
def test_what_comes_by_a_discredited_source_corroborates_nothing(who: int) -> None:
    chains = [said(PAGE, BROADCASTER, SPOKESWOMAN), said(DAILY, AGENCY, ENVOY)]
    found = ends(chains, (), knowing({}, [who]))
    assert found.origins == (ENVOY,)
    assert found.left_out == (who,)


def test_a_discredited_source_takes_along_who_is_the_same() -> None:
    found = ends([said(PAGE, SPOKESWOMAN)], (), knowing({SPOKESWOMAN: MINISTRY}, [MINISTRY]))
    assert found.origins == ()
    assert found.left_out == (MINISTRY,)


def test_a_report_that_is_derived_from_another_is_no_origin_of_its_own() -> None:
    chains = [said(PAGE, marks=FIRM), said(DAILY, marks=FIRM)]
    assert ends(chains).origins == (PAGE, DAILY)
    assert ends(chains, [(DAILY, PAGE)]).origins == (PAGE,)
    assert ends(chains, [(DAILY, PAGE), (PAGE, DAILY)]).origins == ()


def test_ten_thousand_links_and_a_loop_of_them_are_no_recursion() -> None:
    far = tuple(range(10_000))
    assert ends([(far, SAID)]).origins == (9_999,)
    assert ends([((*far, 0), SAID)]).loops == 1


def test_the_loops_are_the_strongly_connected_components() -> None:
    edges = {1: [2], 2: [3], 3: [1, 4], 4: [5], 5: [4], 6: [6, 1]}
    assert sorted(map(sorted, loops(edges))) == [[1, 2, 3], [4, 5]]


# ------------------------------------------------------------------------------------- properties

_NODES = st.integers(0, 5)
_MARKS = st.sampled_from([0, STATED, FIRM, SAID, UNNAMED, SAID | UNNAMED])
_CHAIN = st.tuples(st.lists(_NODES, min_size=1, max_size=4).map(tuple), _MARKS)
_CHAINS = st.lists(_CHAIN, max_size=5)
_TIES = st.lists(st.tuples(_NODES, _NODES), max_size=2)
_BODY = st.lists(st.tuples(_NODES, _NODES), max_size=3)
_BAD = st.sets(_NODES, max_size=2)


def bodies(pairs: Sequence[Pair]) -> dict[int, int]:
    """Each source and the smallest that it is the same as, by pairs."""
    body = {each: each for each in range(6)}
    for first, second in pairs:
        low, high = sorted((body[first], body[second]))
        body = {each: low if to == high else to for each, to in body.items()}
    return {each: to for each, to in body.items() if each != to}


def digit(chains: Sequence[Chain], denial: Sequence[Chain], known: Known) -> int:
    return propose(ends(chains, (), known), ends(denial, (), known)).credibility


def enumerated(chains: Sequence[Chain], ties: Sequence[Pair], known: Known) -> set[int]:
    """The origins by walking every path: the definition, as slowly as it reads."""
    steps = {pair for path, _ in chains for pair in pairwise(path)} | set(ties)
    steps = {(one, other) for one, other in steps if one != other}
    body = {each: known.body.get(each, each) for each in range(6)}
    bad = {body[each] for each in known.bad}
    whole = {(body[one], body[other]) for one, other in steps if body[one] != body[other]}

    def walks(node: int, been: frozenset[int]) -> Iterator[int]:
        onward = {other for one, other in whole if one == node}
        if not onward:
            yield node
        for each in onward - been:
            yield from walks(each, been | {each})

    reached = {end for path, _ in chains for end in walks(body[path[0]], frozenset())}
    told = {
        body[path[-1]]
        for path, marks in chains
        if not marks & UNNAMED
        and not any(one == path[-1] for one, _ in steps)
        and not bad & {body[each] for each in path}
    }
    return reached & told


@given(_CHAINS, _TIES, _BODY, _BAD)
def test_the_origins_are_those_of_a_walk_along_every_path(
    chains: list[Chain], ties: list[Pair], pairs: list[Pair], bad: set[int]
) -> None:
    known = knowing(bodies(pairs), bad)
    assert set(ends(chains, ties, known).origins) == enumerated(chains, ties, known)


@given(_CHAINS, _TIES, _BODY, _BAD, st.data())
def test_the_order_does_not_matter(
    chains: list[Chain], ties: list[Pair], pairs: list[Pair], bad: set[int], data: st.DataObject
) -> None:
    known = knowing(bodies(pairs), bad)
    turned = data.draw(st.permutations(chains))
    assert ends(chains, ties, known) == ends(turned, ties[::-1], known)


@given(_CHAINS, _CHAINS, _BODY, _BAD, st.data())
def test_a_repetition_never_raises(
    chains: list[Chain], denial: list[Chain], pairs: list[Pair], bad: set[int], data: st.DataObject
) -> None:
    assume(chains)
    known = knowing(bodies(pairs), bad)
    again = [*chains, data.draw(st.sampled_from(chains))]
    assert not better(digit(again, denial, known), digit(chains, denial, known))


@given(_CHAINS, _CHAINS, _BODY, _BAD, st.lists(_NODES, min_size=2, max_size=4), _MARKS)
def test_a_loop_never_raises(  # two sides, two judgements, and the loop
    chains: list[Chain],
    denial: list[Chain],
    pairs: list[Pair],
    bad: set[int],
    ring: list[int],
    marks: int,
) -> None:
    assume(len(set(ring)) > 1)
    known = knowing(bodies(pairs), bad)
    path = (*ring, ring[0])
    before = digit(chains, denial, known)
    assert not better(digit([*chains, (path, marks)], denial, known), before)
    assert not better(digit(chains, [*denial, (path, marks)], known), before)


@given(_CHAINS, _CHAINS, _BODY, _BAD, _CHAIN)
def test_a_denial_never_raises(
    chains: list[Chain], denial: list[Chain], pairs: list[Pair], bad: set[int], one: Chain
) -> None:
    known = knowing(bodies(pairs), bad)
    before = digit(chains, denial, known)
    assert not better(digit(chains, [*denial, one], known), before)


@given(_CHAINS, _CHAINS, _BODY, _BAD)
def test_merging_never_raises_above_what_stands_without_it(
    chains: list[Chain], denial: list[Chain], pairs: list[Pair], bad: set[int]
) -> None:
    before = digit(chains, denial, knowing({}, bad))
    assert not better(digit(chains, denial, knowing(bodies(pairs), bad)), before)


@given(_CHAINS, _CHAINS, _BODY, st.tuples(_NODES, _NODES), _BAD)
def test_one_more_merge_never_raises_where_nothing_ran_in_a_circle(
    chains: list[Chain], denial: list[Chain], pairs: list[Pair], one: Pair, bad: set[int]
) -> None:
    # Who the unnamed source is, is something new about it, and no merge of two that are known.
    chains = [(path, marks & ~UNNAMED) for path, marks in chains]
    known = knowing(bodies(pairs), bad)
    assume(not ends(chains, (), known).loops)
    more = knowing(bodies([*pairs, one]), bad)
    before = digit(chains, denial, known)
    assert not better(digit(chains, denial, more), before)


@given(_CHAINS, _BODY, _BAD, _NODES)
def test_discrediting_never_raises(
    chains: list[Chain], pairs: list[Pair], bad: set[int], one: int
) -> None:
    body = bodies(pairs)
    before = digit(chains, [], knowing(body, bad))
    assert not better(digit(chains, [], knowing(body, bad | {one})), before)


@given(_CHAINS, _CHAINS, st.data())
def test_a_tie_between_reports_never_raises(
    chains: list[Chain], denial: list[Chain], data: st.DataObject
) -> None:
    assume(chains)
    publisher = st.sampled_from(sorted({path[0] for path, _ in chains}))
    ties = data.draw(st.lists(st.tuples(publisher, publisher), min_size=1, max_size=3))
    against = ends(denial)
    before = propose(ends(chains, ties[1:]), against).credibility
    assert not better(propose(ends(chains, ties), against).credibility, before)
