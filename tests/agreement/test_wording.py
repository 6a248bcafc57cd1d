"""Each line in English, warnings, differences, and the template."""

import msgspec
import pytest

from tearline.agreement.change import changes
from tearline.agreement.document import NEEDED_LIMITS
from tearline.agreement.template import Receiver, template
from tearline.agreement.terms import parse_toml, sentences, to_bytes, warnings
from tearline.errors import InputError
from tests.agreement.sides import NOW, Sides, paper_terms, terms, text

OTHER = "another one, neither wider nor narrower"


def test_every_line_of_the_document_has_a_sentence(sides: Sides) -> None:
    made = parse_toml(_full(sides))
    said = sentences(made)
    document = msgspec.json.decode(to_bytes(made))
    for clause in document["clause"]:
        for line in set(clause) - {"id", "from", "to"}:
            assert any(each.startswith(f"clause {clause['id']} · {line}: ") for each in said), line
    for topic in document["topic"]:
        for line in set(topic) - {"id"}:
            assert any(each.startswith(f"topic {topic['id']} · {line}: ") for each in said), line
    for slot, party in document["party"].items():
        for line in set(party) - {"name", "slug", "country"}:
            assert any(each.startswith(f"party {slot} · {line}: ") for each in said), line
    for line in document["onward"]:
        assert any(each.startswith(f"onward · {line}: ") for each in said), line
    for line in set(document) - {"schema", "party", "topic", "clause", "purpose"}:
        assert any(each.startswith(line) for each in said), line
    assert all(each.endswith(".") for each in said)


def _full(sides: Sides) -> str:
    more = (
        'remove = ["x_source_*", "created_by_ref"]\n'
        'never = ["Harbour Clinic"]\npap_max = "PAP:AMBER"\nstatements = ["Ours"]\n'
        'iep = "*"\nexpired = true\n'
        'pseudonymise = ["identity.name"]\n'
        'coarsen = { dates = "month", places = "country" }\n'
        'review = { when = ["victim", "harm"], approvals = 2, within_hours = 72, '
        'silence = "withhold" }\n'
    )
    party = (
        'country = "SE"\nrole = "controller"\napprover = ["director", "legal"]\n'
        'reviewed = [{ who = "the legal office", what = "law", on = "2026-01-05" }]\n'
    )
    return (
        text(sides)
        .replace("\n[party.south]", f"{party}\n[party.south]")
        .replace(
            "\n[[topic]]",
            '\n[purpose]\ntext = "Stop it."\nnever = ["resale"]\nlegal_basis = "public-task"\n'
            'special_categories = "excluded"\n\n[transfer]\nground = "none"\n\n[[topic]]\n'
            'id = "T3"\nbetween = ["T1", "T2"]\n\n[[topic]]\nid = "T2"\nnames = ["E"]\n\n[[topic]]',
        )
        .replace(
            'names = ["Example Spider"]', 'names = ["A", "B"]\naliases = ["C"]\nlabels = ["d"]'
        )
        .replace("reach = 1", f"reach = 1\n{more}", 1)
        + '\n[retention]\nafter_end = "keep"\n'
        '\n[onward]\nallowed = true\nto = ["east-cert"]\nmarking_max = "TLP:GREEN"\n'
        "ask_first = false\n"
        + '\n[[category]]\nid = "personal-data"\nproperties = ["x_patient_*"]\nlabels = ["p"]\n'
    )


def test_sentences_say_what_the_limits_mean(sides: Sides) -> None:
    said = "\n".join(sentences(parse_toml(_full(sides))))
    for part in (
        "clause N1: North CERT gives South ISAC what meets every one of the following limits.",
        "“indicator”, “malware” and “relationship”",
        "until the end of 2026-12-31",
        "a source usually reliable, information probably true",
        "What names a victim or could help to hurt others waits until two people have approved it",
        "after 72 hours of silence it is withheld. What holds personal data, shows a source",
        "clause S1 · review: What names a victim, holds personal data, shows a source,",
        "a pseudonym takes the place of these: “identity.name”; it is the same one",
        "Before it goes, dates say no more than the month and places no more than the country.",
        "holds personal data: whatever has one of the properties “x_patient_*”, or of the labels ",
        "the receiver may keep what it got",
    ):
        assert part in said


@pytest.mark.parametrize("limit", NEEDED_LIMITS)
def test_a_limit_left_out_is_legal_and_warned_of(sides: Sides, limit: str) -> None:
    lines = [each for each in text(sides).splitlines() if not each.startswith(f"{limit} = ")]
    made = parse_toml("\n".join(lines))
    assert made.clause[0].left_out == (limit,)
    assert f"clause N1 · {limit}: `{limit}` is left out, so this clause releases nothing." in (
        warnings(made)
    )
    assert any(
        each.startswith(f"clause N1 · {limit}: `{limit}` is left out") for each in (sentences(made))
    )


