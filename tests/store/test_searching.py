"""What an object holds is found by its words, on both databases; what people ask is only data."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tearline.stix.words import RECIPE, Words, holds, mark_of, sought, words_of
from tearline.store import listed, searched
from tearline.store.database import Place, Store, Tx
from tearline.store.schema import open_store
from tests.conftest import BOTH

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
AFRESH = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
HOSTILE = [
    '"',
    '""',
    "'",
    "''",
    "*",
    "a*b*",
    "AND",
    "OR NOT",
    "NEAR(a b)",
    "whole : x",
    "{whole} : x",
    "-x",
    "^x",
    "a + b",
    "(",
    ") OR (1=1",
    "';DROP TABLE searched;--",
    "a & b | !c <-> d",
    "a:*",
    "\\",
    "%s %(asked)s ?",
    "\u202e\u200b\x1b",
    "x" * 5_000,
    '"' * 5_000,
    "a " * 5_000,
    "Ω≈ç√∫µ",
    "漢字",
    "😀",
    "\ud800",
]


@pytest.fixture(scope="module", params=BOTH)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    place: Place = tmp_path_factory.mktemp("searching") / "node.db"
    if request.param == "postgresql":
        place = request.getfixturevalue("postgres").fresh()
    made = open_store(place)
    yield made
    made.close()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop(str(place))


def found(tx: Tx, text: str, *, whole: bool = False) -> list[int]:
    return searched.find(tx, sought(text), limit=100, whole=whole)


def kept(tx: Tx, docs: list[dict[str, Any]]) -> None:
    searched.clear(tx)
    searched.put(tx, [(seq, words_of(doc)) for seq, doc in enumerate(docs, 1)])


@AFRESH
@given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS)
@example(["0*"], "")
def test_an_object_is_found_by_every_word_that_it_holds(
    store: Store, texts: list[str], question: str
) -> None:
    names = ("name", "description", "value", "pattern")
    doc = {"type": "tool", "id": "tool--1", **dict(zip(names, texts, strict=False))}
    with store.write() as tx:
        kept(tx, [{"type": "tool", "id": "tool--0", "name": "another"}, doc])
        words = words_of(doc)
        for text in texts:
            for part in text.split():
                asked = sought(f'"{part}"' if '"' not in part else part)
                if asked.phrases:
                    assert 2 in found(tx, part.replace('"', " "))
        # The database answers as the rule says, whatever is asked.
        for each in (question, *texts, f"{question[:5]}*"):
            assert (2 in found(tx, each)) == holds(words, sought(each))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_question_is_an_error(store: Store, text: str) -> None:
    with store.write() as tx:
        kept(tx, [{"type": "tool", "id": "tool--0", "name": "a b c x漢字"}])
        found(tx, text)
        found(tx, text, whole=True)
        found(tx, f'"{text}"')


@pytest.mark.parametrize(
    ("doc", "questions"),
    [
        (
            {"pattern": "[ipv4-addr:value = '198.51.100.7' OR url:value = 'http://a.example/x?y']"},
            ["198.51.100.7", "198.51.100[.]7", "hxxp://a.example/x?y", "http://a.example/x?y"],
        ),
        ({"value": "Evil.Example"}, ["evil.example", "EVIL.EXAMPLE", "evil[.]example"]),
        (
            {"external_references": [{"source_name": "cve", "external_id": "CVE-2099-1234"}]},
            ["CVE-2099-1234", "cve-2099-1234"],
        ),
        ({"hashes": {"SHA-256": "AB" * 32}}, ["ab" * 32]),
        ({"name": "Gray Heron", "aliases": ["HERON-7"]}, ["gray heron", "heron-7", '"Gray Heron"']),
        ({"name": "Zoë Müller"}, ["zoe muller", "ZOË MÜLLER"]),
    ],
)
def test_a_value_that_is_asked_for_as_it_is_comes_first(
    store: Store, doc: dict[str, Any], questions: list[str]
) -> None:
    with store.write() as tx:
        mention = {"type": "note", "id": "note--1", "content": json.dumps(doc, ensure_ascii=False)}
        kept(tx, [{"type": "tool", "id": "tool--0", **doc}, mention])
        for each in questions:
            assert found(tx, each, whole=True) == [1], each
            assert 1 in found(tx, each), each


def test_words_stand_in_a_row_begin_or_are_all_there(store: Store) -> None:
    with store.write() as tx:
        kept(
            tx,
            [
                {"type": "tool", "id": "tool--1", "name": "ransomware against hospitals"},
                {"type": "malware", "id": "malware--2", "name": "hospitals against ransomware"},
            ],
        )
        assert found(tx, "hospitals ransomware") == [2, 1]
        assert found(tx, '"ransomware against"') == [1]
        assert found(tx, "ransom") == []
        assert found(tx, "ransom*") == [2, 1]
        assert found(tx, "r*") == []  # would read half of all there is
        asked = sought("ransomware")._replace(marks=(mark_of("malware"),))
        assert searched.find(tx, asked, limit=9) == [2]
        assert searched.find(tx, sought("ransomware"), limit=9, before=2) == [1]
        searched.drop(tx, [2])
        assert found(tx, "hospitals ransomware") == [1]


def test_rare_words_are_looked_up_however_often_one_asks(store: Store) -> None:
    """PostgreSQL's plan for any words whatever would walk past everything, from the tenth time."""
    if store.path is not None:
        return  # FTS5 knows no other way than its index
    with store.write() as tx:
        searched.clear(tx)
        searched.put(tx, [(n, Words((), ("sign", f"w{n}"))) for n in range(1, 20_000)])
        tx.exec_driver_sql("ANALYZE searched")
    read = (
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
        " FROM pg_stat_xact_user_tables WHERE relname = 'searched'"
    )
    with store.read() as tx:
        for _ in range(20):
            assert searched.find(tx, sought("sign w77"), limit=51) == [77]
        assert tx.exec_driver_sql(read).scalar_one() <= 100
        assert searched.find(tx, sought("sign"), limit=3) == [19_999, 19_998, 19_997]


def test_what_an_object_says_has_an_end() -> None:
    words = words_of({"type": "note", "id": "note--1", "content": "a b " * 100_000})
    assert len(words.words) == 2_000
    assert words_of({"type": 3, "name": 4, "aliases": [5, None], "hashes": []}) == Words(
        (mark_of("3"),), ()
    )


def test_an_index_of_another_recipe_is_made_anew(store: Store) -> None:
    with store.write() as tx:
        listed.SORTED_IN.put_upto(tx, RECIPE - 1, 7)
        assert listed.SORTED_IN.upto(tx, RECIPE) == 0
        listed.begin_again(tx)
        assert found(tx, "ransomware") == []
