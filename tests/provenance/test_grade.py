import pytest

from tearline.provenance import grade
from tearline.provenance.chains import FIRM, NOBODY, STATED, UNNAMED, Chain, Ends, ends, knowing
from tearline.provenance.grade import Flag, better, credibility, propose, sentence

SAID = STATED | FIRM
NAMES = {
    1: "a news page",
    2: "a daily",
    3: "a weekly",
    4: "a ministry spokeswoman",
    5: "an envoy",
    6: "the armed movement",
    7: "a broadcaster",
}


def side(*chains: Chain, bad: tuple[int, ...] = ()) -> Ends:
    return ends(chains, (), knowing({}, bad))


def told(support: Ends, denial: Ends = NOBODY) -> str:
    return sentence(support, denial, NAMES.__getitem__)


@pytest.mark.parametrize(
    ("supporting", "against", "firm", "digit"),
    [
        (0, 0, 0, 6),
        (0, 1, 0, 5),
        (1, 0, 1, 3),
        (1, 2, 1, 4),
        (2, 1, 2, 3),
        (2, 0, 2, 2),
        (2, 0, 1, 3),
        (9, 0, 9, 2),
    ],
)
def test_the_table(supporting: int, against: int, firm: int, digit: int) -> None:
    assert credibility(supporting, against, firm) == digit


def test_one_is_never_proposed() -> None:
    assert grade.CONFIRMED not in {
        credibility(s, d, f) for s in range(30) for d in range(3) for f in range(s + 1)
    }


def test_knowing_nothing_is_better_than_improbable() -> None:
    assert [each for each in range(1, 7) if better(6, each)] == [5]


def test_three_reports_on_one_origin_and_a_denial_are_doubtful() -> None:
    support = side(((1, 7, 4), SAID), ((2, 4), SAID), ((3, 4), SAID))
    assert propose(support, NOBODY) == (1, 0, 3, Flag.ECHO)
    denial = side(((1, 6), SAID))
    assert propose(support, denial) == (1, 1, 4, Flag.ECHO)
    assert told(support, denial) == (
        "Three reports rest on one origin, a ministry spokeswoman; the armed movement denies it: 4."
    )


def test_a_denial_is_weighed_as_what_it_is() -> None:
    said = sentence(side(((1, 6), SAID)), side(((1, 4), SAID)), NAMES.__getitem__, denied=True)
    assert said == (
        "One report rests on one origin, the armed movement; "
        "a ministry spokeswoman says the contrary: 4."
    )


def test_two_origins_by_hearsay_are_only_possible() -> None:
    support = side(((1, 4), STATED), ((2, 5), SAID))
    assert told(support) == (
        "Two reports rest on two independent origins, a ministry spokeswoman and an envoy; "
        "no two of them are more than hearsay: 3."
    )


def test_what_is_left_out_is_said() -> None:
    support = side(((1, 4), SAID), ((2, 9), SAID | UNNAMED), ((3,), FIRM), bad=(4,))
    assert propose(support, NOBODY).flags == (
        Flag.ECHO | Flag.UNNAMED | Flag.UNSTATED | Flag.DISCREDITED
    )
    assert told(support) == (
        "Three reports rest on one origin, a weekly; what comes by a ministry spokeswoman is left "
        "out, as discredited or unreliable; an unnamed source counts nothing; a weekly does not "
        "say from whom: 3."
    )


def test_a_loop_is_told_and_two_unnamed_are_nothing() -> None:
    assert told(side(((1, 2), FIRM), ((2, 1), FIRM))) == (
        "Two reports rest on no origin that counts; "
        "a loop of sources that cite each other counts nothing: 6."
    )
    assert propose(side(((1, 8), UNNAMED), ((2, 9), UNNAMED)), NOBODY).credibility == grade.UNKNOWN


def test_of_many_origins_the_first_are_named() -> None:
    support = side(*(((each,), SAID) for each in range(20, 32)))
    said = sentence(support, NOBODY, str)
    assert said == "12 reports rest on 12 independent origins, 20, 21, 22, 23 and 8 more: 2."
