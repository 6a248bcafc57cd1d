"""Each thing is read once, and answered as the store would."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tearline.store import objects
from tearline.store.database import Place, Store, Tx, insert_rows
from tearline.store.objects import OURS, reference, relation, topic_key
from tearline.store.schema import open_store
from tearline.topics.held import Held

IDS = ["malware--a", "indicator--b", "report--c", "identity--d", "unknown--e", "relationship--1"]
QUESTIONS = (
    "relations_from",
    "relations_to",
    "relations_via",
    "references_of",
    "references_to",
    "victims",
)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    with made.write() as tx:
        ties = [
            ("relationship--1", "indicates", "indicator--b", "malware--a"),
            ("relationship--2", "targets", "malware--a", "identity--d"),
            ("report--c", "member", "report--c", "malware--a"),
            ("report--c", "member", "report--c", "indicator--b"),
        ]
        insert_rows(tx, relation, [(OURS, *each) for each in ties])
        named = [("sighting--3", "where_sighted_refs", "identity--d")]
        insert_rows(tx, reference, [(OURS, *each) for each in named])
        keys = [("name:a", "malware--a"), ("name:b", "malware--a"), ("name:b", "malware--z")]
        insert_rows(tx, topic_key, [(OURS, *each) for each in keys])
    yield made
    made.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_answers_as_the_store_in_whatever_parts_it_is_asked(store: Store, question: str) -> None:
    ask: Callable[[Tx, str, set[str]], Any] = getattr(objects, question)
    with store.read() as tx:
        held = Held(tx, OURS)
        getattr(held, question)(IDS[:2])
        for some in (set(IDS[:3]), set(IDS[1:]), set(IDS)):
            assert sorted(getattr(held, question)(some)) == sorted(ask(tx, OURS, some))


def test_the_smallest_of_the_keys_asked_for_is_told(store: Store) -> None:
    with store.read() as tx:
        held = Held(tx, OURS)
        assert held.keyed({"name:b"}) == {"malware--a": "name:b", "malware--z": "name:b"}
        assert held.keyed({"name:b", "name:a", "name:c"}) == {
            "malware--a": "name:a",
            "malware--z": "name:b",
        }


def test_what_was_read_is_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.read() as tx:
        held = Held(tx, OURS)
        first = {each: sorted(getattr(held, each)(IDS)) for each in QUESTIONS}
        for each in QUESTIONS:
            monkeypatch.setattr(objects, each, None)
        assert first == {each: sorted(getattr(held, each)(IDS)) for each in QUESTIONS}
