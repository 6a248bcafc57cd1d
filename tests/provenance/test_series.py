"""Numbers over time: in order, and apart by unit."""

from hypothesis import given
from hypothesis import strategies as st

from tearline.provenance.series import Point, series

_POINTS = st.builds(
    Point,
    at=st.none() | st.integers(0, 9),
    until_at=st.none(),
    number=st.floats(allow_nan=False),
    upto=st.none(),
    bound=st.just("about"),
    unit=st.sampled_from(["men", "Men ", "tons", "metric  tons", "metric tons"]),
    polarity=st.sampled_from(["asserted", "denied"]),
    claim=st.sampled_from("abcdef"),
    title=st.just(""),
    source=st.just(""),
)


@given(st.lists(_POINTS))
def test_every_point_is_there_once_in_the_order_of_dates(points: list[Point]) -> None:
    found = series(points)
    assert sorted(map(repr, (p for each in found for p in each.points))) == sorted(
        map(repr, points)
    )
    names = [" ".join(each.unit.casefold().split()) for each in found]
    assert len(set(names)) == len(names) <= 3
    for each in found:
        dates = [10 if p.at is None else p.at for p in each.points]
        assert dates == sorted(dates)
        assert {" ".join(p.unit.casefold().split()) for p in each.points} == {
            " ".join(each.unit.casefold().split())
        }
