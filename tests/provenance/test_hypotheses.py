"""Competing hypotheses: what counts against them, exactly, in every order."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tearline.provenance.hypotheses import (
    AGAINST,
    MARKS,
    analyse,
    merge,
    says_nothing,
    weight_by,
    weight_of,
)

HYPOTHESES = ("H1", "H2", "H3")
CLAIMS = ("a", "b", "c", "d")
cells = st.tuples(st.sampled_from(CLAIMS), st.sampled_from(HYPOTHESES))
marks = st.dictionaries(cells, st.sampled_from(MARKS), max_size=12)
weights = st.none() | st.fixed_dictionaries(
    {each: st.integers(0, 100).map(weight_of) for each in CLAIMS}
)


@given(marks, weights, st.permutations(CLAIMS))
def test_the_sum_is_what_speaks_against_in_any_order(
    given_: dict[tuple[str, str], str], by: dict[str, Fraction] | None, order: list[str]
) -> None:
    found = analyse(HYPOTHESES, CLAIMS, given_, by)
    again = analyse(HYPOTHESES, order, given_, by)
    assert (found.standings, found.order) == (again.standings, again.order)
    for each in found.standings:
        expected = sum(
            AGAINST.get(mark, 0) * (Fraction(1) if by is None else by[claim])
            for (claim, hypothesis), mark in given_.items()
            if hypothesis == each.hypothesis
        )
        assert each.against == expected
        rated = sum(hypothesis == each.hypothesis for _, hypothesis in given_)
        assert each.unrated == len(CLAIMS) - rated


@given(marks, weights)
def test_ties_stand_together_and_nobody_is_lost(
    given_: dict[tuple[str, str], str], by: dict[str, Fraction] | None
) -> None:
    found = analyse(HYPOTHESES, CLAIMS, given_, by)
    against = {each.hypothesis: each.against for each in found.standings}
    assert sorted(each for group in found.order for each in group) == list(HYPOTHESES)
    for group in found.order:
        assert len({against[each] for each in group}) == 1
    scores = [against[group[0]] for group in found.order]
    assert scores == sorted(set(scores))


@given(marks)
def test_consistency_never_counts(given_: dict[tuple[str, str], str]) -> None:
    milder = {cell: "CC" if mark not in AGAINST else mark for cell, mark in given_.items()}
    plain, changed = analyse(HYPOTHESES, CLAIMS, given_), analyse(HYPOTHESES, CLAIMS, milder)
    assert (plain.standings, plain.order, plain.shifts) == (
        changed.standings,
        changed.order,
        changed.shifts,
    )


@given(marks, weights)
def test_a_claim_shifts_the_order_exactly_where_leaving_it_out_does(
    given_: dict[tuple[str, str], str], by: dict[str, Fraction] | None
) -> None:
    found = analyse(HYPOTHESES, CLAIMS, given_, by)
    shifting = {each.claim: each.order for each in found.shifts}
    for claim in CLAIMS:
        rest = [each for each in CLAIMS if each != claim]
        without = analyse(HYPOTHESES, rest, given_, by).order
        assert shifting.get(claim, found.order) == without
        if says_nothing(claim, HYPOTHESES, given_):
            assert claim in found.silent
            assert claim not in shifting


@given(marks, marks)
def test_merging_keeps_every_mark_of_both_sides_once(
    ours: dict[tuple[str, str], str], theirs: dict[tuple[str, str], str]
) -> None:
    found = merge({"south": theirs, "north": ours})
    assert found == merge({"north": ours, "south": theirs})
    parts = [found.agreed, found.differing, found.alone]
    assert sum(map(len, parts)) == len(ours.keys() | theirs.keys())
    for part in parts:
        for cell, said in part.items():
            assert list(said) == sorted(said)
            assert said.get("north") == ours.get(cell)
            assert said.get("south") == theirs.get(cell)
    assert all(len(set(said.values())) == 1 for said in found.agreed.values())
    assert all(len(set(said.values())) > 1 for said in found.differing.values())
    assert all(len(said) == 1 for said in found.alone.values())


def test_credibility_weighs_by_the_scale_of_stix() -> None:
    assert [weight_by(each) for each in (1, 5, 6, None)] == [
        Fraction(9, 10),
        Fraction(1, 10),
        Fraction(1, 2),
        Fraction(1, 2),
    ]
