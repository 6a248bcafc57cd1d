"""What is written as TOML is read as the same again."""

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.template import template
from tearline.agreement.terms import parse_toml, read_toml, to_bytes
from tearline.agreement.writing import write_toml
from tests.pair import START, make_pair

texts = st.text(max_size=30)
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-(2**60), 2**60)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(texts, values, max_size=6))
def test_any_document_comes_back(document: dict[str, Any]) -> None:
    assert tomllib.loads(write_toml(document)) == document


def test_a_new_agreement_says_the_same_when_written_again(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    for text in (
        template(pair.north.card, pair.south.card, now=START),
        pair.terms(shape='coarsen = { dates = "month" }', more='never = ["a", "b"]'),
    ):
        again = write_toml(read_toml(text))
        assert to_bytes(parse_toml(again)) == to_bytes(parse_toml(text))


def test_a_document_is_written_as_people_write_it(tmp_path: Path) -> None:
    text = write_toml(read_toml(make_pair(tmp_path).terms()))
    assert 'valid = { from = "2026-02-01", until = "2026-12-31" }' in text
    assert "\n[party.north]\n" in text
    assert "\n[[clause]]\n" in text
    assert text.index('marking_max = "TLP:AMBER"') > text.index('topics = ["T1"]')
