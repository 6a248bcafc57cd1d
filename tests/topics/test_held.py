"""Each thing is read once, and answered as the store would."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tearline.store import objects, ties
from tearline.store.database import Place, Store, Tx
from tearline.store.objects import OURS, NewVersion, Relation, Version
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


def kept(
    stix_id: str,
    *states: Relation,
    names: Sequence[tuple[str, str]] = (),
    keys: Sequence[str] = (),
) -> NewVersion:
    type_ = stix_id.partition("--")[0]
    version = Version(0, stix_id, 1, type_, 1, 1, 0, revoked=False, latest=True, hash="", source="")
    relations = [each._replace(via_id=stix_id) for each in states]
    return NewVersion(version, b"{}", relations, names, keys)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    held = [
        kept("relationship--1", Relation("", "indicates", "indicator--b", "malware--a")),
        kept("relationship--2", Relation("", "targets", "malware--a", "identity--d")),
        kept(
            "report--c",
            Relation("", "member", "report--c", "malware--a"),
            Relation("", "member", "report--c", "indicator--b"),
        ),
        kept("sighting--3", names=[("where_sighted_refs", "identity--d")]),
        kept("malware--a", keys=["name:a", "name:b"]),
        kept("malware--z", keys=["name:b"]),
    ]
    with made.write() as tx:
        objects.keep(tx, OURS, held)
    yield made
    made.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_answers_as_the_store_in_whatever_parts_it_is_asked(store: Store, question: str) -> None:
    ask: Callable[[Tx, str, set[str]], Any] = getattr(ties, question)
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
            monkeypatch.setattr(ties, each, None)
        assert first == {each: sorted(getattr(held, each)(IDS)) for each in QUESTIONS}
