"""Contradictions and openness are warned of, with the clause named."""

import pytest

from tearline.agreement.terms import parse_toml, warnings
from tests.agreement.sides import DAY, NOW, Sides, terms, text


@pytest.mark.parametrize(
    ("line", "other", "warning"),
    [
        (
            '"indicator", ',
            '"course-of-action", ',
            "clause N1 · types: Nothing ties a course-of-action to a topic, so none goes.",
        ),
        (
            ', "relationship"',
            "",
            "clause N1 · types: Without relationship, nothing goes that is tied to a topic.",
        ),
        (
            'countries = "*"',
            'countries = { victim = ["SE"] }',
            "clause N1 · countries: Without relationship and location, no country can be shown.",
        ),
        (
            "reach = 1",
            "reach = 1\nnever = ['T1']",
            "clause N1 · never: It never gives T1, and is limited to what is about it.",
        ),
        (
            "max_age_days = 180",
            'max_age_days = "*"\nexpired = true',
            "clause N1 · expired: What has expired goes, however old it is.",
        ),
    ],
)
def test_a_contradiction_is_warned_of(sides: Sides, line: str, other: str, warning: str) -> None:
    assert line in text(sides)
    assert warning not in warnings(terms(sides))
    assert warning in warnings(parse_toml(text(sides).replace(line, other, 1)))


def test_a_clause_that_only_its_review_protects_is_warned_of(sides: Sides) -> None:
    review = 'review = {when=["victim"], approvals=2, within_hours=9, silence="withhold"}'
    wide = (
        text(sides)
        .replace('topics = ["T1"]', f'topics = "*"\n{review}', 1)
        .replace('types = ["indicator", "malware", "relationship"]', 'types = "*"', 1)
        .replace("TLP:AMBER", "TLP:RED", 1)
        .replace('"B2"', '"*"', 1)
        .replace("max_age_days = 180", 'max_age_days = "*"', 1)
    )
    said = "clause N1 · review: Only the review protects here: every other limit is open."
    assert said in warnings(parse_toml(wide))


def test_two_ends_of_a_relation_that_share_a_name_are_warned_of(sides: Sides) -> None:
    more = '[[topic]]\nid = "T2"\nnames = ["Example Spider"]\n'
    more += '[[topic]]\nid = "T3"\nbetween = ["T1", "T2"]\n\n[[clause]]'
    made = parse_toml(text(sides).replace("[[clause]]", more, 1))
    said = "topic T3 · between: T1 and T2 share a name: what has it is both at once."
    assert said in warnings(made)


def test_an_agreement_whose_time_is_over_is_warned_of(sides: Sides) -> None:
    said = "valid: It has ended already: nothing will go."
    assert said not in warnings(terms(sides), now=NOW)
    assert said in warnings(terms(sides), now=NOW + 400 * DAY)


def test_what_the_law_asks_is_asked_until_it_is_said(sides: Sides) -> None:
    found = {each.partition(": ")[0] for each in warnings(terms(sides))}
    assert {"purpose · legal_basis", "purpose · special_categories"} <= found
    assert {"party north · role", "party south · role"} <= found
    purpose = '[purpose]\ntext = "Stop."\nlegal_basis = "no-personal-data"\n\n[[topic]]'
    said = warnings(parse_toml(text(sides).replace("[[topic]]", purpose, 1)))
    assert not {each for each in said if " role" in each or "legal" in each}


def test_a_border_without_a_ground_is_warned_of(sides: Sides) -> None:
    abroad = text(sides).replace("\n[party.south]", 'country = "SE"\n\n[party.south]', 1)
    said = "transfer: The parties are not of one country, and no ground for a transfer is named."
    assert said in warnings(parse_toml(abroad))
    grounded = abroad.replace("[[topic]]", "[transfer]\nground = 'adequacy'\n\n[[topic]]", 1)
    assert said not in warnings(parse_toml(grounded))