def test_wide_limits_are_warned_of(sides: Sides) -> None:
    wide = (
        text(sides)
        .replace('topics = ["T1"]', 'topics = "*"\nmembers = true')
        .replace('types = ["indicator", "malware", "relationship"]', 'types = ["indicater"]')
        .replace("TLP:AMBER", "TLP:RED")
        .replace('"B2"', '"*"')
    )
    places = {each.partition(": ")[0] for each in warnings(parse_toml(wide))}
    for line in ("topics", "types", "members", "marking_max", "grading_min"):
        assert f"clause N1 · {line}" in places
    assert "topic T1" in places


ASKED = "review = { when = ['harm'], approvals = 2, within_hours = 72, silence = 'withhold' }"
SHAPES = [
    ("remove = ['x_a*']", "remove = ['x_ab', 'x_ac*']", "wider"),
    ("remove = ['x_a*']", "remove = ['x_*']", "narrower"),
    ("remove = ['x_a*']", "remove = ['x_b']", OTHER),
    ("pseudonymise = ['identity.name']", "pseudonymise = ['note.authors']", OTHER),
    ("coarsen = { dates = 'day' }", "coarsen = { dates = 'month' }", "narrower"),
    ("coarsen = { places = 'region' }", "coarsen = { places = 'country' }", "wider"),
    ("coarsen = { places = 'region' }", "coarsen = { dates = 'day' }", OTHER),
    (ASKED, ASKED.replace("['harm']", "['harm', 'source']"), "wider"),
    (ASKED, ASKED.replace("2", "1", 1), "wider"),
    (ASKED, ASKED.replace("72", "24"), "narrower"),
    (ASKED, ASKED.replace("2", "1", 1).replace("72", "24"), OTHER),
]


@pytest.mark.parametrize(("old", "new", "turn"), SHAPES)
def test_another_cut_or_review_is_said_to_be_wider_or_narrower(
    sides: Sides, old: str, new: str, turn: str
) -> None:
    was, now = (text(sides).replace("reach = 1", f"reach = 1\n{each}", 1) for each in (old, new))
    found = changes(parse_toml(was), parse_toml(now))
    assert sum(each.endswith(f"this limit became {turn}.") for each in found) == 1


@pytest.mark.parametrize(
    ("old", "new", "turn"),
    [
        ("", "labels = ['a']", "narrower"),
        ("labels = ['a', 'b']", "labels = ['a']", "wider"),
        ("labels = ['a']", "types = ['file']", OTHER),
    ],
)
def test_what_is_added_to_a_category_makes_it_narrower(
    sides: Sides, old: str, new: str, turn: str
) -> None:
    was, now = (
        f"{text(sides)}\n[[category]]\nid = 'harm'\n{each}\n" if each else text(sides)
        for each in (old, new)
    )
    found = changes(parse_toml(was), parse_toml(now))
    assert f"category harm: what is let through became {turn}." in found


@pytest.mark.parametrize(
    ("old", "new", "turn"),
    [
        ("reach = 1", "reach = 2", "wider"),
        ("reach = 1", "reach = 0", "narrower"),
        ("TLP:AMBER", "TLP:AMBER+STRICT", "wider"),
        ("TLP:AMBER", "TLP:GREEN", "narrower"),
        ("max_age_days = 180", 'max_age_days = "*"', "wider"),
        ("max_age_days = 180", "", "narrower"),
        ('"B2"', '"C3"', "wider"),
        ('"B2"', '"A2"', "narrower"),
        ('"B2"', '"A3"', OTHER),
        ('"indicator", ', "", "narrower"),
        ('"indicator", ', '"tool", ', OTHER),
        ('"indicator", ', '"indicator", "tool", ', "wider"),
        ("reach = 1", "reach = 1\nmembers = true", "wider"),
        ("reach = 1", "reach = 1\nremove = ['x_a']", "narrower"),
        ("reach = 1", "reach = 1\npseudonymise = ['identity.name']", "narrower"),
        ("reach = 1", "reach = 1\npseudonymise = ['note.source_chain']", "wider"),
        ("reach = 1", "reach = 1\ncoarsen = { dates = 'day' }", "narrower"),
        ("reach = 1", f"reach = 1\n{ASKED}", "wider"),
        ('countries = "*"', 'countries = { victim = ["SE"] }', "narrower"),
        ('countries = "*"', "", "narrower"),
        ('confidence_min = "*"', "confidence_min = 60", "narrower"),
        ("reach = 1", 'reach = 1\npap_max = "PAP:AMBER"', "wider"),
        ("reach = 1", 'reach = 1\nstatements = ["Ours"]', "wider"),
        ("reach = 1", 'reach = 1\niep = "*"', "wider"),
        ("reach = 1", "reach = 1\nexpired = true", "wider"),
        ("reach = 1", 'reach = 1\nnever = ["Harbour Clinic"]', "narrower"),
    ],
)
def test_a_changed_limit_is_said_to_be_wider_or_narrower(
    sides: Sides, old: str, new: str, turn: str
) -> None:
    found = changes(terms(sides), parse_toml(text(sides).replace(old, new)))
    assert sum(each.endswith(f"this limit became {turn}.") for each in found) == 2
    assert any("It was:" in each or ": added: " in each for each in found)


