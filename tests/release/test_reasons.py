import re
from pathlib import Path

import pytest

from tearline.release import reasons
from tearline.release.categories import rules_of_category
from tearline.release.reasons import THEIRS, Code, Reason, ours, spell
from tearline.release.rules import DAY, Clause, Facts
from tearline.stix import marking

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reasons.md"
ROW = re.compile(
    r"^\| `(?P<code>[a-z-]+)` \| (?P<ours>.+?) \| (?P<theirs>.+?) \| .+ \|$", re.MULTILINE
)

FACTS = Facts(
    id="malware--1",
    version_at=0,
    type="malware",
    created_at=0,
    marking=marking.RED,
    grade=34,
    now=12 * DAY,
    source_agreement="urn:other",
)
CLAUSE = Clause(
    id="N1",
    complete=True,
    types=frozenset({"tool"}),
    any_topic=False,
    keys=frozenset(),
    stix_ids=frozenset(),
    reach=1,
    members=False,
    marking_max=marking.AMBER,
    letter_min=2,
    digit_min=2,
    max_age=10 * DAY,
    reviews=rules_of_category("victim"),
    approvals=1,
    within=None,
    remove=(),
)


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_sentence_for_us_and_one_for_them(code: Code) -> None:
    for sentence in (ours(code, FACTS, CLAUSE), THEIRS[code]):
        assert sentence.endswith(".")
        assert "{" not in sentence


@pytest.mark.parametrize("code", Code)
def test_what_they_are_told_names_nothing_that_we_hold(code: Code) -> None:
    assert not re.search(r"[{\d]|urn:|TLP:", THEIRS[code])


def test_the_sentence_for_us_has_the_values_of_both_sides() -> None:
    assert (
        ours(Code.MARKING_ABOVE, FACTS, CLAUSE) == "Marked TLP:RED, above TLP:AMBER of clause N1."
    )
    assert ours(Code.GRADE_BELOW, FACTS, CLAUSE) == "Graded C4, below B2 of clause N1."
    assert ours(Code.TOO_OLD, FACTS, CLAUSE) == "12 days old; clause N1 allows 10."
    assert "urn:other" in ours(Code.RECEIVED, FACTS, None)


def test_every_code_has_a_bit_of_its_own_and_is_spelled_from_it() -> None:
    bits = {code: getattr(reasons, code.name) for code in Code}
    assert len(set(bits.values())) == len(Code)
    for code, bit in bits.items():
        assert bit.bit_count() == 1
        assert spell(0, (("N1", bit),)) == (Reason(code, "N1"),)
        assert spell(bit, (("N1", bit), ("N2", bit))) == (Reason(code),)


def test_the_page_of_reasons_says_what_the_code_says() -> None:
    rows = {each["code"]: each for each in ROW.finditer(PAGE.read_text("utf-8"))}
    assert list(rows) == list(Code)
    for code in Code:
        assert rows[code]["theirs"] == THEIRS[code]
        assert rows[code]["ours"] == reasons.OURS[code]