def test_what_is_the_same_is_no_change(sides: Sides) -> None:
    old = terms(sides)
    assert changes(old, old) == []
    new = parse_toml(
        text(sides, version=2, replaces=f"sha256:{'0' * 64}", title="Clinics").split("[[clause]]")[
            0
        ]
    )
    found = changes(old, new)
    assert found[0].startswith("title: now:")
    assert any(each.startswith("clause S1: dropped:") for each in found)
    assert any(each.startswith("clause N1 · types: added:") for each in changes(new, old))


def test_the_template_is_an_agreement_of_the_two(sides: Sides) -> None:
    made = parse_toml(template(sides.north.card, sides.south.card, now=NOW))
    assert {each.slug for each in made.party.values()} == {"north-cert", "south-isac"}
    assert [clause.left_out for clause in made.clause] == [(), ()]
    assert set(made.party) == {"north-cert", "south-isac"}
    assert [clause.id for clause in made.clause] == ["N1", "S1"]
    assert made.valid.from_ == "2026-01-06"
    one_sided = parse_toml(template(sides.north.card, Receiver(), now=NOW))
    assert one_sided.one_sided


def test_a_one_sided_agreement_says_so(sides: Sides) -> None:
    said = sentences(paper_terms(sides.north))
    assert any(each.startswith("one_sided: One party has no keys") for each in said)


ONWARD = '\n[onward]\nallowed = true\nto = ["east-cert"]\nmarking_max = "TLP:GREEN"\n'


@pytest.mark.parametrize(
    ("old", "new", "turn"),
    [
        ("", ONWARD, "wider"),
        (ONWARD, "", "narrower"),
        (ONWARD, ONWARD.replace('["east-cert"]', '"*"'), "wider"),
        (ONWARD, ONWARD.replace("GREEN", "CLEAR"), "narrower"),
        (ONWARD, f"{ONWARD}ask_first = false\n", "wider"),
        (ONWARD, ONWARD.replace("east", "west"), "another one, neither wider nor narrower"),
    ],
)
def test_an_onward_rule_is_said_to_be_wider_or_narrower(
    sides: Sides, old: str, new: str, turn: str
) -> None:
    found = changes(parse_toml(text(sides) + old), parse_toml(text(sides) + new))
    assert f"onward: what may be passed on became {turn}." in found


def test_an_onward_rule_is_read_back_with_its_warnings(sides: Sides) -> None:
    said = sentences(parse_toml(f'{text(sides)}\n[onward]\nallowed = true\nto = "*"\n'))
    assert "onward · marking_max: `marking_max` is left out, so nothing may be passed on." in said
    free = '\n[onward]\nallowed = true\nto = "*"\nmarking_max = "TLP:RED"\nask_first = false\n'
    warned = [each for each in warnings(parse_toml(text(sides) + free)) if "onward" in each]
    assert [each.partition(":")[0] for each in warned] == [
        "onward · to",
        "onward · marking_max",
        "onward · ask_first",
    ]


@pytest.mark.parametrize(
    ("was", "now", "turn"),
    [
        ("objects_per_day = 10", "objects_per_day = 20", "wider"),
        ("objects_per_day = 20", "objects_per_day = 10", "narrower"),
        ("", "requests_per_hour = 1", "narrower"),
        ("requests_per_hour = 600", "", "wider"),
    ],
)
def test_a_changed_number_is_said_to_be_wider_or_narrower(
    sides: Sides, was: str, now: str, turn: str
) -> None:
    old, new = (parse_toml(f"{text(sides)}\n[limits]\n{each}\n") for each in (was, now))
    name = (was or now).partition(" ")[0]
    said = changes(old, new)
    assert said[-1] == f"limits · {name}: this limit became {turn}."
    assert any(each.startswith(f"limits · {name}: ") for each in sentences(old if was else new))


def test_a_number_is_at_least_one_and_known(sides: Sides) -> None:
    for wrong in ("objects_per_day = 0", "objects_per_day = '*'", "match_items_per_day = 5"):
        with pytest.raises(InputError) as caught:
            parse_toml(f"{text(sides)}\n[limits]\n{wrong}\n")
        assert "limits" in caught.value.place
